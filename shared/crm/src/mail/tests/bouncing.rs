//! Mails that come back.

use super::*;
use crate::mail::bounces::{BounceError, Verdict, read as read_bounce, record};

const ID: &str = "019cab5e-8a00-7000-8000-000000000001";

/// As Postfix writes them: named by recipient, with the whole mail returned.
fn from_postfix(to: &str, action: &str, status: &str, message_id: &str) -> String {
    format!(
        "Return-Path: <>\r\nReceived: by mail.example.org (Postfix) id 4C1D2; Sun, 1 Mar 2026 10:00:05 +0000 (UTC)\r\n\
Date: Sun, 1 Mar 2026 10:00:05 +0000 (UTC)\r\nFrom: MAILER-DAEMON@mail.example.org (Mail Delivery System)\r\n\
Subject: Undelivered Mail Returned to Sender\r\nTo: {to}\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"4C1D2.1772359205/mail.example.org\"\r\n\
Message-Id: <20260301100005.4C1D2@mail.example.org>\r\n\r\nThis is a MIME-encapsulated message.\r\n\r\n\
--4C1D2.1772359205/mail.example.org\r\nContent-Description: Notification\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
I'm sorry to have to inform you that your message could not\r\nbe delivered to one or more recipients.\r\n\r\n\
--4C1D2.1772359205/mail.example.org\r\nContent-Description: Delivery report\r\nContent-Type: message/delivery-status\r\n\r\n\
Reporting-MTA: dns; mail.example.org\r\nX-Postfix-Queue-ID: 4C1D2\r\nArrival-Date: Sun,  1 Mar 2026 10:00:04 +0000 (UTC)\r\n\r\n\
Final-Recipient: rfc822; ada@example.com\r\nOriginal-Recipient: rfc822;ada@example.com\r\nAction: {action}\r\nStatus: {status}\r\n\
Remote-MTA: dns; mx.example.com\r\nDiagnostic-Code: smtp; {} {status} <ada@example.com>: Recipient address\r\n    rejected: User unknown\r\n\r\n\
--4C1D2.1772359205/mail.example.org\r\nContent-Description: Undelivered Message\r\nContent-Type: message/rfc822\r\n\r\n\
Return-Path: <no-reply@crm.example.com>\r\nMessage-ID: <{message_id}>\r\nFrom: Test <no-reply@crm.example.com>\r\n\
To: Ada Lovelace <ada@example.com>\r\nSubject: Choose a new password for Test\r\n\r\nHello Ada,\r\n\r\n\
--4C1D2.1772359205/mail.example.org--\r\n",
        if status.starts_with('5') { 550 } else { 450 },
    )
}

/// As Exim and Exchange write them: headers only, and the report in another letter case.
const HEADERS_ONLY: &str = "From: postmaster@example.com\nTo: no-reply@crm.example.com\nSubject: Undeliverable\nMIME-Version: 1.0\n\
Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n--b\nContent-Type: text/html\n\n<p>No.</p>\n--b\n\
Content-Type: Message/Delivery-Status\n\nReporting-MTA: dns;mx.example.com\n\nfinal-recipient: RFC822;ada@example.com\naction: Failed\n\
STATUS: 5.7.1 (policy)\ndiagnostic-code: smtp;550 5.7.1 not wanted\n\n--b\nContent-Type: text/rfc822-headers\n\n\
Message-ID: <019cab5e-8a00-7000-8000-000000000001@crm.example.com>\nSubject: x\n\n--b--\n";

