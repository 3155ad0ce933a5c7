//! What a transaction tells the world after its commit: best effort, never waited for.

use std::sync::Arc;

use kernel::{ChannelId, JobId};

/// Something that became true with a commit. Losing one costs latency, never work: pollers find what was not announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// A job waits in the named queue.
    Job {
        /// The ledger entry.
        job: JobId,
        /// Name of its queue.
        queue: &'static str,
    },
    /// A lane has something to look at.
    Lane {
        /// The number whose lane it is.
        channel: ChannelId,
    },
}

/// Carries announcements to whoever listens.
pub trait Announcer: Send + Sync + std::fmt::Debug {
    /// Called once after a commit. Returns at once; delivery goes on behind the caller's back.
    fn announce(&self, announcements: Vec<Announcement>);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silence;

impl Announcer for Silence {
    fn announce(&self, _: Vec<Announcement>) {}
}

/// Tells several announcers, each everything.
#[derive(Clone, Debug, Default)]
pub struct Announcers(pub Vec<Arc<dyn Announcer>>);

impl Announcer for Announcers {
    fn announce(&self, announcements: Vec<Announcement>) {
        for announcer in &self.0 {
            announcer.announce(announcements.clone());
        }
    }
}
