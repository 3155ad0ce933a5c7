//! `DELETE /api/templates/{id}` and `DELETE /api/templates?name=`

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm::{
    audit::Target,
    identity::permissions::TemplatesWrite,
    templates::service::{self, Deletion, NameDeletion, NameInAccount},
};
use kernel::{ChannelId, TemplateId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::body::{TemplateBody, account_id};
use crate::{
    extract::{Allowed, Json, Path, Query},
    problem::Problem,
};

/// Deletes a template in its language.
///
/// One that the provider never had is gone at once. Any other is deleted there by a job: its status is `DELETING`, then `DELETED`, or
/// `PENDING_DELETION` while messages are on their way. Its name cannot be used again for 30 days.
#[utoipa::path(delete, path = "/api/templates/{id}", tag = "templates", params(("id" = TemplateId, Path, description = "The template")),
    extensions(("x-permission" = json!("templates.write"))), responses(
    (status = 202, description = "A job deletes it at the provider", body = TemplateBody),
    (status = 204, description = "Deleted"),
    (status = 404, description = "There is no such template"),
    (status = 409, description = "Campaigns use it, or its status does not allow it"),
))]
pub(super) async fn handler(tenant: Allowed<TemplatesWrite>, Path(id): Path<TemplateId>) -> Result<Response, Problem> {
    let mut tx = tenant.begin().await?;
    let deletion = service::delete(&mut tx, tenant.clock(), id).await?;
    tenant.record(&mut tx, "templates.delete", Some(Target::new("templates", id)), Value::Null).await?;
    tx.commit().await?;
    let begun = match deletion {
        Deletion::Done => None,
        Deletion::Begun(templates) => templates.into_iter().next(),
    };
    Ok(match begun {
        Some(template) => (StatusCode::ACCEPTED, Json(TemplateBody::from(template))).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// Which name; its account is told by one of its numbers, or itself.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Named {
    /// The name.
    name: String,
    /// A number of the account; this or `businessAccountId`.
    channel_id: Option<ChannelId>,
    /// The account.
    business_account_id: Option<String>,
}

/// Templates that are being deleted.
#[derive(Serialize, ToSchema)]
pub(super) struct DeletingBody {
    data: Vec<TemplateBody>,
}

/// Deletes all languages of a name: as if each was deleted, and with them the languages that the provider has and that are not known here, unless some
/// template of the name was begun since.
#[utoipa::path(delete, path = "/api/templates", tag = "templates", params(Named),
    extensions(("x-permission" = json!("templates.write"))), responses(
    (status = 202, description = "A job deletes them at the provider", body = DeletingBody),
    (status = 204, description = "Deleted"),
    (status = 404, description = "The account has no template of this name"),
    (status = 409, description = "Campaigns use one of them, or a status does not allow it"),
))]
pub(super) async fn named(tenant: Allowed<TemplatesWrite>, Query(named): Query<Named>) -> Result<Response, Problem> {
    let business_account_id = account_id(named.business_account_id)?;
    let named = NameInAccount { channel: named.channel_id, business_account_id, name: named.name };
    let mut tx = tenant.begin().await?;
    let name = named.name.clone();
    let NameDeletion { business_account_id, begun, removed } = service::delete_name(&mut tx, tenant.clock(), named).await?;
    let ids: Vec<TemplateId> = begun.iter().map(|view| view.template.id).collect();
    let details = json!({ "name": name, "businessAccountId": business_account_id, "begun": ids, "removed": removed });
    tenant.record(&mut tx, "templates.deleteName", None, details).await?;
    tx.commit().await?;
    if begun.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok((StatusCode::ACCEPTED, Json(DeletingBody { data: begun.into_iter().map(Into::into).collect() })).into_response())
}
