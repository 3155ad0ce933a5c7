//! Imports an uploaded file, batch by batch.

use std::time::Duration;

use futures::TryStreamExt;
use kernel::ImportId;
use providers::objects::{ObjectError, ObjectKey, ObjectStore, StoredObject};
use queue::{Job, JobError, Queue, Requirement, Tenant};
use serde::{Deserialize, Serialize};

use super::{
    framing::{self, MAX_RECORD},
    layout::{self, Layout, LayoutError},
    model::{ContactImport, ImportError, ImportState},
    rows::{self, ParsedRows},
    service::{self, Batch},
    store::Place,
};

/// Bytes of the file that are held at a time; twice [`MAX_RECORD`] at least.
const WINDOW: usize = 4 * MAX_RECORD;
/// Rows of one transaction.
const BATCH_ROWS: usize = 1_000;
/// Batches of one run; then other work of the queue gets its turn.
const BATCHES_PER_RUN: usize = 500;

/// Reads on where the last committed batch ended. A crash repeats at most the batch that was not committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The import.
    pub import: ImportId,
}

impl Job for Import {
    const KIND: &'static str = "contacts.import";
    const QUEUE: Queue = Queue::Bulk;
    const TIMEOUT: Duration = Duration::from_mins(15);
    type Context = Tenant;

    async fn run(&self, ctx: &Tenant) -> Result<(), JobError> {
        let Some(mut import) = find(ctx, self.import).await?.filter(|import| !import.state.is_finished()) else { return Ok(()) };
        let files = ctx.get::<ObjectStore>()?;
        let key: ObjectKey = import.object_key.parse().map_err(JobError::fail)?;
        // The file goes before the commit that ends the import: a crash between them finds all rows read and needs it no more.
        if import.layout.is_some() && import.next_offset >= import.size {
            return end(ctx, files, &key, import.id, ImportState::Completed, None).await;
        }
        let mut file = match files.get(&key, import.next_offset).await {
            Ok(file) => Window::new(file),
            Err(ObjectError::NotFound | ObjectError::BehindEnd { .. }) => {
                return end(ctx, files, &key, import.id, ImportState::Failed, Some("file-missing: the uploaded file is gone")).await;
            }
            Err(error) => return Err(JobError::retry(error)),
        };
        file.fill().await?;

        if import.layout.is_none() {
            match layout::read_header(&file.bytes, file.at_end, &import.mapping) {
                Ok(header) => {
                    file.bytes.drain(..usize::try_from(header.offset).unwrap_or(usize::MAX).min(file.bytes.len()));
                    begin(ctx, import.id, &header).await?;
                    (import.next_offset, import.next_line) = (header.offset, header.line);
                    import.layout = Some(header.layout);
                }
                Err(error) => return fail(ctx, files, &key, import.id, &error).await,
            }
        }
        for _ in 0..BATCHES_PER_RUN {
            file.fill().await?;
            if file.bytes.is_empty() && file.at_end {
                return end(ctx, files, &key, import.id, ImportState::Completed, None).await;
            }
            let Some((offset, line)) = step(ctx, &import, &mut file).await? else { return Ok(()) };
            (import.next_offset, import.next_line) = (offset, line);
            if ctx.stopping() {
                break;
            }
        }
        Err(JobError::Snooze(Duration::ZERO))
    }

    fn requires() -> Vec<Requirement> {
        vec![Requirement::of::<ObjectStore>()]
    }
}

/// The part of the file that is in memory.
struct Window {
    file: StoredObject,
    bytes: Vec<u8>,
    at_end: bool,
}

impl Window {
    fn new(file: StoredObject) -> Self {
        Self { file, bytes: Vec::with_capacity(WINDOW), at_end: false }
    }

    /// Reads until the window is full or the file ends.
    async fn fill(&mut self) -> Result<(), JobError> {
        while !self.at_end && self.bytes.len() < WINDOW {
            match self.file.bytes.try_next().await.map_err(JobError::retry)? {
                Some(chunk) => self.bytes.extend_from_slice(&chunk),
                None => self.at_end = true,
            }
        }
        Ok(())
    }

