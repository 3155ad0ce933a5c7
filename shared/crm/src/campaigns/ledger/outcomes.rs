//! W4: results are taken from anybody who knows attempt number and nonce while that attempt is current.

use db::{DbError, LedgerPool};
use kernel::CampaignId;
use uuid::Uuid;

use crate::lanes::LaneKey;

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The provider took it.
    Accepted {
        /// Its message id.
        provider_id: String,
    },
    /// The provider refused it for good.
    Failed {
        /// Provider's error code, if it was the provider who refused.
        code: Option<i32>,
        /// What people read.
        reason: String,
    },
    /// It may or may not have been executed.
    Unknown {
        /// What was seen.
        reason: String,
        /// How long to wait for evidence.
        grace_s: f64,
    },
    /// The provider refused it for now: the same row is tried again later.
    Retry {
        /// Provider's error code.
        code: Option<i32>,
        /// What people read.
        reason: String,
        /// How long to wait, in seconds.
        delay_s: f64,
        /// Whether it counts against the row's retries.
        charged: bool,
        /// Whether the wait is shown as `held`.
        held: bool,
    },
    /// Nothing was written: back to planned with the next number.
    NotWritten {
        /// How long to wait, in seconds.
        delay_s: f64,
    },
}

/// An outcome and the row it belongs to.
#[derive(Clone, Debug)]
pub struct OutcomeRow {
    /// The lane it was sent on.
    pub lane: LaneKey,
    /// The campaign.
    pub campaign: CampaignId,
    /// Place in the campaign.
    pub seq: i32,
    /// Number of the attempt.
    pub attempt_no: i16,
    /// Nonce of the attempt.
    pub nonce: i64,
    /// What became of it.
    pub outcome: Outcome,
}

/// Records outcomes of any campaigns, at most some 500 in one statement. Answers how many rows changed: an attempt that is no longer
/// current changes nothing, and storing the same outcome again changes nothing more.
///
/// A row that was given up is not sent any more, as its run may be over: it stays `unconfirmed` when it was not written, and has failed when it
/// was refused, were it only for now.
pub async fn record(pool: &LedgerPool, rows: &[OutcomeRow]) -> Result<u64, DbError> {
    let mut columns = Columns::with_capacity(rows.len());
    for row in rows {
        columns.push(row);
    }
    let changed = sqlx::query_scalar!(
        r#"with w as materialized (
            select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::smallint[], $5::bigint[], $6::smallint[], $7::text[], $8::int[],
                                 $9::text[], $10::float8[], $11::bool[], $12::uuid[], $13::bool[])
                as w (organization_id, campaign_id, seq, attempt_no, nonce, state, provider_id, error_code, reason, delay_s, charged, channel_id, rejected)
        ),
        k as materialized (
            select w.*, m.state as old_state
            from w
            join campaign_messages m
              on m.organization_id = w.organization_id and m.campaign_id = w.campaign_id and m.seq = w.seq
             and m.attempt_no = w.attempt_no and m.nonce = w.nonce and m.state between 2 and 9
            order by m.organization_id, m.campaign_id, m.seq
            for no key update of m
        ),
        t as materialized (
            select k.*,
                   case when k.state >= 5 and k.old_state >= 5 then greatest(k.state, k.old_state)
                        when k.state >= 5 then k.state
                        when k.state in (0, 1) and k.old_state in (2, 3) then k.state
                        when k.state in (0, 1) and k.old_state = 4 and k.rejected then 7
                        when k.state = 3 and k.old_state = 2 then k.state
                        else k.old_state
                   end as new_state
            from k
        ),
        u as (
            update campaign_messages m
            set state = t.new_state,
                attempt_no = case when t.new_state in (0, 1) then m.attempt_no + 1 else m.attempt_no end,
                nonce = case when t.new_state in (0, 1) then null else m.nonce end,
                retries = m.retries + case when t.charged and t.new_state in (0, 1) then 1 else 0 end,
                provider_id = coalesce(m.provider_id, t.provider_id),
                accepted_at = case when t.state = 5 then coalesce(m.accepted_at, clock_timestamp()) else m.accepted_at end,
                failed_at = case when t.new_state = 7 then coalesce(m.failed_at, clock_timestamp()) else m.failed_at end,
                error_code = case when t.new_state in (0, 1, 7) then coalesce(t.error_code, m.error_code) else m.error_code end,
                reason = case when t.new_state = t.state or (t.new_state = 7 and t.old_state = 4) then t.reason else m.reason end
            from t
            where m.organization_id = t.organization_id and m.campaign_id = t.campaign_id and m.seq = t.seq
              and m.attempt_no = t.attempt_no and m.nonce = t.nonce
            returning m.organization_id, m.campaign_id, m.seq, t.old_state, m.state, t.delay_s, t.channel_id, t.provider_id
        ),
        moved as (
            insert into campaign_counter_deltas (organization_id, campaign_id, from_state, to_state, n)
            select organization_id, campaign_id, old_state, state, count(*) from u where old_state <> state group by 1, 2, 3, 4
        ),
        waiting as (
            insert into campaign_due (organization_id, campaign_id, seq, channel_id, not_before, kind)
            select organization_id, campaign_id, seq, channel_id, clock_timestamp() + make_interval(secs => coalesce(delay_s, 0)),
                   case state when 0 then 'retry' when 1 then 'held' else 'unknown' end
            from u
            where state in (0, 1) or (state = 3 and old_state = 2)
            on conflict (organization_id, campaign_id, seq) do update set not_before = excluded.not_before, kind = excluded.kind
        ),
        settled as (
            delete from campaign_due
            where ctid = any(array(
                select d.ctid
                from u
                cross join lateral (
                    select c.ctid from campaign_due c
                    where c.organization_id = u.organization_id and c.campaign_id = u.campaign_id and c.seq = u.seq
                    offset 0
                ) d
                where u.state > 3
            ))
        ),
        history as (
            insert into campaign_attempts (organization_id, campaign_id, seq, attempt_no, nonce, outcome, error_code, detail)
            select organization_id, campaign_id, seq, attempt_no, nonce, 'rejected', error_code, reason
            from t
            where rejected and new_state <> old_state
        ),
        named as (
            insert into provider_ids (organization_id, channel_id, provider_id, kind, id, seq)
            select organization_id, channel_id, provider_id, 1, campaign_id, seq
            from u
            where provider_id is not null and old_state < 5
            order by 1, 2, 3
            on conflict do nothing
        )
        select count(*) as "count!" from u"#,
        &columns.organizations,
        &columns.campaigns,
        &columns.seqs,
        &columns.attempt_nos,
        &columns.nonces,
        &columns.states,
        &columns.provider_ids as &[Option<&str>],
        &columns.codes as &[Option<i32>],
        &columns.reasons as &[Option<&str>],
        &columns.delays as &[Option<f64>],
        &columns.charged,
        &columns.channels,
        &columns.rejected,
    )
    .fetch_one(pool.executor())
    .await?;
    Ok(u64::try_from(changed).unwrap_or(0))
}

