//! `PATCH /api/clients/{id}`

use crm::{
    fields::Change,
    identity::permissions::ClientsManage,
    organizations::{ClientPatch, clients},
};
use kernel::OrganizationId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::{ClientBody, activity, staff};
use crate::{
    extract::{Allowed, Json, Path, change},
    problem::Problem,
};

/// What changes; what is left out stays, and null empties a field.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ClientChange {
    /// 1 to 200 characters; not null.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    company_name: Change,
    /// International form, with `+`.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    whatsapp_number: Change,
    /// Up to 100 characters.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    business_category: Change,
    /// IANA; not null.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    timezone: Change,
    /// `false` ends all logins and keys within five seconds and pauses all campaigns; `true` lets people in again, and campaigns wait to be
    /// resumed.
    is_active: Option<bool>,
}

/// Changes a client, and switches it off or on.
#[utoipa::path(method(patch, put), path = "/api/clients/{id}", tag = "clients", params(("id" = OrganizationId, Path, description = "The client")),
    extensions(("x-permission" = json!("clients.manage"))), responses(
    (status = 200, description = "Changed", body = ClientBody),
    (status = 404, description = "There is no such client"),
    (status = 409, description = "It is the organization of whoever asks, which cannot be deactivated"),
))]
pub(super) async fn handler(
    tenant: Allowed<ClientsManage>,
    Path(id): Path<OrganizationId>,
    Json(change): Json<ClientChange>,
) -> Result<Json<ClientBody>, Problem> {
    let patch = ClientPatch {
        company_name: change.company_name,
        whatsapp_number: change.whatsapp_number,
        business_category: change.business_category,
        timezone: change.timezone,
        activity: activity(change.is_active),
    };
    let staff = staff(&tenant)?;
    let mut tx = tenant.state().db.identity("staff changes a client").await?;
    let client = clients::patch(&mut tx, tenant.clock(), staff, id, patch).await?;
    tx.commit().await?;
    Ok(Json(client.into()))
}
