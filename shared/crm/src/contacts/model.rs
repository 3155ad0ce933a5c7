//! Contacts as values, and the rules of their fields.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use kernel::{ContactId, EmailAddress, PhoneNumber};
use serde_json::{Map, Value};

pub use crate::fields::Change;
use crate::fields::{self, FieldError, FieldErrors};

/// Longest name, in characters.
pub const MAX_NAME: usize = 200;
/// Most tags of a contact.
pub const MAX_TAGS: usize = 50;
/// Longest tag, in characters.
pub const MAX_TAG: usize = 64;
/// Most bytes of all attributes together, as JSON.
pub const MAX_ATTRIBUTES: usize = 16 * 1024;
/// Longest name of an attribute, in characters.
pub const MAX_ATTRIBUTE_NAME: usize = 64;

/// Whether a person agreed to be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum OptIn {
    /// The person agreed.
    OptedIn,
    /// The person refused: nothing that the business begins reaches them.
    OptedOut,
    /// Nobody asked.
    #[default]
    Unknown,
}

impl OptIn {
    /// The word used in rows, bodies and files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OptedIn => "optedIn",
            Self::OptedOut => "optedOut",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::OptedIn, Self::OptedOut, Self::Unknown].into_iter().find(|choice| choice.as_str() == word)
    }
}

/// A person in the CRM.
#[derive(Clone, Debug)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// Where messages go.
    pub phone_number: Option<PhoneNumber>,
    /// Name as it is shown; may be empty.
    pub name: String,
    /// E-mail address.
    pub email: Option<EmailAddress>,
    /// Labels, in the order they were given, none twice.
    pub tags: Vec<String>,
    /// Free fields: scalars only.
    pub attributes: Map<String, Value>,
    /// Consent.
    pub opt_in: OptIn,
    /// Language, as `de` or `pt_BR`.
    pub locale: Option<String>,
    /// IANA time zone.
    pub time_zone: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A contact to create, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct NewContact {
    /// International number.
    pub phone_number: Option<String>,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// Free fields.
    pub attributes: Map<String, Value>,
    /// Consent; none means that nothing is known, which lifts no earlier refusal.
    pub opt_in: Option<OptIn>,
    /// Language.
    pub locale: Option<String>,
    /// IANA time zone.
    pub time_zone: Option<String>,
}

/// Changes of a contact, as they were typed; `None` leaves a field.
#[derive(Clone, Debug, Default)]
pub struct ContactPatch {
    /// International number.
    pub phone_number: Change,
    /// Name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Change,
    /// Labels; replaces all of them.
    pub tags: Option<Vec<String>>,
    /// Free fields; replaces all of them.
    pub attributes: Option<Map<String, Value>>,
    /// Consent.
    pub opt_in: Option<OptIn>,
    /// Language.
    pub locale: Change,
    /// IANA time zone.
    pub time_zone: Change,
}

/// What a list of contacts is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct ContactFilter {
    /// Part of name, e-mail address or number.
    pub text: Option<String>,
    /// A tag the contact has.
    pub tag: Option<String>,
    /// Its consent.
    pub opt_in: Option<OptIn>,
}

impl NewContact {
    /// Checks all fields and makes the contact.
    pub(crate) fn validated(self, now: DateTime<Utc>) -> Result<Contact, FieldErrors> {
        let mut errors = FieldErrors::default();
        let phone_number = self.phone_number.and_then(|text| errors.take(phone_number(&text)));
        let name = errors.take(name(&self.name));
        let email = self.email.and_then(|text| errors.take(email(&text)));
        let tags = errors.take(tags(&self.tags));
        errors.take(check_attributes(&self.attributes));
        let locale = self.locale.and_then(|text| errors.take(locale(&text)));
        let time_zone = self.time_zone.and_then(|text| errors.take(time_zone(&text)));
        errors.into_result()?;
        Ok(Contact {
            id: ContactId::at(now),
            phone_number,
            name: name.unwrap_or_default(),
            email,
            tags: tags.unwrap_or_default(),
            attributes: self.attributes,
            opt_in: self.opt_in.unwrap_or_default(),
            locale,
            time_zone,
            created_at: now,
            updated_at: now,
        })
    }
}

