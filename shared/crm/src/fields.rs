//! What is wrong with which field of an input, and the rules that fields of several domains share. Every field that breaks a rule is told at
//! once, not only the first.
//!
//! | Rule | Takes | Codes |
//! |---|---|---|
//! | [`text`], [`filled`] | any characters; at least one | `too-long`; `empty` |
//! | [`line`], [`lines`], [`name`] | no control characters; line breaks; at least one | `too-long`, `control-character`; `length` |
//! | [`phone_number`] | what libphonenumber calls valid | those of [`kernel::PhoneNumberError`] |
//! | [`email`] | a plausible address | `invalid` |
//!
//! All of them drop blanks around a value and count characters, not bytes.

use std::fmt;

use kernel::{EmailAddress, PhoneNumber};

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the field in the input, as `components[0].text`.
    pub field: String,
    /// Stable name of the rule.
    pub code: &'static str,
    /// The rule in words. Never repeats the value.
    pub message: String,
}

/// All rules that an input breaks.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct FieldErrors(pub Vec<FieldError>);

/// What a change does with a field that may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change {
    /// It stays.
    #[default]
    Keep,
    /// It becomes this text, or empty.
    Set(Option<String>),
}

impl FieldErrors {
    /// Notes a broken rule.
    pub fn add(&mut self, field: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.0.push(FieldError { field: field.into(), code, message: message.into() });
    }

    /// Takes the value of a field, or notes why there is none.
    pub fn take<T>(&mut self, value: Result<T, FieldError>) -> Option<T> {
        value.map_err(|error| self.0.push(error)).ok()
    }

    /// Fails when anything was noted.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl FieldError {
    /// A broken rule.
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { field: field.into(), code, message: message.into() }
    }
}

impl From<FieldError> for FieldErrors {
    fn from(error: FieldError) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the input breaks a rule of")?;
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { " " } else { ", " };
            write!(f, "{separator}{}", error.field)?;
        }
        Ok(())
    }
}

/// A text of up to `longest` characters, whatever they are.
pub fn text(field: &str, value: &str, longest: usize) -> Result<String, FieldError> {
    bounded(field, value, longest, |_| false)
}

/// A [`text`] that is not empty.
pub fn filled(field: &str, value: &str, longest: usize) -> Result<String, FieldError> {
    let value = text(field, value, longest)?;
    if value.is_empty() { Err(FieldError::new(field, "empty", "must not be empty")) } else { Ok(value) }
}

/// A text of up to `longest` characters in one line.
pub fn line(field: &str, value: &str, longest: usize) -> Result<String, FieldError> {
    bounded(field, value, longest, char::is_control)
}

/// A text of up to `longest` characters that may have lines and tabs.
pub fn lines(field: &str, value: &str, longest: usize) -> Result<String, FieldError> {
    bounded(field, value, longest, |character| character.is_control() && !matches!(character, '\n' | '\r' | '\t'))
}

/// A [`line`] that is not empty; both ends of its length are one rule.
pub fn name(field: &str, value: &str, longest: usize) -> Result<String, FieldError> {
    let value = value.trim();
    if (1..=longest).contains(&value.chars().count()) {
        line(field, value, longest)
    } else {
        Err(FieldError::new(field, "length", format!("1 to {longest} characters")))
    }
}

/// An international telephone number.
pub fn phone_number(field: &str, value: &str) -> Result<PhoneNumber, FieldError> {
    PhoneNumber::parse(value).map_err(|error| FieldError::new(field, error.code(), error.to_string()))
}

/// An e-mail address.
pub fn email(field: &str, value: &str) -> Result<EmailAddress, FieldError> {
    EmailAddress::parse(value).map_err(|error| FieldError::new(field, "invalid", error.to_string()))
}

