//! `POST /api/templates/{id}/duplicate`

use axum::http::StatusCode;
use crm::{
    audit::Target,
    identity::permissions::TemplatesWrite,
    templates::library::{self, Placement},
};
use kernel::{ChannelId, TemplateId};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::body::TemplateBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// What is different of the duplicate: at least one of language, name and account, as an account has a name in a language once.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TemplateDuplicateInput {
    /// As `en_US`. The words stay as they are: a person translates them.
    language: Option<String>,
    name: Option<String>,
    /// A number of another account.
    channel_id: Option<ChannelId>,
    /// Another account.
    business_account_id: Option<String>,
}

/// Drafts a template like this one, for another language or account, or under another name.
#[utoipa::path(post, path = "/api/templates/{id}/duplicate", tag = "templates",
    params(("id" = TemplateId, Path, description = "The template")), extensions(("x-permission" = json!("templates.write"))), responses(
    (status = 201, description = "The draft", body = TemplateBody),
    (status = 404, description = "There is no such template"),
    (status = 409, description = "The account has a template of this name in this language"),
))]
pub(super) async fn handler(
    tenant: Allowed<TemplatesWrite>,
    Path(id): Path<TemplateId>,
    Json(input): Json<TemplateDuplicateInput>,
) -> Result<(StatusCode, Json<TemplateBody>), Problem> {
    let at =
        Placement { channel: input.channel_id, business_account_id: input.business_account_id, language: input.language, name: input.name };
    let mut tx = tenant.begin().await?;
    let template = library::duplicate(&mut tx, tenant.clock(), id, at).await?;
    let details = json!({ "of": id, "language": template.language });
    tenant.record(&mut tx, "templates.duplicate", Some(Target::new("templates", template.id)), details).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(template.into())))
}