impl Contact {
    /// The contact after `patch`.
    pub(crate) fn patched(mut self, patch: ContactPatch, now: DateTime<Utc>) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        if let Change::Set(text) = patch.phone_number {
            self.phone_number = text.and_then(|text| errors.take(phone_number(&text)));
        }
        if let Some(text) = patch.name {
            self.name = errors.take(name(&text)).unwrap_or_default();
        }
        if let Change::Set(text) = patch.email {
            self.email = text.and_then(|text| errors.take(email(&text)));
        }
        if let Some(list) = patch.tags {
            self.tags = errors.take(tags(&list)).unwrap_or_default();
        }
        if let Some(attributes) = patch.attributes {
            errors.take(check_attributes(&attributes));
            self.attributes = attributes;
        }
        if let Change::Set(text) = patch.locale {
            self.locale = text.and_then(|text| errors.take(locale(&text)));
        }
        if let Change::Set(text) = patch.time_zone {
            self.time_zone = text.and_then(|text| errors.take(time_zone(&text)));
        }
        if let Some(opt_in) = patch.opt_in {
            self.opt_in = opt_in;
        }
        errors.into_result()?;
        self.updated_at = now;
        Ok(self)
    }
}

/// Checks a number.
pub(crate) fn phone_number(text: &str) -> Result<PhoneNumber, FieldError> {
    fields::phone_number("phoneNumber", text)
}

/// Checks a name: blanks around it are dropped.
pub(crate) fn name(text: &str) -> Result<String, FieldError> {
    fields::line("name", text, MAX_NAME)
}

/// Checks an e-mail address.
pub(crate) fn email(text: &str) -> Result<EmailAddress, FieldError> {
    fields::email("email", text)
}

/// Checks tags: blanks around them, empty ones and repetitions are dropped.
pub(crate) fn tags<T: AsRef<str>>(list: &[T]) -> Result<Vec<String>, FieldError> {
    let mut seen = BTreeSet::new();
    let mut tags = Vec::new();
    for tag in list {
        let tag = fields::line("tags", tag.as_ref(), MAX_TAG)?;
        if !tag.is_empty() && seen.insert(tag.clone()) {
            tags.push(tag);
        }
    }
    if tags.len() > MAX_TAGS {
        return Err(FieldError::new("tags", "too-many", format!("a contact has at most {MAX_TAGS} tags")));
    }
    Ok(tags)
}

/// Checks attributes: scalars, short names, not too much of them.
pub(crate) fn check_attributes(attributes: &Map<String, Value>) -> Result<(), FieldError> {
    for (name, value) in attributes {
        if name.is_empty() || name.chars().count() > MAX_ATTRIBUTE_NAME || name.chars().any(char::is_control) {
            let message = format!("the name of an attribute has 1 to {MAX_ATTRIBUTE_NAME} characters and no control characters");
            return Err(FieldError::new("attributes", "bad-name", message));
        }
        let field = || format!("attributes.{name}");
        match value {
            Value::Array(_) | Value::Object(_) => {
                return Err(FieldError::new(field(), "not-a-scalar", "an attribute is a text, a number, true, false or null"));
            }
            // PostgreSQL cannot store it.
            Value::String(text) if text.contains('\0') => {
                return Err(FieldError::new(field(), "control-character", "the text contains a NUL character"));
            }
            _ => {}
        }
    }
    let size = serde_json::to_vec(attributes).map_or(usize::MAX, |bytes| bytes.len());
    if size > MAX_ATTRIBUTES {
        return Err(FieldError::new("attributes", "too-long", format!("attributes take at most {MAX_ATTRIBUTES} bytes as JSON")));
    }
    Ok(())
}

/// Checks a language: letters, then parts divided by `_` or `-`.
pub(crate) fn locale(text: &str) -> Result<String, FieldError> {
    let text = text.trim();
    let mut parts = text.split(['_', '-']);
    let language_fits = parts.next().is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic()));
    let rest_fits = parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if text.len() <= 35 && language_fits && rest_fits {
        Ok(text.to_owned())
    } else {
        Err(FieldError::new("locale", "invalid", "not a language such as `de` or `pt_BR`"))
    }
}

/// Checks a time zone.
pub(crate) fn time_zone(text: &str) -> Result<String, FieldError> {
    match text.trim().parse::<chrono_tz::Tz>() {
        Ok(zone) => Ok(zone.name().to_owned()),
        Err(_) => Err(FieldError::new("timeZone", "invalid", "not an IANA time zone such as `Europe/Berlin`")),
    }
}
