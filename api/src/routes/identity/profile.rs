//! `PATCH /api/auth/me` and `POST /api/users/update-phone`

use axum::{extract::State, http::StatusCode};
use crm::{
    fields::{self, Change, FieldError, FieldErrors},
    identity::{self, Edit, ProfileChange, Username},
};
use kernel::UserId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{body::MeBody, me};
use crate::{
    extract::{Json, Member, change},
    problem::Problem,
    state::AppState,
};

/// What changes; what is left out stays, and null empties a field.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MeChange {
    /// 1 to 100 characters.
    first_name: Option<String>,
    /// Up to 100 characters.
    last_name: Option<String>,
    /// To sign in with besides the address: 3 to 40 letters, digits, `.`, `_`, `-`. Nobody else's.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    username: Change,
    /// International form, with `+`.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    phone_number: Change,
}

/// The number by which somebody is known on WhatsApp.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PhoneUpdate {
    /// International form, with `+`; null for none. Nobody else's.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    whatsapp_phone: Change,
    /// Must be one's own.
    user_id: Option<UserId>,
}

/// Changes one's own profile.
#[utoipa::path(method(patch, put), path = "/api/auth/me", tag = "identity", extensions(("x-principal" = json!("member"))), responses(
    (status = 200, description = "Changed", body = MeBody),
    (status = 409, description = "Somebody else has the user name"),
))]
pub(super) async fn handler(member: Member, State(state): State<AppState>, Json(body): Json<MeChange>) -> Result<Json<MeBody>, Problem> {
    let change = body.check()?;
    state.identity.change_profile(state.clock.now(), member.organization(), member.user(), &change).await?;
    me::handler(member).await
}

/// Sets or clears one's own WhatsApp number.
#[utoipa::path(post, path = "/api/users/update-phone", tag = "identity", extensions(("x-principal" = json!("member"))), responses(
    (status = 204, description = "Changed"),
    (status = 403, description = "The record is a colleague's"),
    (status = 404, description = "There is no such member"),
    (status = 409, description = "Somebody else has the number"),
))]
pub(super) async fn update_phone(
    member: Member,
    State(state): State<AppState>,
    Json(body): Json<PhoneUpdate>,
) -> Result<StatusCode, Problem> {
    if let Some(other) = body.user_id.filter(|user| *user != member.user()) {
        let mut tx = member.begin().await?;
        let colleague = identity::user(&mut tx, other).await?;
        tx.commit().await?;
        return Err(match colleague {
            Some(_) => Problem::forbidden("own-record-only", "only one's own number can be changed"),
            None => Problem::not_found("user-not-found", "there is no such member"),
        });
    }
    let whatsapp_phone = set(body.whatsapp_phone, |number| fields::phone_number("whatsappPhone", number))?;
    if !whatsapp_phone.changes() {
        return Err(Problem::field("whatsappPhone", "missing", "a number, or null for none"));
    }
    let change = ProfileChange { whatsapp_phone, ..ProfileChange::default() };
    state.identity.change_profile(state.clock.now(), member.organization(), member.user(), &change).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl MeChange {
    fn check(self) -> Result<ProfileChange, FieldErrors> {
        let mut errors = FieldErrors::default();
        let first_name = errors.take(self.first_name.map(|name| fields::filled("firstName", &name, 100)).transpose());
        let last_name = errors.take(self.last_name.map(|name| fields::text("lastName", &name, 100)).transpose());
        let username = errors.take(set(self.username, Username::parse));
        let phone_number = errors.take(set(self.phone_number, |number| fields::phone_number("phoneNumber", number)));
        match (first_name, last_name, username, phone_number) {
            (Some(first_name), Some(last_name), Some(username), Some(phone_number)) => {
                Ok(ProfileChange { first_name, last_name, username, phone_number, whatsapp_phone: Edit::Keep })
            }
            _ => Err(errors),
        }
    }
}

/// A change of a text, parsed.
fn set<T>(change: Change, parse: impl FnOnce(&str) -> Result<T, FieldError>) -> Result<Edit<T>, FieldError> {
    match change {
        Change::Keep => Ok(Edit::Keep),
        Change::Set(None) => Ok(Edit::Clear),
        Change::Set(Some(text)) => parse(&text).map(Edit::Set),
    }
}
