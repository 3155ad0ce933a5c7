//! `GET /api/contacts/{id}`

use crm::{contacts::service, identity::permissions::ContactsRead};
use kernel::ContactId;

use super::body::ContactBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// One contact.
#[utoipa::path(get, path = "/api/contacts/{id}", tag = "contacts", params(("id" = ContactId, Path, description = "The contact")),
    extensions(("x-permission" = json!("contacts.read"))), responses(
    (status = 200, description = "The contact", body = ContactBody),
    (status = 404, description = "There is no such contact"),
))]
pub(super) async fn handler(tenant: Allowed<ContactsRead>, Path(id): Path<ContactId>) -> Result<Json<ContactBody>, Problem> {
    let mut tx = tenant.begin().await?;
    let contact = service::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(contact.into()))
}
