//! A campaign's run in the hands of its lane.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use crm::campaigns::ledger::{Chunk, PlannedRow, Run};
use kernel::CampaignId;
use providers::whatsapp::{CompileError, CompiledTemplate};

use super::pace::Pace;

/// What the senders of a run share.
#[derive(Debug)]
pub(crate) struct RunControl {
    pub(crate) campaign: CampaignId,
    pub(crate) template: CompiledTemplate,
    template_version: i32,
    pub(crate) names: Vec<String>,
    pub(crate) grace_s: f64,
    /// The campaign's own limit.
    pub(crate) pace: Option<Pace>,
    sendable: AtomicBool,
    accepted: AtomicBool,
    mistakes: AtomicU32,
}

impl RunControl {
    fn new(run: &Run) -> Result<Arc<Self>, CompileError> {
        let template = CompiledTemplate::compile(&run.content)?;
        let names = template.frozen_variable_names().map(str::to_owned).collect();
        Ok(Arc::new(Self {
            campaign: run.campaign,
            template,
            template_version: run.template_version,
            names,
            grace_s: run.grace_s,
            pace: run.messages_per_second.map(|rate| Pace::new(rate, 1.0, std::time::Duration::ZERO)),
            sendable: AtomicBool::new(true),
            accepted: AtomicBool::new(false),
            mistakes: AtomicU32::new(0),
        }))
    }

    /// Whether messages of this run may be written now.
    pub(crate) fn is_sendable(&self) -> bool {
        self.sendable.load(Ordering::Relaxed)
    }

    /// Stops or allows writing, effective for the next message.
    pub(crate) fn set_sendable(&self, sendable: bool) {
        self.sendable.store(sendable, Ordering::Relaxed);
    }

    /// The provider took a message of this run.
    pub(crate) fn note_accepted(&self) {
        if !self.accepted.load(Ordering::Relaxed) {
            self.accepted.store(true, Ordering::Relaxed);
        }
    }

    /// The provider blamed the template; answers how often so far while it has not taken a single message.
    pub(crate) fn note_mistake(&self) -> u32 {
        if self.accepted.load(Ordering::Relaxed) { 0 } else { self.mistakes.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

/// Kept by every row of a chunk from the moment it is read until its outcome is stored: when the last copy but the walk's own is gone, the chunk can be counted.
pub(crate) type ChunkTicket = Arc<()>;

/// A chunk whose rows were read.
#[derive(Debug)]
pub(crate) struct OpenChunk {
    pub(crate) no: i32,
    ticket: ChunkTicket,
}

impl OpenChunk {
    /// Whether nothing of it is left in memory.
    fn is_quiet(&self) -> bool {
        Arc::strong_count(&self.ticket) == 1
    }
}

/// The walk through one campaign: a cursor over its chunks, in memory only.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) control: Arc<RunControl>,
    /// Chunks known to be open and not read yet.
    pub(crate) ahead: VecDeque<Chunk>,
    /// Number of the last chunk that was fetched into `ahead`.
    pub(crate) cursor: i32,
    /// Whether chunks may exist behind the cursor.
    pub(crate) more: bool,
    /// Rows read and not handed out.
    rows: VecDeque<(PlannedRow, ChunkTicket)>,
    /// Chunks read and not known to be done.
    open: Vec<OpenChunk>,
}

impl Walk {
    pub(crate) fn new(run: &Run) -> Result<Self, CompileError> {
        Ok(Self { control: RunControl::new(run)?, ahead: VecDeque::new(), cursor: -1, more: true, rows: VecDeque::new(), open: Vec::new() })
    }

    /// Whether the run goes on with another content of its template than this walk sends.
    pub(crate) fn is_outdated(&self, run: &Run) -> bool {
        self.control.template_version != run.template_version
    }

    /// Rows of `chunk` were read.
    pub(crate) fn add_rows(&mut self, chunk: Chunk, rows: Vec<PlannedRow>) {
        let ticket = ChunkTicket::default();
        self.rows.extend(rows.into_iter().map(|row| (row, Arc::clone(&ticket))));
        self.open.push(OpenChunk { no: chunk.no, ticket });
    }

    /// Whether rows are ready to be handed out.
    pub(crate) fn has_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Takes up to `n` rows.
    pub(crate) fn take_rows(&mut self, n: usize) -> Vec<(PlannedRow, ChunkTicket)> {
        let n = n.min(self.rows.len());
        self.rows.drain(..n).collect()
    }

    /// Chunks of which nothing is left in memory.
    pub(crate) fn quiet_chunks(&self) -> Vec<i32> {
        self.open.iter().filter(|chunk| chunk.is_quiet()).map(|chunk| chunk.no).collect()
    }

    /// The chunk was counted and has planned rows that nobody holds: the cursor goes back to it.
    pub(crate) fn read_again(&mut self, no: i32) {
        self.close(no);
        self.cursor = self.cursor.min(no - 1);
        self.ahead.clear();
        self.more = true;
    }

    /// The chunk was counted and is done.
    pub(crate) fn close(&mut self, no: i32) {
        self.open.retain(|chunk| chunk.no != no);
    }

    /// Forgets what was read and not handed out; it is read again from the start.
    pub(crate) fn rewind(&mut self) {
        self.rows.clear();
        self.ahead.clear();
        self.open.clear();
        self.cursor = -1;
        self.more = true;
    }

    /// Whether the walk has nothing in memory and nothing ahead.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.rows.is_empty() && self.ahead.is_empty() && !self.more
    }

    /// Whether chunks wait to be counted.
    pub(crate) fn has_open_chunks(&self) -> bool {
        !self.open.is_empty()
    }
}
