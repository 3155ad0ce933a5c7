//! `POST /api/users`

use axum::http::StatusCode;
use crm::{
    audit::Target,
    fields::{self, FieldErrors},
    identity::{
        members::{self, Invitation},
        permissions::UsersManage,
    },
};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::body::MemberBody;
use crate::{
    extract::{Allowed, Json},
    layers::rate::Counted,
    problem::Problem,
};

/// Somebody to invite.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct InvitationInput {
    /// In any letter case.
    email: String,
    /// 1 to 100 characters.
    first_name: String,
    /// Up to 100 characters.
    #[serde(default)]
    last_name: String,
    /// A built-in role, or the key of one of the organization's own.
    role: String,
}

/// Invites somebody: a mail brings them a link, good for seven days, with which they choose a password and join.
///
/// The role cannot have rights that whoever invites does not have.
#[utoipa::path(post, path = "/api/users", tag = "users", extensions(("x-permission" = json!("users.manage"))), responses(
    (status = 201, description = "Invited", body = MemberBody),
    (status = 409, description = "An account with this e-mail address exists"),
    (status = 429, description = "Too many invitations of the organization"),
))]
pub(super) async fn handler(
    tenant: Allowed<UsersManage>,
    Json(input): Json<InvitationInput>,
) -> Result<(StatusCode, Json<MemberBody>), Problem> {
    let invitation = input.check()?;
    let state = tenant.state();
    state.limits.count(Counted::Invitation, tenant.organization()).await?;
    let mut tx = state.db.identity("invite a member").await?;
    let user = members::invite(&mut tx, tenant.clock().now(), state.identity.one_time(), tenant.authority(), invitation).await?;
    let member = members::show(&mut tx, tenant.organization(), user).await?;
    tenant.record(&mut tx, "users.invite", Some(Target::new("users", user)), json!({ "role": member.role.as_str() })).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(member.into())))
}

impl InvitationInput {
    fn check(self) -> Result<Invitation, FieldErrors> {
        let mut errors = FieldErrors::default();
        let email = errors.take(fields::email("email", &self.email));
        let first_name = errors.take(fields::filled("firstName", &self.first_name, 100));
        let last_name = errors.take(fields::text("lastName", &self.last_name, 100));
        match (email, first_name, last_name) {
            (Some(email), Some(first_name), Some(last_name)) => Ok(Invitation { email, first_name, last_name, role: self.role }),
            _ => Err(errors),
        }
    }
}
