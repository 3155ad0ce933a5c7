//! `POST /api/templates/media`

use std::pin::pin;

use axum::{
    extract::{
        Multipart,
        multipart::{MultipartError, MultipartRejection},
    },
    http::StatusCode,
};
use bytes::Bytes;
use crm::{
    audit::Target,
    files::{File, service},
    identity::permissions::TemplatesWrite,
    templates::media::{self, MediaType},
};
use futures::{Stream, StreamExt};
use kernel::FileId;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    extract::{Allowed, Json},
    problem::Problem,
    routes::upload,
};

/// What of an upload that is refused is still read.
const READ_ON: usize = 32 * 1024 * 1024;

/// The upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the form")]
pub(super) struct MediaForm {
    /// A JPEG or PNG of at most 5 MB, an MP4 of at most 16 MB, or a PDF of at most 100 MB. What it is is told by its content.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
}

/// A sample for the media header of a template.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TemplateMedia {
    id: FileId,
    /// What names it in `example.header_handle` of a header.
    handle: String,
    /// `image/jpeg`, `image/png`, `video/mp4` or `application/pdf`.
    content_type: String,
    /// Length in bytes.
    size: u64,
    /// Where it can be read without a token for 10 to 15 minutes; `GET /api/files/{id}/link` gives out a new one.
    url: String,
}

/// Keeps a sample for the media header of a template. It stays while a template names it; when none does for a day, it goes.
#[utoipa::path(post, path = "/api/templates/media", tag = "templates",
    request_body(content = MediaForm, content_type = "multipart/form-data"),
    extensions(("x-permission" = json!("templates.write"))), responses(
    (status = 201, description = "The sample", body = TemplateMedia),
    (status = 413, description = "The file is larger than its type may be"),
    (status = 415, description = "No JPEG, PNG, MP4 or PDF; or not a multipart form"),
    (status = 503, description = "The store of files is unavailable"),
))]
pub(super) async fn handler(
    tenant: Allowed<TemplatesWrite>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<TemplateMedia>), Problem> {
    let mut form = upload::form(form)?;
    let field = upload::file(&mut form, || too_large(None)).await?;
    let name = field.file_name().map(str::to_owned);
    let (kind, content) = media::judge(field).await.map_err(|error| upload::form_problem(&error, || too_large(None)))?;
    let mut content = pin!(content);
    match store(&tenant, kind, name, content.as_mut()).await {
        Ok(file) => Ok((StatusCode::CREATED, Json(body(&tenant, file)))),
        Err(problem) => {
            read_on(content).await;
            Err(problem)
        }
    }
}

/// Keeps an upload, or nothing of it.
async fn store(
    tenant: &Allowed<TemplatesWrite>,
    kind: Option<MediaType>,
    name: Option<String>,
    content: impl Stream<Item = Result<Bytes, MultipartError>> + Send,
) -> Result<File, Problem> {
    let unsupported =
        || Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "template-media-unsupported", "a sample is a JPEG, a PNG, an MP4 or a PDF");
    let kind = kind.ok_or_else(unsupported)?;
    let state = tenant.state();
    let mut tx = tenant.begin().await?;
    let file = service::reserve(&mut tx, tenant.clock().now(), media::new_file(kind, name, tenant.user())).await?;
    tx.commit().await?;
    let stored = async {
        let size = service::write_stream(&state.files, &file, content, kind.limit())
            .await
            .map_err(|error| upload::store_problem(&error, || too_large(Some(kind))))?;
        complete(tenant, file.clone(), size).await
    };
    let stored = stored.await;
    if stored.is_err() {
        service::discard(&state.db, &state.files, &file).await;
    }
    stored
}

/// Takes more of an upload that is refused, so that its sender is there to hear why; then the connection is cut.
async fn read_on(mut content: impl Stream<Item = Result<Bytes, MultipartError>> + Unpin) {
    let mut length = 0;
    while let Some(Ok(chunk)) = content.next().await {
        length += chunk.len();
        if length > READ_ON {
            return;
        }
    }
}

async fn complete(tenant: &Allowed<TemplatesWrite>, file: File, size: u64) -> Result<File, Problem> {
    let mut tx = tenant.begin().await?;
    let file = service::complete(&mut tx, tenant.clock().now(), file, size).await?;
    let details = json!({ "contentType": file.content_type, "size": size });
    tenant.record(&mut tx, "templates.uploadMedia", Some(Target::new("files", file.id)), details).await?;
    tx.commit().await?;
    Ok(file)
}

fn body(tenant: &Allowed<TemplatesWrite>, file: File) -> TemplateMedia {
    let link = tenant.state().links.link(file.organization, file.id, tenant.clock().now());
    TemplateMedia { id: file.id, handle: media::handle(file.id), content_type: file.content_type, size: file.size, url: link.url }
}

fn too_large(kind: Option<MediaType>) -> Problem {
    let limit = kind.map_or(media::MAX_UPLOAD, MediaType::limit) / 1_000_000;
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", &format!("a file of this type has at most {limit} MB"))
}
