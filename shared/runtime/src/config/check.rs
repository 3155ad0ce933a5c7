//! Rules that look at more than one value, or that hold in production only.

use std::{collections::BTreeSet, net::IpAddr};

use chrono::DateTime;
use croner::Cron;
use figment::Figment;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::{
    Config, ConfigProblem, MailConfig, S3Config, SameSite, SmtpTls,
    error::origin,
    security::{DEVELOPMENT_JWT_SECRET, DEVELOPMENT_MASTER_KEY, MAX_KEY_ID},
    sending::{DEVELOPMENT_APP_SECRET, DEVELOPMENT_VERIFY_TOKEN},
};

struct Check<'a> {
    figment: &'a Figment,
    problems: Vec<ConfigProblem>,
}

/// What people write where a secret belongs.
const PLACEHOLDERS: [&str; 6] = ["changeme", "change-me", "change_me", "placeholder", "development", "not-for-production"];

/// Characters that a random secret has at least: 16 random hexadecimal digits have fewer once in 20,000 times.
const DISTINCT_CHARACTERS: usize = 6;

/// Whether a secret is a placeholder, or hardly varies.
fn is_guessable(secret: &str) -> bool {
    let lower = secret.to_lowercase();
    let distinct: BTreeSet<char> = lower.chars().collect();
    distinct.len() < DISTINCT_CHARACTERS || PLACEHOLDERS.iter().any(|placeholder| lower.contains(placeholder))
}

/// Every rule that `config` breaks. `figment` knows where the values came from.
pub(super) fn problems(config: &Config, figment: &Figment) -> Vec<ConfigProblem> {
    let mut check = Check { figment, problems: Vec::new() };
    check.always(config);
    if config.is_production() {
        check.production(config);
    }
    check.problems
}

