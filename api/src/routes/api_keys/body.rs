//! An API key as clients see it.

use chrono::{DateTime, Utc};
use crm::identity::api_keys::ApiKey;
use kernel::{ApiKeyId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// A key, without what makes it one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
pub(super) struct ApiKeyBody {
    id: ApiKeyId,
    /// What it is for.
    name: String,
    /// What it begins with.
    prefix: String,
    /// Words of rights.
    permissions: Vec<&'static str>,
    /// Who made it.
    created_by_id: Option<UserId>,
    created_at: DateTime<Utc>,
    /// When it ends by itself.
    expires_at: Option<DateTime<Utc>>,
    /// Its last use, to the minute.
    last_used_at: Option<DateTime<Utc>>,
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewApiKey)]
pub(super) struct NewApiKeyBody {
    #[serde(flatten)]
    pub(super) api_key: ApiKeyBody,
    /// For the header `X-Api-Key`. It is shown this once.
    #[schema(format = Password)]
    pub(super) key: String,
}

impl From<ApiKey> for ApiKeyBody {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            permissions: key.rights.words(),
            created_by_id: key.created_by,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
        }
    }
}
