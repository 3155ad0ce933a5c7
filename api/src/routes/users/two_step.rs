//! `DELETE /api/users/{id}/two-step`

use axum::http::StatusCode;
use crm::{
    audit::Target,
    identity::{
        members::{self, Authority},
        permissions::UsersManage,
    },
};
use kernel::UserId;
use serde_json::json;

use crate::{
    extract::{Allowed, Path, SteppedUp},
    problem::Problem,
};

/// Takes two-step login from a member who has lost the app and the recovery codes: their logins end, and a mail tells them.
///
/// One's own is switched off by `DELETE /api/auth/two-step`. Nobody takes it from somebody who has more rights.
#[utoipa::path(delete, path = "/api/users/{id}/two-step", tag = "users", params(("id" = UserId, Path, description = "The member")),
    extensions(("x-permission" = json!("users.manage")), ("x-principal" = json!("member")), ("x-step-up" = json!(true))), responses(
    (status = 204, description = "Off"),
    (status = 404, description = "There is no such member"),
    (status = 409, description = "It is not on, or it is your own"),
))]
pub(super) async fn take(tenant: Allowed<UsersManage>, person: SteppedUp, Path(id): Path<UserId>) -> Result<StatusCode, Problem> {
    // As they are at this moment: nothing gives the member the second step back.
    let authority = Authority { rights: person.standing().rights, ..tenant.authority() };
    let mut tx = tenant.state().db.identity("take two-step login from a member").await?;
    let ended = members::take_two_step(&mut tx, tenant.clock().now(), authority, id).await?;
    tenant.record(&mut tx, "users.takeTwoStep", Some(Target::new("users", id)), json!({ "revoked": ended })).await?;
    tx.commit().await?;
    tenant.state().identity.forget_user(id);
    Ok(StatusCode::NO_CONTENT)
}
