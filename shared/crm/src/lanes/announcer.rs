//! Tells workers after a commit that a lane has something new: `pg_notify` in a statement of its own, best effort.

use db::{Announcement, Announcer, LedgerPool};

/// PostgreSQL notification channel of lanes; the payload is the channel id.
pub const LANES_CHANNEL: &str = "lanes";

/// Announces lanes by `pg_notify`. A lost announcement costs at most one poll interval.
#[derive(Clone, Debug)]
pub struct LaneAnnouncer(LedgerPool);

impl LaneAnnouncer {
    /// Announces over `pool`.
    pub fn new(pool: LedgerPool) -> Self {
        Self(pool)
    }
}

impl Announcer for LaneAnnouncer {
    fn announce(&self, announcements: Vec<Announcement>) {
        let channels: Vec<String> = announcements
            .iter()
            .filter_map(|announcement| match announcement {
                Announcement::Lane { channel } => Some(channel.to_string()),
                Announcement::Job { .. } => None,
            })
            .collect();
        if channels.is_empty() {
            return;
        }
        let pool = self.0.clone();
        tokio::spawn(async move {
            let told = sqlx::query!("select pg_notify('lanes', channel) from unnest($1::text[]) channel", &channels)
                .execute(pool.executor())
                .await;
            if let Err(error) = told {
                tracing::debug!(%error, "a lane was not announced; the poll will find it");
            }
        });
    }
}
