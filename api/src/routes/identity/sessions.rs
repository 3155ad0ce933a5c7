//! `/api/auth/sessions`: one's own logins.

use std::net::IpAddr;

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use crm::identity::SessionView;
use kernel::SessionId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    extract::{Json, Member, PageBody, Path},
    problem::Problem,
    state::AppState,
};

/// A login.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub(super) struct SessionBody {
    id: SessionId,
    /// Whether it is the one that asks.
    current: bool,
    /// What the program called itself when it signed in.
    user_agent: Option<String>,
    /// Where it signed in from.
    #[schema(value_type = Option<String>)]
    address: Option<IpAddr>,
    created_at: DateTime<Utc>,
    /// When it was last renewed.
    refreshed_at: DateTime<Utc>,
    /// When it ends unless it is renewed.
    expires_at: DateTime<Utc>,
}

/// Lists one's own logins that still stand, newest first; at most 100.
#[utoipa::path(get, path = "/api/auth/sessions", tag = "identity", extensions(("x-principal" = json!("member"))), responses(
    (status = 200, description = "The logins", body = PageBody<SessionBody>),
))]
pub(super) async fn list(member: Member, State(state): State<AppState>) -> Result<Json<PageBody<SessionBody>>, Problem> {
    let sessions = state.identity.sessions(state.clock.now(), member.organization(), member.user()).await?;
    let data = sessions.into_iter().map(|session| SessionBody::of(session, member.session())).collect();
    Ok(Json(PageBody { data, next_cursor: None }))
}

/// Ends one of one's own logins. Its refresh token is worthless at once, its access token within five seconds.
#[utoipa::path(delete, path = "/api/auth/sessions/{id}", tag = "identity", params(("id" = SessionId, Path, description = "The login")),
    extensions(("x-principal" = json!("member"))), responses(
    (status = 204, description = "Ended"),
    (status = 404, description = "There is no such login"),
))]
pub(super) async fn revoke(member: Member, Path(id): Path<SessionId>, State(state): State<AppState>) -> Result<StatusCode, Problem> {
    state.identity.revoke_session(state.clock.now(), member.organization(), member.user(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all of one's own logins but the one that asks.
#[utoipa::path(post, path = "/api/auth/sessions/revoke-others", tag = "identity", extensions(("x-principal" = json!("member"))), responses(
    (status = 204, description = "Ended"),
))]
pub(super) async fn revoke_others(member: Member, State(state): State<AppState>) -> Result<StatusCode, Problem> {
    state.identity.revoke_other_sessions(state.clock.now(), member.organization(), member.user(), member.session()).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl SessionBody {
    fn of(session: SessionView, current: SessionId) -> Self {
        let SessionView { id, user_agent, address, created_at, refreshed_at, expires_at } = session;
        Self { id, current: id == current, user_agent, address, created_at, refreshed_at, expires_at }
    }
}
