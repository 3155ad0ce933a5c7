//! Refusals in the words of the Graph API: which code means what, its HTTP status, and the envelope around it.
//!
//! # Source
//! Meta, WhatsApp Cloud API, "Error codes" (shape, statuses, codes).

use std::borrow::Cow;

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use serde_json::json;

/// Code, HTTP status, title. Codes that are not here answer 400.
const CODES: &[(i32, u16, &str)] = &[
    (0, 401, "AuthException"),
    (1, 500, "API Unknown"),
    (2, 500, "API Service"),
    (3, 403, "API Method"),
    (4, 429, "Application request limit reached"),
    (10, 403, "Permission Denied"),
    (17, 429, "User request limit reached"),
    (33, 400, "Parameter value is not valid"),
    (100, 400, "Invalid parameter"),
    (104, 401, "An access token is required to request this resource."),
    (190, 401, "Error validating access token"),
    (200, 403, "Permissions error"),
    (368, 403, "Temporarily blocked for policies violations"),
    (613, 422, "Calls to this API have exceeded the rate limit."),
    (803, 404, "Some of the aliases you requested do not exist"),
    (2500, 400, "Unknown path components"),
    (80_007, 429, "Rate limit issues"),
    (130_403, 400, "Business has blocked this user"),
    (130_429, 400, "Rate limit hit"),
    (130_472, 400, "User's number is part of an experiment"),
    (130_497, 403, "Business account is restricted from messaging users in this country."),
    (131_000, 500, "Something went wrong"),
    (131_005, 403, "Access denied"),
    (131_008, 400, "Required parameter is missing"),
    (131_009, 400, "Parameter value is not valid"),
    (131_016, 500, "Service unavailable"),
    (131_021, 400, "Recipient cannot be sender"),
    (131_026, 400, "Message undeliverable"),
    (131_030, 400, "Recipient phone number not in allowed list"),
    (131_031, 403, "Account has been locked"),
    (131_037, 400, "WhatsApp provided number needs display name approval before message can be sent."),
    (131_042, 400, "Business eligibility payment issue"),
    (131_045, 500, "Incorrect certificate"),
    (131_047, 400, "Re-engagement message"),
    (131_048, 400, "Spam rate limit hit"),
    (131_049, 400, "This message was not delivered to maintain healthy ecosystem engagement."),
    (131_050, 400, "User has stopped marketing messages from this business"),
    (131_051, 400, "Unsupported message type"),
    (131_052, 400, "Media download error"),
    (131_053, 400, "Media upload error"),
    (131_056, 400, "(Business Account, Consumer Account) pair rate limit hit"),
    (131_057, 500, "Account in maintenance mode"),
    (131_063, 400, "Marketing messages are disabled on Cloud API"),
    (132_000, 400, "Number of parameters does not match the expected number of params"),
    (132_001, 404, "Template name does not exist in the translation"),
    (132_005, 400, "Translated text too long"),
    (132_007, 400, "Template format character policy violated"),
    (132_012, 400, "Parameter format does not match format in the created template"),
    (132_015, 400, "Template is paused"),
    (132_016, 400, "Template is disabled"),
    (132_068, 400, "Flow is in blocked state"),
    (132_069, 400, "Flow is in throttled state"),
    (133_004, 503, "Server is temporarily unavailable"),
    (133_010, 400, "Phone number not registered"),
    (135_000, 400, "Generic user error"),
];

/// A request the provider refuses; nothing was executed.
#[derive(Clone, Debug)]
pub(crate) struct GraphError {
    code: i32,
    subcode: Option<i32>,
    details: Option<Cow<'static, str>>,
    /// Title and text for a person, of calls that manage templates.
    user: Option<(&'static str, Cow<'static, str>)>,
}

impl GraphError {
    /// The refusal with this code.
    pub(crate) fn of(code: i32) -> Self {
        Self { code, subcode: None, details: None, user: None }
    }

    /// A malformed parameter (code 100).
    pub(crate) fn parameter(details: impl Into<Cow<'static, str>>) -> Self {
        Self::of(100).details(details)
    }

    /// Says more in `error_data.details`.
    pub(crate) fn details(mut self, details: impl Into<Cow<'static, str>>) -> Self {
        self.details = Some(details.into());
        self
    }

    /// Says more to a person, in `error_user_title` and `error_user_msg`.
    pub(crate) fn for_people(mut self, title: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        self.user = Some((title, text.into()));
        self
    }

    /// Adds `error_subcode`.
    pub(crate) fn subcode(mut self, subcode: i32) -> Self {
        self.subcode = Some(subcode);
        self
    }

    /// The number products decide by.
    pub(crate) fn code(&self) -> i32 {
        self.code
    }
}

impl std::fmt::Display for GraphError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "(#{}) {}", self.code, describe(self.code).1)?;
        if let Some(subcode) = self.subcode {
            write!(f, ", subcode {subcode}")?;
        }
        let said = self.details.as_deref().or(self.user.as_ref().map(|(_, text)| text.as_ref()));
        said.map_or(Ok(()), |said| write!(f, ": {said}"))
    }
}

/// HTTP status and title of a code.
pub(crate) fn describe(code: i32) -> (StatusCode, &'static str) {
    CODES.iter().find(|(known, ..)| *known == code).map_or((StatusCode::BAD_REQUEST, "Unspecified error"), |(_, status, title)| {
        (StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST), title)
    })
}

impl IntoResponse for GraphError {
    fn into_response(self) -> Response<Body> {
        let (status, title) = describe(self.code);
        let mut error = json!({
            "message": format!("(#{}) {title}", self.code),
            "type": if self.code == 803 { "GraphMethodException" } else { "OAuthException" },
            "code": self.code,
            "fbtrace_id": format!("A{:016x}", uuid::Uuid::now_v7().as_u64_pair().1),
        });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = subcode.into();
        }
        if let Some(details) = self.details {
            error["error_data"] = json!({ "messaging_product": "whatsapp", "details": details });
        }
        if let Some((title, text)) = self.user {
            error["error_user_title"] = title.into();
            error["error_user_msg"] = text.into();
            error["is_transient"] = false.into();
        }
        if matches!(self.code, 2 | 4 | 17 | 80_007) {
            error["is_transient"] = true.into();
        }
        json_response(status, json!({ "error": error }).to_string())
    }
}

/// An answer with a JSON body.
pub(crate) fn json_response(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
    response
}

/// What a gateway in front of the API says when it has no answer: HTML, no envelope.
pub(crate) fn gateway_error() -> Response<Body> {
    let mut response = Response::new(Body::from(
        "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Sorry, something went wrong.</h1></body></html>",
    ));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}
