//! Late evidence for attempts that a newer one replaced: it goes into the history, and may call off a retry that was not begun.

use db::{DbError, SystemTx};

use super::statuses::{Columns, Touched};
use crate::webhooks::evidence::Item;

/// Applies evidence for attempts older than the row's current one. It counts only when the history knows number and nonce of the
/// attempt, so that nothing can be forged. Each row may appear once in `items`.
///
/// Positive evidence (sent, delivered, read) calls off a retry without an intent: the row becomes that attempt's again. When the newer
/// attempt was begun, the person may have been messaged twice, and the row says so. A failure changes nothing but the history.
pub(in super::super) async fn apply_late(tx: &mut SystemTx, items: &[Item]) -> Result<Vec<Touched>, DbError> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let c = Columns::of(items);
    if lock(tx, &c).await? == 0 {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"with s as materialized (
            select *
            from unnest($1::int[], $2::uuid[], $3::uuid[], $4::int[], $5::smallint[], $6::bigint[], $7::uuid[], $8::text[], $9::smallint[],
                        $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[], $14::int[], $15::text[], $16::text[], $17::bool[])
                as s (item, organization_id, campaign_id, seq, attempt_no, nonce, channel_id, phone_number_id, rank,
                      sent_at, failed_at, delivered_at, read_at, error_code, reason, provider_id, positive)
        ),
        k as materialized (
            select s.*, m.state as old_state, m.duplicate_suspected,
                   s.positive and m.state in (0, 1) as restores,
                   s.positive and m.state between 2 and 9 as doubles,
                   greatest(s.rank, known.rank) as new_state, known.failed_at as known_failed_at, known.error_code as known_code, known.detail as known_reason
            from s
            cross join lateral (
                select 1 from campaign_runs r
                where r.organization_id = s.organization_id and r.campaign_id = s.campaign_id and r.phone_number_id = s.phone_number_id
                offset 0
            ) as r
            cross join lateral (
                select m.state, m.duplicate_suspected
                from campaign_messages m
                where m.organization_id = s.organization_id and m.campaign_id = s.campaign_id and m.seq = s.seq and s.attempt_no < m.attempt_no
                offset 0
            ) as m
            left join lateral (
                select 7::smallint as rank, a.at as failed_at, a.error_code, a.detail
                from campaign_attempts a
                where a.organization_id = s.organization_id and a.campaign_id = s.campaign_id and a.seq = s.seq
                  and a.attempt_no = s.attempt_no and a.nonce = s.nonce and a.outcome = 'status:failed'
                limit 1
            ) known on true
            where exists (
                select from campaign_attempts a
                where a.organization_id = s.organization_id and a.campaign_id = s.campaign_id and a.seq = s.seq
                  and a.attempt_no = s.attempt_no and a.nonce = s.nonce and a.outcome in ('rejected', 'superseded')
            )
        ),
        history as (
            insert into campaign_attempts (organization_id, campaign_id, seq, attempt_no, at, nonce, outcome, error_code, detail, provider_id)
            select k.organization_id, k.campaign_id, k.seq, k.attempt_no, h.at, k.nonce, h.outcome,
                   case when h.outcome = 'status:failed' then k.error_code end, case when h.outcome = 'status:failed' then k.reason end, k.provider_id
            from k
            cross join lateral (values ('status:sent', k.sent_at), ('status:failed', k.failed_at),
                                       ('status:delivered', k.delivered_at), ('status:read', k.read_at)) as h (outcome, at)
            where h.at is not null
              and not exists (
                  select from campaign_attempts a
                  where a.organization_id = k.organization_id and a.campaign_id = k.campaign_id and a.seq = k.seq
                    and a.attempt_no = k.attempt_no and a.nonce = k.nonce and a.outcome = h.outcome
              )
        ),
        u as (
            update campaign_messages m
            set state = case when k.restores then k.new_state else m.state end,
                attempt_no = case when k.restores then k.attempt_no else m.attempt_no end,
                nonce = case when k.restores then k.nonce else m.nonce end,
                sent_at = case when k.restores then k.sent_at else m.sent_at end,
                failed_at = case when k.restores then coalesce(k.failed_at, k.known_failed_at) else m.failed_at end,
                delivered_at = case when k.restores then k.delivered_at else m.delivered_at end,
                read_at = case when k.restores then k.read_at else m.read_at end,
                error_code = case when k.restores then coalesce(k.error_code, k.known_code) else m.error_code end,
                reason = case when k.restores then coalesce(k.reason, k.known_reason) else m.reason end,
                provider_id = case when k.restores then k.provider_id else m.provider_id end,
                duplicate_suspected = m.duplicate_suspected or k.doubles
            from k
            where m.organization_id = k.organization_id and m.campaign_id = k.campaign_id and m.seq = k.seq
              and (k.restores or (k.doubles and not k.duplicate_suspected))
            returning k.item, k.organization_id, k.campaign_id, k.seq, k.channel_id, k.provider_id, k.old_state, m.state as new_state, k.restores
        ),
        moved as (
            insert into campaign_counter_deltas (organization_id, campaign_id, from_state, to_state, n)
            select organization_id, campaign_id, old_state, new_state, count(*) from u where old_state <> new_state group by 1, 2, 3, 4
        ),
        called_off as (
            delete from campaign_due d
            using (
                select due.ctid
                from u
                cross join lateral (
                    select t.ctid from campaign_due t
                    where t.organization_id = u.organization_id and t.campaign_id = u.campaign_id and t.seq = u.seq
                    offset 0
                ) as due
                where u.restores
            ) as gone
            where d.ctid = gone.ctid
        ),
        named as (
            insert into provider_ids (organization_id, channel_id, provider_id, kind, id, seq)
            select organization_id, channel_id, provider_id, 1, campaign_id, seq from u where restores and provider_id is not null order by 1, 2, 3
            on conflict do nothing
        )
        select item as "item!", restores as "restores!" from u"#,
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
        &c.positive,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some(Touched { item: usize::try_from(row.item).ok()?, changed: true, settled: row.restores }))
        .collect())
}

/// Locks the rows that are past these attempts, in key order, and answers how many there are. A statement of its own: only a later one is
/// sure to see what the lock's last holder wrote beside the row.
async fn lock(tx: &mut SystemTx, c: &Columns<'_>) -> Result<i64, DbError> {
    let locked = sqlx::query_scalar!(
        r#"with s as materialized (
            select *
            from unnest($1::uuid[], $2::uuid[], $3::int[], $4::smallint[], $5::text[])
                as s (organization_id, campaign_id, seq, attempt_no, phone_number_id)
            order by 1, 2, 3
        ),
        k as materialized (
            select m.seq
            from s
            cross join lateral (
                select 1 from campaign_runs r
                where r.organization_id = s.organization_id and r.campaign_id = s.campaign_id and r.phone_number_id = s.phone_number_id
                offset 0
            ) as r
            cross join lateral (
                select m.seq from campaign_messages m
                where m.organization_id = s.organization_id and m.campaign_id = s.campaign_id and m.seq = s.seq and m.attempt_no > s.attempt_no
                for no key update
            ) as m
        )
        select count(*) as "count!" from k"#,
        &c.organizations,
        &c.campaigns,
        &c.seqs,
        &c.attempt_nos,
        &c.numbers as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(locked)
}
