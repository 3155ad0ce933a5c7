//! `DELETE /api/contacts/{id}`

use axum::http::StatusCode;
use crm::{audit::Target, contacts::service, identity::permissions::ContactsWrite};
use kernel::ContactId;
use serde_json::Value;

use crate::{
    extract::{Allowed, Path},
    problem::Problem,
};

/// Deletes a contact. What its number refused stays refused.
#[utoipa::path(delete, path = "/api/contacts/{id}", tag = "contacts", params(("id" = ContactId, Path, description = "The contact")),
    extensions(("x-permission" = json!("contacts.write"))), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "There is no such contact"),
))]
pub(super) async fn handler(tenant: Allowed<ContactsWrite>, Path(id): Path<ContactId>) -> Result<StatusCode, Problem> {
    let mut tx = tenant.begin().await?;
    service::delete(&mut tx, id).await?;
    tenant.record(&mut tx, "contacts.delete", Some(Target::new("contacts", id)), Value::Null).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
