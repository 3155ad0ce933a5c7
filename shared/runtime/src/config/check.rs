//! Rules that look at more than one value, or that hold in production only.

use figment::Figment;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    Config, ConfigProblem, SameSite,
    error::origin,
    security::{DEVELOPMENT_JWT_SECRET, DEVELOPMENT_MASTER_KEY},
    sending::{DEVELOPMENT_APP_SECRET, DEVELOPMENT_VERIFY_TOKEN},
};

struct Check<'a> {
    figment: &'a Figment,
    problems: Vec<ConfigProblem>,
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
        if let Some(url) = &redis.url {
            self.address(url, "redis.url", &["redis", "rediss"]);
        }
        self.address(&api.public_url.as_str().into(), "api.public_url", &["http", "https"]);
        self.address(&whatsapp.graph_url.as_str().into(), "whatsapp.graph_url", &["http", "https"]);
        if let Some(url) = &telemetry.otlp_url {
            self.address(&url.as_str().into(), "telemetry.otlp_url", &["http", "https"]);
        }
        for origin in &api.allowed_origins {
            let valid = Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin) || origin == "*";
            self.require(valid, "api.allowed_origins", "each must be an origin such as https://crm.example.com, without a path");
        }
        self.require(!whatsapp.app_secrets().is_empty(), "whatsapp.app_secret", "must not be empty");
        self.require(whatsapp.graph_version.starts_with('v'), "whatsapp.graph_version", "must look like v23.0");
        self.require(secrets.master_key_bytes().is_some(), "secrets.master_key", "must be 32 bytes in base64");
        self.require(!secrets.key_id.is_empty(), "secrets.key_id", "must not be empty");
        self.require(
            auth.refresh_idle_ttl_s <= auth.refresh_absolute_ttl_s,
            "auth.refresh_idle_ttl_s",
            "must be at most auth.refresh_absolute_ttl_s",
        );
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
            ("jobs.poll_s", jobs.poll_s),
            ("jobs.slots", jobs.slots as u64),
            ("limits.registrations_per_hour", u64::from(limits.registrations_per_hour)),
            ("limits.logins_per_minute", u64::from(limits.logins_per_minute)),
            ("limits.requests_per_second", u64::from(limits.requests_per_second)),
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
            let secret = secret.expose_secret();
            self.require(secret != default, setting, "must be set in production");
            self.require(secret.len() >= length, setting, &format!("must have at least {length} characters in production"));
        }
        self.require(api.public_url.starts_with("https://"), "api.public_url", "must be set and begin with https:// in production");
        self.require(!api.allowed_origins.iter().any(|origin| origin == "*"), "api.allowed_origins", "must not be * in production");
        self.require(auth.cookie_secure, "auth.cookie_secure", "must be true in production");
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
