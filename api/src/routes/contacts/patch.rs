//! `PATCH /api/contacts/{id}`

use crm::{
    contacts::{Change, ContactPatch, service},
    identity::permissions::ContactsWrite,
};
use kernel::ContactId;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::body::{ContactBody, OptInBody};
use crate::{
    extract::{Allowed, Json, Path, change},
    problem::Problem,
};

/// What changes; what is left out stays, and null empties a field.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ContactChange {
    /// International form, with `+`.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    phone_number: Change,
    /// Up to 200 characters.
    name: Option<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    email: Change,
    /// All tags from now on.
    tags: Option<Vec<String>>,
    /// All attributes from now on.
    #[schema(value_type = Option<Object>)]
    attributes: Option<Map<String, Value>>,
    /// A refusal is lifted by `optedIn` only.
    opt_in: Option<OptInBody>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    locale: Change,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    time_zone: Change,
}

/// Changes a contact.
#[utoipa::path(method(patch, put), path = "/api/contacts/{id}", tag = "contacts", params(("id" = ContactId, Path, description = "The contact")),
    extensions(("x-permission" = json!("contacts.write"))), responses(
    (status = 200, description = "Changed", body = ContactBody),
    (status = 404, description = "There is no such contact"),
    (status = 409, description = "Another contact has the number"),
))]
pub(super) async fn handler(
    tenant: Allowed<ContactsWrite>,
    Path(id): Path<ContactId>,
    Json(change): Json<ContactChange>,
) -> Result<Json<ContactBody>, Problem> {
    let change = ContactPatch {
        phone_number: change.phone_number,
        name: change.name,
        email: change.email,
        tags: change.tags,
        attributes: change.attributes,
        opt_in: change.opt_in.map(Into::into),
        locale: change.locale,
        time_zone: change.time_zone,
    };
    let mut tx = tenant.begin().await?;
    let contact = service::patch(&mut tx, tenant.clock(), id, change).await?;
    tx.commit().await?;
    Ok(Json(contact.into()))
}