#[test]
fn a_notification_names_its_mail_by_recipient_or_by_what_it_returns() {
    let verp = format!("bounce+{ID}@crm.example.com");
    for notification in [
        from_postfix(&verp, "failed", "5.1.1", "somebody@else"),
        from_postfix("no-reply@crm.example.com", "failed", "5.1.1", &format!("{ID}@crm.example.com")),
        from_postfix("no-reply@crm.example.com", "failed", "5.1.1", "x@y").replace("To: no", &format!("Delivered-To: {verp}\r\nTo: no")),
        from_postfix("no-reply@crm.example.com", "failed", "5.1.1", "x@y")
            .replace("Auto-Submitted", &format!("In-Reply-To: <{ID}@crm.example.com>\r\nAuto-Submitted")),
        HEADERS_ONLY.to_owned(),
    ] {
        let bounce = read_bounce(notification.as_bytes()).unwrap_or_else(|error| panic!("{error}: {notification}"));
        assert_eq!((bounce.mail.to_string().as_str(), bounce.verdict), (ID, Verdict::Bounced), "{notification}");
    }
    let bounce = read_bounce(from_postfix(&verp, "failed", "5.1.1", "x@y").as_bytes()).unwrap();
    assert_eq!(bounce.reason, "5.1.1 550 5.1.1 <ada@example.com>: Recipient address rejected: User unknown");
}

#[test]
fn only_what_will_never_arrive_counts_as_bounced() {
    let verp = format!("bounce+{ID}@crm.example.com");
    for (action, status, verdict) in [
        ("failed", "5.2.2", Verdict::Bounced),
        ("failed", "4.4.7", Verdict::Late),
        ("delayed", "4.4.1", Verdict::Late),
        ("delivered", "2.0.0", Verdict::Delivered),
        ("relayed", "2.0.0", Verdict::Delivered),
    ] {
        let bounce = read_bounce(from_postfix(&verp, action, status, "x@y").as_bytes()).unwrap();
        assert_eq!(bounce.verdict, verdict, "{action} {status}");
    }
}

#[test]
fn what_is_no_notification_or_names_no_mail_is_told_apart() {
    let plain = "From: a@b.example\r\nTo: bounce+019cab5e-8a00-7000-8000-000000000001@crm.example.com\r\nSubject: I am away\r\n\r\nBack on Monday.\r\n";
    for nonsense in ["", "\0\u{1}", plain] {
        assert!(matches!(read_bounce(nonsense.as_bytes()), Err(BounceError::NoNotification)), "{nonsense}");
    }
    let nobodys = from_postfix("bounce+1@crm.example.com", "failed", "5.1.1", "x@y");
    assert!(matches!(read_bounce(nobodys.as_bytes()), Err(BounceError::NamesNoMail)));
}

#[tokio::test]
async fn a_bounce_is_recorded_once_and_a_late_mail_is_noted() {
    let post = Post::new().await;
    let (id, _) = post.reset_mail().await;
    post.run().await;
    let (db, now) = (&post.arranged.db, post.arranged.clock.now());
    let notification = |action, status| from_postfix(&format!("bounce+{id}@crm.example.com"), action, status, "x@y").into_bytes();

    record(db, now, &notification("delayed", "4.4.1")).await.unwrap();
    let late = post.mail(id).await;
    assert_eq!((late.state, late.bounced_at), (MailState::Sent, None));
    assert!(late.error.unwrap().starts_with("4.4.1 "));

    for _ in 0..2 {
        record(db, now, &notification("failed", "5.1.1")).await.unwrap();
        post.arranged.clock.advance(chrono::TimeDelta::minutes(1));
    }
    record(db, now, &notification("delayed", "4.4.1")).await.unwrap();
    let bounced = post.mail(id).await;
    assert_eq!((bounced.state, bounced.bounced_at), (MailState::Bounced, Some(now)));
    assert!(bounced.error.unwrap().starts_with("5.1.1 "));
}

#[tokio::test]
async fn a_bounce_of_a_mail_that_nobody_knows_is_an_error() {
    let post = Post::new().await;
    let notification = from_postfix(&format!("bounce+{ID}@crm.example.com"), "failed", "5.1.1", "x@y");
    let error = record(&post.arranged.db, post.arranged.clock.now(), notification.as_bytes()).await.expect_err("unknown");
    assert_eq!(error.to_string(), format!("mail `{ID}` does not exist"));
}
