//! What the jobs of templates need of the provider.

use kernel::ChannelId;
use providers::whatsapp::{CloudClient, GraphError, RemoteTemplate, TemplateFilter};
use queue::{JobError, Tenant};
use secrecy::SecretString;

use crate::{
    channels::{self, ChannelError},
    secrets::Vault,
    templates::model::language_of,
};

/// Pages of a list that are read at most: 100 templates each, and an account has 6,000 at most.
const MAX_PAGES: usize = 80;

/// The token of a channel; none when the channel is gone.
pub(super) async fn token(ctx: &Tenant, channel: ChannelId) -> Result<Option<SecretString>, JobError> {
    let vault = ctx.get::<Vault>()?;
    let mut tx = ctx.begin().await?;
    match channels::service::access_token(&mut tx, vault, channel).await {
        Ok(token) => Ok(Some(token)),
        Err(ChannelError::NotFound(_)) => Ok(None),
        Err(error @ ChannelError::Secret(_)) => Err(JobError::fail(error)),
        Err(error) => Err(JobError::retry(error)),
    }
}

/// All templates of an account, or those of one name.
pub(super) async fn list(
    client: &CloudClient,
    token: &SecretString,
    business_account_id: &str,
    name: Option<&str>,
) -> Result<Vec<RemoteTemplate>, GraphError> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let filter = TemplateFilter { name, after: after.as_deref(), ..TemplateFilter::default() };
        let page = client.list_templates(token, business_account_id, filter).await?;
        found.extend(page.templates);
        after = page.after;
        if after.is_none() {
            break;
        }
    }
    Ok(found)
}

/// The template of this name and language. The provider's filter finds parts of names too.
pub(super) async fn find(
    client: &CloudClient,
    token: &SecretString,
    business_account_id: &str,
    name: &str,
    language: &str,
) -> Result<Option<RemoteTemplate>, GraphError> {
    let found = list(client, token, business_account_id, Some(name)).await?;
    Ok(found.into_iter().find(|remote| remote.name == name && language_of(&remote.language) == language))
}

/// A refusal in words, with its code.
pub(super) fn reason_of(error: &GraphError) -> String {
    let reason = match error.refusal() {
        Some(refusal) => {
            let code = refusal.code.map_or_else(|| format!("HTTP {}", refusal.http_status), |code| code.to_string());
            match &refusal.details {
                Some(details) => format!("{code}: {}: {details}", refusal.title),
                None => format!("{code}: {}", refusal.title),
            }
        }
        None => error.to_string(),
    };
    reason.chars().take(500).collect()
}
