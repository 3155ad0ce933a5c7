//! The rules of a profile's fields. Each takes what was typed, or none for "empty it".

use chrono_tz::Tz;
use iso_currency::Currency;
use isocountry::CountryCode;
use kernel::{EmailAddress, PhoneNumber};

use crate::fields::{Change, FieldError, FieldErrors};

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
        rule: impl FnOnce(&'static str, Option<&str>) -> Result<T, FieldError>,
    ) {
        let Change::Set(text) = change else { return };
        let Some(value) = self.errors.take(rule(field, text.as_deref().map(str::trim))) else { return };
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
pub(super) fn name(field: &'static str, text: Option<&str>) -> Result<String, FieldError> {
    let text = text.unwrap_or_default();
    if !(1..=200).contains(&text.chars().count()) {
        return Err(FieldError::new(field, "length", "1 to 200 characters"));
    }
    line(field, Some(text), 200)
}

/// A text in one line.
pub(super) fn line(field: &'static str, text: Option<&str>, longest: usize) -> Result<String, FieldError> {
    bounded(field, text, longest, char::is_control)
}

/// A text that may have lines.
pub(super) fn lines(field: &'static str, text: Option<&str>, longest: usize) -> Result<String, FieldError> {
    bounded(field, text, longest, |character| character.is_control() && !matches!(character, '\n' | '\r' | '\t'))
}

fn bounded(field: &'static str, text: Option<&str>, longest: usize, forbidden: impl Fn(char) -> bool) -> Result<String, FieldError> {
    let text = text.unwrap_or_default();
    if text.chars().count() > longest {
        return Err(FieldError::new(field, "too-long", format!("at most {longest} characters")));
    }
    if text.chars().any(forbidden) {
        return Err(FieldError::new(field, "control-character", "control characters are not allowed"));
    }
    Ok(text.to_owned())
}

/// A line of business: up to 100 characters.
pub(super) fn business_category(field: &'static str, text: Option<&str>) -> Result<String, FieldError> {
    line(field, text, 100)
}

/// A country, in letters of either case.
pub(super) fn country(field: &'static str, text: Option<&str>) -> Result<Option<CountryCode>, FieldError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let country = CountryCode::for_alpha2_caseless(text);
    country.map(Some).map_err(|_| FieldError::new(field, "unknown-value", "not an ISO 3166-1 alpha-2 code such as `DE`"))
}

/// A currency in which prices are asked, in letters of either case: no metals, funds or test codes.
pub(super) fn currency(field: &'static str, text: Option<&str>) -> Result<Currency, FieldError> {
    let text = required(field, text)?;
    Currency::from_code(&text.to_ascii_uppercase())
        .filter(|currency| !currency.is_special() && !currency.is_fund())
        .ok_or_else(|| FieldError::new(field, "unknown-value", "not an ISO 4217 code such as `EUR`"))
}

/// A time zone.
pub(super) fn timezone(field: &'static str, text: Option<&str>) -> Result<Tz, FieldError> {
    let zone = required(field, text)?.parse();
    zone.map_err(|_| FieldError::new(field, "unknown-value", "not an IANA time zone such as `Europe/Berlin`"))
}

/// A number that libphonenumber calls valid.
pub(super) fn whatsapp_number(field: &'static str, text: Option<&str>) -> Result<Option<PhoneNumber>, FieldError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    PhoneNumber::parse(text).map(Some).map_err(|error| FieldError::new(field, error.code(), error.to_string()))
}

/// An e-mail address.
pub(super) fn email(field: &'static str, text: &str) -> Result<EmailAddress, FieldError> {
    EmailAddress::parse(text).map_err(|error| FieldError::new(field, "invalid", error.to_string()))
}

/// A person's given name: 1 to 100 characters.
pub(super) fn first_name(field: &'static str, text: &str) -> Result<String, FieldError> {
    line(field, Some(required(field, Some(text.trim()))?), 100)
}

fn required<'a>(field: &'static str, text: Option<&'a str>) -> Result<&'a str, FieldError> {
    text.filter(|text| !text.is_empty()).ok_or_else(|| FieldError::new(field, "required", "cannot be empty"))
}
