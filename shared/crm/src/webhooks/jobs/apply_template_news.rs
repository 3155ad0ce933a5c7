//! What the provider told of a template.

use std::time::Duration;

use chrono::{DateTime, Utc};
use queue::{Job, JobError, Queue, Tenant};
use serde::{Deserialize, Serialize};

use crate::{
    templates::{
        TemplateError, TemplateKey,
        news::{self, News, Told},
    },
    webhooks::reading::TemplateRead,
};

/// Takes over what was told of one template.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplyTemplateNews {
    /// The account the template belongs to.
    pub business_account_id: String,
    /// The provider's id of the template.
    pub provider_id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its language as it came; `en_US` and `en-US` both occur.
    pub language: Option<String>,
    /// When the provider said it.
    pub at: Option<DateTime<Utc>>,
    /// What it said.
    pub told: Told,
}

impl From<&TemplateRead> for ApplyTemplateNews {
    fn from(update: &TemplateRead) -> Self {
        Self {
            business_account_id: update.business_account_id.clone(),
            provider_id: update.provider_id.clone(),
            name: update.name.clone(),
            language: update.language.clone(),
            at: update.at,
            told: update.told.clone(),
        }
    }
}

impl Job for ApplyTemplateNews {
    const KIND: &'static str = "templates.applyNews";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_secs(30);
    type Context = Tenant;

    async fn run(&self, ctx: &Tenant) -> Result<(), JobError> {
        let key = TemplateKey {
            provider_id: &self.provider_id,
            business_account_id: Some(&self.business_account_id),
            name: self.name.as_deref(),
            language: self.language.as_deref(),
        };
        let mut tx = ctx.begin().await?;
        news::apply(&mut tx, ctx.clock(), News { key, at: self.at, told: &self.told }).await.map_err(|error| match error {
            TemplateError::Store(error) => JobError::retry(error),
            error => JobError::fail(error),
        })?;
        Ok(tx.commit().await?)
    }
}
