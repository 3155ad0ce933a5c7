//! The logo under its other names: `/api/organizations/logo` and `/api/organizations/upload-logo`.

use axum::{
    extract::{Multipart, multipart::MultipartRejection},
    http::StatusCode,
};
use crm::identity::permissions::OrganizationManage;

use super::{
    body::LogoBody,
    logo_delete,
    logo_upload::{self, LogoForm},
};
use crate::{
    extract::{Allowed, Json},
    problem::Problem,
};

/// Another name of `POST /api/organizations/current/logo`.
#[utoipa::path(post, path = "/api/organizations/logo", tag = "organizations",
    request_body(content = LogoForm, content_type = "multipart/form-data"),
    extensions(("x-permission" = json!("organization.manage"))), responses(
    (status = 200, description = "The logo", body = LogoBody),
))]
pub(super) async fn upload(
    tenant: Allowed<OrganizationManage>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Json<LogoBody>, Problem> {
    logo_upload::handler(tenant, form).await
}

/// Another name of `POST /api/organizations/current/logo`.
#[utoipa::path(post, path = "/api/organizations/upload-logo", tag = "organizations",
    request_body(content = LogoForm, content_type = "multipart/form-data"),
    extensions(("x-permission" = json!("organization.manage"))), responses(
    (status = 200, description = "The logo", body = LogoBody),
))]
pub(super) async fn upload_logo(
    tenant: Allowed<OrganizationManage>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Json<LogoBody>, Problem> {
    logo_upload::handler(tenant, form).await
}

/// Another name of `DELETE /api/organizations/current/logo`.
#[utoipa::path(delete, path = "/api/organizations/logo", tag = "organizations",
    extensions(("x-permission" = json!("organization.manage"))), responses(
    (status = 204, description = "Gone"),
    (status = 404, description = "The organization has no logo"),
))]
pub(super) async fn delete(tenant: Allowed<OrganizationManage>) -> Result<StatusCode, Problem> {
    logo_delete::handler(tenant).await
}
