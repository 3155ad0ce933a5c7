//! `GET /api/contacts/imports/{id}`

use crm::{contacts::import::service, identity::permissions::ContactsRead};
use kernel::ImportId;

use super::import_body::ImportBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// How far an import is.
#[utoipa::path(get, path = "/api/contacts/imports/{id}", tag = "contacts", params(("id" = ImportId, Path, description = "The import")),
    extensions(("x-permission" = json!("contacts.read"))), responses(
    (status = 200, description = "The import", body = ImportBody),
    (status = 404, description = "There is no such import"),
))]
pub(super) async fn handler(tenant: Allowed<ContactsRead>, Path(id): Path<ImportId>) -> Result<Json<ImportBody>, Problem> {
    let mut tx = tenant.begin().await?;
    let import = service::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(import.into()))
}
