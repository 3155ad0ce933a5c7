//! `GET /api/contacts/imports/{id}/rejected.csv`

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use crm::{
    contacts::import::{ImportError, export, service},
    identity::permissions::ContactsRead,
};
use futures::stream;
use kernel::ImportId;

use crate::{
    extract::{Allowed, Path},
    problem::Problem,
};

/// Rows read at a time.
const PAGE: i64 = 500;

/// The rows that were rejected, with line, field, code, message and the row as it stands in the file. Cells that a spreadsheet would run as
/// a formula begin with an apostrophe.
#[utoipa::path(get, path = "/api/contacts/imports/{id}/rejected.csv", tag = "contacts",
    params(("id" = ImportId, Path, description = "The import")), extensions(("x-permission" = json!("contacts.read"))), responses(
    (status = 200, description = "The rows", body = String, content_type = "text/csv"),
    (status = 404, description = "There is no such import"),
))]
pub(super) async fn handler(tenant: Allowed<ContactsRead>, Path(id): Path<ImportId>) -> Result<Response, Problem> {
    let mut tx = tenant.begin().await?;
    service::get(&mut tx, id).await?;
    tx.commit().await?;
    // Each page is read in a transaction of its own, so a slow reader holds no connection.
    let pages = stream::try_unfold((tenant, 0_i64), move |(tenant, after)| async move {
        let mut tx = tenant.begin().await?;
        let rows = service::rejections(&mut tx, id, after, PAGE).await?;
        tx.commit().await?;
        let Some(last) = rows.last().map(|row| row.line) else { return Ok::<_, ImportError>(None) };
        Ok(Some((Bytes::from(export::to_csv(&rows)), (tenant, last))))
    });
    let head = stream::iter([Ok(Bytes::from_static(export::HEADER))]);
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment; filename=\"rejected.csv\"")];
    Ok((headers, Body::from_stream(futures::StreamExt::chain(head, pages))).into_response())
}
