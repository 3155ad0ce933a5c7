//! Freezing: who gets what is decided once, in one transaction, inside PostgreSQL.
//!
//! One snapshot, no cursor, and a crash leaves nothing. Order is by a hash of campaign and contact, so a partial run is a fair sample.

use std::{collections::BTreeMap, fmt::Write};

use db::{DbError, TenantTx};
use kernel::CampaignId;
use sqlx::{AssertSqlSafe, types::Json};
use uuid::Uuid;

use super::{
    model::{Audience, Campaign, ContactField, VariableSource},
    validation::VariableNames,
};

/// Rows of one chunk.
const CHUNK: i32 = 500;

/// What the frozen ledger must know besides its rows.
#[derive(Clone, Debug)]
pub(super) struct RunFacts {
    pub(super) phone_number_id: String,
    pub(super) category: String,
    pub(super) template_version: i32,
    pub(super) content: serde_json::Value,
    pub(super) variable_names: VariableNames,
    pub(super) grace_s: i32,
}

/// The arguments of an audience predicate: see [`MATCHES`].
struct AudienceArguments {
    all: bool,
    tags: Vec<String>,
    contacts: Vec<Uuid>,
    without_tags: Vec<String>,
    without_contacts: Vec<Uuid>,
}

impl From<&Audience> for AudienceArguments {
    fn from(audience: &Audience) -> Self {
        let exclude = audience.exclude.clone().unwrap_or_default();
        Self {
            all: audience.all,
            tags: audience.tags.clone(),
            contacts: audience.contact_ids.iter().map(|id| id.uuid()).collect(),
            without_tags: exclude.tags,
            without_contacts: exclude.contact_ids.iter().map(|id| id.uuid()).collect(),
        }
    }
}

/// Which contacts `c` an audience names; arguments from $1 on.
const MATCHES: &str = "($1 or c.tags && $2 or c.id = any($3)) and not (c.tags && $4) and not (c.id = any($5))";

/// Whether anybody matches.
pub(super) async fn matches_somebody(tx: &mut TenantTx, audience: &Audience) -> Result<bool, DbError> {
    let arguments = AudienceArguments::from(audience);
    let found = sqlx::query_scalar(AssertSqlSafe(format!("select exists (select from contacts c where {MATCHES})")))
        .bind(arguments.all)
        .bind(arguments.tags)
        .bind(arguments.contacts)
        .bind(arguments.without_tags)
        .bind(arguments.without_contacts)
        .fetch_one(tx.conn())
        .await?;
    Ok(found)
}

/// Freezes the campaign: recipients, messages, chunks, counters and the run, in state `preparing`. Answers the size of the audience.
///
/// Everybody who matches has a row; who cannot or must not be sent to is `skipped` with the reason.
pub(super) async fn freeze(tx: &mut TenantTx, campaign: &Campaign, facts: &RunFacts) -> Result<i32, DbError> {
    sqlx::query!("select set_config('statement_timeout', '600000', true) as timeout, set_config('work_mem', '64MB', true) as memory")
        .fetch_one(tx.conn())
        .await?;
    let audience = recipients(tx, campaign, facts).await?;
    messages(tx, campaign.id, &facts.category).await?;
    chunks(tx, campaign.id, audience).await?;
    counters(tx, campaign.id).await?;
    run(tx, campaign, facts, audience).await?;
    Ok(audience)
}

async fn recipients(tx: &mut TenantTx, campaign: &Campaign, facts: &RunFacts) -> Result<i32, DbError> {
    let mut texts = Vec::new();
    let values = variables_expression(&campaign.draft.variables, &facts.variable_names, &mut texts);
    let organization = tx.organization();
    let arguments = AudienceArguments::from(&campaign.draft.audience);
    // The only text put into the statement are fixed column names and numbers of arguments.
    let statement = format!(
        "insert into campaign_recipients (organization_id, campaign_id, seq, contact_id, address, variables)
         select $6, $7, row_number() over (order by hashtextextended(c.id::text, $8), c.id), c.id, c.phone_number, {values}
         from contacts c
         where {MATCHES} and $9::text[] is not null
         order by hashtextextended(c.id::text, $8), c.id"
    );
    let inserted = sqlx::query(AssertSqlSafe(statement))
        .bind(arguments.all)
        .bind(arguments.tags)
        .bind(arguments.contacts)
        .bind(arguments.without_tags)
        .bind(arguments.without_contacts)
        .bind(organization)
        .bind(campaign.id)
        .bind(salt(campaign.id))
        .bind(texts)
        .execute(tx.conn())
        .await?;
    Ok(i32::try_from(inserted.rows_affected()).unwrap_or(i32::MAX))
}