/// The rows turned into the arrays that the statement takes.
struct Columns<'a> {
    organizations: Vec<Uuid>,
    campaigns: Vec<Uuid>,
    channels: Vec<Uuid>,
    seqs: Vec<i32>,
    attempt_nos: Vec<i16>,
    nonces: Vec<i64>,
    states: Vec<i16>,
    provider_ids: Vec<Option<&'a str>>,
    codes: Vec<Option<i32>>,
    reasons: Vec<Option<&'a str>>,
    delays: Vec<Option<f64>>,
    charged: Vec<bool>,
    rejected: Vec<bool>,
}

impl<'a> Columns<'a> {
    fn with_capacity(n: usize) -> Self {
        Self {
            organizations: Vec::with_capacity(n),
            campaigns: Vec::with_capacity(n),
            channels: Vec::with_capacity(n),
            seqs: Vec::with_capacity(n),
            attempt_nos: Vec::with_capacity(n),
            nonces: Vec::with_capacity(n),
            states: Vec::with_capacity(n),
            provider_ids: Vec::with_capacity(n),
            codes: Vec::with_capacity(n),
            reasons: Vec::with_capacity(n),
            delays: Vec::with_capacity(n),
            charged: Vec::with_capacity(n),
            rejected: Vec::with_capacity(n),
        }
    }

    fn push(&mut self, row: &'a OutcomeRow) {
        self.organizations.push(row.lane.organization.uuid());
        self.channels.push(row.lane.channel.uuid());
        self.campaigns.push(row.campaign.uuid());
        self.seqs.push(row.seq);
        self.attempt_nos.push(row.attempt_no);
        self.nonces.push(row.nonce);
        let (state, provider_id, code, reason, delay, charged, rejected) = match &row.outcome {
            Outcome::Accepted { provider_id } => (5, Some(provider_id.as_str()), None, None, None, false, false),
            Outcome::Failed { code, reason } => (7, None, *code, Some(reason.as_str()), None, false, code.is_some()),
            Outcome::Unknown { reason, grace_s } => (3, None, None, Some(reason.as_str()), Some(*grace_s), false, false),
            Outcome::Retry { code, reason, delay_s, charged, held } => {
                (i16::from(*held), None, *code, Some(reason.as_str()), Some(*delay_s), *charged, code.is_some())
            }
            Outcome::NotWritten { delay_s } => (0, None, None, None, Some(*delay_s), false, false),
        };
        self.states.push(state);
        self.provider_ids.push(provider_id);
        self.codes.push(code);
        self.reasons.push(reason);
        self.delays.push(delay);
        self.charged.push(charged);
        self.rejected.push(rejected);
    }
}
