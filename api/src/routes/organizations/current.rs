//! `GET`, `PUT` and `PATCH /api/organizations/current`

use crm::{
    fields::Change,
    identity::permissions::OrganizationManage,
    organizations::{ProfilePatch, service},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::OrganizationBody;
use crate::{
    extract::{Allowed, Json, Tenant, change},
    problem::Problem,
};

/// What changes; what is left out stays, and null empties a field. The logo has routes of its own.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct OrganizationChange {
    /// 1 to 200 characters; not null.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    name: Change,
    /// Up to 2,000 characters, in lines.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    description: Change,
    /// Up to 500 characters, in lines.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    address: Change,
    /// Up to 200 characters.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    city: Change,
    /// Up to 200 characters.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    state: Change,
    /// Up to 20 characters.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    zip_code: Change,
    /// ISO 3166-1 alpha-2, in letters of either case.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    country: Change,
    /// ISO 4217, in letters of either case; not null.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    currency: Change,
    /// IANA; not null.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    timezone: Change,
    /// International form, with `+`.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    whatsapp_number: Change,
    /// Up to 100 characters.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>)]
    business_category: Change,
}

impl From<OrganizationChange> for ProfilePatch {
    fn from(change: OrganizationChange) -> Self {
        Self {
            name: change.name,
            description: change.description,
            address: change.address,
            city: change.city,
            state: change.state,
            zip_code: change.zip_code,
            country: change.country,
            currency: change.currency,
            timezone: change.timezone,
            whatsapp_number: change.whatsapp_number,
            business_category: change.business_category,
        }
    }
}

/// The organization of whoever asks.
#[utoipa::path(get, path = "/api/organizations/current", tag = "organizations", responses(
    (status = 200, description = "The organization", body = OrganizationBody),
))]
pub(super) async fn show(tenant: Tenant) -> Result<Json<OrganizationBody>, Problem> {
    let mut tx = tenant.begin().await?;
    let organization = OrganizationBody::read(tenant.state(), &mut tx).await?;
    tx.commit().await?;
    Ok(Json(organization))
}

/// Changes the profile of the organization.
#[utoipa::path(method(put, patch), path = "/api/organizations/current", tag = "organizations",
    extensions(("x-permission" = json!("organization.manage"))), responses(
    (status = 200, description = "Changed", body = OrganizationBody),
))]
pub(super) async fn change_profile(
    tenant: Allowed<OrganizationManage>,
    Json(change): Json<OrganizationChange>,
) -> Result<Json<OrganizationBody>, Problem> {
    let mut tx = tenant.begin().await?;
    service::patch(&mut tx, tenant.clock(), tenant.actor(), change.into()).await?;
    let organization = OrganizationBody::read(tenant.state(), &mut tx).await?;
    tx.commit().await?;
    Ok(Json(organization))
}
