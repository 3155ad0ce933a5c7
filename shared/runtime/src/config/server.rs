//! Settings of the machinery around the product: stores, listeners, logs.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use ipnet::IpNet;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// PostgreSQL.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `postgres://` address, as the role `crm_app`. No default; `DATABASE_URL` sets it too.
    pub url: SecretString,
    /// `postgres://` address of the owner role, used by `api migrate` only; never that of a pooler. Default: `direct_url`.
    pub owner_url: Option<SecretString>,
    /// `postgres://` address of PostgreSQL itself, when `url` is that of a pooler in transaction mode (pgbouncer); what needs a session of
    /// its own goes there: the ledgers, the lanes, the webhook intake, notifications. Default: `url`, and there is no pooler.
    pub direct_url: Option<SecretString>,
    /// Connections of the general pool of each process. Default 10.
    pub max_connections: u32,
    /// Prepared statements that a connection of the general pool keeps. Default 100; 0 behind a pooler that does not track them
    /// (pgbouncer before 1.21, or with `max_prepared_statements = 0`).
    pub statement_cache: usize,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: SecretString::default(), owner_url: None, direct_url: None, max_connections: 10, statement_cache: 100 }
    }
}

impl DatabaseConfig {
    /// The address that may change the schema: `owner_url`, or that of PostgreSQL itself where none is set.
    pub fn migration_url(&self) -> &SecretString {
        self.owner_url.as_ref().unwrap_or_else(|| self.direct_url.as_ref().unwrap_or(&self.url))
    }
}

/// Redis: wakes workers, counts request limits, spreads live updates. Everything works without it, more slowly.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedisConfig {
    /// `redis://` address. Default: none, which means no Redis. `REDIS_URL` sets it too.
    pub url: Option<SecretString>,
}

/// Where a proxy says who asked it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
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
    /// Networks of the proxies in front of the api (`10.0.0.0/8`, or single addresses), comma separated: only they are believed who the client
    /// is. Default none: the client is whoever connects.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which those proxies say it: `x-forwarded-for` (default) or `forwarded` (RFC 7239). The other one is ignored, because
    /// proxies pass it on as the client wrote it.
    pub forwarded_header: ForwardedHeader,
    /// Longest wait for the next part of an uploaded file, and for the whole of any other body, in milliseconds; three times as long is waited
    /// for the head of a request, and for the next request on a connection. Default 10000.
    pub body_timeout_ms: u64,
    /// Address under which people reach the installation, for links in mails. Default `http://localhost:8080`;
    /// production needs `https://`.
    pub public_url: String,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            host: LOOPBACK,
            port: 8080,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::default(),
            body_timeout_ms: 10_000,
            public_url: "http://localhost:8080".into(),
        }
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
    /// Folder that holds them; made when missing. Default `.data/storage`. Not used when there is a bucket.
    pub dir: PathBuf,
    /// The bucket that holds them instead.
    pub s3: S3Config,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self { dir: ".data/storage".into(), s3: S3Config::default() }
    }
}

/// A bucket of an S3-compatible service.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3Config {
    /// The bucket, made when missing. Default none: files lie in `storage.dir`.
    pub bucket: String,
    /// Base address of the service, without the bucket. Default none: that of AWS in the region.
    pub endpoint: Option<String>,
    /// Region that requests are signed for. Default `us-east-1`, which services of one's own mostly take.
    pub region: String,
    /// Names the key. Must be set when there is a bucket.
    pub access_key_id: String,
    /// The key. Must be set when there is a bucket.
    pub secret_access_key: SecretString,
    /// `true` (default): `https://host/bucket/key`, as most services of one's own want it; `false`: `https://bucket.host/key`, as AWS wants it.
    pub path_style: bool,
    /// Whether `endpoint` may begin with `http://`. Default `false`.
    pub allow_http: bool,
}

impl Default for S3Config {
    fn default() -> Self {
        Self {
            bucket: String::new(),
            endpoint: None,
            region: "us-east-1".into(),
            access_key_id: String::new(),
            secret_access_key: SecretString::default(),
            path_style: true,
            allow_http: false,
        }
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

/// Reads a list of networks; an address alone is a network of one.
fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let parse = |text: String| {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map_err(|_| de::Error::custom(format!("`{text}` is no network such as 10.0.0.0/8")))
    };
    list(deserializer)?.into_iter().map(parse).collect()
}
