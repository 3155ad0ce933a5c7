//! Statuses onto the recipient ledger: the same row whatever their order and number (W4).

use chrono::{DateTime, Utc};
use db::{DbError, SystemTx};
use kernel::{CampaignId, ChannelId, OrganizationId};
use uuid::Uuid;

use crate::webhooks::evidence::{Attempt, Item};

/// What a statement found for one item of its input.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Touched {
    /// Place in the input.
    pub(in super::super) item: usize,
    /// Whether the row changed, or only repeated what it said already.
    pub(in super::super) changed: bool,
    /// Whether the row is settled now and was not before: the lane may have come to the end of a run.
    pub(in super::super) settled: bool,
}

/// Applies evidence to the rows whose current attempt it is, and answers which those were.
///
/// Number, attempt number and nonce must all fit, so that a forged status changes nothing. Only a row whose attempt was lost with the end
/// of the ledger (`unknown` or `unconfirmed` without a nonce) takes its attempt from the status. Rows are locked in key order before they
/// change; the old state, for the counters, is read from the locked rows only. The keys are looked up one by one
/// (`lateral … offset 0`), whatever the planner believes about the size of a table.
pub(in super::super) async fn apply(tx: &mut SystemTx, items: &[Item]) -> Result<Vec<Touched>, DbError> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let c = Columns::of(items);
    let rows = sqlx::query!(
        r#"with s as materialized (
            select *
            from unnest($1::int[], $2::uuid[], $3::uuid[], $4::int[], $5::smallint[], $6::bigint[], $7::uuid[], $8::text[], $9::smallint[],
                        $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[], $14::int[], $15::text[], $16::text[])
                as s (item, organization_id, campaign_id, seq, attempt_no, nonce, channel_id, phone_number_id, rank,
                      sent_at, failed_at, delivered_at, read_at, error_code, reason, provider_id)
            order by organization_id, campaign_id, seq
        ),
        k as materialized (
            select s.*, m.state as old_state, m.provider_id as known_id,
                   case when m.state < 5 then s.rank else greatest(m.state, s.rank) end as new_state,
                   m.sent_at is distinct from least(m.sent_at, s.sent_at)
                       or m.failed_at is distinct from least(m.failed_at, s.failed_at)
                       or m.delivered_at is distinct from least(m.delivered_at, s.delivered_at)
                       or m.read_at is distinct from least(m.read_at, s.read_at)
                       or m.state < s.rank as changes
            from s
            cross join lateral (
                select 1 from campaign_runs r
                where r.organization_id = s.organization_id and r.campaign_id = s.campaign_id and r.phone_number_id = s.phone_number_id
                offset 0
            ) as r
            cross join lateral (
                select m.state, m.sent_at, m.failed_at, m.delivered_at, m.read_at, m.provider_id
                from campaign_messages m
                where m.organization_id = s.organization_id and m.campaign_id = s.campaign_id and m.seq = s.seq
                  and ((m.attempt_no = s.attempt_no and m.nonce = s.nonce and m.state between 2 and 9)
                       or (m.nonce is null and m.state in (3, 4) and m.attempt_no <= s.attempt_no))
                for no key update
            ) as m
        ),
        u as (
            update campaign_messages m
            set state = k.new_state,
                attempt_no = k.attempt_no,
                nonce = k.nonce,
                sent_at = least(m.sent_at, k.sent_at),
                failed_at = least(m.failed_at, k.failed_at),
                delivered_at = least(m.delivered_at, k.delivered_at),
                read_at = least(m.read_at, k.read_at),
                error_code = case when k.failed_at < m.failed_at or (m.failed_at is null and k.failed_at is not null)
                                  then k.error_code else m.error_code end,
                reason = case when k.failed_at < m.failed_at or (m.failed_at is null and k.failed_at is not null) then k.reason
                              when k.old_state < 5 then null else m.reason end,
                provider_id = coalesce(m.provider_id, k.provider_id)
            from k
            where m.organization_id = k.organization_id and m.campaign_id = k.campaign_id and m.seq = k.seq and k.changes
            returning k.item, k.organization_id, k.campaign_id, k.seq, k.channel_id, k.provider_id, k.known_id, k.old_state, k.new_state
        ),
        moved as (
            insert into campaign_counter_deltas (organization_id, campaign_id, from_state, to_state, n)
            select organization_id, campaign_id, old_state, new_state, count(*) from u where old_state <> new_state group by 1, 2, 3, 4
        ),
        named as (
            insert into provider_ids (organization_id, channel_id, provider_id, kind, id, seq)
            select organization_id, channel_id, provider_id, 1, campaign_id, seq
            from u
            where old_state < 6 and provider_id is distinct from known_id and provider_id is not null
            order by 1, 2, 3
            on conflict do nothing
        )
        select k.item as "item!", k.changes as "changed!", k.old_state as "old_state!" from k"#,
        &c.items,
        &c.organizations,
        &c.campaigns,
        &c.seqs,
        &c.attempt_nos,
        &c.nonces,
        &c.channels,
        &c.numbers as _,
        &c.ranks,
        &c.sent as _,
        &c.failed as _,
        &c.delivered as _,
        &c.read as _,
        &c.codes as _,
        &c.reasons as _,
        &c.provider_ids as _,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut touched = Vec::with_capacity(rows.len());
    let mut open = Vec::new();
    for row in rows {
        let item = usize::try_from(row.item).unwrap_or(usize::MAX);
        touched.push(Touched { item, changed: row.changed, settled: matches!(row.old_state, 2 | 3) });
        if row.old_state < 5 {
            open.push(&items[item]);
        }
    }
    forget_due(tx, &open).await?;
    Ok(touched)
}

