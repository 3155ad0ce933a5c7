//! A contact as clients see it.

use chrono::{DateTime, Utc};
use crm::contacts::{Contact, OptIn};
use kernel::{ContactId, PhoneNumber};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Whether a person agreed to be written to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OptIn)]
pub(super) enum OptInBody {
    /// The person agreed.
    OptedIn,
    /// The person refused.
    OptedOut,
    /// Nobody asked.
    Unknown,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Contact)]
pub(super) struct ContactBody {
    id: ContactId,
    /// E.164 with `+`.
    phone_number: Option<String>,
    name: String,
    email: Option<String>,
    tags: Vec<String>,
    /// Free fields.
    #[schema(value_type = Object)]
    attributes: Map<String, Value>,
    opt_in: OptInBody,
    /// Language, as `pt_BR`.
    locale: Option<String>,
    /// IANA time zone.
    time_zone: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Contact> for ContactBody {
    fn from(contact: Contact) -> Self {
        Self {
            id: contact.id,
            phone_number: contact.phone_number.map(PhoneNumber::into_e164),
            name: contact.name,
            email: contact.email.map(|email| email.as_str().to_owned()),
            tags: contact.tags,
            attributes: contact.attributes,
            opt_in: contact.opt_in.into(),
            locale: contact.locale,
            time_zone: contact.time_zone,
            created_at: contact.created_at,
            updated_at: contact.updated_at,
        }
    }
}

impl From<OptIn> for OptInBody {
    fn from(opt_in: OptIn) -> Self {
        match opt_in {
            OptIn::OptedIn => Self::OptedIn,
            OptIn::OptedOut => Self::OptedOut,
            OptIn::Unknown => Self::Unknown,
        }
    }
}

impl From<OptInBody> for OptIn {
    fn from(opt_in: OptInBody) -> Self {
        match opt_in {
            OptInBody::OptedIn => Self::OptedIn,
            OptInBody::OptedOut => Self::OptedOut,
            OptInBody::Unknown => Self::Unknown,
        }
    }
}
