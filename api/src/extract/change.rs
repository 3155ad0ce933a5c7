//! Fields of a change that may be null.

use crm::fields::Change;
use serde::{Deserialize, Deserializer};

/// Tells a field that is null from one that is left out, together with `#[serde(default)]`.
pub(crate) fn change<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Change, D::Error> {
    Option::deserialize(deserializer).map(Change::Set)
}
