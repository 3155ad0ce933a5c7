//! E-mail addresses.

use std::fmt;

/// A plausible e-mail address, kept in lower case: two spellings of one address are one account.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

/// Why a text is no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct EmailAddressError;

impl EmailAddress {
    /// Parses an address: one `@`, something before it, a host with a dot behind it, no blanks or control characters, at most 254 bytes (RFC 5321).
    pub fn parse(text: &str) -> Result<Self, EmailAddressError> {
        let text = text.trim();
        let (local, host) = text.rsplit_once('@').ok_or(EmailAddressError)?;
        let plausible = text.len() <= 254
            && !local.is_empty()
            && local.len() <= 64
            && !local.contains(['@', '<', '>', '"', ','])
            && host.contains('.')
            && host.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
            && host.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '.')
            && !text.chars().any(|c| c.is_whitespace() || c.is_control());
        if plausible { Ok(Self(text.to_lowercase())) } else { Err(EmailAddressError) }
    }

    /// The address in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_does_not_matter() {
        assert_eq!(EmailAddress::parse("Ada@Example.COM"), EmailAddress::parse("ada@example.com"));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "@", "a@", "@b.c", "a b@c.de", "a@b", "a@-b.de", "a@b..de", "a\n@b.de", "<a>@b.de"] {
            assert_eq!(EmailAddress::parse(text), Err(EmailAddressError), "{text}");
        }
    }
}
