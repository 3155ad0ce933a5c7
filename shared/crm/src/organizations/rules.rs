//! The rules of a profile's fields. Each takes what was typed, without blanks around it; null was typed as nothing.

use chrono_tz::Tz;
use iso_currency::Currency;
use isocountry::CountryCode;
use kernel::PhoneNumber;

use crate::fields::{self, Change, FieldError, FieldErrors};

/// Collects what a patch changes and which rules it breaks.
#[derive(Debug, Default)]
pub(super) struct Changes {
    errors: FieldErrors,
    changed: Vec<&'static str>,
}

impl Changes {
    /// Reads a changed field by its rule and puts it into `slot`.
    pub(super) fn set<T: PartialEq>(
        &mut self,
        field: &'static str,
        slot: &mut T,
        change: Change,
        rule: impl FnOnce(&'static str, &str) -> Result<T, FieldError>,
    ) {
        let Change::Set(text) = change else { return };
        let Some(value) = self.errors.take(rule(field, text.as_deref().unwrap_or_default().trim())) else { return };
        if *slot != value {
            *slot = value;
            self.changed.push(field);
        }
    }

    /// Takes a value that changes no field of the row, or notes why there is none.
    pub(super) fn take<T>(&mut self, value: Result<T, FieldError>) -> Option<T> {
        self.errors.take(value)
    }

    /// The names of the changed fields, or all broken rules.
    pub(super) fn finish(self) -> Result<Vec<&'static str>, FieldErrors> {
        self.errors.into_result()?;
        Ok(self.changed)
    }
}

/// A name: 1 to 200 characters in one line.
pub(super) fn name(field: &str, text: &str) -> Result<String, FieldError> {
    fields::name(field, text, 200)
}

/// A line of business: up to 100 characters.
pub(super) fn business_category(field: &str, text: &str) -> Result<String, FieldError> {
    fields::line(field, text, 100)
}

/// A country, in letters of either case.
pub(super) fn country(field: &str, text: &str) -> Result<Option<CountryCode>, FieldError> {
    if text.is_empty() {
        return Ok(None);
    }
    let country = CountryCode::for_alpha2_caseless(text);
    country.map(Some).map_err(|_| FieldError::new(field, "unknown-value", "not an ISO 3166-1 alpha-2 code such as `DE`"))
}

/// A currency in which prices are asked, in letters of either case: no metals, funds or test codes.
pub(super) fn currency(field: &str, text: &str) -> Result<Currency, FieldError> {
    let text = required(field, text)?;
    Currency::from_code(&text.to_ascii_uppercase())
        .filter(|currency| !currency.is_special() && !currency.is_fund())
        .ok_or_else(|| FieldError::new(field, "unknown-value", "not an ISO 4217 code such as `EUR`"))
}

/// A time zone.
pub(super) fn timezone(field: &str, text: &str) -> Result<Tz, FieldError> {
    let zone = required(field, text)?.parse();
    zone.map_err(|_| FieldError::new(field, "unknown-value", "not an IANA time zone such as `Europe/Berlin`"))
}

/// A telephone number.
pub(super) fn whatsapp_number(field: &str, text: &str) -> Result<Option<PhoneNumber>, FieldError> {
    if text.is_empty() { Ok(None) } else { fields::phone_number(field, text).map(Some) }
}

/// A person's given name: 1 to 100 characters in one line.
pub(super) fn first_name(field: &str, text: &str) -> Result<String, FieldError> {
    fields::line(field, required(field, text.trim())?, 100)
}

fn required<'a>(field: &str, text: &'a str) -> Result<&'a str, FieldError> {
    if text.is_empty() { Err(FieldError::new(field, "required", "cannot be empty")) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_name_is_needed_and_one_line() {
        assert_eq!(first_name("adminFirstName", " Grace ").unwrap(), "Grace");
        for (text, code, message) in [
            (" ", "required", "cannot be empty"),
            (&*"x".repeat(101), "too-long", "at most 100 characters"),
            ("Gr\nace", "control-character", "control characters are not allowed"),
        ] {
            assert_eq!(first_name("adminFirstName", text), Err(FieldError::new("adminFirstName", code, message)));
        }
    }

    #[test]
    fn a_number_may_be_emptied() {
        assert_eq!(whatsapp_number("whatsappNumber", "").unwrap(), None);
        assert_eq!(whatsapp_number("whatsappNumber", "0151 23456789").unwrap_err().code, "country-code-missing");
    }
}
