//! Telephone numbers in E.164 form.

use std::fmt;

/// A valid telephone number. `Debug` hides all but the last two digits, and there is no `Display`, so that numbers stay out of logs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(String);

/// Why a text is no telephone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneNumberError {
    /// The text does not start with `+` and a country code.
    #[error("a phone number starts with + and the country code")]
    CountryCodeMissing,
    /// The text has characters that no number has, or far too many digits.
    #[error("not a phone number")]
    Malformed,
    /// The numbering plan of the country has no such number.
    #[error("no such number in the numbering plan of its country")]
    Invalid,
}

impl PhoneNumberError {
    /// Stable code of the violated rule, as it stands in problem documents.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CountryCodeMissing => "country-code-missing",
            Self::Malformed => "malformed",
            Self::Invalid => "invalid",
        }
    }
}

impl PhoneNumber {
    /// Parses an international number; blanks and punctuation between digits are dropped.
    ///
    /// Valid is what libphonenumber's metadata calls valid.
    pub fn parse(text: &str) -> Result<Self, PhoneNumberError> {
        let text = text.trim();
        if !text.starts_with('+') {
            return Err(PhoneNumberError::CountryCodeMissing);
        }
        // Longer than any written form of 15 digits: not worth a parser's time.
        if text.len() > 40 {
            return Err(PhoneNumberError::Malformed);
        }
        let number = phonenumber::parse(None, text).map_err(|_| PhoneNumberError::Malformed)?;
        if !phonenumber::is_valid(&number) {
            return Err(PhoneNumberError::Invalid);
        }
        Ok(Self(number.format().mode(phonenumber::Mode::E164).to_string()))
    }

    /// Takes a number that was checked before it was stored. Only its form is looked at: numbering plans change, and rows stay.
    pub fn from_row(e164: String) -> Result<Self, PhoneNumberError> {
        let digits = e164.strip_prefix('+').ok_or(PhoneNumberError::CountryCodeMissing)?;
        let fits = (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if fits { Ok(Self(e164)) } else { Err(PhoneNumberError::Malformed) }
    }

    /// The number as `+` and digits.
    pub fn as_e164(&self) -> &str {
        &self.0
    }

    /// Takes the E.164 text out.
    pub fn into_e164(self) -> String {
        self.0
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tail = self.0.get(self.0.len().saturating_sub(2)..).unwrap_or_default();
        write!(f, "PhoneNumber(…{tail})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_is_dropped() {
        assert_eq!(PhoneNumber::parse(" +49 (1512) 345-6789 ").unwrap().as_e164(), "+4915123456789");
    }

    #[test]
    fn each_rule_names_itself() {
        assert_eq!(PhoneNumber::parse("015123456789"), Err(PhoneNumberError::CountryCodeMissing));
        assert_eq!(PhoneNumber::parse("+"), Err(PhoneNumberError::Malformed));
        assert_eq!(PhoneNumber::parse("+1"), Err(PhoneNumberError::Malformed));
        assert_eq!(PhoneNumber::parse("+4912"), Err(PhoneNumberError::Invalid));
        assert_eq!(PhoneNumber::parse(&format!("+{}", "1".repeat(100_000))), Err(PhoneNumberError::Malformed));
    }

    #[test]
    fn a_stored_number_outlives_its_numbering_plan() {
        assert_eq!(PhoneNumber::from_row("+4912345".into()).unwrap().as_e164(), "+4912345");
        assert_eq!(PhoneNumber::from_row("4912345".into()), Err(PhoneNumberError::CountryCodeMissing));
        assert_eq!(PhoneNumber::from_row("+49 12345".into()), Err(PhoneNumberError::Malformed));
    }

    #[test]
    fn a_number_is_not_printed() {
        let shown = format!("{:?}", PhoneNumber::parse("+4915123456789").unwrap());
        assert!(!shown.contains("151234567"), "{shown}");
    }
}
