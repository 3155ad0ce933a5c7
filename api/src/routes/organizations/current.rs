//! `GET` and `PUT /api/organizations/current`

use chrono::{DateTime, Utc};
use crm::{
    identity::permissions::OrganizationManage,
    organizations::{Organization, service},
};
use kernel::OrganizationId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    extract::{Allowed, Json, Tenant},
    problem::Problem,
};

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Organization)]
pub(in crate::routes) struct OrganizationBody {
    id: OrganizationId,
    name: String,
    /// Unique short name.
    slug: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// What changes; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct OrganizationChange {
    /// 1 to 200 characters.
    name: Option<String>,
}

impl From<Organization> for OrganizationBody {
    fn from(organization: Organization) -> Self {
        let Organization { id, name, slug, created_at, updated_at } = organization;
        Self { id, name, slug, created_at, updated_at }
    }
}

/// The organization of whoever asks.
#[utoipa::path(get, path = "/api/organizations/current", tag = "organizations", responses(
    (status = 200, description = "The organization", body = OrganizationBody),
))]
pub(super) async fn show(tenant: Tenant) -> Result<Json<OrganizationBody>, Problem> {
    let mut tx = tenant.begin().await?;
    let organization = service::current(&mut tx).await?;
    tx.commit().await?;
    Ok(Json(organization.into()))
}

/// Changes the profile of the organization.
#[utoipa::path(method(put, patch), path = "/api/organizations/current", tag = "organizations",
    extensions(("x-permission" = json!("organization.manage"))), responses(
    (status = 200, description = "Changed", body = OrganizationBody),
))]
pub(super) async fn change(
    tenant: Allowed<OrganizationManage>,
    Json(change): Json<OrganizationChange>,
) -> Result<Json<OrganizationBody>, Problem> {
    let name = change.name.map(|name| name.trim().to_owned());
    if name.as_ref().is_some_and(|name| !(1..=200).contains(&name.chars().count())) {
        return Err(Problem::field("name", "length", "1 to 200 characters"));
    }
    let mut tx = tenant.begin().await?;
    let organization = match name {
        Some(name) => service::rename(&mut tx, tenant.clock().now(), &name).await?,
        None => service::current(&mut tx).await?,
    };
    tx.commit().await?;
    Ok(Json(organization.into()))
}
