//! The settings by which an installation shapes sign-in and the HTTP service: each changes by its variable, and a wrong value stops the
//! start with the setting's name.

use super::{Config, DATABASE, faults, load};
use crate::config::SameSite;

/// What a setting is by default and after a change, as text, so that all stand in one table.
type Read = fn(&Config) -> String;

const SETTINGS: [(&str, &str, &str, Read); 14] = [
    ("HELIOGRAPH_AUTH__ACCESS_TOKEN_TTL_S", "900", "60", |config| config.auth.access_token_ttl_s.to_string()),
    ("HELIOGRAPH_AUTH__REFRESH_IDLE_TTL_S", "604800", "3600", |config| config.auth.refresh_idle_ttl_s.to_string()),
    ("HELIOGRAPH_AUTH__REFRESH_ABSOLUTE_TTL_S", "2592000", "604801", |config| config.auth.refresh_absolute_ttl_s.to_string()),
    ("HELIOGRAPH_AUTH__COOKIE_DOMAIN", "None", "crm.example.com", |config| {
        config.auth.cookie_domain.clone().unwrap_or_else(|| "None".into())
    }),
    ("HELIOGRAPH_AUTH__COOKIE_SECURE", "false", "true", |config| config.auth.cookie_secure.to_string()),
    ("HELIOGRAPH_AUTH__COOKIE_SAME_SITE", "strict", "lax", |config| {
        match config.auth.cookie_same_site {
            SameSite::Strict => "strict",
            SameSite::Lax => "lax",
            SameSite::None => "none",
        }
        .into()
    }),
    ("HELIOGRAPH_LIMITS__REGISTRATIONS_PER_HOUR", "20", "7", |config| config.limits.registrations_per_hour.to_string()),
    ("HELIOGRAPH_LIMITS__LOGINS_PER_MINUTE", "20", "7", |config| config.limits.logins_per_minute.to_string()),
    ("HELIOGRAPH_LIMITS__REQUESTS_PER_SECOND", "50", "7", |config| config.limits.requests_per_second.to_string()),
    ("HELIOGRAPH_API__ALLOWED_ORIGINS", "", "https://a.example https://b.example:8443", |config| config.api.allowed_origins.join(" ")),
    ("HELIOGRAPH_API__HOST", "127.0.0.1", "0.0.0.0", |config| config.api.host.to_string()),
    ("HELIOGRAPH_API__PORT", "8080", "9999", |config| config.api.port.to_string()),
    ("HELIOGRAPH_API__PUBLIC_URL", "http://localhost:8080", "https://crm.example.com", |config| config.api.public_url.clone()),
    ("HELIOGRAPH_AUTH__JWT_SECRET", "development", "kept", |config| {
        use secrecy::ExposeSecret;
        if config.auth.jwt_secret.expose_secret() == "kept" { "kept".into() } else { "development".into() }
    }),
];

#[test]
fn each_setting_changes_by_its_variable() {
    let defaults = load(&[DATABASE]).expect("enough");
    for (variable, default, value, read) in SETTINGS {
        assert_eq!(read(&defaults), default, "{variable}");
        let changed = load(&[DATABASE, (variable, &value.replace(' ', ","))]).unwrap_or_else(|error| panic!("{variable}: {error}"));
        assert_eq!(read(&changed), value, "{variable}");
    }
}

#[test]
fn a_wrong_value_stops_the_start_with_the_settings_name() {
    let wrong = [
        ("HELIOGRAPH_AUTH__ACCESS_TOKEN_TTL_S", "0", "auth.access_token_ttl_s"),
        ("HELIOGRAPH_AUTH__ACCESS_TOKEN_TTL_S", "15m", "auth.access_token_ttl_s"),
        ("HELIOGRAPH_AUTH__REFRESH_IDLE_TTL_S", "-1", "auth.refresh_idle_ttl_s"),
        ("HELIOGRAPH_AUTH__REFRESH_IDLE_TTL_S", "2592001", "auth.refresh_idle_ttl_s"),
        ("HELIOGRAPH_AUTH__REFRESH_ABSOLUTE_TTL_S", "forever", "auth.refresh_absolute_ttl_s"),
        ("HELIOGRAPH_AUTH__COOKIE_DOMAIN", "example.com; Secure", "auth.cookie_domain"),
        ("HELIOGRAPH_AUTH__COOKIE_DOMAIN", "https://example.com", "auth.cookie_domain"),
        ("HELIOGRAPH_AUTH__COOKIE_DOMAIN", "example.com:8080", "auth.cookie_domain"),
        ("HELIOGRAPH_AUTH__COOKIE_DOMAIN", "127.0.0.1", "auth.cookie_domain"),
        ("HELIOGRAPH_AUTH__COOKIE_SECURE", "perhaps", "auth.cookie_secure"),
        ("HELIOGRAPH_AUTH__COOKIE_SAME_SITE", "relaxed", "auth.cookie_same_site"),
        ("HELIOGRAPH_AUTH__COOKIE_SAME_SITE", "none", "auth.cookie_same_site"),
        ("HELIOGRAPH_LIMITS__REGISTRATIONS_PER_HOUR", "0", "limits.registrations_per_hour"),
        ("HELIOGRAPH_LIMITS__LOGINS_PER_MINUTE", "many", "limits.logins_per_minute"),
        ("HELIOGRAPH_LIMITS__REQUESTS_PER_SECOND", "4294967296", "limits.requests_per_second"),
        ("HELIOGRAPH_API__ALLOWED_ORIGINS", "https://a.example/path", "api.allowed_origins"),
        ("HELIOGRAPH_API__ALLOWED_ORIGINS", "a.example", "api.allowed_origins"),
        ("HELIOGRAPH_API__HOST", "everywhere", "api.host"),
        ("HELIOGRAPH_API__PORT", "65536", "api.port"),
        ("HELIOGRAPH_API__PUBLIC_URL", "crm.example.com", "api.public_url"),
        ("PORT", "http", "api.port"),
        ("REDIS_URL", "localhost:6379", "redis.url"),
    ];
    for (variable, value, setting) in wrong {
        let text = faults(&[DATABASE, (variable, value)]);
        assert!(text.contains(&format!("`{setting}` (environment variable {variable}): ")), "{variable}={value}: {text}");
    }
    let text = faults(&[("DATABASE_URL", "/var/run/postgresql")]);
    assert!(text.contains("`database.url` (environment variable DATABASE_URL): "), "{text}");
}

#[test]
fn the_bare_variables_of_platforms_are_accepted_and_give_way() {
    let bare = [DATABASE, ("REDIS_URL", "redis://bare:6379"), ("PORT", "3000")];
    let address = |config: &Config| {
        use secrecy::ExposeSecret;
        config.redis.url.as_ref().map(|url| url.expose_secret().to_owned())
    };
    let config = load(&bare).expect("valid");
    assert_eq!((config.api.port, address(&config).as_deref()), (3000, Some("redis://bare:6379")));
    let named = [("HELIOGRAPH_REDIS__URL", "redis://named:6379"), ("HELIOGRAPH_API__PORT", "4000")];
    let config = load(&[&bare[..], &named[..]].concat()).expect("valid");
    assert_eq!((config.api.port, address(&config).as_deref()), (4000, Some("redis://named:6379")));
}
