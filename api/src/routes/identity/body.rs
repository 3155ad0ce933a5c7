//! What the routes of identity answer with.

use chrono::{DateTime, Utc};
use crm::identity::User;
use kernel::UserId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::organizations::OrganizationBody;

/// An account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub(super) struct UserBody {
    id: UserId,
    /// In lower case.
    email: String,
    /// Whether it is known that the person reads the address.
    email_verified: bool,
    /// The other name to sign in with.
    username: Option<String>,
    first_name: String,
    last_name: String,
    /// E.164.
    phone_number: Option<String>,
    /// The number by which they are known on WhatsApp, E.164.
    whatsapp_phone: Option<String>,
    created_at: DateTime<Utc>,
}

/// A fresh login.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoginBody {
    /// For `Authorization: Bearer`.
    pub(super) access_token: String,
}

/// A fresh account, signed in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegisteredBody {
    /// For `Authorization: Bearer`.
    pub(super) access_token: String,
    pub(super) user: UserBody,
    pub(super) organization: OrganizationBody,
}

/// Who asks, and what they may do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MeBody {
    pub(super) user: UserBody,
    pub(super) organization: OrganizationBody,
    /// A built-in role, or the key of one of the organization's own.
    pub(super) role: String,
    /// What they may do.
    pub(super) permissions: Vec<&'static str>,
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            email_verified: user.email_verified_at.is_some(),
            username: user.username,
            first_name: user.first_name,
            last_name: user.last_name,
            phone_number: user.phone_number,
            whatsapp_phone: user.whatsapp_phone,
            created_at: user.created_at,
        }
    }
}
