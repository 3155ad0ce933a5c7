//! The commands that make and unmake the installation's staff.

use anyhow::{Context, bail};
use crm::identity::super_admins::{self, StaffChange};
use db::{Db, DbOptions};
use kernel::{Clock, EmailAddress};
use runtime::Config;

/// What becomes of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staffing {
    /// It sees every organization as a client.
    Grant,
    /// It is one like any other.
    Revoke,
}

/// Makes the account of an e-mail address one of the staff, or one like any other. Answers a sentence that says what happened.
pub async fn staff(config: &Config, clock: &dyn Clock, email: &str, staffing: Staffing) -> anyhow::Result<&'static str> {
    let email = EmailAddress::parse(email).context("this is no e-mail address")?;
    let options = DbOptions { max_connections: 1, ..DbOptions::new(config.database.url.clone(), "api-staff") };
    let db = Db::open(&options).context("the database settings cannot be used")?;
    let mut tx = db.identity("an operator changes the staff").await.context("cannot reach the database")?;
    let changed = match staffing {
        Staffing::Grant => super_admins::grant(&mut tx, clock.now(), &email).await?,
        Staffing::Revoke => super_admins::revoke(&mut tx, clock.now(), &email).await?,
    };
    tx.commit().await?;
    db.close().await;
    match (changed, staffing) {
        (StaffChange::NoSuchAccount, _) => bail!("no account has this e-mail address"),
        (StaffChange::Done, Staffing::Grant) => Ok("the account is a super-admin now"),
        (StaffChange::Unchanged, Staffing::Grant) => Ok("the account was a super-admin already"),
        (StaffChange::Done, Staffing::Revoke) => Ok("the account is no super-admin any more"),
        (StaffChange::Unchanged, Staffing::Revoke) => Ok("the account was no super-admin"),
    }
}
