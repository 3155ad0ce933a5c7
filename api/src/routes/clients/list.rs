//! `GET /api/clients`

use crm::{
    identity::permissions::ClientsManage,
    organizations::{ClientFilter, clients},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::ClientBody;
use crate::{
    extract::{Allowed, Json, PageBody, PageParams, Paging, Query},
    problem::Problem,
};

/// What the list is narrowed to.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct ClientQuery {
    /// Part of the name, in any letter case.
    q: Option<String>,
    /// Active ones only, or deactivated ones only.
    is_active: Option<bool>,
}

/// Lists the organizations of the installation, newest first.
#[utoipa::path(get, path = "/api/clients", tag = "clients", params(ClientQuery, PageParams),
    extensions(("x-permission" = json!("clients.manage"))), responses(
    (status = 200, description = "A page of clients", body = PageBody<ClientBody>),
))]
pub(super) async fn handler(
    tenant: Allowed<ClientsManage>,
    Query(query): Query<ClientQuery>,
    Paging(page): Paging,
) -> Result<Json<PageBody<ClientBody>>, Problem> {
    let filter = ClientFilter { text: query.q.filter(|text| !text.is_empty()), active: query.is_active };
    let mut tx = tenant.state().db.identity("staff lists clients").await?;
    let clients = clients::list(&mut tx, &filter, page).await?;
    tx.commit().await?;
    Ok(Json(PageBody::of(clients)))
}
