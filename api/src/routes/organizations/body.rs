//! Organizations as clients see them.

use chrono::{DateTime, Utc};
use crm::{
    files,
    organizations::{self, Organization},
};
use db::TenantTx;
use kernel::{OrganizationId, PhoneNumber};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{problem::Problem, routes::files::LogoBody, state::AppState};

/// An organization. Texts that were not given are empty.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Organization)]
pub(in crate::routes) struct OrganizationBody {
    id: OrganizationId,
    name: String,
    /// Unique short name.
    slug: String,
    /// What the business does.
    description: String,
    /// Street and house.
    address: String,
    city: String,
    /// Part of the country.
    state: String,
    zip_code: String,
    /// ISO 3166-1 alpha-2.
    country: Option<&'static str>,
    /// ISO 4217.
    currency: &'static str,
    /// IANA.
    timezone: &'static str,
    /// The number that the business wants to use; the connected ones are its channels.
    whatsapp_number: Option<String>,
    /// Line of business.
    business_category: String,
    logo: Option<LogoBody>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl OrganizationBody {
    /// The organization of `tx`, with a link to its logo that begins now.
    pub(in crate::routes) async fn read(state: &AppState, tx: &mut TenantTx) -> Result<Self, Problem> {
        let organization = organizations::service::current(tx).await?;
        let logo = match organization.logo {
            Some(_) => files::service::logo(tx).await?,
            None => None,
        };
        Ok(Self { logo: logo.map(|logo| LogoBody::of(state, logo)), ..Self::of_new(organization) })
    }

    /// An organization that was made just now: it has no logo yet.
    pub(in crate::routes) fn of_new(organization: Organization) -> Self {
        Self {
            id: organization.id,
            name: organization.name,
            slug: organization.slug,
            description: organization.description,
            address: organization.address,
            city: organization.city,
            state: organization.state,
            zip_code: organization.zip_code,
            country: organization.country.map(|country| country.alpha2()),
            currency: organization.currency.code(),
            timezone: organization.timezone.name(),
            whatsapp_number: organization.whatsapp_number.map(PhoneNumber::into_e164),
            business_category: organization.business_category,
            logo: None,
            created_at: organization.created_at,
            updated_at: organization.updated_at,
        }
    }
}
