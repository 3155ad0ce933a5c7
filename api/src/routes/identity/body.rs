//! What the routes of identity answer with.

use chrono::{DateTime, Utc};
use crm::identity::{Role, User};
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
    first_name: String,
    last_name: String,
    /// E.164.
    phone_number: Option<String>,
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
    pub(super) role: Role,
    /// The rights of the role.
    pub(super) permissions: Vec<&'static str>,
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        let User { id, email, first_name, last_name, phone_number, created_at } = user;
        Self { id, email, first_name, last_name, phone_number, created_at }
    }
}
