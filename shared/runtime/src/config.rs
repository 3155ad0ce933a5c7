//! The settings of all binaries: read once, at the start, checked as a whole.
//!
//! Later sources win: the defaults in code, the file `heliograph.toml` in the working directory, then the environment.
//! An environment variable names a setting as `HELIOGRAPH_SECTION__KEY`; an empty one counts as not set. `DATABASE_URL`,
//! `REDIS_URL` and `PORT` are accepted bare, for the platforms that set them, and give way to the long names.
//! This is the only module that reads the environment.

mod check;
mod error;
mod limits;
mod mail;
mod security;
mod sending;
mod server;
mod source;
mod templates;

use std::path::Path;

use figment::Figment;
use serde::Deserialize;

pub use self::{
    error::{ConfigError, ConfigProblem},
    limits::LimitsConfig,
    mail::{MailConfig, SmtpTls},
    security::{AuthConfig, SameSite, SecretsConfig},
    sending::{JobsConfig, SendingConfig, WhatsappConfig},
    server::{
        ApiConfig, DatabaseConfig, ForwardedHeader, HealthConfig, LogFormat, MetricsConfig, RedisConfig, S3Config, StorageConfig,
        TelemetryConfig,
    },
    templates::TemplatesConfig,
};

/// The file read from the working directory, when it exists.
pub const FILE: &str = "heliograph.toml";

/// What kind of installation this is. Environment variable `HELIOGRAPH_ENVIRONMENT`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Secrets have public defaults, so that nothing but the database's address is needed.
    #[default]
    Development,
    /// Missing, weak or default secrets stop the start.
    Production,
}

/// All settings.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `development` (default) or `production`.
    pub environment: Environment,
    /// PostgreSQL, the store of the truth.
    pub database: DatabaseConfig,
    /// Redis, which only makes things faster.
    pub redis: RedisConfig,
    /// The HTTP server.
    pub api: ApiConfig,
    /// `/livez` and `/readyz` of worker and scheduler.
    pub health: HealthConfig,
    /// The Prometheus listener of each binary.
    pub metrics: MetricsConfig,
    /// The provider and its webhooks.
    pub whatsapp: WhatsappConfig,
    /// Sign-in.
    pub auth: AuthConfig,
    /// Encryption of stored credentials.
    pub secrets: SecretsConfig,
    /// Uploaded files and exports.
    pub storage: StorageConfig,
    /// Outgoing mail.
    pub mail: MailConfig,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
    /// The sending lanes of a worker.
    pub sending: SendingConfig,
    /// Message templates.
    pub templates: TemplatesConfig,
    /// Background jobs of a worker.
    pub jobs: JobsConfig,
    /// Request limits of the api.
    pub limits: LimitsConfig,
}

impl Config {
    /// Reads [`FILE`] and the environment of the process.
    ///
    /// The error lists every fault found, each with the setting's name and where its value came from; it never shows a value.
    pub fn load() -> Result<Self, ConfigError> {
        Self::from_sources(
            Path::new(FILE),
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// Reads `file`, when it exists, and the given environment variables.
    pub fn from_sources(file: &Path, variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let figment = source::collect(file, variables)?;
        let config: Self = figment.extract_lossy().map_err(ConfigError::from)?;
        config.checked(&figment)
    }

    fn checked(self, figment: &Figment) -> Result<Self, ConfigError> {
        let problems = check::problems(&self, figment);
        if problems.is_empty() { Ok(self) } else { Err(ConfigError::new(problems)) }
    }

    /// Whether this is a production installation.
    pub fn is_production(&self) -> bool {
        self.environment == Environment::Production
    }
}

#[cfg(test)]
mod tests;
