//! What people see of the raw store.

use chrono::{DateTime, Utc};
use db::{DbError, SystemTx, TenantTx};
use kernel::{PageRequest, WebhookEventId};
use uuid::Uuid;

use crate::webhooks::model::{Event, EventFilter, EventState};

struct EventRow {
    id: Uuid,
    received_at: DateTime<Utc>,
    state: String,
    field: Option<String>,
    applied_at: DateTime<Utc>,
    changed: i32,
    reason: Option<String>,
    own: bool,
    body: Option<Vec<u8>>,
}

/// Bytes of a body that a list shows.
const LISTED_BODY: i32 = 16 << 10;

impl TryFrom<EventRow> for Event {
    type Error = DbError;

    fn try_from(row: EventRow) -> Result<Self, DbError> {
        let state = EventState::parse(&row.state).ok_or_else(|| DbError::BadRow {
            table: "webhook_outcomes",
            id: row.id.to_string(),
            column: "state",
        })?;
        Ok(Self {
            id: row.id.into(),
            received_at: row.received_at,
            state,
            field: row.field,
            applied_at: row.applied_at,
            changed: row.changed,
            reason: row.reason,
            own: row.own,
            body: row.body,
        })
    }
}

/// Requests that the organization may see, the newest first; one more than the page takes. Two branches, so that each has its index.
pub(in super::super) async fn list(tx: &mut TenantTx, filter: &EventFilter, page: PageRequest) -> Result<Vec<Event>, DbError> {
    let organization = tx.organization();
    let rows = sqlx::query_as!(
        EventRow,
        r#"select seen.id as "id!", seen.received_at as "received_at!", seen.state as "state!", seen.field, seen.applied_at as "applied_at!",
                  seen.changed as "changed!", seen.reason, seen.own as "own!", e.body as "body?"
        from (
            (select id, received_at, state, field, applied_at, changed, reason, true as own
             from webhook_outcomes
             where organization_id = $1 and ($2::uuid is null or id < $2) and ($3::text is null or state = $3) and ($4::text is null or field = $4)
             order by id desc
             limit $5)
            union all
            (select id, received_at, state, field, applied_at, changed, reason, false as own
             from webhook_outcomes
             where organization_id is null and state <> 'applied'
               and ($2::uuid is null or id < $2) and ($3::text is null or state = $3) and ($4::text is null or field = $4)
             order by id desc
             limit $5)
        ) as seen
        left join webhook_events e
          on seen.own and e.id = seen.id and e.received_at = seen.received_at and octet_length(e.body) <= $6
        order by seen.id desc
        limit $5"#,
        organization as _,
        page.after.map(|cursor| cursor.0),
        filter.state.map(EventState::as_str),
        filter.field,
        page.limit + 1,
        LISTED_BODY,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Event::try_from).collect()
}

/// One request that the organization may see.
pub(in super::super) async fn find(tx: &mut TenantTx, id: WebhookEventId) -> Result<Option<Event>, DbError> {
    let row = sqlx::query_as!(
        EventRow,
        r#"select o.id as "id!", o.received_at as "received_at!", o.state as "state!", o.field, o.applied_at as "applied_at!",
                  o.changed as "changed!", o.reason, o.organization_id is not null as "own!",
                  e.body as "body?"
        from webhook_outcomes o
        left join webhook_events e on o.organization_id is not null and e.id = o.id and e.received_at = o.received_at
        where o.id = $1"#,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Event::try_from).transpose()
}

/// Puts a request back at the head of the queue, and tells the folders when this commits.
pub(in super::super) async fn replay(tx: &mut SystemTx, event: &Event) -> Result<(), DbError> {
    sqlx::query!("delete from webhook_pending where id = $1 and isfinite(not_before)", event.id as _).execute(tx.conn()).await?;
    sqlx::query!(
        "with again as (
            update webhook_outcomes set state = 'received', reason = null where id = $1 and received_at = $2 returning id, received_at
        )
        insert into webhook_pending (id, received_at, tries) select id, received_at, 1 from again
        on conflict do nothing",
        event.id as _,
        event.received_at,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!("select pg_notify('webhooks', '')").execute(tx.conn()).await?;
    Ok(())
}
