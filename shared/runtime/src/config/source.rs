//! Where settings come from, in layers.
//!
//! Each environment variable is a layer of its own, so that an error can name it. Values stay texts until their setting's
//! type is known: a secret made of digits is no number.

use std::path::Path;

use figment::{
    Error, Figment, Metadata, Profile, Provider,
    providers::{Format, Toml},
    util::nest,
    value::{Dict, Map, Value},
};

use super::{ConfigError, ConfigProblem, Environment};

const PREFIX: &str = "HELIOGRAPH_";
const BARE: [(&str, &str); 3] = [("DATABASE_URL", "database.url"), ("REDIS_URL", "redis.url"), ("PORT", "api.port")];
/// Defaults that differ in production.
const PRODUCTION: [(&str, &str); 4] =
    [("auth.cookie_secure", "true"), ("telemetry.format", "json"), ("health.port", "8081"), ("metrics.port", "9090")];

/// One setting and where it stands.
struct Setting {
    origin: String,
    key: String,
    value: String,
}

impl Provider for Setting {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let nested = nest(&self.key, Value::from(self.value.clone()));
        Ok(nested.into_dict().map(|dict| Profile::Default.collect(dict)).unwrap_or_default())
    }
}

/// Stacks the file and the variables over each other.
pub(super) fn collect(file: &Path, variables: impl IntoIterator<Item = (String, String)>) -> Result<Figment, ConfigError> {
    let mut bare = Vec::new();
    let mut named = Vec::new();
    let mut problems = Vec::new();
    for (name, value) in variables {
        let origin = format!("environment variable {name}");
        if value.trim().is_empty() {
            continue;
        }
        if let Some((_, key)) = BARE.iter().find(|(accepted, _)| *accepted == name) {
            bare.push(Setting { origin, key: (*key).to_owned(), value });
        } else if let Some(rest) = name.strip_prefix(PREFIX) {
            let key = rest.to_lowercase().replace("__", ".");
            if key.contains('.') || key == "environment" {
                named.push(Setting { origin, key, value });
            } else if !is_foreign(rest, &value) {
                let reason = "no such setting; section and key are separated by two underscores";
                problems.push(ConfigProblem::new(key, origin, reason));
            }
        }
    }
    if !problems.is_empty() {
        return Err(ConfigError::new(problems));
    }
    // Only an absent file is no fault: one that cannot be read is.
    let ground = if file.exists() { Figment::from(Toml::file_exact(file)) } else { Figment::new() };
    let stacked = bare.into_iter().chain(named).fold(ground, Figment::merge);
    if stacked.extract_inner_lossy::<Environment>("environment").is_ok_and(|environment| environment == Environment::Production) {
        let defaults =
            PRODUCTION.map(|(key, value)| Setting { origin: "the default in production".into(), key: key.into(), value: value.into() });
        return Ok(defaults.into_iter().fold(stacked, Figment::join));
    }
    Ok(stacked)
}

/// Variables that share the prefix and are no settings: those of the tests, and the addresses of services that Kubernetes
/// gives to every container (`HELIOGRAPH_API_PORT=tcp://…`).
fn is_foreign(rest: &str, value: &str) -> bool {
    rest.starts_with("TEST_") || rest.contains("_SERVICE_") || rest.contains("_TCP") || rest.contains("_UDP") || value.contains("://")
}
