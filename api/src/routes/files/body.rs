//! Files as clients see them.

use chrono::{DateTime, Utc};
use crm::files::File;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::AppState;

/// A logo.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Logo)]
pub(in crate::routes) struct LogoBody {
    /// Where it can be read without a token for 10 to 15 minutes; then a new one is given out.
    url: String,
    /// Its media type: always `image/webp`.
    content_type: String,
    /// Length in bytes.
    size: u64,
    /// When it was uploaded.
    updated_at: DateTime<Utc>,
}

impl LogoBody {
    /// The logo `file` with a link that begins now.
    pub(in crate::routes) fn of(state: &AppState, file: File) -> Self {
        let link = state.links.link(file.organization, file.id, state.clock.now());
        Self { url: link.url, content_type: file.content_type, size: file.size, updated_at: file.created_at }
    }
}
