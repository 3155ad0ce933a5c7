//! The cookie that holds the refresh token: scripts cannot read it, and it travels to the routes of identity only.

use std::{convert::Infallible, fmt::Write as _};

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, header, request::Parts},
    response::AppendHeaders,
};
use axum_extra::extract::CookieJar;
use chrono::TimeDelta;
use crm::identity::RefreshToken;
use runtime::config::{AuthConfig, SameSite};

const NAME: &str = "refreshToken";
const PATH: &str = "/api/auth";

/// The refresh token that came with the request, if it is one.
pub(super) struct RefreshCookie(pub(super) Option<RefreshToken>);

/// The header that sets the cookie.
pub(super) type SetCookie = AppendHeaders<[(HeaderName, String); 1]>;

impl<S: Send + Sync> FromRequestParts<S> for RefreshCookie {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let jar = CookieJar::from_headers(&parts.headers);
        Ok(Self(jar.get(NAME).and_then(|cookie| RefreshToken::parse(cookie.value()))))
    }
}

/// Has the browser keep a token that is good for `ttl`.
pub(super) fn keep(token: &RefreshToken, ttl: TimeDelta, config: &AuthConfig) -> SetCookie {
    set(&token.encode(), ttl.num_seconds().max(0), config)
}

/// Has the browser forget.
pub(super) fn forget(config: &AuthConfig) -> SetCookie {
    set("", 0, config)
}

fn set(value: &str, seconds: i64, config: &AuthConfig) -> SetCookie {
    let same_site = match config.cookie_same_site {
        SameSite::Strict => "Strict",
        SameSite::Lax => "Lax",
        SameSite::None => "None",
    };
    let mut cookie = format!("{NAME}={value}; Path={PATH}; Max-Age={seconds}; HttpOnly; SameSite={same_site}");
    if let Some(domain) = &config.cookie_domain {
        let _ = write!(cookie, "; Domain={domain}");
    }
    if config.cookie_secure {
        cookie.push_str("; Secure");
    }
    AppendHeaders([(header::SET_COOKIE, cookie)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_closed_to_scripts_and_other_sites() {
        let AppendHeaders([(_, cookie)]) = forget(&AuthConfig::default());
        assert_eq!(cookie, "refreshToken=; Path=/api/auth; Max-Age=0; HttpOnly; SameSite=Strict");
        let config = AuthConfig {
            cookie_secure: true,
            cookie_same_site: SameSite::None,
            cookie_domain: Some("example.com".into()),
            ..AuthConfig::default()
        };
        let AppendHeaders([(_, cookie)]) = forget(&config);
        assert!(cookie.ends_with("SameSite=None; Domain=example.com; Secure"), "{cookie}");
    }
}
