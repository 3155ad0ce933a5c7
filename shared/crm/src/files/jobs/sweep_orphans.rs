//! Removes what uploads left behind.

use std::{collections::HashSet, time::Duration};

use chrono::TimeDelta;
use futures::TryStreamExt;
use kernel::FileId;
use providers::objects::{Listed, ObjectKey, ObjectStore};
use queue::{Job, JobError, Queue, Requirement, System};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::store;

/// Younger objects are left alone: somebody may be about to write the row. Rows are given the same time.
const YOUNG: TimeDelta = TimeDelta::hours(24);
/// Rows of one look at the database, and objects of one.
const ROWS: i64 = 500;
const BATCH: usize = 500;

/// Deletes objects that no record needs, and files that were given up or replaced, each a day old: by the store's clock, and by ours. Samples
/// that no template names any more count as replaced from the first sweep on that finds them so.
///
/// Objects are deleted in the folders that we know only; whatever else lies in the store is nobody's business here.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct SweepOrphans {}

/// What a sweep found.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    rows: u64,
    objects: u64,
    bytes: u64,
}

impl Job for SweepOrphans {
    const KIND: &'static str = "files.sweepOrphans";
    const QUEUE: Queue = Queue::Bulk;
    const TIMEOUT: Duration = Duration::from_mins(30);
    type Context = System;

    async fn run(&self, ctx: &System) -> Result<(), JobError> {
        let objects = ctx.get::<ObjectStore>()?;
        let mut found = Found::default();
        let swept = async {
            release_samples(ctx).await?;
            sweep_rows(ctx, objects, &mut found).await?;
            sweep_objects(ctx, objects, &mut found).await
        };
        let swept = swept.await;
        // What was deleted is told also when the rest has to wait.
        let Found { rows, objects, bytes } = found;
        metrics::counter!("files_orphans_deleted_total", "what" => "file").increment(rows);
        metrics::counter!("files_orphans_deleted_total", "what" => "object").increment(objects);
        if rows + objects > 0 {
            tracing::warn!(rows, objects, bytes, "deleted {rows} abandoned files and {objects} orphaned objects of {bytes} bytes");
        } else {
            tracing::info!("no orphans among the files");
        }
        swept
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }

    fn requires() -> Vec<Requirement> {
        vec![Requirement::of::<ObjectStore>()]
    }
}

/// Samples that no template names.
async fn release_samples(ctx: &System) -> Result<(), JobError> {
    let mut after = FileId::from(Uuid::nil());
    while !ctx.stopping() {
        let mut tx = ctx.begin("look for samples that no template names").await?;
        let looked = store::release_samples(&mut tx, ctx.now(), ctx.now() - YOUNG, after, ROWS).await.map_err(JobError::retry)?;
        tx.commit().await?;
        let Some((last, released)) = looked else { return Ok(()) };
        after = last;
        if released > 0 {
            tracing::info!(released, "{released} samples are named by no template any more");
        }
    }
    Err(JobError::Snooze(Duration::ZERO))
}

/// Files that were given up or replaced: the object first, then the row that leads to it.
async fn sweep_rows(ctx: &System, objects: &ObjectStore, found: &mut Found) -> Result<(), JobError> {
    let mut after = FileId::from(Uuid::nil());
    while !ctx.stopping() {
        let mut tx = ctx.begin("look for abandoned files").await?;
        let abandoned = store::abandoned(&mut tx, ctx.now() - YOUNG, after, ROWS).await.map_err(JobError::retry)?;
        tx.commit().await?;
        let Some(last) = abandoned.last() else { return Ok(()) };
        after = last.id;
        for file in &abandoned {
            objects.delete(&file.object_key).await.map_err(JobError::retry)?;
            let mut tx = ctx.begin("forget an abandoned file").await?;
            let forgotten = store::forget_abandoned(&mut tx, file.organization, file.id).await.map_err(JobError::retry)?;
            tx.commit().await?;
            if forgotten {
                found.rows += 1;
                tracing::info!(file.id = %file.id, organization.id = %file.organization, "deleted the abandoned file {}", file.id);
            }
        }
    }
    Err(JobError::Snooze(Duration::ZERO))
}

/// Objects that nobody needs.
async fn sweep_objects(ctx: &System, objects: &ObjectStore, found: &mut Found) -> Result<(), JobError> {
    let old = objects.now().await.map_err(JobError::retry)? - YOUNG;
    let mut listing = objects.list().try_chunks(BATCH);
    while let Some(batch) = listing.try_next().await.map_err(|error| JobError::retry(error.1))? {
        if ctx.stopping() {
            return Err(JobError::Snooze(Duration::ZERO));
        }
        let ours = batch.into_iter().filter(|listed| listed.written_at < old).filter_map(|listed| Some((known(&listed)?, listed)));
        let ours: Vec<(ObjectKey, Listed)> = ours.collect();
        if ours.is_empty() {
            continue;
        }
        let needed = needed(ctx, &ours).await?;
        for (key, listed) in ours.into_iter().filter(|(key, _)| !needed.contains(key.as_str())) {
            objects.delete(&key).await.map_err(JobError::retry)?;
            found.objects += 1;
            found.bytes += listed.size;
            tracing::info!(object = %key, size = listed.size, "deleted the orphaned object {key}");
        }
    }
    Ok(())
}

/// The key of an object of which we know who would need it.
fn known(listed: &Listed) -> Option<ObjectKey> {
    let key: ObjectKey = listed.name.parse().ok()?;
    (key.folder().is_some() || key.kind() == Some("imports")).then_some(key)
}

async fn needed(ctx: &System, objects: &[(ObjectKey, Listed)]) -> Result<HashSet<String>, JobError> {
    let organizations: HashSet<Uuid> = objects.iter().filter_map(|(key, _)| Some(key.organization()?.uuid())).collect();
    let organizations: Vec<Uuid> = organizations.into_iter().collect();
    let names: Vec<String> = objects.iter().map(|(key, _)| key.as_str().to_owned()).collect();
    let mut tx = ctx.begin("look who needs objects").await?;
    let mut needed = store::known_keys(&mut tx, &names).await.map_err(JobError::retry)?;
    needed.extend(store::keys_of_open_imports(&mut tx, &organizations, &names).await.map_err(JobError::retry)?);
    tx.commit().await?;
    Ok(needed.into_iter().collect())
}
