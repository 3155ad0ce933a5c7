//! Where and with what a request is made.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use crm::identity::Device;

use crate::layers::client;

/// The device that asks.
pub(super) struct Asking(pub(super) Device);

impl<S: Send + Sync> FromRequestParts<S> for Asking {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let user_agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self(Device::new(client::address(&parts.extensions), user_agent)))
    }
}
