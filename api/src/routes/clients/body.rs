//! A client as staff sees it.

use chrono::{DateTime, Utc};
use crm::{
    identity::permissions::ClientsManage,
    organizations::{
        Client,
        clients::{Activity, Staff},
    },
};
use kernel::{OrganizationId, PhoneNumber};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{extract::Allowed, problem::Problem};

/// An organization of the installation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Client)]
pub(super) struct ClientBody {
    id: OrganizationId,
    company_name: String,
    /// Unique short name.
    slug: String,
    /// The number that the business wants to use.
    whatsapp_number: Option<String>,
    /// Line of business; empty when not given.
    business_category: String,
    /// IANA.
    timezone: &'static str,
    /// Whether its members may sign in and its campaigns may send.
    is_active: bool,
    /// Since when it may not.
    deactivated_at: Option<DateTime<Utc>>,
    /// Members who have joined and are not disabled.
    member_count: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Client> for ClientBody {
    fn from(Client { organization, members }: Client) -> Self {
        Self {
            is_active: organization.is_active(),
            id: organization.id,
            company_name: organization.name,
            slug: organization.slug,
            whatsapp_number: organization.whatsapp_number.map(PhoneNumber::into_e164),
            business_category: organization.business_category,
            timezone: organization.timezone.name(),
            deactivated_at: organization.deactivated_at,
            member_count: members,
            created_at: organization.created_at,
            updated_at: organization.updated_at,
        }
    }
}

/// Who of the staff asks: a person, since no API key can hold this right.
pub(super) fn staff(tenant: &Allowed<ClientsManage>) -> Result<Staff, Problem> {
    let user = tenant.user().ok_or_else(|| Problem::forbidden("right-missing", "the right clients.manage is a person's"))?;
    Ok(Staff { user, organization: tenant.organization() })
}

/// What `isActive` asks for.
pub(super) fn activity(is_active: Option<bool>) -> Option<Activity> {
    is_active.map(|active| if active { Activity::Active } else { Activity::Deactivated })
}
