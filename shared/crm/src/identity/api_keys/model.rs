//! What a key is.

use chrono::{DateTime, Utc};
use kernel::{ApiKeyId, UserId};

use crate::{
    fields::{self, FieldErrors},
    identity::{rights::Rights, roles::rights},
};

const LONGEST_NAME: usize = 100;

/// A key as it is shown after it was made.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Names it.
    pub id: ApiKeyId,
    /// What it is for.
    pub name: String,
    /// What it begins with.
    pub prefix: String,
    /// What it allows.
    pub rights: Rights,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// Its last use, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A key to be made, as it was typed.
#[derive(Clone, Debug)]
pub struct ApiKeyDraft {
    /// 1 to 100 characters.
    pub name: String,
    /// Words of rights, at least one.
    pub permissions: Vec<String>,
    /// When it ends by itself; in the future.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Who makes a key.
#[derive(Clone, Copy, Debug)]
pub struct Maker {
    /// The person.
    pub user: UserId,
    /// What they may do: the key cannot have more.
    pub rights: Rights,
}

impl ApiKey {
    /// The key of a draft.
    pub(super) fn new(now: DateTime<Utc>, maker: UserId, prefix: String, draft: &ApiKeyDraft) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.take(fields::filled("name", &draft.name, LONGEST_NAME)).unwrap_or_default();
        let rights = rights(&mut errors, &draft.permissions);
        if draft.permissions.is_empty() {
            errors.add("permissions", "empty", "a key without rights is of no use");
        }
        if draft.expires_at.is_some_and(|end| end <= now) {
            errors.add("expiresAt", "past", "must be in the future");
        }
        errors.into_result()?;
        let (created_by, expires_at) = (Some(maker), draft.expires_at);
        Ok(Self { id: ApiKeyId::at(now), name, prefix, rights, created_by, created_at: now, expires_at, last_used_at: None })
    }
}