/// Takes rows that are settled now off the list of those that wait. A statement of its own, after the rows were locked: only a later one
/// is sure to see what the lock's last holder wrote beside the row.
async fn forget_due(tx: &mut SystemTx, items: &[&Item]) -> Result<(), DbError> {
    if items.is_empty() {
        return Ok(());
    }
    let organizations: Vec<Uuid> = items.iter().map(|item| item.attempt.organization.uuid()).collect();
    let campaigns: Vec<Uuid> = items.iter().map(|item| item.attempt.campaign.uuid()).collect();
    let seqs: Vec<i32> = items.iter().map(|item| item.attempt.seq).collect();
    sqlx::query!(
        "delete from campaign_due d
         using (
             select due.ctid
             from unnest($1::uuid[], $2::uuid[], $3::int[]) as s (organization_id, campaign_id, seq)
             cross join lateral (
                 select t.ctid from campaign_due t
                 where t.organization_id = s.organization_id and t.campaign_id = s.campaign_id and t.seq = s.seq
                 offset 0
             ) as due
         ) as gone
         where d.ctid = gone.ctid",
        &organizations,
        &campaigns,
        &seqs,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Finds the attempts behind provider ids, for statuses that come without our own id: `(number, provider id)` to attempt.
/// An id that belongs to none of our campaigns is missing in the answer.
pub(in super::super) async fn rows_of_provider_ids(
    tx: &mut SystemTx,
    wanted: &[(OrganizationId, ChannelId, String)],
) -> Result<Vec<(ChannelId, String, Attempt)>, DbError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let organizations: Vec<Uuid> = wanted.iter().map(|(organization, _, _)| organization.uuid()).collect();
    let channels: Vec<Uuid> = wanted.iter().map(|(_, channel, _)| channel.uuid()).collect();
    let ids: Vec<&str> = wanted.iter().map(|(_, _, id)| id.as_str()).collect();
    let rows = sqlx::query!(
        r#"with w as materialized (
            select distinct * from unnest($1::uuid[], $2::uuid[], $3::text[]) as w (organization_id, channel_id, provider_id)
        )
        select w.organization_id as "organization_id!", w.channel_id as "channel_id!", w.provider_id as "provider_id!",
               m.campaign_id, m.seq, m.attempt_no, m.nonce as "nonce!", r.phone_number_id
        from w
        cross join lateral (
            select p.id, p.seq from provider_ids p
            where p.organization_id = w.organization_id and p.channel_id = w.channel_id and p.provider_id = w.provider_id and p.kind = 1
            offset 0
        ) as p
        cross join lateral (
            select r.phone_number_id from campaign_runs r where r.organization_id = w.organization_id and r.campaign_id = p.id offset 0
        ) as r
        cross join lateral (
            select m.campaign_id, m.seq, m.attempt_no, m.nonce
            from campaign_messages m
            where m.organization_id = w.organization_id and m.campaign_id = p.id and m.seq = p.seq
              and m.provider_id = w.provider_id and m.nonce is not null
            offset 0
        ) as m"#,
        &organizations,
        &channels,
        &ids as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let channel = ChannelId::from(row.channel_id);
            let attempt = Attempt {
                organization: row.organization_id.into(),
                campaign: row.campaign_id.into(),
                seq: row.seq,
                attempt_no: row.attempt_no,
                nonce: row.nonce,
                channel,
                phone_number_id: row.phone_number_id,
            };
            (channel, row.provider_id, attempt)
        })
        .collect())
}

