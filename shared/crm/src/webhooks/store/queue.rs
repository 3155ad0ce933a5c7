//! Bodies in, ids out, outcomes down.

use chrono::{DateTime, Utc};
use db::{Announcement, DbError, LedgerPool, SystemTx, Tx};
use kernel::{ChannelId, OrganizationId};
use uuid::Uuid;

/// Stores bodies and queues their ids, in one statement.
pub(in super::super) async fn insert_bodies(pool: &LedgerPool, ids: &[Uuid], apps: &[i16], bodies: &[&[u8]]) -> Result<(), DbError> {
    sqlx::query!(
        "with stored as (
            insert into webhook_events (id, app, body)
            select id, app, body from unnest($1::uuid[], $2::smallint[], $3::bytea[]) as given (id, app, body)
            returning id, received_at
        )
        insert into webhook_pending (id, received_at) select id, received_at from stored",
        ids,
        apps,
        bodies as _,
    )
    .execute(pool.executor())
    .await?;
    Ok(())
}

/// Tells folders that something waits.
pub(in super::super) async fn announce(pool: &LedgerPool) -> Result<(), DbError> {
    sqlx::query!("select pg_notify('webhooks', '')").execute(pool.executor()).await?;
    Ok(())
}

/// Makes this transaction use plans by full key only: a plan made while a table was still empty would otherwise stay a trap.
pub(in super::super) async fn guard_plans(tx: &mut SystemTx) -> Result<(), DbError> {
    sqlx::query!(
        "select set_config('enable_seqscan', 'off', true) as a, set_config('enable_hashjoin', 'off', true) as b,
                set_config('enable_mergejoin', 'off', true) as c, set_config('jit', 'off', true) as d"
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
}

/// A body taken from the queue, locked until the end of the transaction.
#[derive(Debug)]
pub(in super::super) struct Taken {
    pub(in super::super) not_before: Option<DateTime<Utc>>,
    pub(in super::super) id: Uuid,
    pub(in super::super) received_at: DateTime<Utc>,
    /// Tries before this one; 0 means that there is no outcome yet.
    pub(in super::super) tries: i16,
    pub(in super::super) body: Vec<u8>,
    /// Since it was received, in seconds of the database's clock.
    pub(in super::super) age_s: f64,
}

/// Takes up to `limit` bodies that nobody else has in hand, of at most `max_bytes` together (but at least one).
///
/// `now()`, because it can bound the index scan: with `clock_timestamp()` every parked row would be walked past.
pub(in super::super) async fn take(tx: &mut SystemTx, limit: i64, max_bytes: i64) -> Result<Vec<Taken>, DbError> {
    let taken = sqlx::query_as!(
        Taken,
        r#"with taken as materialized (
            select not_before, id, received_at, tries
            from webhook_pending
            where not_before <= now()
            order by not_before, id
            limit $1
            for update skip locked
        ),
        sized as materialized (
            select t.*, e.body, row_number() over place as place, sum(octet_length(e.body)) over place as bytes
            from taken t
            cross join lateral (
                select e.body from webhook_events e where e.id = t.id and e.received_at = t.received_at offset 0
            ) as e
            window place as (order by t.not_before, t.id)
        )
        select case when isfinite(not_before) then not_before end as not_before, id, received_at, tries, body,
               extract(epoch from clock_timestamp() - received_at)::float8 as "age_s!"
        from sized
        where place = 1 or bytes <= $2"#,
        limit,
        max_bytes,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(taken)
}

/// Who owns which number, of those that are connected: the only way from a body to an organization.
pub(in super::super) async fn owners_of_numbers(
    tx: &mut SystemTx,
    numbers: &[String],
) -> Result<Vec<(String, OrganizationId, ChannelId)>, DbError> {
    let rows = sqlx::query!(
        "select phone_number_id, organization_id, id from channels where state = 'connected' and phone_number_id = any($1)",
        numbers,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.phone_number_id, row.organization_id.into(), row.id.into())).collect())
}

/// Organizations with a connected number of these business accounts. An account can serve several.
pub(in super::super) async fn organizations_of_accounts(
    tx: &mut SystemTx,
    accounts: &[String],
) -> Result<Vec<(String, OrganizationId)>, DbError> {
    let rows = sqlx::query!(
        "select distinct business_account_id, organization_id from channels where state = 'connected' and business_account_id = any($1)",
        accounts,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.business_account_id, row.organization_id.into())).collect())
}

/// What became of a body that leaves the queue, or that is put back into it for the first time.
#[derive(Debug)]
pub(in super::super) struct Settled<'a> {
    pub(in super::super) taken: &'a Taken,
    pub(in super::super) state: &'static str,
    pub(in super::super) field: Option<String>,
    pub(in super::super) organization: Option<OrganizationId>,
    pub(in super::super) changed: i32,
    pub(in super::super) reason: Option<String>,
}

