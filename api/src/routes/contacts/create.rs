//! `POST /api/contacts`

use axum::http::StatusCode;
use crm::{
    contacts::{NewContact, service},
    identity::permissions::ContactsWrite,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::body::{ContactBody, OptInBody};
use crate::{
    extract::{Allowed, Json},
    problem::Problem,
};

/// A new contact.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ContactInput {
    /// International form, with `+`. One contact of the organization has it.
    phone_number: Option<String>,
    /// Up to 200 characters.
    #[serde(default)]
    name: String,
    email: Option<String>,
    /// Up to 50, of up to 64 characters.
    #[serde(default)]
    tags: Vec<String>,
    /// Scalars only, up to 16 kB.
    #[serde(default)]
    #[schema(value_type = Object)]
    attributes: Map<String, Value>,
    opt_in: Option<OptInBody>,
    /// Language, as `pt_BR`.
    locale: Option<String>,
    /// IANA time zone.
    time_zone: Option<String>,
}

/// Creates a contact. An address that opted out before stays so unless `optIn` says `optedIn`.
#[utoipa::path(post, path = "/api/contacts", tag = "contacts", extensions(("x-permission" = json!("contacts.write"))), responses(
    (status = 201, description = "The contact", body = ContactBody),
    (status = 409, description = "Another contact has the number"),
))]
pub(super) async fn handler(
    tenant: Allowed<ContactsWrite>,
    Json(input): Json<ContactInput>,
) -> Result<(StatusCode, Json<ContactBody>), Problem> {
    let input = NewContact {
        phone_number: input.phone_number,
        name: input.name,
        email: input.email,
        tags: input.tags,
        attributes: input.attributes,
        opt_in: input.opt_in.map(Into::into),
        locale: input.locale,
        time_zone: input.time_zone,
    };
    let mut tx = tenant.begin().await?;
    let contact = service::create(&mut tx, tenant.clock(), input).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(contact.into())))
}
