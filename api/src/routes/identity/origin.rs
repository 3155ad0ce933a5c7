//! Refuses browsers that another site sent here: the cookie alone would let them in.

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, header, request::Parts},
};

use crate::{problem::Problem, state::AppState};

/// By which browsers say whether another site sent them.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The request comes from our own origin, an allowed one, or from no browser at all.
pub(super) struct TrustedOrigin;

impl FromRequestParts<AppState> for TrustedOrigin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let refused = || Problem::forbidden("origin-not-allowed", "requests from this origin are not allowed");
        let Some(origin) = parts.headers.get(header::ORIGIN) else {
            return if text(FETCH_SITE) == Some("cross-site") { Err(refused()) } else { Ok(Self) };
        };
        let origin = origin.to_str().unwrap_or_default();
        let own = origin.split_once("://").is_some_and(|(_, host)| Some(host) == text(header::HOST));
        if own || state.config.api.allowed_origins.iter().any(|allowed| allowed == origin) { Ok(Self) } else { Err(refused()) }
    }
}
