//! All SQL of the audit log.
//!
//! Statements name the organization although row security would add it for a tenant: the log is written by all kinds of transaction.

use chrono::{DateTime, Utc};
use db::{DbError, SystemTx, TenantTx, Tx};
use kernel::{OrganizationId, Page, PageRequest};
use uuid::Uuid;

use super::{
    chain::{Canonical, Link, LinkHash},
    model::{ActorKind, ActorView, AuditEvent, AuditFilter},
};

/// The newest link of the organization's chain, held until the transaction ends.
pub(super) async fn lock_head<T: Tx>(tx: &mut T, organization: OrganizationId) -> Result<Link, DbError> {
    if let Some(head) = held_head(tx, organization).await? {
        return Ok(head);
    }
    let beginning = Link::beginning(organization);
    sqlx::query!(
        "insert into audit_heads (organization_id, seq, hash) values ($1, $2, $3) on conflict do nothing",
        organization as _,
        beginning.seq,
        beginning.hash.as_bytes(),
    )
    .execute(tx.conn())
    .await?;
    held_head(tx, organization).await?.ok_or_else(|| sqlx::Error::RowNotFound.into())
}

async fn held_head<T: Tx>(tx: &mut T, organization: OrganizationId) -> Result<Option<Link>, DbError> {
    let row = sqlx::query!("select seq, hash from audit_heads where organization_id = $1 for update", organization as _)
        .fetch_optional(tx.conn())
        .await?;
    row.map(|row| link(organization, row.seq, &row.hash)).transpose()
}

fn link(organization: OrganizationId, seq: i64, hash: &[u8]) -> Result<Link, DbError> {
    let bad = || DbError::BadRow { table: "audit_heads", id: organization.to_string(), column: "hash" };
    Ok(Link { seq, hash: LinkHash::from_bytes(hash).ok_or_else(bad)? })
}

