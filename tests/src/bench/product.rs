//! Our own path: the real worker and scheduler, the real schema, a campaign frozen by its job.
//!
//! People, number and template are put into the database directly; from the launch on everything is the product. The clock runs from the
//! first intent to the last stored result, as the ledger says.

use std::{collections::BTreeMap, fs::File, process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use crm::{
    campaigns::{
        model::{Audience, CampaignDraft, UnknownPolicy, VariableSource},
        service,
    },
    lanes,
    secrets::{Purpose, Vault},
};
use db::{Db, DbOptions};
use kernel::{CampaignId, ChannelId, Clock, OrganizationId, SystemClock, TemplateId};
use runtime::Config;
use sqlx::PgConnection;
use tokio::process::{Child, Command};

use super::{
    BenchOptions, Told,
    cpu::{self, Sampler},
    provider::Stand,
    report::Run,
    setup,
};
use crate::wait::{self, Look};

/// Name of the database.
const DATABASE: &str = "bench_ours";
/// Longest wait for a campaign to be frozen and sent.
const PATIENCE: Duration = Duration::from_mins(15);

struct Tenant {
    organization: OrganizationId,
    channel: ChannelId,
    template: TemplateId,
}

/// Sends a campaign to `messages` people.
pub async fn measure(options: &BenchOptions, stand: &Stand, messages: u32, sampler: &mut Sampler) -> anyhow::Result<Run> {
    let mut owner = setup::new_database(options, DATABASE).await?;
    db::migrate(&setup::address(options, DATABASE, None).into()).await.context("the migrations fail")?;
    let tenant = arrange(options, &mut owner, messages).await?;
    let worker = start(options, stand, "worker")?;
    let scheduler = start(options, stand, "scheduler")?;
    sampler.add("worker", worker.id().unwrap_or_default());
    sampler.add("scheduler", scheduler.id().unwrap_or_default());

    let campaign = launch(options, &tenant).await?;
    wait_until(&mut owner, campaign, "running").await?;
    let before = Traffic::read(&mut owner).await?;
    wait_until(&mut owner, campaign, "completed").await?;
    let after = Traffic::read(&mut owner).await?;
    let sent = Sent::read(&mut owner, campaign).await?;
    ensure!(sent.accepted == i64::from(messages), "{} of {messages} results are stored", sent.accepted);
    let told = Told { messages, begin: cpu::seconds(sent.first), end: cpu::seconds(sent.last) };
    sampler.read_now();
    let mut run = Run::of(&told, sampler, &["worker", "scheduler"]);
    run.extra.insert("frozen rows/s".into(), f64::from(messages) / sent.freezing_s);
    run.extra.insert("transactions per message".into(), (after.transactions - before.transactions) / f64::from(messages));
    run.extra.insert("WAL bytes per message".into(), (after.wal - before.wal) / f64::from(messages));
    run.extra.insert("last tenth ÷ first tenth, seconds".into(), sent.last_tenth_s / sent.first_tenth_s);
    setup::stop(worker).await?;
    setup::stop(scheduler).await?;
    drop(owner);
    setup::drop_database(options, DATABASE).await?;
    Ok(run)
}

/// An organization with a connected number, an approved template and people.
async fn arrange(options: &BenchOptions, owner: &mut PgConnection, people: u32) -> anyhow::Result<Tenant> {
    let now = SystemClock.now();
    let tenant = Tenant { organization: OrganizationId::at(now), channel: ChannelId::at(now), template: TemplateId::at(now) };
    let secrets = Config::default().secrets;
    let vault = Vault::new(&secrets.key_id, &secrets.master_key).map_err(|error| anyhow::anyhow!("{error}"))?;
    let token = "EAAGm0PX4ZCpsBAKZCexampleexampleexampleexampleexampleexampleexampleexampleexampleexampleZD".into();
    let sealed = vault.seal(tenant.organization, Purpose::ChannelToken(tenant.channel), &token)?;
    sqlx::query("insert into organizations (id, name, slug, created_at, updated_at) values ($1, 'Bench', 'bench', $2, $2)")
        .bind(tenant.organization)
        .bind(now)
        .execute(&mut *owner)
        .await?;
    sqlx::query(
        "insert into channels (organization_id, id, kind, display_name, phone_number_id, business_account_id, state, access_token,
                               messages_per_second, created_at, updated_at)
         values ($1, $2, 'cloudApi', 'Main', '106540352242922', '102290129340398', 'connected', $3, 100000, $4, $4)",
    )
    .bind(tenant.organization)
    .bind(tenant.channel)
    .bind(sealed)
    .bind(now)
    .execute(&mut *owner)
    .await?;
    sqlx::query(
        r#"insert into templates (organization_id, id, channel_id, business_account_id, name, language, category, parameter_format,
                                  components, status, created_at, updated_at)
           values ($1, $2, $3, '102290129340398', 'order_update', 'en_US', 'MARKETING', 'POSITIONAL',
                   '[{"type": "BODY", "text": "Hello {{1}}, your order {{2}} is on its way.", "example": {"body_text": [["Ada", "A-1"]]}}]',
                   'APPROVED', $4, $4)"#,
    )
    .bind(tenant.organization)
    .bind(tenant.template)
    .bind(tenant.channel)
    .bind(now)
    .execute(&mut *owner)
    .await?;
    sqlx::query(
        "insert into contacts (organization_id, id, phone_number, name, attributes, opt_in, created_at, updated_at)
         select $1, gen_random_uuid(), '+1555' || lpad((g - 1)::text, 7, '0'), 'Name' || g,
                jsonb_build_object('code', 'A-' || (g::bigint * 7919) % 1000003), 'optedIn', $3, $3
         from generate_series(1, $2) g",
    )
    .bind(tenant.organization)
    .bind(people.cast_signed())
    .bind(now)
    .execute(&mut *owner)
    .await?;
    let mut tx = open(options)?.tenant(tenant.organization).await?;
    lanes::create(&mut tx, tenant.organization, tenant.channel).await?;
    tx.commit().await?;
    setup::execute(owner, "vacuum analyze").await?;
    setup::execute(owner, "checkpoint").await?;
    Ok(tenant)
}

