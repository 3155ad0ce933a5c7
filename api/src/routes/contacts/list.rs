//! `GET /api/contacts` and its other name.

use crm::{
    contacts::{ContactFilter, service},
    identity::permissions::ContactsRead,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::{ContactBody, OptInBody};
use crate::{
    extract::{Allowed, Json, PageBody, PageParams, Paging, Query},
    problem::Problem,
};

/// Which contacts to list.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Part of name, e-mail address or number.
    q: Option<String>,
    /// A tag the contact has.
    tag: Option<String>,
    opt_in: Option<OptInBody>,
}

/// Lists contacts, newest first.
#[utoipa::path(get, path = "/api/contacts", tag = "contacts", params(Filter, PageParams),
    extensions(("x-permission" = json!("contacts.read"))), responses(
    (status = 200, description = "A page of contacts", body = PageBody<ContactBody>),
))]
pub(super) async fn handler(
    tenant: Allowed<ContactsRead>,
    Query(filter): Query<Filter>,
    Paging(page): Paging,
) -> Result<Json<PageBody<ContactBody>>, Problem> {
    let text = filter.q.filter(|text| !text.trim().is_empty());
    let filter = ContactFilter { text, tag: filter.tag, opt_in: filter.opt_in.map(Into::into) };
    let mut tx = tenant.begin().await?;
    let contacts = service::list(&mut tx, &filter, page).await?;
    tx.commit().await?;
    Ok(Json(PageBody::of(contacts)))
}

/// Another name of `GET /api/contacts`.
#[utoipa::path(get, path = "/api/whatsapp/contacts", tag = "contacts", params(Filter, PageParams),
    extensions(("x-permission" = json!("contacts.read"))), responses(
    (status = 200, description = "A page of contacts", body = PageBody<ContactBody>),
))]
pub(super) async fn whatsapp(
    tenant: Allowed<ContactsRead>,
    filter: Query<Filter>,
    page: Paging,
) -> Result<Json<PageBody<ContactBody>>, Problem> {
    handler(tenant, filter, page).await
}
