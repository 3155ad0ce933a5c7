//! A ledger that lost its end: restored from a backup, set back to a snapshot, or promoted from a replica that lagged behind.
//!
//! It is the one loss that intents before the wire (W1) do not cover: rows that were sent after the restore point show as planned again.
//! What belongs to a ledger is told by [`LedgerFacts`]; a worker keeps them outside the database and compares.

use chrono::{DateTime, TimeDelta, Utc};
use db::DbError;
use kernel::{CampaignId, ChannelId, OrganizationId};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

/// Chunks whose rows one statement looks through.
const CHUNKS: i64 = 20;
/// The least that a number's limit lets through within any second, as a share of its rate.
const OVER_RATE: f64 = 1.1;

/// What tells a ledger from others and from its own past.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerFacts {
    /// Of the cluster, made once with it.
    pub system_identifier: i64,
    /// Changes with every promotion and every recovery to a point in time.
    pub timeline: String,
    /// Up to where the log is written, in bytes. One that was read in a committed beat survives every crash of the server.
    pub wal_position: i64,
    /// When a worker last beat, by the database's clock.
    pub beat_at: DateTime<Utc>,
}

impl LedgerFacts {
    /// Why these facts, read later, cannot belong to the ledger of which `kept` were seen; none when nothing speaks against it.
    ///
    /// The position alone can be overtaken by whatever else writes to a restored database; the beat cannot, as only checked workers beat.
    pub fn difference(&self, kept: &Self) -> Option<&'static str> {
        if self.system_identifier != kept.system_identifier {
            Some("another system identifier")
        } else if self.timeline != kept.timeline {
            Some("another timeline")
        } else if self.wal_position < kept.wal_position {
            Some("a WAL position below the kept one")
        } else if self.beat_at < kept.beat_at {
            Some("a beat before the kept one")
        } else {
            None
        }
    }
}

/// Reads the facts; none on a server that cannot be written to.
pub async fn ledger_facts(connection: &mut PgConnection) -> Result<Option<LedgerFacts>, DbError> {
    let facts = sqlx::query_as!(
        LedgerFacts,
        r#"select i.system_identifier as "system_identifier!", i.timeline as "timeline!", i.wal_position as "wal_position!", b.at as beat_at
        from ledger_identity() i, ledger_beats b"#,
    )
    .fetch_optional(connection)
    .await?;
    Ok(facts)
}

/// Beats, and reads the facts in the same statement: its commit makes the position it answers durable. None as for [`ledger_facts`].
pub async fn ledger_beat(connection: &mut PgConnection) -> Result<Option<LedgerFacts>, DbError> {
    let facts = sqlx::query_as!(
        LedgerFacts,
        r#"update ledger_beats b
        set at = greatest(b.at, clock_timestamp())
        from ledger_identity() i
        returning i.system_identifier as "system_identifier!", i.timeline as "timeline!", i.wal_position as "wal_position!", b.at as beat_at"#,
    )
    .fetch_optional(connection)
    .await?;
    Ok(facts)
}

/// Pauses whatever sends or is about to, of all organizations, with the reason `ledgerRestored`, and wakes the lanes. A campaign that was
/// paused gets the reason too: it may have been resumed in what was lost. Answers how many campaigns there were.
pub async fn pause_restored(connection: &mut PgConnection) -> Result<u64, DbError> {
    let paused = sqlx::query_scalar!(
        r#"with run as (
            update campaign_runs set state = 'paused', epoch = epoch + 1
            where state in ('preparing', 'running')
        ),
        campaign as (
            update campaigns
            set state = 'paused', state_reason = 'ledgerRestored', version = version + 1, updated_at = clock_timestamp()
            where state in ('preparing', 'running', 'finishing', 'paused')
            returning organization_id, channel_id
        ),
        woken as (
            insert into lane_signals (organization_id, channel_id, wake_seq)
            select distinct organization_id, channel_id, 1 from campaign order by 1, 2
            on conflict (organization_id, channel_id) do update set wake_seq = lane_signals.wake_seq + 1
        )
        select count(*) as "count!" from campaign"#,
    )
    .fetch_one(connection)
    .await?;
    Ok(u64::try_from(paused).unwrap_or(0))
}

/// What a restored ledger does not know of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// The last instant at which a message of it may have been written.
    pub until: DateTime<Utc>,
    /// Its length, in seconds.
    pub seconds: f64,
}

impl Gap {
    /// The gap of a ledger that looks like `found`, when `kept` is the last that was seen of it and sending may have gone on for `unseen`
    /// after any beat. It begins with the last beat that survived: the restore point is not earlier.
    pub fn between(found: &LedgerFacts, kept: &LedgerFacts, unseen: TimeDelta) -> Self {
        let until = found.beat_at.max(kept.beat_at) + unseen;
        Self { until, seconds: (until - found.beat_at).as_seconds_f64() }
    }
}

