//! `GET /api/audit-log/export.csv`

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use crm::{
    audit::{self, AuditFilter, export},
    identity::permissions::AuditRead,
};
use db::DbError;
use futures::{StreamExt, stream};
use kernel::PageRequest;
use serde_json::Value;

use super::body::Filter;
use crate::{
    extract::{Allowed, Query, SteppedUp},
    problem::Problem,
};

/// Entries read at a time.
const PAGE: i64 = 500;

/// Which page comes next; none when all were read.
type Next = Option<PageRequest>;

/// The entries as a file, newest first; that it was fetched is an entry too. Cells that a spreadsheet would run as a formula begin with an
/// apostrophe.
#[utoipa::path(get, path = "/api/audit-log/export.csv", tag = "audit", params(Filter),
    extensions(("x-permission" = json!("audit.read")), ("x-principal" = json!("member")), ("x-step-up" = json!(true))), responses(
    (status = 200, description = "The entries", body = String, content_type = "text/csv"),
))]
pub(super) async fn handler(tenant: Allowed<AuditRead>, _: SteppedUp, Query(filter): Query<Filter>) -> Result<Response, Problem> {
    let filter = AuditFilter::from(filter);
    let mut tx = tenant.begin().await?;
    tenant.record(&mut tx, "auditLog.export", None, Value::Null).await?;
    tx.commit().await?;
    // Each page is read in a transaction of its own, so a slow reader holds no connection.
    let first: Next = Some(PageRequest { limit: PAGE, after: None });
    let pages = stream::try_unfold((tenant, filter, first), |(tenant, filter, next)| async move {
        let Some(request) = next else { return Ok::<_, DbError>(None) };
        let mut tx = tenant.begin().await?;
        let page = audit::list(&mut tx, &filter, request).await?;
        tx.commit().await?;
        let rows = Bytes::from(export::to_csv(&page.data));
        let next = page.next.map(|after| PageRequest { limit: PAGE, after: Some(after) });
        Ok(Some((rows, (tenant, filter, next))))
    });
    let head = stream::iter([Ok(Bytes::from_static(export::HEADER))]);
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment; filename=\"audit-log.csv\"")];
    Ok((headers, Body::from_stream(head.chain(pages))).into_response())
}
