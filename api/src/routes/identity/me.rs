//! `GET /api/auth/me`

use crm::identity;

use super::body::MeBody;
use crate::{
    extract::{Json, Member},
    problem::Problem,
    routes::organizations::OrganizationBody,
};

/// Who is signed in, for which organization, and with which rights.
#[utoipa::path(get, path = "/api/auth/me", tag = "identity", extensions(("x-principal" = json!("member"))),
    responses((status = 200, description = "The member", body = MeBody)))]
pub(super) async fn handler(member: Member) -> Result<Json<MeBody>, Problem> {
    let mut tx = member.begin().await?;
    let user = identity::user(&mut tx, member.user()).await?;
    let user = user.ok_or_else(|| Problem::unauthorized("session-ended", "the account does not exist any more"))?;
    let organization = OrganizationBody::read(member.state(), &mut tx).await?;
    tx.commit().await?;
    let (role, permissions) = (member.role().to_string(), member.rights().words());
    Ok(Json(MeBody { user: user.into(), organization, role, permissions }))
}

/// Who is signed in: another name of `GET /api/auth/me`.
#[utoipa::path(get, path = "/api/auth/session", tag = "identity", extensions(("x-principal" = json!("member"))),
    responses((status = 200, description = "The member", body = MeBody)))]
pub(super) async fn session(member: Member) -> Result<Json<MeBody>, Problem> {
    handler(member).await
}