fn open(options: &BenchOptions) -> anyhow::Result<Db> {
    Ok(Db::open(&DbOptions::new(setup::address(options, DATABASE, Some("crm_app")), "bench"))?)
}

/// Writes the campaign and launches it; the worker's job freezes it.
async fn launch(options: &BenchOptions, tenant: &Tenant) -> anyhow::Result<CampaignId> {
    let of_field = |field: &str| VariableSource { field: Some(field.into()), fallback: None, value: None };
    let draft = CampaignDraft {
        name: "Bench".into(),
        channel: tenant.channel,
        template: tenant.template,
        audience: Audience { all: true, ..Audience::default() },
        variables: BTreeMap::from([("1".into(), of_field("name")), ("2".into(), of_field("attributes.code"))]),
        unknown_policy: UnknownPolicy::GiveUp,
        messages_per_second: None,
    };
    let mut tx = open(options)?.tenant(tenant.organization).await?;
    let campaign = service::create(&mut tx, &SystemClock, draft).await?.id;
    service::launch(&mut tx, &SystemClock, campaign).await?;
    tx.commit().await?;
    Ok(campaign)
}

/// Starts one of our binaries, with its log in the data folder.
fn start(options: &BenchOptions, stand: &Stand, name: &str) -> anyhow::Result<Child> {
    let log = File::create(options.data.join(format!("{name}.log")))?;
    let child = Command::new(setup::beside(name)?)
        .current_dir(&options.data)
        .env("HELIOGRAPH_DATABASE__URL", setup::address(options, DATABASE, Some("crm_app")))
        .env("HELIOGRAPH_REDIS__URL", &options.redis)
        .env("HELIOGRAPH_WHATSAPP__GRAPH_URL", format!("http://{}", stand.address()))
        .env("HELIOGRAPH_STORAGE__DIR", options.data.join("storage"))
        .env("HELIOGRAPH_MAIL__DIR", options.data.join("mail"))
        .stdout(Stdio::from(log.try_clone()?))
        .stderr(Stdio::from(log))
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{name} does not start"))?;
    Ok(child)
}

/// Waits until the campaign is in `state`, or in one that comes after it.
async fn wait_until(owner: &mut PgConnection, campaign: CampaignId, state: &str) -> anyhow::Result<()> {
    wait::until(PATIENCE, async || {
        let (now, reason): (String, Option<String>) =
            sqlx::query_as("select state, state_reason from campaigns where id = $1").bind(campaign).fetch_one(&mut *owner).await?;
        let told = format!("the campaign is {now} ({reason:?}), not {state}; see worker.log");
        let after = state == "running" && now == "completed";
        ensure!(after || now == state || matches!(now.as_str(), "preparing" | "running" | "finishing"), told);
        Ok(if after || now == state { Look::There(()) } else { Look::NotYet(told) })
    })
    .await
}

/// What the database did so far.
struct Traffic {
    transactions: f64,
    wal: f64,
}

impl Traffic {
    async fn read(owner: &mut PgConnection) -> anyhow::Result<Self> {
        let (transactions, wal) = sqlx::query_as(
            "select (select xact_commit::float8 from pg_stat_database where datname = current_database()),
                    pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8",
        )
        .fetch_one(owner)
        .await?;
        Ok(Self { transactions, wal })
    }
}

/// What the ledger says of the campaign.
#[derive(sqlx::FromRow)]
struct Sent {
    accepted: i64,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    first_tenth_s: f64,
    last_tenth_s: f64,
    freezing_s: f64,
}

impl Sent {
    async fn read(owner: &mut PgConnection, campaign: CampaignId) -> anyhow::Result<Self> {
        let sent = sqlx::query_as(
            "with marks as (
                select count(*) filter (where state = 5) as accepted, min(claimed_at) as first, max(accepted_at) as last, max(claimed_at) as claimed,
                       percentile_disc(array[0.1, 0.9]) within group (order by claimed_at) as tenths
                from campaign_messages
                where campaign_id = $1
            )
            select accepted, first, last,
                   extract(epoch from tenths[1] - first)::float8 as first_tenth_s,
                   extract(epoch from claimed - tenths[2])::float8 as last_tenth_s,
                   (select extract(epoch from coalesce(finished_at, first) - started_at)::float8 from jobs where kind = 'campaigns.prepare') as freezing_s
            from marks",
        )
        .bind(campaign)
        .fetch_one(owner)
        .await?;
        Ok(sent)
    }
}
