//! What a role of an organization's own is.

use chrono::{DateTime, Utc};
use kernel::RoleId;

use crate::{
    fields::{self, FieldError, FieldErrors},
    identity::{
        permissions::Permission,
        rights::{Rights, Role, RoleName},
    },
};

/// Most roles of its own that an organization can have.
pub(super) const MOST: usize = 100;

const LONGEST_NAME: usize = 60;
const LONGEST_DESCRIPTION: usize = 500;

/// A role of an organization's own.
#[derive(Clone, Debug)]
pub struct CustomRole {
    /// Names it.
    pub id: RoleId,
    /// The word by which it is known; it stays when the name changes.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What its members may do.
    pub rights: Rights,
    /// How many members have it.
    pub members: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A role to be made, as it was typed.
#[derive(Clone, Debug)]
pub struct RoleDraft {
    /// 1 to 60 characters, with a letter or digit of the Latin alphabet.
    pub name: String,
    /// Up to 500 characters.
    pub description: String,
    /// Words of rights.
    pub permissions: Vec<String>,
}

/// Changes of a role, as they were typed; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct RolePatch {
    /// 1 to 60 characters.
    pub name: Option<String>,
    /// Up to 500 characters.
    pub description: Option<String>,
    /// Words of rights, in place of those before.
    pub permissions: Option<Vec<String>>,
}

impl CustomRole {
    /// The role of a draft.
    pub(super) fn new(now: DateTime<Utc>, draft: RoleDraft) -> Result<Self, FieldErrors> {
        let key = key(&draft.name);
        let mut role = Self {
            id: RoleId::at(now),
            key: key.clone(),
            name: String::new(),
            description: String::new(),
            rights: Rights::NONE,
            members: 0,
            created_at: now,
            updated_at: now,
        };
        let patch = RolePatch { name: Some(draft.name), description: Some(draft.description), permissions: Some(draft.permissions) };
        role.apply(now, patch)?;
        if key.is_empty() {
            let rule = FieldError::new("name", "no-key", "a letter from a to z or a digit is needed, to make the role's key of");
            return Err(rule.into());
        }
        Ok(role)
    }

    pub(super) fn apply(&mut self, now: DateTime<Utc>, patch: RolePatch) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        if let Some(name) = patch.name {
            self.name = errors.take(fields::filled("name", &name, LONGEST_NAME)).unwrap_or_default();
        }
        if let Some(description) = patch.description {
            self.description = errors.take(fields::text("description", &description, LONGEST_DESCRIPTION)).unwrap_or_default();
        }
        if let Some(words) = patch.permissions {
            self.rights = rights(&mut errors, &words);
        }
        self.updated_at = now;
        errors.into_result()
    }
}

/// The rights of words; what is no right, or none that a role or key can hold, is noted.
pub(in crate::identity) fn rights(errors: &mut FieldErrors, words: &[String]) -> Rights {
    words
        .iter()
        .enumerate()
        .filter_map(|(index, word)| {
            let found = Permission::parse(word).filter(|permission| permission.is_grantable());
            if found.is_none() {
                errors.add(format!("permissions[{index}]"), "unknown", "not the word of a right that can be granted");
            }
            found
        })
        .collect()
}

/// The word that fits a name best: `Sales, north` makes `sales-north`. Empty when nothing of the name fits a word.
fn key(name: &str) -> String {
    let words = name.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut key = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    key.truncate(LONGEST_NAME);
    key.truncate(key.trim_end_matches('-').len());
    key
}

/// Whether a built-in role, or the database, uses the word already.
pub(super) fn is_reserved(key: &str) -> bool {
    key == RoleName::CUSTOM || Role::parse(key).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(name: &str, permissions: &[&str]) -> RoleDraft {
        let permissions = permissions.iter().map(|&word| word.to_owned()).collect();
        RoleDraft { name: name.into(), description: String::new(), permissions }
    }

    fn made(draft: RoleDraft) -> Result<CustomRole, FieldErrors> {
        CustomRole::new(DateTime::from_timestamp(1_900_000_000, 0).unwrap(), draft)
    }

    #[test]
    fn a_role_is_known_by_a_word_of_its_name() {
        let role = made(draft(" Sales, North! ", &["contacts.read"])).unwrap();
        assert_eq!((role.key.as_str(), role.name.as_str()), ("sales-north", "Sales, North!"));
        assert_eq!(role.rights.words(), ["contacts.read"]);
        assert!(key(&"x ".repeat(60)).len() <= LONGEST_NAME);
        assert!(is_reserved(&key("Admin")) && is_reserved(&key("custom")));
    }

    #[test]
    fn every_broken_rule_is_told() {
        let fields = |draft| made(draft).unwrap_err().0.into_iter().map(|error| error.field).collect::<Vec<_>>();
        assert_eq!(fields(draft("", &["contacts.read", "nothing"])), ["name", "permissions[1]"]);
        assert_eq!(fields(draft("日本", &[])), ["name"]);
        assert_eq!(fields(draft("Staff", &["clients.manage"])), ["permissions[0]"]);
    }
}