fn bounded(field: &str, value: &str, longest: usize, forbidden: impl Fn(char) -> bool) -> Result<String, FieldError> {
    let value = value.trim();
    if value.chars().count() > longest {
        return Err(FieldError::new(field, "too-long", format!("at most {longest} characters")));
    }
    if value.chars().any(forbidden) {
        return Err(FieldError::new(field, "control-character", "control characters are not allowed"));
    }
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rule = fn(&str, &str, usize) -> Result<String, FieldError>;

    #[derive(Debug, PartialEq)]
    enum Said {
        Taken(String),
        Refused(&'static str, String),
    }

    /// What a rule says of a text that may have four characters.
    fn said(rule: Rule, value: &str) -> Said {
        match rule("city", value, 4) {
            Ok(text) => Said::Taken(text),
            Err(error) => {
                assert_eq!(error.field, "city");
                Said::Refused(error.code, error.message)
            }
        }
    }

    fn taken(text: &str) -> Said {
        Said::Taken(text.to_owned())
    }

    fn refused(code: &'static str, message: &str) -> Said {
        Said::Refused(code, message.to_owned())
    }

    #[test]
    fn blanks_around_a_text_neither_count_nor_stay() {
        for rule in [text, filled, line, lines, name] {
            assert_eq!(said(rule, " \t Köln\r\n"), taken("Köln"));
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        for rule in [text, filled, line, lines] {
            assert_eq!(said(rule, "ÄÖÜß"), taken("ÄÖÜß"));
            assert_eq!(said(rule, "ÄÖÜßé"), refused("too-long", "at most 4 characters"));
        }
        assert_eq!(said(name, "ÄÖÜß"), taken("ÄÖÜß"));
        assert_eq!(said(name, "ÄÖÜßé"), refused("length", "1 to 4 characters"));
    }

    #[test]
    fn each_rule_has_its_word_for_nothing() {
        for value in ["", " \n "] {
            for rule in [text, line, lines] {
                assert_eq!(said(rule, value), taken(""));
            }
            assert_eq!(said(filled, value), refused("empty", "must not be empty"));
            assert_eq!(said(name, value), refused("length", "1 to 4 characters"));
        }
    }

    #[test]
    fn control_characters_are_taken_as_each_rule_says() {
        let unwanted = || refused("control-character", "control characters are not allowed");
        for value in ["a\u{0}b", "a\u{7f}b", "a\u{85}b"] {
            assert_eq!([text, filled].map(|rule| said(rule, value)), [taken(value), taken(value)]);
            assert_eq!([line, lines, name].map(|rule| said(rule, value)), [unwanted(), unwanted(), unwanted()]);
        }
        for value in ["a\nb", "a\rb", "a\tb"] {
            assert_eq!([text, filled, lines].map(|rule| said(rule, value)), [taken(value), taken(value), taken(value)]);
            assert_eq!([line, name].map(|rule| said(rule, value)), [unwanted(), unwanted()]);
        }
    }

    #[test]
    fn of_a_text_that_is_too_long_the_length_is_told_first() {
        for rule in [line, lines] {
            assert_eq!(said(rule, "a\u{0}bcd"), refused("too-long", "at most 4 characters"));
        }
        assert_eq!(said(name, "a\u{0}bcd"), refused("length", "1 to 4 characters"));
    }

    #[test]
    fn a_number_that_is_none_names_its_rule() {
        assert_eq!(phone_number("phoneNumber", " +49 1512 3456789 ").unwrap().as_e164(), "+4915123456789");
        for (value, code, message) in [
            ("", "country-code-missing", "a phone number starts with + and the country code"),
            ("015123456789", "country-code-missing", "a phone number starts with + and the country code"),
            ("+", "malformed", "not a phone number"),
            ("+4912", "invalid", "no such number in the numbering plan of its country"),
        ] {
            assert_eq!(phone_number("phoneNumber", value), Err(FieldError::new("phoneNumber", code, message)), "{value}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_invalid() {
        assert_eq!(email("adminEmail", " Ada@Example.com ").unwrap().as_str(), "ada@example.com");
        for value in ["", "ada", "ada@example"] {
            assert_eq!(email("adminEmail", value), Err(FieldError::new("adminEmail", "invalid", "not an e-mail address")), "{value}");
        }
    }

    #[test]
    fn every_field_that_breaks_a_rule_is_told() {
        let mut errors = FieldErrors::default();
        assert_eq!(errors.take(filled("firstName", " ", 4)), None);
        assert_eq!(errors.take(line("city", "Köln", 4)).as_deref(), Some("Köln"));
        assert_eq!(errors.take(email("email", "x")), None);
        assert_eq!(errors.to_string(), "the input breaks a rule of firstName, email");
        assert_eq!(errors.into_result().unwrap_err().0.len(), 2);
        assert_eq!(FieldErrors::default().into_result(), Ok(()));
    }
}
