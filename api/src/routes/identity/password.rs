//! Forgotten and changed passwords.

use axum::{extract::State, http::StatusCode};
use crm::{
    fields,
    identity::{IdentityError, Password},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{device::Asking, origin::TrustedOrigin};
use crate::{
    extract::{Client, Json, Member},
    layers::rate::Counted,
    problem::Problem,
    state::AppState,
};

/// Whose password is forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ForgotPassword {
    /// In any letter case.
    email: String,
}

/// A new password, by the link of a mail.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ResetPassword {
    /// From the link.
    token: String,
    /// 10 to 128 characters; not a common one, and not made of one's own names.
    #[schema(format = Password)]
    new_password: String,
}

/// A new password, by the old one.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ChangePassword {
    #[schema(format = Password)]
    current_password: String,
    /// 10 to 128 characters; not a common one, and not made of one's own names.
    #[schema(format = Password)]
    new_password: String,
}

/// Asks for a link to choose a new password.
///
/// The answer is the same whether there is an account of this address. The link is good once, for 30 minutes; a newer one voids it.
#[utoipa::path(post, path = "/api/auth/forgot-password", tag = "identity", security(()), responses(
    (status = 202, description = "If there is such an account, a mail is on its way"),
))]
pub(super) async fn forgot(
    _: TrustedOrigin,
    Client(client): Client,
    State(state): State<AppState>,
    Json(body): Json<ForgotPassword>,
) -> Result<StatusCode, Problem> {
    state.limits.count(Counted::PasswordReset, client).await?;
    let email = fields::email("email", &body.email)?;
    state.limits.count(Counted::PasswordResetEmail, &email).await?;
    state.identity.forgot_password(state.clock.now(), &email).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Chooses a new password by the link of a mail. All logins of the account end, and nobody is signed in by it.
#[utoipa::path(post, path = "/api/auth/reset-password", tag = "identity", security(()), responses(
    (status = 204, description = "Changed"),
    (status = 400, description = "The link is not valid any more, or the password breaks a rule"),
))]
pub(super) async fn reset(
    _: TrustedOrigin,
    Client(client): Client,
    Asking(device): Asking,
    State(state): State<AppState>,
    Json(body): Json<ResetPassword>,
) -> Result<StatusCode, Problem> {
    state.limits.count(Counted::PasswordReset, client).await?;
    state.identity.reset_password(state.clock.now(), &body.token, body.new_password, &device).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes one's own password. All other logins end. A wrong `currentPassword` counts as a failed sign-in.
#[utoipa::path(post, path = "/api/auth/change-password", tag = "identity", extensions(("x-principal" = json!("member"))), responses(
    (status = 204, description = "Changed"),
    (status = 400, description = "The current password is wrong, or the new one breaks a rule"),
    (status = 429, description = "Too many sign-ins have failed"),
))]
pub(super) async fn change(
    member: Member,
    Client(client): Client,
    Asking(device): Asking,
    State(state): State<AppState>,
    Json(body): Json<ChangePassword>,
) -> Result<StatusCode, Problem> {
    state.limits.count(Counted::Login, client).await?;
    let who = (member.organization(), member.user());
    let passwords = (Password::claim(body.current_password), body.new_password);
    let changed = state.identity.change_password(state.clock.now(), who, member.session(), passwords, &device).await;
    changed.map_err(|error| match error {
        IdentityError::WrongPassword => Problem::field("currentPassword", "wrong", &error),
        other => other.into(),
    })?;
    Ok(StatusCode::NO_CONTENT)
}
