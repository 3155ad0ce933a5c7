//! Accounts, logins and rights: who somebody is and what they may do.
//!
//! An access token names its login. Each request asks for the login's present standing, which a process remembers for a few seconds:
//! a revoked login and a changed role take effect within [`STANDING_TTL`], long before the token expires.

mod error;
mod model;
mod password;
pub mod permissions;
mod service;
mod standing;
mod store;
mod token;

pub use error::{IdentityError, TokenError};
pub use model::{Login, Registration, SessionTimes, User};
pub use password::{Password, PasswordError, Passwords};
pub use permissions::{Permission, Right, Role};
pub use service::{Identity, user};
pub use standing::STANDING_TTL;
pub use token::{Access, RefreshToken, TokenKeys};
