//! `POST /api/users/{id}/…`: what is done to a member without a body.

use crm::{
    audit::Target,
    identity::{members, permissions::UsersManage},
};
use kernel::UserId;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::body::MemberBody;
use crate::{
    extract::{Allowed, Json, Path},
    layers::rate::Counted,
    problem::Problem,
};

/// Logins have ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionsRevokedBody {
    /// How many.
    revoked: u64,
}

/// Disables a member: their logins end at once, their access tokens within five seconds, an open invitation is void.
///
/// Nobody disables themselves, somebody who has more rights, or the last active admin. Twice is as once.
#[utoipa::path(post, path = "/api/users/{id}/disable", tag = "users",
    params(("id" = UserId, Path, description = "The member")), extensions(("x-permission" = json!("users.manage"))), responses(
    (status = 200, description = "Disabled", body = MemberBody),
    (status = 404, description = "There is no such member"),
    (status = 409, description = "It is yourself, or the last active admin"),
))]
pub(super) async fn disable(tenant: Allowed<UsersManage>, Path(id): Path<UserId>) -> Result<Json<MemberBody>, Problem> {
    let mut tx = tenant.state().db.identity("disable a member").await?;
    let changed = members::disable(&mut tx, tenant.clock().now(), tenant.authority(), id).await?;
    let member = members::show(&mut tx, tenant.organization(), id).await?;
    if changed {
        tenant.record(&mut tx, "users.disable", Some(Target::new("users", id)), Value::Null).await?;
    }
    tx.commit().await?;
    tenant.state().identity.forget_member(tenant.organization(), id);
    Ok(Json(member.into()))
}

/// Lets a disabled member sign in again. Twice is as once.
#[utoipa::path(post, path = "/api/users/{id}/enable", tag = "users",
    params(("id" = UserId, Path, description = "The member")), extensions(("x-permission" = json!("users.manage"))), responses(
    (status = 200, description = "Enabled", body = MemberBody),
    (status = 404, description = "There is no such member"),
))]
pub(super) async fn enable(tenant: Allowed<UsersManage>, Path(id): Path<UserId>) -> Result<Json<MemberBody>, Problem> {
    let mut tx = tenant.state().db.identity("enable a member").await?;
    let changed = members::enable(&mut tx, tenant.clock().now(), tenant.authority(), id).await?;
    let member = members::show(&mut tx, tenant.organization(), id).await?;
    if changed {
        tenant.record(&mut tx, "users.enable", Some(Target::new("users", id)), Value::Null).await?;
    }
    tx.commit().await?;
    tenant.state().identity.forget_member(tenant.organization(), id);
    Ok(Json(member.into()))
}

/// Mails a new invitation to somebody who has not joined yet. The link before it is void.
#[utoipa::path(post, path = "/api/users/{id}/resend-invitation", tag = "users",
    params(("id" = UserId, Path, description = "The member")), extensions(("x-permission" = json!("users.manage"))), responses(
    (status = 200, description = "A mail is on its way", body = MemberBody),
    (status = 404, description = "There is no such member"),
    (status = 409, description = "The member has joined already, or is disabled"),
    (status = 429, description = "Too many invitations of the organization"),
))]
pub(super) async fn resend_invitation(tenant: Allowed<UsersManage>, Path(id): Path<UserId>) -> Result<Json<MemberBody>, Problem> {
    let state = tenant.state();
    state.limits.count(Counted::Invitation, tenant.organization()).await?;
    let mut tx = state.db.identity("invite a member again").await?;
    members::resend_invitation(&mut tx, tenant.clock().now(), state.identity.one_time(), tenant.authority(), id).await?;
    let member = members::show(&mut tx, tenant.organization(), id).await?;
    tenant.record(&mut tx, "users.resendInvitation", Some(Target::new("users", id)), Value::Null).await?;
    tx.commit().await?;
    Ok(Json(member.into()))
}

/// Ends all logins of a member, who can sign in again.
#[utoipa::path(post, path = "/api/users/{id}/revoke-sessions", tag = "users",
    params(("id" = UserId, Path, description = "The member")), extensions(("x-permission" = json!("users.manage"))), responses(
    (status = 200, description = "They have ended", body = SessionsRevokedBody),
    (status = 404, description = "There is no such member"),
))]
pub(super) async fn revoke_sessions(tenant: Allowed<UsersManage>, Path(id): Path<UserId>) -> Result<Json<SessionsRevokedBody>, Problem> {
    let mut tx = tenant.state().db.identity("end the logins of a member").await?;
    let revoked = members::revoke_sessions(&mut tx, tenant.clock().now(), tenant.authority(), id).await?;
    tenant.record(&mut tx, "users.revokeSessions", Some(Target::new("users", id)), json!({ "revoked": revoked })).await?;
    tx.commit().await?;
    tenant.state().identity.forget_member(tenant.organization(), id);
    Ok(Json(SessionsRevokedBody { revoked }))
}
