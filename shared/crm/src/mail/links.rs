//! The links of mails.

use chrono::{DateTime, Utc};
use kernel::OneTimeTokenId;

use super::{model::MailKind, values::LinkShown};
use crate::identity::{OneTimeKeys, one_time::Purpose};

/// Makes the links of mails. They lead to the address that the settings name, whatever host a request was sent to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Links {
    public_url: String,
    keys: OneTimeKeys,
}

impl Links {
    /// Links below `public_url`, from `api.public_url`.
    pub fn new(public_url: &str, keys: OneTimeKeys) -> Self {
        Self { public_url: public_url.to_owned(), keys }
    }

    pub(super) fn address(&self, purpose: Purpose, token: OneTimeTokenId) -> String {
        address(&self.public_url, purpose, &self.keys.token(token, purpose))
    }

    pub(super) fn sample(&self, kind: MailKind, now: DateTime<Utc>) -> Option<LinkShown> {
        sample(&self.public_url, kind, now)
    }
}

/// A link as such a mail has it, which opens nothing.
pub(super) fn sample(public_url: &str, kind: MailKind, now: DateTime<Utc>) -> Option<LinkShown> {
    let purpose = kind.link()?;
    Some(LinkShown { address: address(public_url, purpose, "example"), good_for: purpose.ttl(), good_until: now + purpose.ttl() })
}

fn address(public_url: &str, purpose: Purpose, token: &str) -> String {
    let page = match purpose {
        Purpose::PasswordReset => "reset-password",
        Purpose::EmailVerification => "verify-email",
        Purpose::Invitation => "accept-invitation",
    };
    format!("{}/{page}?token={token}", public_url.trim_end_matches('/'))
}
