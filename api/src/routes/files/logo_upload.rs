//! `POST /api/organizations/current/logo`

use axum::extract::{Multipart, multipart::MultipartRejection};
use crm::{
    audit::Target,
    files::{FileKind, NewFile, logo, service},
    identity::permissions::OrganizationManage,
};
use serde_json::json;
use utoipa::ToSchema;

use super::{body::LogoBody, form};
use crate::{
    extract::{Allowed, Json},
    problem::Problem,
};

/// The upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the form")]
pub(super) struct LogoForm {
    /// A PNG, JPEG or WebP of at most 2 MB, 4096 × 4096 pixels and 12 megapixels; a single picture. A type that its part names must be its own.
    #[schema(value_type = String, format = Binary, content_media_type = "image/*")]
    file: Vec<u8>,
}

/// Gives the organization a logo, in the place of the one that it has. The picture is made anew as a WebP that fits 512 × 512; nothing else
/// of the upload is kept.
#[utoipa::path(post, path = "/api/organizations/current/logo", tag = "organizations",
    request_body(content = LogoForm, content_type = "multipart/form-data"),
    extensions(("x-permission" = json!("organization.manage"))), responses(
    (status = 200, description = "The logo", body = LogoBody),
    (status = 413, description = "The file is larger than 2 MB"),
    (status = 415, description = "Neither PNG nor JPEG nor WebP, or another type than it was said to be; or not a multipart form"),
    (status = 503, description = "The store of files is unavailable, or too many pictures are being worked on"),
))]
pub(super) async fn handler(
    tenant: Allowed<OrganizationManage>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Json<LogoBody>, Problem> {
    let upload = form::picture(form).await?;
    let state = tenant.state();
    let logo = state.logos.make(upload.declared.as_deref(), upload.bytes).await?;
    let new = NewFile {
        kind: FileKind::Logo,
        original_name: upload.name,
        content_type: logo::CONTENT_TYPE,
        ending: logo::ENDING,
        size: logo.bytes.len() as u64,
        created_by: tenant.user(),
    };
    let mut tx = tenant.begin().await?;
    let file = service::reserve(&mut tx, tenant.clock().now(), new).await?;
    tx.commit().await?;
    service::write(&state.files, &file, logo.bytes).await?;

    let mut tx = tenant.begin().await?;
    let replaced = service::attach_logo(&mut tx, tenant.clock().now(), file.id).await?;
    let details = json!({ "width": logo.width, "height": logo.height, "replaced": replaced.as_ref().map(|file| file.id) });
    tenant.record(&mut tx, "organizations.setLogo", Some(Target::new("files", file.id)), details).await?;
    tx.commit().await?;
    if let Some(replaced) = replaced {
        service::discard(&state.db, &state.files, &replaced).await;
    }
    Ok(Json(LogoBody::of(state, file)))
}
