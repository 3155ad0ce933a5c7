//! Removes what uploads left behind.

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use kernel::{FileId, OrganizationId};
use providers::objects::{Listed, ObjectKey, ObjectStore};
use queue::{Job, JobError, Queue, Requirement, System};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::store::{self, Contents};

/// Younger objects are left alone: somebody may be about to write the row. Rows are given the same time.
const YOUNG: TimeDelta = TimeDelta::hours(24);
/// Rows of one look at the database, and objects of one.
const ROWS: i64 = 500;
const BATCH: usize = 500;
/// Contents of templates that are read at once, of up to some 64 KB each.
const CONTENTS: i64 = 200;

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
        // None of them is to wait for what hinders another.
        let released = release_samples(ctx).await;
        let rows = sweep_rows(ctx, objects, &mut found).await;
        let swept = sweep_objects(ctx, objects, &mut found).await;
        let swept = released.and(rows).and(swept);
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
    let before = ctx.now() - YOUNG;
    let mut after = OrganizationId::from(Uuid::nil());
    while !ctx.stopping() {
        let mut tx = ctx.begin("look for organizations with samples").await?;
        let organizations = store::organizations_with_samples(&mut tx, before, after, ROWS).await.map_err(JobError::retry)?;
        tx.commit().await?;
        let Some(last) = organizations.last() else { return Ok(()) };
        after = *last;
        for organization in organizations {
            release_samples_of(ctx, organization, before).await?;
        }
    }
    Err(JobError::Snooze(Duration::ZERO))
}

/// Every content is read once. What is named meanwhile was touched meanwhile, and stays for that.
async fn release_samples_of(ctx: &System, organization: OrganizationId, before: DateTime<Utc>) -> Result<(), JobError> {
    let mut named = HashSet::new();
    for contents in [Contents::Changes, Contents::Templates, Contents::Versions] {
        let mut after = (Uuid::nil(), 0);
        loop {
            if ctx.stopping() {
                return Err(JobError::Snooze(Duration::ZERO));
            }
            let mut tx = ctx.begin("look which samples templates name").await?;
            let read = store::named_samples(&mut tx, organization, contents, after, CONTENTS).await.map_err(JobError::retry)?;
            tx.commit().await?;
            let Some((last, names)) = read else { break };
            after = last;
            named.extend(names.iter().filter_map(|name| name.parse::<Uuid>().ok()));
        }
    }
    let named: Vec<Uuid> = named.into_iter().collect();
    loop {
        let mut tx = ctx.begin("let go of samples that no template names").await?;
        let released = store::release_samples(&mut tx, ctx.now(), before, organization, &named, ROWS).await.map_err(JobError::retry)?;
        tx.commit().await?;
        if released == 0 {
            return Ok(());
        }
        tracing::info!(organization.id = %organization, released, "{released} samples are named by no template any more");
    }
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
