//! A template's new status, in the form of the release before: such jobs may still wait.

use std::time::Duration;

use queue::{Job, JobError, Queue, Tenant};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ApplyTemplateNews;
use crate::templates::news::Told;

/// Applies the new status of one template. No longer enqueued: [`ApplyTemplateNews`] is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplyTemplateUpdate {
    /// The account the template belongs to.
    pub business_account_id: String,
    /// The provider's id of the template.
    pub provider_id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its language as it came.
    pub language: Option<String>,
    /// The new status: the provider's word in any letter case.
    pub event: String,
    /// Why.
    pub reason: Option<String>,
}

impl Job for ApplyTemplateUpdate {
    const KIND: &'static str = "templates.applyUpdate";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_secs(30);
    type Context = Tenant;

    async fn run(&self, ctx: &Tenant) -> Result<(), JobError> {
        let news = ApplyTemplateNews {
            business_account_id: self.business_account_id.clone(),
            provider_id: self.provider_id.clone(),
            name: self.name.clone(),
            language: self.language.clone(),
            at: None,
            told: Told::Status { status: self.event.clone(), reason: self.reason.clone(), details: Value::Null },
        };
        news.run(ctx).await
    }
}
