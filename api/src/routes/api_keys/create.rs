//! `POST /api/api-keys`

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use crm::{
    audit::Target,
    identity::{
        api_keys::{self, ApiKeyDraft, Maker},
        permissions::ApiKeysManage,
    },
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::body::NewApiKeyBody;
use crate::{
    extract::{Allowed, Json, SteppedUp},
    problem::Problem,
};

/// A key to make.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ApiKeyInput {
    /// 1 to 100 characters.
    name: String,
    /// Words of rights, as `GET /api/permissions` lists them; at least one.
    permissions: Vec<String>,
    /// When it ends by itself, in the future; never when left out.
    expires_at: Option<DateTime<Utc>>,
}

/// Makes a key. The answer shows it, and nothing does afterwards.
///
/// It cannot have rights that whoever makes it does not have.
#[utoipa::path(post, path = "/api/api-keys", tag = "apiKeys",
    extensions(("x-permission" = json!("apiKeys.manage")), ("x-step-up" = json!(true))), responses(
    (status = 201, description = "Made", body = NewApiKeyBody),
    (status = 409, description = "There are too many"),
))]
pub(super) async fn handler(
    tenant: Allowed<ApiKeysManage>,
    person: SteppedUp,
    Json(input): Json<ApiKeyInput>,
) -> Result<(StatusCode, Json<NewApiKeyBody>), Problem> {
    let draft = ApiKeyDraft { name: input.name, permissions: input.permissions, expires_at: input.expires_at };
    // As they are at this moment: a key outlives what a process remembers.
    let maker = Maker { user: person.user(), rights: person.standing().rights };
    let mut tx = tenant.begin().await?;
    let (api_key, text) = api_keys::create(&mut tx, tenant.clock(), maker, &draft).await?;
    let details = json!({ "permissions": api_key.rights.words(), "expiresAt": api_key.expires_at });
    tenant.record(&mut tx, "apiKeys.create", Some(Target::new("apiKeys", api_key.id)), details).await?;
    tx.commit().await?;
    let key = text.secret.expose_secret().to_owned();
    Ok((StatusCode::CREATED, Json(NewApiKeyBody { api_key: api_key.into(), key })))
}