/// Writes `entry` and makes `link` the newest of its chain, whose head the caller holds.
pub(super) async fn append<T: Tx>(tx: &mut T, entry: &Canonical<'_>, link: Link) -> Result<(), DbError> {
    sqlx::query!(
        "with head as (
             update audit_heads set seq = $2, hash = $10 where organization_id = $1
         )
         insert into audit_events (organization_id, seq, at, actor_kind, actor_id, action, target_kind, target_id, details, hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        entry.organization as _,
        entry.seq,
        entry.at,
        entry.actor_kind,
        entry.actor_id,
        entry.action,
        entry.target_kind,
        entry.target_id,
        entry.details,
        link.hash.as_bytes(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Newest first.
pub(super) async fn list(tx: &mut TenantTx, filter: &AuditFilter, request: PageRequest) -> Result<Page<AuditEvent>, DbError> {
    // A plan for whatever filters there may be walks the chain; one for these takes the index that suits them.
    sqlx::query("set local plan_cache_mode = force_custom_plan").execute(tx.conn()).await?;
    let rows = sqlx::query!(
        r#"select seq, at, actor_kind, actor_id, action, target_kind, target_id, details,
                  case actor_kind
                      when 'user' then (
                          select trim(first_name || ' ' || last_name) from users where users.id = event.actor_id::uuid
                      )
                      when 'apiKey' then (select name from api_keys where api_keys.id = event.actor_id::uuid)
                  end as actor_name
           from audit_events event
           where ($1::bigint is null or seq < $1)
             and ($2::text is null or action = $2 or right($2, 1) = '.' and starts_with(action, $2))
             and ($3::text is null or actor_id = $3)
             and ($4::text is null or target_id = $4)
             and ($5::timestamptz is null or at >= $5)
             and ($6::timestamptz is null or at < $6)
           order by seq desc
           limit $7"#,
        request.after.map(|cursor| i64::try_from(cursor.0.as_u128()).unwrap_or(i64::MAX)),
        filter.action,
        filter.actor,
        filter.target,
        filter.from,
        filter.to,
        request.limit + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    let events = rows.into_iter().map(|row| {
        let bad = |column| DbError::BadRow { table: "audit_events", id: row.seq.to_string(), column };
        Ok(AuditEvent {
            seq: row.seq,
            at: row.at,
            actor: ActorView {
                kind: ActorKind::from_word(&row.actor_kind).ok_or_else(|| bad("actor_kind"))?,
                id: row.actor_id,
                name: row.actor_name,
            },
            action: row.action,
            target: row.target_kind.zip(row.target_id),
            details: serde_json::from_str(&row.details).map_err(|_| bad("details"))?,
        })
    });
    let events = events.collect::<Result<_, DbError>>()?;
    Ok(Page::from_rows(events, request, |event: &AuditEvent| Uuid::from_u128(u128::try_from(event.seq).unwrap_or_default())))
}

/// The newest links of up to `limit` chains behind that of `after`.
pub(super) async fn heads(tx: &mut SystemTx, after: Option<OrganizationId>, limit: i64) -> Result<Vec<(OrganizationId, Link)>, DbError> {
    let rows = sqlx::query!(
        "select organization_id, seq, hash
         from audit_heads
         where ($1::uuid is null or organization_id > $1)
         order by organization_id
         limit $2",
        after.map(OrganizationId::uuid),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            let organization = OrganizationId::from(row.organization_id);
            Ok((organization, link(organization, row.seq, &row.hash)?))
        })
        .collect()
}

/// The organization behind `after` that has entries or a head: each of the two may have been deleted.
pub(super) async fn next_chain(tx: &mut SystemTx, after: Option<OrganizationId>) -> Result<Option<OrganizationId>, DbError> {
    let next = sqlx::query_scalar!(
        r#"select organization_id as "organization_id!"
           from (
               (select organization_id from audit_heads where $1::uuid is null or organization_id > $1 order by organization_id limit 1)
               union all
               (select organization_id from audit_events where $1::uuid is null or organization_id > $1 order by organization_id limit 1)
           ) as chains
           order by organization_id
           limit 1"#,
        after.map(OrganizationId::uuid),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(next.map(OrganizationId::from))
}

/// An entry with its hash, as it stands in the database.
pub(super) struct Stored {
    pub(super) seq: i64,
    pub(super) at: DateTime<Utc>,
    pub(super) actor_kind: String,
    pub(super) actor_id: Option<String>,
    pub(super) action: String,
    pub(super) target_kind: Option<String>,
    pub(super) target_id: Option<String>,
    pub(super) details: String,
    pub(super) hash: Vec<u8>,
}

impl Stored {
    pub(super) fn canonical(&self, organization: OrganizationId) -> Canonical<'_> {
        Canonical {
            organization,
            seq: self.seq,
            at: self.at,
            actor_kind: &self.actor_kind,
            actor_id: self.actor_id.as_deref(),
            action: &self.action,
            target_kind: self.target_kind.as_deref(),
            target_id: self.target_id.as_deref(),
            details: &self.details,
        }
    }
}

/// A part of a chain, and its head at the same instant.
pub(super) struct Part {
    pub(super) entries: Vec<Stored>,
    /// Sequence and hash; none when the head is missing.
    pub(super) head: Option<(i64, Vec<u8>)>,
}

/// Up to `limit` entries of the organization behind `after`, oldest first, with the head: one statement, so that both are of one snapshot.
pub(super) async fn part(tx: &mut SystemTx, organization: OrganizationId, after: i64, limit: i64) -> Result<Part, DbError> {
    let rows = sqlx::query!(
        r#"select head.seq as "head_seq?", head.hash as "head_hash?", event.seq as "seq?", at as "at?", actor_kind as "actor_kind?", actor_id,
                  action as "action?", target_kind, target_id, details as "details?", event.hash as "hash?"
           from (select $1::uuid as organization_id) as wanted
           left join audit_heads head on head.organization_id = wanted.organization_id
           left join lateral (
               select seq, at, actor_kind, actor_id, action, target_kind, target_id, details, hash
               from audit_events
               where audit_events.organization_id = $1 and seq > $2
               order by seq
               limit $3
           ) event on true
           order by event.seq"#,
        organization as _,
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut part = Part { entries: Vec::new(), head: None };
    for row in rows {
        part.head = row.head_seq.zip(row.head_hash);
        if let (Some(seq), Some(at), Some(actor_kind), Some(action), Some(details), Some(hash)) =
            (row.seq, row.at, row.actor_kind, row.action, row.details, row.hash)
        {
            let (actor_id, target_kind, target_id) = (row.actor_id, row.target_kind, row.target_id);
            part.entries.push(Stored { seq, at, actor_kind, actor_id, action, target_kind, target_id, details, hash });
        }
    }
    Ok(part)
}
