//! A role as clients see it.

use chrono::{DateTime, Utc};
use crm::identity::{Role, roles::CustomRole};
use kernel::RoleId;
use serde::Serialize;
use utoipa::ToSchema;

/// A set of rights with a name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Role)]
pub(super) struct RoleBody {
    /// Null for a built-in role.
    id: Option<RoleId>,
    /// The word by which members have it.
    key: String,
    /// What people call it.
    name: String,
    /// What it is for.
    description: String,
    /// Whether every organization has it; such a role cannot be changed.
    built_in: bool,
    /// Words of rights.
    permissions: Vec<&'static str>,
    /// How many members have it; null for a built-in role.
    members: Option<i64>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

impl From<Role> for RoleBody {
    fn from(role: Role) -> Self {
        let key = role.as_str();
        let (first, rest) = key.split_at(1);
        Self {
            id: None,
            key: key.to_owned(),
            name: first.to_ascii_uppercase() + rest,
            description: role.description().to_owned(),
            built_in: true,
            permissions: role.rights().words(),
            members: None,
            created_at: None,
            updated_at: None,
        }
    }
}

impl From<CustomRole> for RoleBody {
    fn from(role: CustomRole) -> Self {
        Self {
            id: Some(role.id),
            key: role.key,
            name: role.name,
            description: role.description,
            built_in: false,
            permissions: role.rights.words(),
            members: Some(role.members),
            created_at: Some(role.created_at),
            updated_at: Some(role.updated_at),
        }
    }
}
