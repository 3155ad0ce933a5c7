//! Settings of mail.

use super::{DATABASE, PRODUCTION, faults, load};
use crate::config::SmtpTls;

fn fault_of(name: &str, value: &str) -> String {
    faults(&[DATABASE, (&format!("HELIOGRAPH_MAIL__{name}"), value)])
}

#[test]
fn the_port_follows_the_encryption_unless_it_is_set() {
    let port = |settings: &[(&str, &str)]| load(&[&[DATABASE], settings].concat()).expect("good").mail.port();
    assert_eq!(port(&[]), 587);
    assert_eq!(port(&[("HELIOGRAPH_MAIL__SMTP_TLS", "tls")]), 465);
    assert_eq!(port(&[("HELIOGRAPH_MAIL__SMTP_TLS", "none")]), 25);
    assert_eq!(port(&[("HELIOGRAPH_MAIL__SMTP_TLS", "tls"), ("HELIOGRAPH_MAIL__SMTP_PORT", "2525")]), 2525);
    assert_eq!(load(&[DATABASE]).expect("good").mail.smtp_tls, SmtpTls::StartTls);
}

#[test]
fn what_no_mail_can_be_sent_with_stops_the_start_by_name() {
    for (name, value) in [
        ("FROM", "Shop <crm@example.com>"),
        ("FROM", "crm@example"),
        ("FROM", "crm"),
        ("REPLY_TO", "a@b@example.com"),
        ("BOUNCE_ADDRESS", "bounce@example.com\r\nBcc: x@example.com"),
        ("SMTP_HOST", "smtp://mail.example.com"),
        ("SMTP_HOST", "mail.example.com:587"),
        ("SMTP_PORT", "0"),
        ("SMTP_PORT", "70000"),
        ("SMTP_TLS", "ssl"),
        ("SMTP_PASSWORD", "hunter2"),
        ("SMTP_USER", "crm"),
        ("SMTP_TIMEOUT_MS", "0"),
        ("SMTP_TIMEOUT_MS", "60001"),
        ("KEEP_DAYS", "0"),
    ] {
        let text = fault_of(name, value);
        assert!(text.contains(&format!("`mail.{}` (environment variable HELIOGRAPH_MAIL__{name}", name.to_lowercase())), "{name}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn production_needs_a_mail_server_or_a_folder_on_purpose() {
    let without: Vec<_> = PRODUCTION.into_iter().filter(|(name, _)| *name != "HELIOGRAPH_MAIL__SMTP_HOST").collect();
    assert!(faults(&without).contains("`mail.smtp_host` (not set): must be set in production (or mail.dir"));
    load(&[&without[..], &[("HELIOGRAPH_MAIL__DIR", "/var/mail/heliograph")]].concat()).expect("on purpose");
}

#[test]
fn production_sends_no_password_in_the_clear() {
    let clear =
        [("HELIOGRAPH_MAIL__SMTP_TLS", "none"), ("HELIOGRAPH_MAIL__SMTP_USER", "crm"), ("HELIOGRAPH_MAIL__SMTP_PASSWORD", "hunter2")];
    assert!(faults(&[&PRODUCTION[..], &clear].concat()).contains("`mail.smtp_tls`"));
    load(&[&PRODUCTION[..], &clear[..1]].concat()).expect("a mail server of one's own");
}
