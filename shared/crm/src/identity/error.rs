//! What can go wrong with accounts and logins.

use chrono::TimeDelta;
use db::DbError;

use super::password_rules::PasswordError;
use crate::secrets::SecretError;

/// Why an identity use case did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Somebody has registered with this address.
    #[error("an account with this e-mail address exists")]
    EmailTaken,
    /// Another account signs in by this name.
    #[error("another account has this user name")]
    UsernameTaken,
    /// Another account has this WhatsApp number.
    #[error("another account has this WhatsApp number")]
    PhoneTaken,
    /// Unknown address, wrong password, or somebody who may not sign in: nobody learns which.
    #[error("the e-mail address or the password is wrong")]
    WrongCredentials,
    /// Too many sign-ins failed; the next one is looked at after this time.
    #[error("too many sign-ins have failed; try again later")]
    TooManyFailures(TimeDelta),
    /// The password is right, and the account asks for a second step.
    #[error("a code of the two-step login is needed")]
    TwoStepRequired,
    /// The code was never right, is too old, or was used before.
    #[error("the code is not valid, or was used before")]
    WrongCode,
    /// Somebody who is signed in gave a wrong password.
    #[error("the password is wrong")]
    WrongPassword,
    /// Proving who one is takes a password here.
    #[error("the password is needed")]
    PasswordNeeded,
    /// Proving who one is takes a code here.
    #[error("a code of the two-step login is needed")]
    CodeNeeded,
    /// The new password breaks a rule.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The link was never made, was used, replaced by a newer one, or is too old.
    #[error("the link is not valid any more")]
    LinkInvalid,
    /// The refresh token is unknown, used up, expired or revoked.
    #[error("the login has ended")]
    SessionEnded,
    /// The account has no such login.
    #[error("there is no such login")]
    SessionNotFound,
    /// The account is gone.
    #[error("there is no such account")]
    UserNotFound,
    /// Two-step login is on already.
    #[error("two-step login is on already")]
    TwoStepOn,
    /// Two-step login is off, or was not begun.
    #[error("two-step login is not on")]
    TwoStepOff,
    /// Too many passwords are being worked on.
    #[error("too many sign-ins at this moment")]
    Busy,
    /// Argon2 failed, or a stored hash cannot be read.
    #[error("cannot work on a password hash: {0}")]
    PasswordHash(String),
    /// A sealed secret cannot be made or read.
    #[error("cannot seal or open the secret of a two-step login")]
    Secret(#[from] SecretError),
    /// The database did not do its part.
    #[error("cannot reach the accounts")]
    Store(#[from] DbError),
}

/// Why an access token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token that this installation signed.
    #[error("the access token is not valid")]
    Invalid,
    /// Its time is over.
    #[error("the access token has expired")]
    Expired,
}
