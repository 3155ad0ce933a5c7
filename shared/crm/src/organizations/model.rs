//! An organization: its profile, and the short name in its addresses.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use iso_currency::Currency;
use isocountry::CountryCode;
use kernel::{FileId, OrganizationId, PhoneNumber};

use super::rules::{self, Changes};
use crate::fields::{self, Change, FieldErrors};

/// A tenant.
#[derive(Clone, Debug)]
pub struct Organization {
    /// Names it.
    pub id: OrganizationId,
    /// As its people write it, 1 to 200 characters.
    pub name: String,
    /// Unique short name of lower-case letters, digits and single dashes.
    pub slug: String,
    /// What the business does; may be empty, as all texts below.
    pub description: String,
    /// Street and house, or whatever stands for them.
    pub address: String,
    /// Town.
    pub city: String,
    /// Part of the country.
    pub state: String,
    /// Postal code.
    pub zip_code: String,
    /// Where it is.
    pub country: Option<CountryCode>,
    /// What its money is counted in.
    pub currency: Currency,
    /// Its clock.
    pub timezone: Tz,
    /// The number it wants to use, before and beside any connected one.
    pub whatsapp_number: Option<PhoneNumber>,
    /// Its line of business.
    pub business_category: String,
    /// Its logo among the files.
    pub logo: Option<FileId>,
    /// When somebody put the onboarding checklist away.
    pub onboarding_dismissed_at: Option<DateTime<Utc>>,
    /// Since when it may neither sign in nor send.
    pub deactivated_at: Option<DateTime<Utc>>,
    /// When it registered.
    pub created_at: DateTime<Utc>,
    /// Its last change.
    pub updated_at: DateTime<Utc>,
}

/// Changes of a profile, as they were typed. Null empties a field; the name, the currency and the time zone cannot be empty.
#[derive(Clone, Debug, Default)]
pub struct ProfilePatch {
    /// 1 to 200 characters.
    pub name: Change,
    /// Up to 2,000 characters, in lines.
    pub description: Change,
    /// Up to 500 characters, in lines.
    pub address: Change,
    /// Up to 200 characters.
    pub city: Change,
    /// Up to 200 characters.
    pub state: Change,
    /// Up to 20 characters.
    pub zip_code: Change,
    /// ISO 3166-1 alpha-2.
    pub country: Change,
    /// ISO 4217.
    pub currency: Change,
    /// IANA.
    pub timezone: Change,
    /// International number.
    pub whatsapp_number: Change,
    /// Up to 100 characters.
    pub business_category: Change,
}

impl Organization {
    /// A new one that has told nothing but its name.
    pub(super) fn new(now: DateTime<Utc>, name: String, slug: String) -> Self {
        Self {
            id: OrganizationId::at(now),
            name,
            slug,
            description: String::new(),
            address: String::new(),
            city: String::new(),
            state: String::new(),
            zip_code: String::new(),
            country: None,
            currency: Currency::USD,
            timezone: Tz::UTC,
            whatsapp_number: None,
            business_category: String::new(),
            logo: None,
            onboarding_dismissed_at: None,
            deactivated_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether its people may sign in and its campaigns may send.
    pub fn is_active(&self) -> bool {
        self.deactivated_at.is_none()
    }

    /// Applies `patch`; answers the names of the fields that are different now. When any rule is broken, all broken ones are told.
    pub(super) fn apply(&mut self, patch: ProfilePatch) -> Result<Vec<&'static str>, FieldErrors> {
        let mut changes = Changes::default();
        changes.set("name", &mut self.name, patch.name, rules::name);
        changes.set("description", &mut self.description, patch.description, |field, text| fields::lines(field, text, 2_000));
        changes.set("address", &mut self.address, patch.address, |field, text| fields::lines(field, text, 500));
        changes.set("city", &mut self.city, patch.city, |field, text| fields::line(field, text, 200));
        changes.set("state", &mut self.state, patch.state, |field, text| fields::line(field, text, 200));
        changes.set("zipCode", &mut self.zip_code, patch.zip_code, |field, text| fields::line(field, text, 20));
        changes.set("country", &mut self.country, patch.country, rules::country);
        changes.set("currency", &mut self.currency, patch.currency, rules::currency);
        changes.set("timezone", &mut self.timezone, patch.timezone, rules::timezone);
        changes.set("whatsappNumber", &mut self.whatsapp_number, patch.whatsapp_number, rules::whatsapp_number);
        changes.set("businessCategory", &mut self.business_category, patch.business_category, rules::business_category);
        changes.finish()
    }
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

    fn acme() -> Organization {
        Organization::new(DateTime::from_timestamp(1_900_000_000, 0).unwrap(), "Acme".into(), "acme".into())
    }

    fn to(text: &str) -> Change {
        Change::Set(Some(text.into()))
    }

    #[test]
    fn only_what_is_different_counts_as_changed() {
        let mut acme = acme();
        let patch = ProfilePatch {
            name: to(" Acme "),
            city: to("Paris"),
            country: to("fr"),
            currency: to("usd"),
            timezone: to("Europe/Paris"),
            description: to("Line one\nline two"),
            ..ProfilePatch::default()
        };
        assert_eq!(acme.apply(patch).unwrap(), ["description", "city", "country", "timezone"]);
        assert_eq!((acme.country, acme.currency, acme.timezone), (Some(CountryCode::FRA), Currency::USD, Tz::Europe__Paris));
        let nothing = ProfilePatch { country: Change::Set(None), description: Change::Set(None), ..ProfilePatch::default() };
        assert_eq!(acme.apply(nothing).unwrap(), ["description", "country"]);
        assert_eq!((acme.country, acme.description.as_str(), acme.city.as_str()), (None, "", "Paris"));
    }

    #[test]
    fn every_broken_rule_is_told_at_once() {
        let patch = ProfilePatch {
            name: Change::Set(None),
            description: to(&"x".repeat(2_001)),
            city: to("two\nlines"),
            zip_code: to(&"1".repeat(21)),
            country: to("XX"),
            currency: to("XTS"),
            timezone: to("Mars/Olympus"),
            whatsapp_number: to("0151 23456789"),
            business_category: to("\u{0}"),
            ..ProfilePatch::default()
        };
        let errors = acme().apply(patch).unwrap_err().0;
        let told: Vec<_> = errors.iter().map(|error| (error.field.as_str(), error.code)).collect();
        assert_eq!(
            told,
            [
                ("name", "length"),
                ("description", "too-long"),
                ("city", "control-character"),
                ("zipCode", "too-long"),
                ("country", "unknown-value"),
                ("currency", "unknown-value"),
                ("timezone", "unknown-value"),
                ("whatsappNumber", "country-code-missing"),
                ("businessCategory", "control-character"),
            ]
        );
    }

    #[test]
    fn what_cannot_be_empty_cannot_be_null() {
        for patch in [
            ProfilePatch { currency: Change::Set(None), ..ProfilePatch::default() },
            ProfilePatch { timezone: to("  "), ..ProfilePatch::default() },
        ] {
            assert_eq!(acme().apply(patch).unwrap_err().0[0].code, "required");
        }
    }
}
