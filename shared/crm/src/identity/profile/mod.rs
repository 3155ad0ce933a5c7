//! What people say of themselves.

mod store;

use chrono::{DateTime, Utc};
use kernel::{OrganizationId, PhoneNumber, UserId};
use serde_json::json;

use super::{error::IdentityError, service::Identity};
use crate::{
    audit::{self, Act, Actor},
    fields::FieldError,
};

/// What becomes of a field that may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays.
    #[default]
    Keep,
    /// It becomes empty.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T> Edit<T> {
    /// Whether the field changes.
    pub const fn changes(&self) -> bool {
        !matches!(self, Self::Keep)
    }

    /// What it becomes, unless it stays or becomes empty.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}

/// What changes of a profile; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// 1 to 100 characters.
    pub first_name: Option<String>,
    /// Up to 100 characters.
    pub last_name: Option<String>,
    /// By which the account signs in besides its address.
    pub username: Edit<Username>,
    /// The person's number.
    pub phone_number: Edit<PhoneNumber>,
    /// The number by which they are known on WhatsApp; no two accounts have the same.
    pub whatsapp_phone: Edit<PhoneNumber>,
}

/// A name by which an account signs in, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// Takes a name of 3 to 40 letters, digits, full stops, underscores and hyphens that begins with a letter or digit.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let text = text.trim().to_ascii_lowercase();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let shaped = text.starts_with(plain) && text.chars().all(|c| plain(c) || matches!(c, '.' | '_' | '-'));
        if (3..=40).contains(&text.len()) && shaped {
            return Ok(Self(text));
        }
        let rule = "3 to 40 letters, digits, full stops, underscores and hyphens; a letter or digit first";
        Err(FieldError::new("username", "invalid", rule))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Identity {
    /// Changes the profile of an account.
    pub async fn change_profile(
        &self,
        now: DateTime<Utc>,
        organization: OrganizationId,
        user: UserId,
        change: &ProfileChange,
    ) -> Result<(), IdentityError> {
        let mut tx = self.db.identity("change a profile").await?;
        let found = store::change(&mut tx, now, user, change).await.map_err(|error| match error.constraint() {
            Some("users_username") => IdentityError::UsernameTaken,
            Some("users_whatsapp_phone") => IdentityError::PhoneTaken,
            _ => error.into(),
        })?;
        if !found {
            return Err(IdentityError::UserNotFound);
        }
        let act = Act::new(Actor::User(user), "users.updateProfile").on("users", user).with(json!({ "fields": change.fields() }));
        audit::record(&mut tx, organization, now, act).await?;
        tx.commit().await?;
        Ok(())
    }
}

impl ProfileChange {
    /// Names of the fields that change.
    fn fields(&self) -> Vec<&'static str> {
        let changes = [
            ("firstName", self.first_name.is_some()),
            ("lastName", self.last_name.is_some()),
            ("username", self.username.changes()),
            ("phoneNumber", self.phone_number.changes()),
            ("whatsappPhone", self.whatsapp_phone.changes()),
        ];
        changes.into_iter().filter(|(_, changes)| *changes).map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_is_plain_and_in_lower_case() {
        assert_eq!(Username::parse(" Ada.L-1815 ").unwrap().as_str(), "ada.l-1815");
        for text in ["", "ab", "-ada", ".ada", "ada@example.com", "ada lovelace", "adä", &"a".repeat(41)] {
            assert_eq!(Username::parse(text).unwrap_err().code, "invalid", "{text}");
        }
    }
}
