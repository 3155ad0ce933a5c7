//! Use cases of imports.

use std::collections::HashSet;

use db::{DbError, TenantTx};
use kernel::{Clock, ImportId};
use queue::Enqueue;

use super::{
    job::Import,
    model::{ContactImport, Counts, ImportError, ImportState, NewImport, Rejection},
    rows::{ImportRow, ParsedRows},
    store::{self, Place},
};
use crate::contacts::model::OptIn;

/// Takes over a file that was uploaded: a job imports it.
pub async fn start(tx: &mut TenantTx, clock: &dyn Clock, new: NewImport) -> Result<ContactImport, ImportError> {
    let id = ImportId::at(clock.now());
    store::insert(tx, id, &new, clock.now()).await?;
    tx.enqueue(Import { import: id }).await?;
    get(tx, id).await
}

/// Reads an import.
pub async fn get(tx: &mut TenantTx, id: ImportId) -> Result<ContactImport, ImportError> {
    store::find(tx, id).await?.ok_or(ImportError::NotFound(id))
}

/// Rejected rows behind line `after` (0 for all), in the order of the file, at most `limit`.
pub async fn rejections(tx: &mut TenantTx, id: ImportId, after: i64, limit: i64) -> Result<Vec<Rejection>, ImportError> {
    Ok(store::rejections_after(tx, id, after, limit).await?)
}

/// Ends an import.
pub(super) async fn finish(
    tx: &mut TenantTx,
    clock: &dyn Clock,
    id: ImportId,
    state: ImportState,
    reason: Option<&str>,
) -> Result<(), DbError> {
    store::finish(tx, id, state, reason, clock.now()).await
}

/// A batch of rows, and the part of the file they stand in.
pub(super) struct Batch {
    pub(super) from: u64,
    pub(super) to: Place,
    pub(super) parsed: ParsedRows,
}

/// Writes a batch: contacts, refusals, rejections, counts and place. `None` when another run got there first.
pub(super) async fn apply(tx: &mut TenantTx, clock: &dyn Clock, import: &ContactImport, batch: Batch) -> Result<Option<Counts>, DbError> {
    let Batch { from, to, parsed: ParsedRows { rows, rejections } } = batch;
    let given = rows.len();
    let rows = first_of_each_number(tx, import.id, rows).await?;
    if import.dry_run {
        store::trial_begin(tx).await?;
    }
    let (created, updated) = store::contacts_merge(tx, &rows, clock.now()).await?;
    let refused: Vec<_> = rows.iter().filter(|row| row.opt_in == Some(OptIn::OptedOut)).map(|row| &row.phone_number).collect();
    if !refused.is_empty() {
        store::exceptions_opt_out(tx, &refused, clock.now()).await?;
    }
    if import.dry_run {
        store::trial_undo(tx).await?;
    }
    store::rejections_insert(tx, import.id, &rejections).await?;
    let skipped = store::count(given) - created - updated;
    let counts = Counts { created, updated, skipped, rejected: store::count(rejections.len()) };
    let moved = store::advance(tx, import.id, from, &to, counts, clock.now()).await?;
    Ok(moved.then_some(counts))
}

/// Rows whose number this import meets for the first time, sorted by number.
async fn first_of_each_number(tx: &mut TenantTx, id: ImportId, rows: Vec<ImportRow>) -> Result<Vec<ImportRow>, DbError> {
    let mut met = HashSet::with_capacity(rows.len());
    let mut rows: Vec<ImportRow> = rows.into_iter().filter(|row| met.insert(row.phone_number.clone())).collect();
    rows.sort_unstable_by(|a, b| a.phone_number.cmp(&b.phone_number));
    let numbers: Vec<&str> = rows.iter().map(|row| row.phone_number.as_e164()).collect();
    let fresh = store::numbers_meet(tx, id, &numbers).await?;
    rows.retain(|row| fresh.contains(row.phone_number.as_e164()));
    Ok(rows)
}

/// Notes the columns of an import and begins.
pub(super) async fn begin(tx: &mut TenantTx, clock: &dyn Clock, id: ImportId, header: &super::layout::Header) -> Result<(), DbError> {
    store::start(tx, id, &header.layout, &Place { offset: header.offset, line: header.line }, clock.now()).await
}
