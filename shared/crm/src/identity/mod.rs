//! Accounts, logins and rights: who somebody is and what they may do.
//!
//! An access token names its login. Each request asks for the login's present standing, which a process remembers for a few seconds:
//! a revoked login and a changed role take effect within [`STANDING_TTL`], long before the token expires.

pub mod api_keys;
pub(crate) mod derive;
mod device;
mod error;
mod guard;
pub mod jobs;
mod login;
pub mod members;
mod model;
pub mod one_time;
mod password;
mod password_rules;
pub mod permissions;
mod profile;
mod recovery;
mod rights;
pub mod roles;
mod service;
mod sessions;
mod standing;
mod store;
pub mod super_admins;
#[cfg(test)]
mod tests;
mod token;
mod two_step;
mod verification;

pub use device::Device;
pub use error::{IdentityError, TokenError};
pub use login::{Credentials, Proof};
pub use members::MemberError;
pub use model::{Login, Registration, SessionTimes, User};
pub use one_time::OneTimeKeys;
pub use password::{Fit, Password, Passwords};
pub use password_rules::{OwnWords, PasswordError};
pub use permissions::{Permission, Right};
pub use profile::{Edit, ProfileChange, Username};
pub use rights::{Rights, Role, RoleName};
pub use service::{Identity, Settings, own_words, user};
pub use sessions::SessionView;
pub use standing::{KeyStanding, STANDING_TTL, STEP_UP_WINDOW, Standing};
pub use token::{Access, RefreshToken, TokenKeys};
pub use two_step::{Enrolment, TwoStepStatus};
