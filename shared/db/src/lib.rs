//! The door to PostgreSQL: pools that nobody else sees, and the three kinds of transaction.
//!
//! * [`TenantTx`] sees the rows of one organization, because row security says so.
//! * [`IdentityTx`] sees accounts across organizations: sign-up, sign-in, sessions.
//! * [`SystemTx`] sees the ledgers across organizations and names its reason.
//!
//! [`LedgerPool`] holds connections that start as `crm_system`, for single statements: the sending path, the job ledger, the webhook intake.
//! What a commit made true is told to an [`Announcer`] afterwards; a [`CommitGuard`] may refuse it before. [`testing`] gives each test a database of its own.
//!
//! This crate knows roles, pools and migrations. It does not know what any row means.

mod announce;
mod connect;
mod error;
mod guard;
mod ledger;
mod migrations;
mod posture;
pub mod testing;
mod transaction;

pub use announce::{Announcement, Announcer, Announcers, Silence};
pub use connect::{Db, DbOptions};
pub use error::DbError;
pub use guard::{CommitGuard, guarded};
pub use ledger::{Doorkeeper, LedgerPool};
pub use migrations::{MigrationState, migrate, migration_state};
pub use posture::{Finding, PostureError, Strictness};
pub use transaction::{IdentityTx, SystemTx, TenantTx, Tx};