    /// Drops bytes up to and with the next end of line. Answers how many there were.
    async fn skip_line(&mut self) -> Result<u64, JobError> {
        let mut skipped = 0;
        loop {
            self.fill().await?;
            if let Some(length) = self.bytes.iter().position(|byte| *byte == b'\n') {
                self.bytes.drain(..=length);
                return Ok(skipped + length as u64 + 1);
            }
            skipped += self.bytes.len() as u64;
            self.bytes.clear();
            if self.at_end {
                return Ok(skipped);
            }
        }
    }
}

/// Imports one batch. Answers offset and line behind it, or `None` when another run has the import.
async fn step(ctx: &Tenant, import: &ContactImport, file: &mut Window) -> Result<Option<(u64, u64)>, JobError> {
    let layout = import.layout.clone().ok_or_else(|| JobError::fail("an import without a header"))?;
    let (consumed, mut next_line, open_end, parsed) = parse(file, layout, import.next_line).await?;
    let mut next_offset = import.next_offset + consumed;
    if open_end {
        next_offset += file.skip_line().await?;
        next_line += 1;
    }
    let batch = Batch { from: import.next_offset, to: Place { offset: next_offset, line: next_line }, parsed };
    let mut tx = ctx.begin().await?;
    let Some(counts) = service::apply(&mut tx, ctx.clock(), import, batch).await? else { return Ok(None) };
    ctx.progress(&mut tx).await?;
    tx.commit().await?;
    tracing::debug!(import.id = %import.id, rows = counts.total(), offset = next_offset, "import {}: batch done", import.id);
    Ok(Some((next_offset, next_line)))
}

/// Takes a batch out of the window. Checking numbers costs, so it happens off the async threads; two jobs of this queue run at once.
async fn parse(file: &mut Window, layout: Layout, first_line: u64) -> Result<(u64, u64, bool, ParsedRows), JobError> {
    let mut bytes = std::mem::take(&mut file.bytes);
    let at_end = file.at_end;
    let work = move || {
        let framed = framing::frame(&bytes, at_end, layout.delimiter, first_line, BATCH_ROWS);
        let parsed = rows::parse(&bytes, &framed.records, &layout);
        bytes.drain(..framed.consumed);
        (bytes, framed.consumed as u64, framed.next_line, framed.open_end, parsed)
    };
    let (bytes, consumed, next_line, open_end, parsed) = tokio::task::spawn_blocking(work).await.map_err(JobError::retry)?;
    file.bytes = bytes;
    Ok((consumed, next_line, open_end, parsed))
}

async fn find(ctx: &Tenant, id: ImportId) -> Result<Option<ContactImport>, JobError> {
    let mut tx = ctx.begin().await?;
    match service::get(&mut tx, id).await {
        Ok(import) => Ok(Some(import)),
        Err(ImportError::NotFound(_)) => Ok(None),
        Err(error) => Err(JobError::retry(error)),
    }
}

async fn begin(ctx: &Tenant, id: ImportId, header: &layout::Header) -> Result<(), JobError> {
    let mut tx = ctx.begin().await?;
    service::begin(&mut tx, ctx.clock(), id, header).await?;
    ctx.progress(&mut tx).await?;
    Ok(tx.commit().await?)
}

async fn fail(ctx: &Tenant, files: &ObjectStore, key: &ObjectKey, id: ImportId, error: &LayoutError) -> Result<(), JobError> {
    end(ctx, files, key, id, ImportState::Failed, Some(&error.to_string())).await
}

async fn end(
    ctx: &Tenant,
    files: &ObjectStore,
    key: &ObjectKey,
    id: ImportId,
    state: ImportState,
    reason: Option<&str>,
) -> Result<(), JobError> {
    files.delete(key).await.map_err(JobError::retry)?;
    let mut tx = ctx.begin().await?;
    service::finish(&mut tx, ctx.clock(), id, state, reason).await?;
    tx.commit().await?;
    tracing::info!(import.id = %id, state = state.as_str(), "import {id}: {}", state.as_str());
    Ok(())
}