/// Turns rows that may have been sent in the gap into `unknown`: no message goes out twice, and evidence or the grace settles them. Answers
/// how many there were. Repeating it, after a crash half way or by another worker, changes nothing more.
///
/// Which rows those are, of every run that is not finished or being cancelled:
/// * planned and held rows of the chunks that had been started at the restore point;
/// * those of the next chunks, as many as the number at 1.1 times its rate could have read in the gap, and one more: chunks are walked in
///   order, so nothing further on was reached. Doubting all chunks instead would leave out people who were certainly never sent to;
/// * rows off the straight path that fell due before its end, wherever they are.
///
/// Such a row has no nonce, as its attempt was lost: a status takes it by number and attempt. It counts as superseded once, so that
/// `resendOnce` gives it up: statuses that were taken in during the gap do not come again, and their absence proves nothing.
pub async fn doubt_restored(connection: &mut PgConnection, gap: Gap) -> Result<u64, DbError> {
    let runs = sqlx::query!(
        r#"select r.organization_id, r.campaign_id, r.channel_id, r.grace_seconds,
                  coalesce(least(r.messages_per_second, c.messages_per_second), 0) as "rate!"
        from campaign_runs r
        left join channels c on c.organization_id = r.organization_id and c.id = r.channel_id
        where r.state in ('preparing', 'running', 'paused')
        order by r.organization_id, r.campaign_id"#,
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut doubted = 0;
    for run in runs {
        #[expect(clippy::cast_possible_truncation, reason = "a number of rows; saturating is right")]
        let run = DoubtedRun {
            organization: run.organization_id.into(),
            campaign: run.campaign_id.into(),
            channel: run.channel_id.into(),
            grace_s: f64::from(run.grace_seconds),
            reach: (f64::from(run.rate) * OVER_RATE * gap.seconds).ceil() as i64,
            until: gap.until,
        };
        let mut after = Some(-1);
        while let Some(chunk) = after {
            let rows;
            (after, rows) = run.doubt_batch(connection, chunk).await?;
            doubted += rows;
        }
    }
    Ok(u64::try_from(doubted).unwrap_or(0))
}

struct DoubtedRun {
    organization: OrganizationId,
    campaign: CampaignId,
    channel: ChannelId,
    grace_s: f64,
    /// Rows beyond the started chunks that may have been reached.
    reach: i64,
    until: DateTime<Utc>,
}

impl DoubtedRun {
    /// Doubts the rows of up to [`CHUNKS`] chunks after number `after`, and those off the straight path. Answers the number of the last
    /// chunk, none when there were no more, and how many rows changed. Chunks keep their state: it says again which ones come next.
    async fn doubt_batch(&self, connection: &mut PgConnection, after: i32) -> Result<(Option<i32>, i64), DbError> {
        let answer = sqlx::query!(
            r#"with ranges as materialized (
                select chunk_no, seq_from, seq_to, state, not_before, case state when 0 then seq_to - seq_from + 1 else 0 end as untouched
                from campaign_chunks
                where organization_id = $1 and campaign_id = $2 and state < 2
            ),
            placed as materialized (
                select r.*, sum(untouched) over (order by chunk_no) - untouched as before from ranges r
            ),
            c as materialized (
                select chunk_no, seq_from, seq_to
                from placed
                where chunk_no > $4 and (state = 1 or (before <= $5 and coalesce(not_before <= $6, true)))
                order by chunk_no
                limit $8
            ),
            suspects as materialized (
                select m.seq
                from c join campaign_messages m
                  on m.organization_id = $1 and m.campaign_id = $2 and m.seq between c.seq_from and c.seq_to and m.state in (0, 1)
                where coalesce((
                    select d.not_before <= $6 from campaign_due d
                    where d.organization_id = $1 and d.campaign_id = $2 and d.seq = m.seq
                ), true)
                union
                select seq from campaign_due
                where organization_id = $1 and campaign_id = $2 and kind in ('retry', 'held') and not_before <= $6
            ),
            k as materialized (
                select m.seq, m.state
                from suspects s join campaign_messages m on m.organization_id = $1 and m.campaign_id = $2 and m.seq = s.seq
                where m.state in (0, 1)
                order by m.seq
                for no key update of m
            ),
            u as (
                update campaign_messages m
                set state = 3, nonce = null, claimed_at = clock_timestamp(), reason = 'the ledger was restored'
                from k
                where m.organization_id = $1 and m.campaign_id = $2 and m.seq = k.seq and m.state in (0, 1)
                returning m.seq, m.attempt_no, k.state as old_state
            ),
            moved as (
                insert into campaign_counter_deltas (organization_id, campaign_id, from_state, to_state, n)
                select $1, $2, old_state, 3, count(*) from u group by old_state
            ),
            waiting as (
                insert into campaign_due (organization_id, campaign_id, seq, channel_id, not_before, kind)
                select $1, $2, seq, $3, clock_timestamp() + make_interval(secs => $7), 'unknown' from u
                on conflict (organization_id, campaign_id, seq) do update set not_before = excluded.not_before, kind = excluded.kind
            ),
            history as (
                insert into campaign_attempts (organization_id, campaign_id, seq, attempt_no, outcome, detail)
                select $1, $2, seq, attempt_no, 'superseded', 'the ledger was restored' from u
            )
            select (select max(chunk_no) from c) as last_chunk, (select count(*) from u) as "doubted!""#,
            self.organization as _,
            self.campaign as _,
            self.channel as _,
            after,
            self.reach,
            self.until,
            self.grace_s,
            CHUNKS,
        )
        .fetch_one(connection)
        .await?;
        Ok((answer.last_chunk, answer.doubted))
    }
}