/// The JSON array of a contact's values: the required ones, then the optional ones. Texts go into `texts`, which is argument $9.
///
/// What is missing is null if it is required, which skips the recipient, and otherwise an empty text, which the renderer takes for no value.
fn variables_expression(sources: &BTreeMap<String, VariableSource>, names: &VariableNames, texts: &mut Vec<String>) -> String {
    let mut argument = |text: &str| {
        texts.push(text.to_owned());
        format!("($9::text[])[{}]", texts.len())
    };
    let mut expression = String::from("jsonb_build_array(");
    let required = names.required.iter().map(|name| (name, "null"));
    let optional = names.optional.iter().map(|name| (name, "''"));
    for (index, (name, missing)) in required.chain(optional).enumerate() {
        let source = sources.get(name);
        let mut choices = Vec::new();
        if let Some(value) = source.and_then(|source| source.value.as_deref()) {
            choices.push(argument(value));
        } else {
            let column = match source.and_then(|source| ContactField::parse(source.field.as_deref()?)) {
                Some(ContactField::Name) => Some("c.name".to_owned()),
                Some(ContactField::Email) => Some("c.email".to_owned()),
                Some(ContactField::PhoneNumber) => Some("c.phone_number".to_owned()),
                Some(ContactField::Locale) => Some("c.locale".to_owned()),
                Some(ContactField::Attribute(key)) => Some(format!("c.attributes ->> {}", argument(&key))),
                None => None,
            };
            choices.extend(column.map(|column| format!("nullif(btrim({column}), '')")));
            if let Some(fallback) = source.and_then(|source| source.fallback.as_deref()) {
                choices.push(argument(fallback));
            }
        }
        choices.push(missing.to_owned());
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(expression, "{comma}coalesce({})", choices.join(", "));
    }
    expression.push(')');
    expression
}

/// A stable seed for the order of a campaign's recipients.
fn salt(campaign: CampaignId) -> i64 {
    let (high, low) = campaign.uuid().as_u64_pair();
    (high ^ low).cast_signed()
}

async fn messages(tx: &mut TenantTx, id: CampaignId, category: &str) -> Result<(), DbError> {
    sqlx::query!(
        "insert into campaign_messages (organization_id, campaign_id, seq, state, reason)
         select organization_id, campaign_id, seq, case when reason is null then 0 else 20 end, reason
         from (
             select r.organization_id, r.campaign_id, r.seq,
                    case when r.address is null then 'noAddress'
                         when c.opt_in = 'optedOut' then 'optedOut'
                         when e.reason is not null then e.reason
                         when r.variables @> '[null]' then 'missingVariable'
                    end as reason
             from campaign_recipients r
             left join contacts c on c.organization_id = r.organization_id and c.id = r.contact_id
             left join contact_exceptions e
               on e.organization_id = r.organization_id and e.address = r.address and (e.scope = 'all' or $2 = 'MARKETING')
             where r.campaign_id = $1
         ) decided
         order by seq",
        id as _,
        category,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn chunks(tx: &mut TenantTx, id: CampaignId, audience: i32) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!(
        "insert into campaign_chunks (organization_id, campaign_id, chunk_no, seq_from, seq_to)
         select $1, $2, no, no * $4 + 1, least((no + 1) * $4, $3)
         from generate_series(0, ($3 - 1) / $4) no
         where $3 > 0",
        organization as _,
        id as _,
        audience,
        CHUNK,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn counters(tx: &mut TenantTx, id: CampaignId) -> Result<(), DbError> {
    sqlx::query!(
        "insert into campaign_counters (organization_id, campaign_id, state, n)
         select organization_id, campaign_id, state, count(*) from campaign_messages where campaign_id = $1 group by 1, 2, 3",
        id as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn run(tx: &mut TenantTx, campaign: &Campaign, facts: &RunFacts, audience: i32) -> Result<(), DbError> {
    let organization = tx.organization();
    sqlx::query!(
        "insert into campaign_runs
            (organization_id, campaign_id, channel_id, phone_number_id, state, category, content, unknown_policy, grace_seconds,
             messages_per_second, audience, launched_at, template_version)
         values ($1, $2, $3, $4, 'preparing', $5, $6, $7, $8, $9, $10, coalesce($11, now()), $12)",
        organization as _,
        campaign.id as _,
        campaign.draft.channel as _,
        facts.phone_number_id,
        facts.category,
        Json(&facts.content) as _,
        campaign.draft.unknown_policy.as_str(),
        facts.grace_s,
        campaign.draft.messages_per_second.map(|rate| i32::try_from(rate).unwrap_or(i32::MAX)),
        audience,
        campaign.launched_at,
        facts.template_version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
