//! `GET /api/clients/{id}`

use crm::{identity::permissions::ClientsManage, organizations::clients};
use kernel::OrganizationId;

use super::body::ClientBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// One organization of the installation.
#[utoipa::path(get, path = "/api/clients/{id}", tag = "clients", params(("id" = OrganizationId, Path, description = "The client")),
    extensions(("x-permission" = json!("clients.manage"))), responses(
    (status = 200, description = "The client", body = ClientBody),
    (status = 404, description = "There is no such client"),
))]
pub(super) async fn handler(tenant: Allowed<ClientsManage>, Path(id): Path<OrganizationId>) -> Result<Json<ClientBody>, Problem> {
    let mut tx = tenant.state().db.identity("staff looks at a client").await?;
    let client = clients::find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(client.into()))
}
