//! Settings of what leaves the house: the provider, the sending lanes, the background jobs.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

pub(super) const DEVELOPMENT_APP_SECRET: &str = "development-app-secret";
pub(super) const DEVELOPMENT_VERIFY_TOKEN: &str = "development-verify-token";

/// The WhatsApp Cloud API and its webhooks: one app of the provider per installation.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WhatsappConfig {
    /// Base address of the Graph API, without version. Default `https://graph.facebook.com`.
    pub graph_url: String,
    /// Version of the Graph API. Default `v23.0`.
    pub graph_version: String,
    /// Id of the app in whose name samples of templates are uploaded. Default `app`: the provider's word for the app of the access token.
    pub app_id: String,
    /// Secret of the app, which signs webhooks; several, separated by commas, while it is changed.
    /// Public default in development, none in production.
    pub app_secret: SecretString,
    /// What the provider repeats when it first calls the webhook. Public default in development, none in production.
    pub verify_token: SecretString,
    /// Longest wait for a connection, in milliseconds. Default 3000.
    pub connect_timeout_ms: u64,
    /// Longest wait for an answer, connecting included, in milliseconds. Default 20000.
    pub request_timeout_ms: u64,
}

impl Default for WhatsappConfig {
    fn default() -> Self {
        Self {
            graph_url: "https://graph.facebook.com".into(),
            graph_version: "v23.0".into(),
            app_id: "app".into(),
            app_secret: DEVELOPMENT_APP_SECRET.into(),
            verify_token: DEVELOPMENT_VERIFY_TOKEN.into(),
            connect_timeout_ms: 3000,
            request_timeout_ms: 20_000,
        }
    }
}

impl WhatsappConfig {
    /// The app's secrets, one by one.
    pub fn app_secrets(&self) -> Vec<SecretString> {
        let secrets = self.app_secret.expose_secret().split(',').map(str::trim);
        secrets.filter(|secret| !secret.is_empty()).map(SecretString::from).collect()
    }
}

/// The sending lanes of a worker.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SendingConfig {
    /// How long a message whose outcome is unknown waits for a status before it is decided, in seconds. Default 600.
    pub unknown_grace_s: u64,
    /// The same for authentication templates, in seconds. Default 60.
    pub authentication_grace_s: u64,
    /// How long a lane belongs to a worker that does not renew, in seconds. Default 10.
    pub lease_s: u64,
    /// How often a worker renews its lanes, in seconds. Default 3; at most a third of the lease.
    pub renew_s: u64,
    /// How often a worker looks for lanes that no announcement named, in seconds. Default 2.
    pub poll_s: u64,
    /// Lanes one worker holds. Default 64.
    pub max_lanes: usize,
    /// Messages one worker has on the wire at once, over all lanes. Default 2048.
    pub max_in_flight: usize,
    /// Database connections of the lanes of one worker. Default 8.
    pub connections: u32,
}

impl Default for SendingConfig {
    fn default() -> Self {
        Self {
            unknown_grace_s: 600,
            authentication_grace_s: 60,
            lease_s: 10,
            renew_s: 3,
            poll_s: 2,
            max_lanes: 64,
            max_in_flight: 2048,
            connections: 8,
        }
    }
}

/// Background jobs of a worker.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobsConfig {
    /// How often a worker looks for jobs that no ring announced, in seconds. Default 2.
    pub poll_s: u64,
    /// Jobs of one queue that a worker runs at once. Default 16.
    pub slots: usize,
    /// How long a running job belongs to a worker that does not renew it, in seconds. Default 30; at least 3, as it is renewed three times in it.
    pub lease_s: u64,
    /// How long a stopping worker waits for running jobs, in seconds. Default 25.
    pub drain_s: u64,
    /// How long finished jobs are kept, in days. Default 7.
    pub keep_days: u32,
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self { poll_s: 2, slots: 16, lease_s: 30, drain_s: 25, keep_days: 7 }
    }
}
