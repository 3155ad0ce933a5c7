//! `GET /api/auth/me`

use crm::{identity, organizations};

use super::body::MeBody;
use crate::{
    extract::{Json, Tenant},
    problem::Problem,
};

/// Who is signed in, for which organization, and with which rights.
#[utoipa::path(get, path = "/api/auth/me", tag = "identity", responses((status = 200, description = "The member", body = MeBody)))]
pub(super) async fn handler(tenant: Tenant) -> Result<Json<MeBody>, Problem> {
    let mut tx = tenant.begin().await?;
    let user = identity::user(&mut tx, tenant.user()).await?;
    let user = user.ok_or_else(|| Problem::unauthorized("session-ended", "the account does not exist any more"))?;
    let organization = organizations::service::current(&mut tx).await?;
    tx.commit().await?;
    let role = tenant.role();
    let permissions = role.permissions().map(identity::Permission::as_str).collect();
    Ok(Json(MeBody { user: user.into(), organization: organization.into(), role, permissions }))
}

/// Who is signed in: another name of `GET /api/auth/me`.
#[utoipa::path(get, path = "/api/auth/session", tag = "identity", responses((status = 200, description = "The member", body = MeBody)))]
pub(super) async fn session(tenant: Tenant) -> Result<Json<MeBody>, Problem> {
    handler(tenant).await
}