impl Check<'_> {
    fn require(&mut self, holds: bool, setting: &str, reason: &str) {
        if !holds {
            let origin = self.figment.find_metadata(setting).map_or_else(|| "not set".to_owned(), origin);
            self.problems.push(ConfigProblem::new(setting, origin, reason));
        }
    }

    fn always(&mut self, config: &Config) {
        let Config { database, redis, api, whatsapp, auth, secrets, telemetry, sending, jobs, limits, .. } = config;
        self.address(&database.url, "database.url", &["postgres", "postgresql"]);
        if let Some(url) = &database.owner_url {
            self.address(url, "database.owner_url", &["postgres", "postgresql"]);
        }
        if let Some(url) = &database.direct_url {
            self.address(url, "database.direct_url", &["postgres", "postgresql"]);
        }
        if let Some(url) = &redis.url {
            self.address(url, "redis.url", &["redis", "rediss"]);
        }
        self.address(&api.public_url.as_str().into(), "api.public_url", &["http", "https"]);
        self.address(&whatsapp.graph_url.as_str().into(), "whatsapp.graph_url", &["http", "https"]);
        if let Some(url) = &telemetry.otlp_url {
            self.address(&url.as_str().into(), "telemetry.otlp_url", &["http", "https"]);
        }
        for origin in &api.allowed_origins {
            let valid = Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin) && !origin.contains('*');
            self.require(valid, "api.allowed_origins", "each must be an origin such as https://crm.example.com, without a path");
        }
        self.require(!whatsapp.app_secrets().is_empty(), "whatsapp.app_secret", "must not be empty");
        self.require(whatsapp.graph_version.starts_with('v'), "whatsapp.graph_version", "must look like v23.0");
        let is_id = |id: &str| (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        self.require(is_id(&whatsapp.app_id), "whatsapp.app_id", "must be the id of an app, digits, or `app`");
        self.require(secrets.master_key_bytes().is_some(), "secrets.master_key", "must be 32 bytes in base64");
        self.require((1..=MAX_KEY_ID).contains(&secrets.key_id.len()), "secrets.key_id", "must have 1 to 32 characters");
        self.require(
            secrets.earlier_keys_are_usable(),
            "secrets.earlier_keys",
            "each must be id:base64 of 32 bytes, and no id may stand twice or be secrets.key_id",
        );
        self.require(
            auth.refresh_idle_ttl_s <= auth.refresh_absolute_ttl_s,
            "auth.refresh_idle_ttl_s",
            "must be at most auth.refresh_absolute_ttl_s",
        );
        let is_domain = |domain: &str| matches!(Host::parse(domain), Ok(Host::Domain(_)));
        self.require((1..=50).contains(&auth.terms_version.trim().chars().count()), "auth.terms_version", "must have 1 to 50 characters");
        self.require(auth.cookie_domain.as_deref().is_none_or(is_domain), "auth.cookie_domain", "must be a domain such as crm.example.com");
        self.require(
            auth.cookie_same_site != SameSite::None || auth.cookie_secure,
            "auth.cookie_same_site",
            "none needs auth.cookie_secure = true",
        );
        self.require(
            sending.renew_s.saturating_mul(3) <= sending.lease_s,
            "sending.renew_s",
            "must be at most a third of sending.lease_s, so that one lost renewal does not lose the lane",
        );
        self.require(jobs.lease_s >= 3, "jobs.lease_s", "must be at least 3: it is renewed three times in that time");
        let ticks =
            |expression: &str| expression.parse::<Cron>().is_ok_and(|cron| cron.find_next_occurrence(&DateTime::UNIX_EPOCH, false).is_ok());
        self.require(ticks(&config.templates.reconcile), "templates.reconcile", "must be a cron expression that comes true some day");
        self.mail(&config.mail);
        self.storage(&config.storage.s3);
        let positive = [
            ("database.max_connections", u64::from(database.max_connections)),
            ("whatsapp.connect_timeout_ms", whatsapp.connect_timeout_ms),
            ("whatsapp.request_timeout_ms", whatsapp.request_timeout_ms),
            ("auth.access_token_ttl_s", auth.access_token_ttl_s),
            ("auth.refresh_idle_ttl_s", auth.refresh_idle_ttl_s),
            ("sending.renew_s", sending.renew_s),
            ("sending.poll_s", sending.poll_s),
            ("sending.max_lanes", sending.max_lanes as u64),
            ("sending.max_in_flight", sending.max_in_flight as u64),
            ("sending.connections", u64::from(sending.connections)),
            ("mail.smtp_timeout_ms", config.mail.smtp_timeout_ms),
            ("mail.keep_days", u64::from(config.mail.keep_days)),
            ("jobs.poll_s", jobs.poll_s),
            ("jobs.slots", jobs.slots as u64),
            ("limits.registrations_per_hour", u64::from(limits.registrations_per_hour)),
            ("limits.logins_per_minute", u64::from(limits.logins_per_minute)),
            ("limits.password_resets_per_hour", u64::from(limits.password_resets_per_hour)),
            ("limits.password_resets_per_email_per_hour", u64::from(limits.password_resets_per_email_per_hour)),
            ("limits.invitations_per_hour", u64::from(limits.invitations_per_hour)),
            ("limits.requests_per_second", u64::from(limits.requests_per_second)),
            ("limits.writes_per_minute", u64::from(limits.writes_per_minute)),
            ("limits.uploads_per_hour", u64::from(limits.uploads_per_hour)),
            ("limits.exports_per_hour", u64::from(limits.exports_per_hour)),
            ("api.body_timeout_ms", api.body_timeout_ms),
        ];
        for (setting, value) in positive {
            self.require(value > 0, setting, "must be at least 1");
        }
    }

    fn production(&mut self, config: &Config) {
        let Config { api, whatsapp, auth, secrets, .. } = config;
        let secrets = [
            ("auth.jwt_secret", &auth.jwt_secret, DEVELOPMENT_JWT_SECRET, 32),
            ("secrets.master_key", &secrets.master_key, DEVELOPMENT_MASTER_KEY, 44),
            ("whatsapp.app_secret", &whatsapp.app_secret, DEVELOPMENT_APP_SECRET, 16),
            ("whatsapp.verify_token", &whatsapp.verify_token, DEVELOPMENT_VERIFY_TOKEN, 16),
        ];
        for (setting, secret, default, length) in secrets {
            // Some settings hold several secrets while one is changed: the weakest counts.
            for secret in secret.expose_secret().split(',').map(str::trim).filter(|secret| !secret.is_empty()) {
                self.require(secret != default, setting, "must be set in production");
                self.require(secret.len() >= length, setting, &format!("must have at least {length} characters in production"));
                self.require(!is_guessable(secret), setting, "must be random in production: this one can be guessed");
            }
            self.require(!secret.expose_secret().trim().is_empty(), setting, "must be set in production");
        }
        self.require(whatsapp.graph_url.starts_with("https://"), "whatsapp.graph_url", "must begin with https:// in production");
        self.require(
            api.allowed_origins.iter().all(|origin| origin.starts_with("https://")),
            "api.allowed_origins",
            "each must begin with https:// in production",
        );
        self.require(api.public_url.starts_with("https://"), "api.public_url", "must be set and begin with https:// in production");
        self.require(auth.cookie_secure, "auth.cookie_secure", "must be true in production");
        self.mail_in_production(&config.mail);
        self.require(!config.storage.s3.allow_http, "storage.s3.allow_http", "must be false in production");
    }

    fn mail(&mut self, mail: &MailConfig) {
        for (setting, address) in
            [("mail.from", &mail.from), ("mail.reply_to", &mail.reply_to), ("mail.bounce_address", &mail.bounce_address)]
        {
            let Some(address) = address else { continue };
            let plain = !address.contains(|character: char| character.is_whitespace() || "<>\",".contains(character));
            let parts = address.split_once('@').is_some_and(|(local, host)| !local.is_empty() && host.contains('.') && !host.contains('@'));
            self.require(plain && parts, setting, "must be an address such as crm@example.com, without a name");
        }
        let has_server = mail.smtp_host.is_some();
        self.require(mail.smtp_user.is_none() || has_server, "mail.smtp_user", "needs mail.smtp_host");
        self.require(
            mail.smtp_user.is_some() == mail.smtp_password.is_some(),
            "mail.smtp_password",
            "user and password must be set together: see mail.smtp_user",
        );
        self.require(mail.smtp_timeout_ms <= 60_000, "mail.smtp_timeout_ms", "must be at most 60000");
        self.require(mail.smtp_port != Some(0), "mail.smtp_port", "must be at least 1");
        let bare = mail.smtp_host.as_ref().is_none_or(|host| Host::parse(host).is_ok() || host.parse::<IpAddr>().is_ok());
        self.require(bare, "mail.smtp_host", "must be the name or address of a host, without scheme and port");
    }

    fn mail_in_production(&mut self, mail: &MailConfig) {
        let on_purpose = self.figment.find_metadata("mail.dir").is_some();
        self.require(
            mail.smtp_host.is_some() || on_purpose,
            "mail.smtp_host",
            "must be set in production (or mail.dir, when mails are meant to be files in a folder)",
        );
        let in_the_clear = mail.smtp_tls == SmtpTls::None && mail.smtp_password.is_some();
        self.require(!in_the_clear, "mail.smtp_tls", "must not be none in production where a password is sent");
    }

    fn storage(&mut self, s3: &S3Config) {
        if s3.bucket.is_empty() {
            return;
        }
        let name = s3.bucket.as_bytes();
        let fits = (3..=63).contains(&name.len())
            && name.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
            && [name[0], name[name.len() - 1]].iter().all(u8::is_ascii_alphanumeric);
        self.require(fits, "storage.s3.bucket", "must have 3 to 63 lower-case letters, digits, dashes and dots");
        self.require(!s3.region.is_empty(), "storage.s3.region", "must not be empty");
        self.require(!s3.access_key_id.is_empty(), "storage.s3.access_key_id", "must be set when there is a bucket");
        self.require(
            !s3.secret_access_key.expose_secret().is_empty(),
            "storage.s3.secret_access_key",
            "must be set when there is a bucket",
        );
        if let Some(endpoint) = &s3.endpoint {
            self.address(&endpoint.as_str().into(), "storage.s3.endpoint", &["http", "https"]);
            self.require(
                s3.allow_http || !endpoint.starts_with("http://"),
                "storage.s3.endpoint",
                "must begin with https:// unless storage.s3.allow_http is true",
            );
        }
    }

    fn address(&mut self, address: &SecretString, setting: &str, schemes: &[&str]) {
        let address = address.expose_secret();
        if address.is_empty() {
            return self.require(false, setting, "is missing");
        }
        let valid = Url::parse(address).is_ok_and(|url| schemes.contains(&url.scheme()) && url.has_host());
        self.require(valid, setting, &format!("must be an address that begins with {}://", schemes.join(":// or ")));
    }
}