/// Writes outcomes, and deletes the ids of those that are not to be tried again.
pub(in super::super) async fn settle(tx: &mut SystemTx, settled: &[Settled<'_>]) -> Result<(), DbError> {
    let (first, again): (Vec<&Settled<'_>>, Vec<&Settled<'_>>) = settled.iter().partition(|one| one.taken.tries == 0);
    if !first.is_empty() {
        let c = Columns::of(&first);
        sqlx::query!(
            "insert into webhook_outcomes (id, received_at, state, field, organization_id, changed, reason)
             select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::uuid[], $6::int[], $7::text[])",
            &c.ids,
            &c.received,
            &c.states as _,
            &c.fields as _,
            &c.organizations as _,
            &c.changed,
            &c.reasons as _,
        )
        .execute(tx.conn())
        .await?;
    }
    if !again.is_empty() {
        let c = Columns::of(&again);
        sqlx::query!(
            "insert into webhook_outcomes as o (id, received_at, state, field, organization_id, changed, reason)
             select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::uuid[], $6::int[], $7::text[])
             on conflict (id, received_at) do update
             set state = excluded.state, field = excluded.field, organization_id = excluded.organization_id,
                 applied_at = excluded.applied_at, changed = o.changed + excluded.changed, reason = excluded.reason",
            &c.ids,
            &c.received,
            &c.states as _,
            &c.fields as _,
            &c.organizations as _,
            &c.changed,
            &c.reasons as _,
        )
        .execute(tx.conn())
        .await?;
    }
    leave_queue(tx, settled).await
}

async fn leave_queue(tx: &mut SystemTx, settled: &[Settled<'_>]) -> Result<(), DbError> {
    let gone = settled.iter().filter(|one| one.state != "received").map(|one| (one.taken.id, one.taken.not_before));
    let (ids, places): (Vec<Uuid>, Vec<Option<DateTime<Utc>>>) = gone.unzip();
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "delete from webhook_pending p
         using (
             select pending.ctid
             from unnest($1::uuid[], $2::timestamptz[]) as g (id, not_before)
             cross join lateral (
                 select t.ctid from webhook_pending t where t.not_before = coalesce(g.not_before, '-infinity') and t.id = g.id offset 0
             ) as pending
         ) as gone
         where p.ctid = gone.ctid",
        &ids,
        &places as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Outcomes turned into the arrays that statements take.
struct Columns<'a> {
    ids: Vec<Uuid>,
    received: Vec<DateTime<Utc>>,
    states: Vec<&'a str>,
    fields: Vec<Option<&'a str>>,
    organizations: Vec<Option<Uuid>>,
    changed: Vec<i32>,
    reasons: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    fn of(settled: &[&'a Settled<'a>]) -> Self {
        Self {
            ids: settled.iter().map(|one| one.taken.id).collect(),
            received: settled.iter().map(|one| one.taken.received_at).collect(),
            states: settled.iter().map(|one| one.state).collect(),
            fields: settled.iter().map(|one| one.field.as_deref()).collect(),
            organizations: settled.iter().map(|one| one.organization.map(OrganizationId::uuid)).collect(),
            changed: settled.iter().map(|one| one.changed).collect(),
            reasons: settled.iter().map(|one| one.reason.as_deref()).collect(),
        }
    }
}

/// Puts ids back, to be tried again after as many seconds.
pub(in super::super) async fn park(tx: &mut SystemTx, parked: &[(&Taken, f64)]) -> Result<(), DbError> {
    if parked.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = parked.iter().map(|(taken, _)| taken.id).collect();
    let places: Vec<Option<DateTime<Utc>>> = parked.iter().map(|(taken, _)| taken.not_before).collect();
    let delays: Vec<f64> = parked.iter().map(|(_, delay)| *delay).collect();
    sqlx::query!(
        "update webhook_pending p
         set not_before = clock_timestamp() + make_interval(secs => g.delay_s), tries = least(p.tries, 32000) + 1
         from unnest($1::uuid[], $2::timestamptz[], $3::float8[]) as g (id, not_before, delay_s)
         where p.not_before = coalesce(g.not_before, '-infinity') and p.id = g.id",
        &ids,
        &places as _,
        &delays,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Says that these lanes may have something new: the last statement before the commit, in the order of their keys.
pub(in super::super) async fn signal_lanes(tx: &mut SystemTx, lanes: &[(OrganizationId, ChannelId)]) -> Result<(), DbError> {
    if lanes.is_empty() {
        return Ok(());
    }
    let organizations: Vec<Uuid> = lanes.iter().map(|(organization, _)| organization.uuid()).collect();
    let channels: Vec<Uuid> = lanes.iter().map(|(_, channel)| channel.uuid()).collect();
    sqlx::query!(
        "insert into lane_signals (organization_id, channel_id, wake_seq)
         select organization_id, channel_id, 1
         from unnest($1::uuid[], $2::uuid[]) as given (organization_id, channel_id)
         order by organization_id, channel_id
         on conflict (organization_id, channel_id) do update set wake_seq = lane_signals.wake_seq + 1",
        &organizations,
        &channels,
    )
    .execute(tx.conn())
    .await?;
    for &(_, channel) in lanes {
        tx.announce(Announcement::Lane { channel });
    }
    Ok(())
}

/// Makes the partitions of today and the week after it, and drops those in which everything is older than 30 days; answers how many.
pub(in super::super) async fn maintain_partitions(tx: &mut SystemTx) -> Result<i32, DbError> {
    sqlx::query!("select ensure_webhook_partitions(now())").execute(tx.conn()).await?;
    let dropped =
        sqlx::query_scalar!(r#"select drop_webhook_partitions(now() - interval '30 days') as "dropped!""#).fetch_one(tx.conn()).await?;
    Ok(dropped)
}
