//! Settings of message templates.

use serde::Deserialize;

/// Message templates.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TemplatesConfig {
    /// When all templates are compared with the provider, in case webhooks did not come: a cron expression in UTC with five fields, or six
    /// with seconds in front. Default `*/10 * * * *`.
    pub reconcile: String,
}

impl Default for TemplatesConfig {
    fn default() -> Self {
        Self { reconcile: "*/10 * * * *".to_owned() }
    }
}
