//! Changes the keys of everything that is sealed, while the programs run.

use std::collections::BTreeMap;

use db::{Db, DbError};
use kernel::OrganizationId;

use super::{
    purpose::{Owner, Purpose},
    store,
    vault::{SecretError, Vault},
};

/// Rows changed in one transaction, and organizations read at a time.
const BATCH: i64 = 200;

/// Rounds over everything: a row that a program wrote at the same moment is looked at again.
const ROUNDS: usize = 5;

/// Every sealed column: the marks in the catalogue must say the same. Each has its walk below.
pub const SEALED_COLUMNS: [&str; 3] = ["channels.access_token", "idempotency_keys.answer", "two_step.secret"];

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Which master key wraps the data keys. Values that are under the newest one stay as they are.
    Wrapping,
    /// The data keys too: every value is sealed anew.
    DataKeys,
}

/// What became of the rows of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColumnReport {
    /// Now under the newest key.
    pub changed: u64,
    /// They were already.
    pub current: u64,
    /// Written by a program in every round: look again.
    pub raced: u64,
    /// Not to be opened with the keys at hand. They are named in the logs.
    pub refused: u64,
}

/// What became of each column, by `table.column`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RotationReport(pub BTreeMap<&'static str, ColumnReport>);

impl RotationReport {
    /// Whether everything is under the newest key.
    pub fn is_complete(&self) -> bool {
        self.0.values().all(|column| column.raced == 0 && column.refused == 0)
    }
}

/// Brings every sealed value under the newest key of `vault`. Safe to run at any time and again; what was done stays done.
///
/// Values are replaced only where they are still what was read, so nothing that a program writes is lost.
pub async fn rotate(db: &Db, vault: &Vault, rotation: Rotation) -> Result<RotationReport, DbError> {
    let mut report = RotationReport::default();
    for round in 0..ROUNDS {
        // What a program wrote meanwhile has a fresh data key anyway.
        let rotation = if round == 0 { rotation } else { Rotation::Wrapping };
        let mut walk = Walk { vault, rotation, seen: SEALED_COLUMNS.map(|column| (column, ColumnReport::default())).into() };
        walk.everything(db).await?;
        for (column, seen) in walk.seen {
            let total = report.0.entry(column).or_default();
            *total = ColumnReport {
                changed: total.changed + seen.changed,
                current: if round == 0 { seen.current } else { total.current },
                ..seen
            };
        }
        if report.0.values().all(|column| column.raced == 0) {
            break;
        }
    }
    Ok(report)
}

struct Walk<'a> {
    vault: &'a Vault,
    rotation: Rotation,
    seen: BTreeMap<&'static str, ColumnReport>,
}

impl Walk<'_> {
    async fn everything(&mut self, db: &Db) -> Result<(), DbError> {
        self.totp_secrets(db).await?;
        let mut after = None;
        loop {
            let mut tx = db.identity("change keys").await?;
            let organizations = store::organizations(&mut tx, after, BATCH).await?;
            tx.rollback().await?;
            for organization in &organizations {
                self.channel_tokens(db, *organization).await?;
                self.answers(db, *organization).await?;
            }
            match organizations.last() {
                Some(last) => after = Some(*last),
                None => return Ok(()),
            }
        }
    }

    async fn channel_tokens(&mut self, db: &Db, organization: OrganizationId) -> Result<(), DbError> {
        let mut after = None;
        loop {
            let mut tx = db.tenant(organization).await?;
            let rows = store::channel_tokens(&mut tx, after, BATCH).await?;
            for (id, sealed) in &rows {
                let purpose = Purpose::ChannelToken(*id);
                if let Some(new) = self.renewed(organization.into(), purpose, sealed) {
                    self.count(purpose, store::replace_channel_token(&mut tx, *id, sealed, &new).await?);
                }
            }
            tx.commit().await?;
            match rows.last() {
                Some((id, _)) => after = Some(*id),
                None => return Ok(()),
            }
        }
    }

    async fn answers(&mut self, db: &Db, organization: OrganizationId) -> Result<(), DbError> {
        let mut after: Option<store::AnswerKey> = None;
        loop {
            let mut tx = db.tenant(organization).await?;
            let mut rows = store::answers(&mut tx, after.as_ref(), BATCH).await?;
            for (key, sealed) in &rows {
                let purpose = Purpose::idempotency_answer(&key.0, &key.1);
                if let Some(new) = self.renewed(organization.into(), purpose, sealed) {
                    self.count(purpose, store::replace_answer(&mut tx, key, sealed, &new).await?);
                }
            }
            tx.commit().await?;
            match rows.pop() {
                Some((key, _)) => after = Some(key),
                None => return Ok(()),
            }
        }
    }

    async fn totp_secrets(&mut self, db: &Db) -> Result<(), DbError> {
        let mut after = None;
        loop {
            let mut tx = db.identity("change keys").await?;
            let rows = store::totp_secrets(&mut tx, after, BATCH).await?;
            for (user, sealed) in &rows {
                let purpose = Purpose::TotpSecret(*user);
                if let Some(new) = self.renewed((*user).into(), purpose, sealed) {
                    self.count(purpose, store::replace_totp_secret(&mut tx, *user, sealed, &new).await?);
                }
            }
            tx.commit().await?;
            match rows.last() {
                Some((user, _)) => after = Some(*user),
                None => return Ok(()),
            }
        }
    }

    /// The value under the newest key; none when there is nothing to write.
    fn renewed(&mut self, owner: Owner, purpose: Purpose, sealed: &[u8]) -> Option<Vec<u8>> {
        let renewed = match self.rotation {
            Rotation::Wrapping => self.vault.rewrap(owner, purpose, sealed),
            Rotation::DataKeys => self.vault.reseal(owner, purpose, sealed).map(Some),
        };
        match renewed {
            Ok(Some(new)) => return Some(new),
            Ok(None) => self.of(purpose).current += 1,
            Err(error) => {
                self.of(purpose).refused += 1;
                warn_of(owner, purpose, &error);
            }
        }
        None
    }

    fn count(&mut self, purpose: Purpose, replaced: bool) {
        let column = self.of(purpose);
        *(if replaced { &mut column.changed } else { &mut column.raced }) += 1;
    }

    fn of(&mut self, purpose: Purpose) -> &mut ColumnReport {
        self.seen.entry(purpose.column()).or_default()
    }
}

fn warn_of(owner: Owner, purpose: Purpose, error: &SecretError) {
    tracing::error!(?owner, ?purpose, %error, "a sealed value of {} stays as it is: {error}", purpose.column());
}
