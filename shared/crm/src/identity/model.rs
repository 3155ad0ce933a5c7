//! Accounts and logins.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{EmailAddress, OrganizationId, PhoneNumber, SessionId, UserId};

use super::{
    password::Password,
    token::{Access, RefreshToken},
};

/// A person who signs in.
#[derive(Clone, Debug)]
pub struct User {
    /// Names it.
    pub id: UserId,
    /// Address in lower case.
    pub email: String,
    /// The other name to sign in with.
    pub username: Option<String>,
    /// Given name.
    pub first_name: String,
    /// Family name; may be empty.
    pub last_name: String,
    /// E.164.
    pub phone_number: Option<String>,
    /// E.164; nobody else's.
    pub whatsapp_phone: Option<String>,
    /// Since when it is known that the person reads the address.
    pub email_verified_at: Option<DateTime<Utc>>,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
}

/// Somebody signs up, with every field already checked.
#[derive(Debug)]
pub struct Registration {
    /// Given name, 1 to 100 characters.
    pub first_name: String,
    /// Family name, up to 100 characters.
    pub last_name: String,
    /// Name of the organization, 1 to 200 characters.
    pub business_name: String,
    /// The account's address.
    pub email: EmailAddress,
    /// The person's number.
    pub phone_number: Option<PhoneNumber>,
    /// The chosen password.
    pub password: Password,
}

/// A login that was just made or renewed.
#[derive(Debug)]
pub struct Login {
    /// What the access token will say.
    pub access: Access,
    /// The token that renews it.
    pub refresh: RefreshToken,
    /// Seconds until the refresh token ends when it is not used.
    pub refresh_ttl: TimeDelta,
}

/// How long logins last.
#[derive(Clone, Copy, Debug)]
pub struct SessionTimes {
    /// A login that is not renewed for so long ends.
    pub idle: TimeDelta,
    /// No login outlives this.
    pub absolute: TimeDelta,
}

/// A login as the database has it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) user: UserId,
    pub(super) organization: OrganizationId,
    pub(super) token_hash: Vec<u8>,
    pub(super) previous_hash: Option<Vec<u8>>,
    pub(super) rotated_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) absolute_expires_at: DateTime<Utc>,
    pub(super) revoked: bool,
}

/// What a presented refresh token means for its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The newest one: goes on to its successor.
    Rotate,
    /// The one before, whose answer was lost: gets the same successor again.
    Repeat,
    /// An older one: somebody else has it too.
    Reused,
    /// The family is over.
    Ended,
}

/// For how long the token before the newest one is answered again, when nobody has used the newest one.
const REPEAT_WINDOW: TimeDelta = TimeDelta::seconds(10);

impl Session {
    /// Judges a token of this family by its hash. A repeat is one only when `successor_hash`, what it would be answered with, is the newest.
    pub(super) fn judge(&self, hash: &[u8], successor_hash: &[u8], now: DateTime<Utc>) -> Verdict {
        if self.revoked || now >= self.expires_at || now >= self.absolute_expires_at {
            Verdict::Ended
        } else if hash == self.token_hash {
            Verdict::Rotate
        } else if self.previous_hash.as_deref() != Some(hash) || now - self.rotated_at > REPEAT_WINDOW {
            Verdict::Reused
        } else if successor_hash == self.token_hash {
            Verdict::Repeat
        } else {
            // The installation's secret changed within these seconds.
            Verdict::Ended
        }
    }

    /// When the family ends if the token given out at `now` is not used.
    pub(super) fn expiry(&self, times: SessionTimes, now: DateTime<Utc>) -> DateTime<Utc> {
        (now + times.idle).min(self.absolute_expires_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_900_000_000 + second, 0).unwrap()
    }

    fn session() -> Session {
        Session {
            id: SessionId::at(at(0)),
            user: UserId::at(at(0)),
            organization: OrganizationId::at(at(0)),
            token_hash: b"new".to_vec(),
            previous_hash: Some(b"old".to_vec()),
            rotated_at: at(0),
            expires_at: at(100),
            absolute_expires_at: at(150),
            revoked: false,
        }
    }

    #[test]
    fn the_newest_token_rotates_until_the_login_ends() {
        assert_eq!(session().judge(b"new", b"newer", at(99)), Verdict::Rotate);
        assert_eq!(session().judge(b"new", b"newer", at(100)), Verdict::Ended);
        assert_eq!(Session { revoked: true, ..session() }.judge(b"new", b"newer", at(1)), Verdict::Ended);
    }

    #[test]
    fn the_token_before_is_answered_again_for_ten_seconds() {
        assert_eq!(session().judge(b"old", b"new", at(10)), Verdict::Repeat);
        assert_eq!(session().judge(b"old", b"new", at(11)), Verdict::Reused);
        assert_eq!(session().judge(b"old", b"of another key", at(1)), Verdict::Ended);
    }

    #[test]
    fn any_older_token_is_a_reuse() {
        assert_eq!(session().judge(b"older", b"old", at(1)), Verdict::Reused);
    }

    #[test]
    fn no_renewal_outlives_the_absolute_end() {
        let times = SessionTimes { idle: TimeDelta::seconds(100), absolute: TimeDelta::seconds(150) };
        assert_eq!(session().expiry(times, at(10)), at(110));
        assert_eq!(session().expiry(times, at(90)), at(150));
    }
}
