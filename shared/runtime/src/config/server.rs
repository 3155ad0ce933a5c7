//! Settings of the machinery around the product: stores, listeners, logs.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// PostgreSQL.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `postgres://` address, as the role `crm_app`. No default; `DATABASE_URL` sets it too.
    pub url: SecretString,
    /// `postgres://` address of the owner role, used by `api migrate` only. Default: `url`.
    pub owner_url: Option<SecretString>,
    /// Connections of the general pool of each process. Default 10.
    pub max_connections: u32,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: SecretString::default(), owner_url: None, max_connections: 10 }
    }
}

impl DatabaseConfig {
    /// The address that may change the schema: `owner_url`, or `url` where none is set.
    pub fn migration_url(&self) -> &SecretString {
        self.owner_url.as_ref().unwrap_or(&self.url)
    }
}

/// Redis: wakes workers, counts request limits, spreads live updates. Everything works without it, more slowly.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://` address. Default: none, which means no Redis. `REDIS_URL` sets it too.
    pub url: Option<SecretString>,
}

/// The HTTP server.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiConfig {
    /// Address to listen on. Default 127.0.0.1; containers need 0.0.0.0.
    pub host: IpAddr,
    /// Port to listen on; 0 takes a free one. Default 8080. `PORT` sets it too.
    pub port: u16,
    /// Web origins that may call the API from a browser, comma separated. Default none: same origin only.
    #[serde(deserialize_with = "list")]
    pub allowed_origins: Vec<String>,
    /// Address under which people reach the installation, for links in mails. Default `http://localhost:8080`;
    /// production needs `https://`.
    pub public_url: String,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self { host: LOOPBACK, port: 8080, allowed_origins: Vec::new(), public_url: "http://localhost:8080".into() }
    }
}

/// The health endpoints of worker and scheduler. (The api answers them on its own port.)
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthConfig {
    /// Address to listen on. Default 127.0.0.1.
    pub host: IpAddr,
    /// Port to listen on; 0 takes a free one. Default 0 in development, 8081 in production.
    pub port: u16,
}

impl Default for HealthConfig {
    fn default() -> Self {
        Self { host: LOOPBACK, port: 0 }
    }
}

/// The Prometheus listener of each binary.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// Address to listen on. Default 127.0.0.1.
    pub host: IpAddr,
    /// Port to listen on; 0 takes a free one. Default 0 in development, 9090 in production.
    pub port: u16,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self { host: LOOPBACK, port: 0 }
    }
}

/// Uploaded files and exports.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageConfig {
    /// Folder that holds them; made when missing. Default `.data/storage`.
    pub dir: PathBuf,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self { dir: ".data/storage".into() }
    }
}

/// Outgoing mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// Folder that receives each mail as a file; made when missing. Default `.data/mail`.
    pub dir: PathBuf,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self { dir: ".data/mail".into() }
    }
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// For people.
    #[default]
    Pretty,
}

/// Logs and traces.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// `json` or `pretty`. Default `pretty` in development, `json` in production.
    pub format: LogFormat,
    /// What is logged, as comma-separated directives such as `info,worker=debug`. Default `info`, quieter for libraries.
    pub filter: String,
    /// Base address of an OpenTelemetry collector (OTLP over HTTP), such as `http://collector:4318`. Default none: no export.
    pub otlp_url: Option<String>,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { format: LogFormat::default(), filter: "info,apalis=warn,hyper=warn,sqlx=warn,opentelemetry=warn".into(), otlp_url: None }
    }
}

/// Request limits of the api, for each client address.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Registrations per hour. Default 20.
    pub registrations_per_hour: u32,
    /// Attempts to sign in per minute. Default 20.
    pub logins_per_minute: u32,
    /// Requests per second, webhooks not counted. Default 50.
    pub requests_per_second: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { registrations_per_hour: 20, logins_per_minute: 20, requests_per_second: 50 }
    }
}

/// Reads a list, or one text whose parts are separated by commas.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        List(Vec<String>),
    }
    let parts = match Either::deserialize(deserializer)? {
        Either::Text(text) => text.split(',').map(str::to_owned).collect(),
        Either::List(list) => list,
    };
    Ok(parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect())
}
