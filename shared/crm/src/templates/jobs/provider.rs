//! What the jobs of templates need of the provider.

use kernel::ChannelId;
use providers::whatsapp::{CloudClient, GraphError, RemoteTemplate, TemplateFilter};
use queue::{JobError, Tenant};
use secrecy::SecretString;

use crate::{
    channels::{self, ChannelError},
    secrets::Vault,
    templates::model::{Template, language_of},
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
    Ok(list_with_end(client, token, business_account_id, name).await?.templates)
}

/// What an account lists.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) templates: Vec<RemoteTemplate>,
    /// Whether the end of the list was reached.
    pub(super) is_complete: bool,
}

/// As [`list`], and tells whether there is more.
pub(super) async fn list_with_end(
    client: &CloudClient,
    token: &SecretString,
    business_account_id: &str,
    name: Option<&str>,
) -> Result<Listing, GraphError> {
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
    Ok(Listing { templates: found, is_complete: after.is_none() })
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

/// What the provider said of a template.
#[derive(Debug)]
pub(super) enum Asked {
    /// It never had it.
    Unasked,
    /// It has it.
    There(Box<RemoteTemplate>),
    /// It has it no more.
    Gone,
}

/// Asks for one template. That there is none is only believed when the account can be read, and does not list it: a token that has lost
/// its rights gets the same answer.
pub(super) async fn ask(client: &CloudClient, token: &SecretString, template: &Template) -> Result<Asked, GraphError> {
    let Some(provider_id) = template.provider_id.as_deref() else { return Ok(Asked::Unasked) };
    match client.template(token, provider_id).await {
        Ok(remote) => Ok(Asked::There(Box::new(remote))),
        Err(error) if error.is_unknown_object() => {
            let listed = list(client, token, &template.business_account_id, Some(&template.name)).await?;
            let there = listed.into_iter().find(|remote| remote.id == provider_id);
            Ok(there.map_or(Asked::Gone, |remote| Asked::There(Box::new(remote))))
        }
        Err(error) => Err(error),
    }
}
