//! `POST /api/templates`

use axum::http::StatusCode;
use crm::{
    audit::Target,
    identity::permissions::TemplatesWrite,
    templates::{NewTemplate, service},
};
use kernel::ChannelId;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::body::{CategoryBody, FormatBody, TemplateBody};
use crate::{
    extract::{Allowed, Json},
    problem::Problem,
};

/// A new template.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TemplateInput {
    /// A number of the account it belongs to; this or `businessAccountId`.
    channel_id: Option<ChannelId>,
    /// The account it belongs to.
    business_account_id: Option<String>,
    /// Lower-case letters, digits and underscores, up to 512.
    name: String,
    /// As `en_US`.
    language: String,
    category: CategoryBody,
    #[serde(default)]
    parameter_format: FormatBody,
    /// Meta's creation form, with a sample for each variable.
    #[schema(value_type = Vec<Object>)]
    components: Value,
    /// Seconds for which a message is tried; -1 are 30 days. The provider's default when there is none.
    message_send_ttl_seconds: Option<i32>,
}

/// Drafts a template. It keeps the provider's rules; each broken one is named.
#[utoipa::path(post, path = "/api/templates", tag = "templates", extensions(("x-permission" = json!("templates.write"))), responses(
    (status = 201, description = "The draft", body = TemplateBody),
    (status = 409, description = "The account has a template of this name in this language"),
))]
pub(super) async fn handler(
    tenant: Allowed<TemplatesWrite>,
    Json(input): Json<TemplateInput>,
) -> Result<(StatusCode, Json<TemplateBody>), Problem> {
    let input = NewTemplate {
        channel: input.channel_id,
        business_account_id: input.business_account_id,
        name: input.name,
        language: input.language,
        category: input.category.into(),
        parameter_format: input.parameter_format.into(),
        components: input.components,
        message_ttl_seconds: input.message_send_ttl_seconds,
    };
    let mut tx = tenant.begin().await?;
    let template = service::create(&mut tx, tenant.clock(), input).await?;
    let details = json!({ "name": template.name, "language": template.language });
    tenant.record(&mut tx, "templates.create", Some(Target::new("templates", template.id)), details).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(template.into())))
}
