//! `PUT /api/templates/{id}`

use crm::{
    audit::Target,
    identity::permissions::TemplatesWrite,
    templates::{TemplatePatch, TtlChange, service},
};
use kernel::{ChannelId, TemplateId};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::body::{CategoryBody, FormatBody, TemplateBody, ttl_change};
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// What changes; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TemplateChange {
    channel_id: Option<ChannelId>,
    business_account_id: Option<String>,
    name: Option<String>,
    language: Option<String>,
    category: Option<CategoryBody>,
    parameter_format: Option<FormatBody>,
    /// Replaces all components.
    #[schema(value_type = Option<Vec<Object>>)]
    components: Option<Value>,
    /// Null is the provider's default: refused (`fixed`) where the provider has another, as a change of it has no word for that.
    #[serde(default, deserialize_with = "ttl_change")]
    #[schema(value_type = Option<i32>)]
    message_send_ttl_seconds: TtlChange,
}

impl TemplateChange {
    /// Names of what a client wishes to change.
    fn fields(&self) -> Vec<&'static str> {
        let fields = [
            ("channelId", self.channel_id.is_some()),
            ("businessAccountId", self.business_account_id.is_some()),
            ("name", self.name.is_some()),
            ("language", self.language.is_some()),
            ("category", self.category.is_some()),
            ("parameterFormat", self.parameter_format.is_some()),
            ("components", self.components.is_some()),
            ("messageSendTtlSeconds", self.message_send_ttl_seconds != TtlChange::Keep),
        ];
        fields.into_iter().filter(|(_, told)| *told).map(|(field, _)| field).collect()
    }
}

/// Changes the content of a template.
///
/// A draft is changed in place, and so is a template that was rejected, which is a draft again then. An approved or paused one stays as it is: the
/// change is its `draft`, until that is submitted and the provider took it. What the provider has keeps its name, language, account and parameter
/// format (`fixed`); an approved one also its category.
#[utoipa::path(method(put, patch), path = "/api/templates/{id}", tag = "templates",
    params(("id" = TemplateId, Path, description = "The template")), extensions(("x-permission" = json!("templates.write"))), responses(
    (status = 200, description = "Changed", body = TemplateBody),
    (status = 404, description = "There is no such template"),
    (status = 409, description = "Its status does not allow it, a change of it is being submitted, or the new name is taken"),
))]
pub(super) async fn handler(
    tenant: Allowed<TemplatesWrite>,
    Path(id): Path<TemplateId>,
    Json(change): Json<TemplateChange>,
) -> Result<Json<TemplateBody>, Problem> {
    let fields = change.fields();
    let change = TemplatePatch {
        channel: change.channel_id,
        business_account_id: change.business_account_id,
        name: change.name,
        language: change.language,
        category: change.category.map(Into::into),
        parameter_format: change.parameter_format.map(Into::into),
        components: change.components,
        message_ttl_seconds: change.message_send_ttl_seconds,
    };
    let mut tx = tenant.begin().await?;
    let template = service::replace(&mut tx, tenant.clock(), id, change).await?;
    // Of one that may be sent, a change was written that is submitted later.
    let details = json!({ "fields": fields, "draft": template.draft.is_some() });
    tenant.record(&mut tx, "templates.update", Some(Target::new("templates", id)), details).await?;
    tx.commit().await?;
    Ok(Json(template.into()))
}