/// Items turned into the arrays that statements take.
pub(super) struct Columns<'a> {
    pub(super) items: Vec<i32>,
    pub(super) organizations: Vec<Uuid>,
    pub(super) campaigns: Vec<Uuid>,
    pub(super) seqs: Vec<i32>,
    pub(super) attempt_nos: Vec<i16>,
    pub(super) nonces: Vec<i64>,
    pub(super) channels: Vec<Uuid>,
    pub(super) numbers: Vec<&'a str>,
    pub(super) ranks: Vec<i16>,
    pub(super) positive: Vec<bool>,
    pub(super) sent: Vec<Option<DateTime<Utc>>>,
    pub(super) failed: Vec<Option<DateTime<Utc>>>,
    pub(super) delivered: Vec<Option<DateTime<Utc>>>,
    pub(super) read: Vec<Option<DateTime<Utc>>>,
    pub(super) codes: Vec<Option<i32>>,
    pub(super) reasons: Vec<Option<&'a str>>,
    pub(super) provider_ids: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(items: &'a [Item]) -> Self {
        let column = |of: fn(&Item) -> Option<DateTime<Utc>>| items.iter().map(of).collect();
        Self {
            items: (0..).take(items.len()).collect(),
            organizations: items.iter().map(|item| item.attempt.organization.uuid()).collect(),
            campaigns: items.iter().map(|item| CampaignId::uuid(item.attempt.campaign)).collect(),
            seqs: items.iter().map(|item| item.attempt.seq).collect(),
            attempt_nos: items.iter().map(|item| item.attempt.attempt_no).collect(),
            nonces: items.iter().map(|item| item.attempt.nonce).collect(),
            channels: items.iter().map(|item| item.attempt.channel.uuid()).collect(),
            numbers: items.iter().map(|item| item.attempt.phone_number_id.as_str()).collect(),
            ranks: items.iter().map(|item| item.evidence.rank).collect(),
            positive: items.iter().map(|item| item.evidence.is_positive()).collect(),
            sent: column(|item| item.evidence.sent_at),
            failed: column(|item| item.evidence.failed_at),
            delivered: column(|item| item.evidence.delivered_at),
            read: column(|item| item.evidence.read_at),
            codes: items.iter().map(|item| item.evidence.error_code).collect(),
            reasons: items.iter().map(|item| item.evidence.reason.as_deref()).collect(),
            provider_ids: items.iter().map(|item| item.evidence.provider_id.as_deref()).collect(),
        }
    }
}
