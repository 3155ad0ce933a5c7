//! A template's new status, as the provider told it.

use std::time::Duration;

use queue::{Job, JobError, Queue, Tenant};
use serde::{Deserialize, Serialize};

use crate::{
    templates::{self, StatusUpdate, TemplateError, TemplateKey, model::Source},
    webhooks::reading::TemplateRead,
};

/// Applies the new status of one template.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplyTemplateUpdate {
    /// The account the template belongs to.
    pub business_account_id: String,
    /// The provider's id of the template.
    pub provider_id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its language as it came; `en_US` and `en-US` both occur.
    pub language: Option<String>,
    /// The new status: the provider's word in any letter case.
    pub event: String,
    /// Why.
    pub reason: Option<String>,
}

impl From<&TemplateRead> for ApplyTemplateUpdate {
    fn from(update: &TemplateRead) -> Self {
        Self {
            business_account_id: update.business_account_id.clone(),
            provider_id: update.provider_id.clone(),
            name: update.name.clone(),
            language: update.language.clone(),
            event: update.event.clone(),
            reason: update.reason.clone(),
        }
    }
}

impl Job for ApplyTemplateUpdate {
    const KIND: &'static str = "templates.applyUpdate";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_secs(30);
    type Context = Tenant;

    async fn run(&self, ctx: &Tenant) -> Result<(), JobError> {
        let update = StatusUpdate {
            key: TemplateKey {
                provider_id: &self.provider_id,
                business_account_id: Some(&self.business_account_id),
                name: self.name.as_deref(),
                language: self.language.as_deref(),
            },
            status: &self.event,
            reason: self.reason.as_deref(),
            category: None,
            quality: None,
            source: Source::Webhook,
        };
        let mut tx = ctx.begin().await?;
        templates::news::apply_status_update(&mut tx, ctx.clock(), update).await.map_err(|error| match error {
            TemplateError::Store(error) => JobError::retry(error),
            error => JobError::fail(error),
        })?;
        Ok(tx.commit().await?)
    }
}
