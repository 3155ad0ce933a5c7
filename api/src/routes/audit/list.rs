//! `GET /api/audit-log`

use crm::{audit, identity::permissions::AuditRead};

use super::body::{AuditEventBody, Filter};
use crate::{
    extract::{Allowed, Json, PageBody, PageParams, Paging, Query},
    problem::Problem,
};

/// Lists who did what, newest first.
#[utoipa::path(get, path = "/api/audit-log", tag = "audit", params(Filter, PageParams),
    extensions(("x-permission" = json!("audit.read"))), responses(
    (status = 200, description = "A page of entries", body = PageBody<AuditEventBody>),
))]
pub(super) async fn handler(
    tenant: Allowed<AuditRead>,
    Query(filter): Query<Filter>,
    Paging(page): Paging,
) -> Result<Json<PageBody<AuditEventBody>>, Problem> {
    let mut tx = tenant.begin().await?;
    let events = audit::list(&mut tx, &filter.into(), page).await?;
    tx.commit().await?;
    Ok(Json(PageBody::of(events)))
}
