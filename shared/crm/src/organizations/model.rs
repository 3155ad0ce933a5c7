//! An organization and the short name in its addresses.

use chrono::{DateTime, Utc};
use kernel::OrganizationId;

/// A tenant.
#[derive(Clone, Debug)]
pub struct Organization {
    /// Names it.
    pub id: OrganizationId,
    /// As its people write it, 1 to 200 characters.
    pub name: String,
    /// Unique short name of lower-case letters, digits and single dashes.
    pub slug: String,
    /// When it registered.
    pub created_at: DateTime<Utc>,
    /// Its last change.
    pub updated_at: DateTime<Utc>,
}

/// The short name that fits a name best; others may have it already.
pub(super) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for character in name.chars() {
        if slug.len() >= 40 {
            break;
        }
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "organization".into() } else { slug.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_keeps_letters_and_digits() {
        assert_eq!(slug("Ada & Sons, 2nd Store!"), "ada-sons-2nd-store");
        assert_eq!(slug("--- "), "organization");
        assert_eq!(slug("日本"), "organization");
        assert_eq!(slug(&"x".repeat(500)).len(), 40);
    }
}
