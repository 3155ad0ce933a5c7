//! What can go wrong with accounts and logins.

use db::DbError;

/// Why an identity use case did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Somebody has registered with this address.
    #[error("an account with this e-mail address exists")]
    EmailTaken,
    /// Unknown address or wrong password: nobody learns which.
    #[error("the e-mail address or the password is wrong")]
    WrongCredentials,
    /// The refresh token is unknown, used up, expired or revoked.
    #[error("the login has ended")]
    SessionEnded,
    /// Too many passwords are being worked on.
    #[error("too many sign-ins at this moment")]
    Busy,
    /// Argon2 failed, or a stored hash cannot be read.
    #[error("cannot work on a password hash: {0}")]
    PasswordHash(String),
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
