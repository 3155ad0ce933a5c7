//! The door to PostgreSQL: pools that nobody else sees, and the three kinds of transaction.
//!
//! * [`TenantTx`] sees the rows of one organization, because row security says so.
//! * [`IdentityTx`] sees accounts across organizations: sign-up, sign-in, sessions.
//! * [`SystemTx`] sees the ledgers across organizations and names its reason.
//!
//! [`LedgerPool`] holds connections that start as `crm_system`, for the single-statement work of the sending path.

mod announce;
mod connect;
mod error;
mod ledger;
mod migrations;
pub mod testing;
mod transaction;

pub use announce::{Announcement, Announcer, Announcers, Silence};
pub use connect::{Db, DbOptions};
pub use error::DbError;
pub use ledger::LedgerPool;
pub use migrations::{MigrationState, migrate, migration_state};
pub use transaction::{IdentityTx, SystemTx, TenantTx, Tx};
