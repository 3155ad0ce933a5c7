//! The spike: what keeping the promise costs with nothing around it.
//!
//! A chunk of 500 rows is leased and read, slices of 20 get a committed intent by one of two connections, 64 requests run at a time, and a
//! third connection stores results in batches of at most 500 or 10 ms. No tenants, no limits, no metrics, no recovery. Run as a process of
//! its own, on the driver it was first measured with.

use std::{borrow::Cow, sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use bytes::Bytes;
use serde::Deserialize;
use tokio::process::Command;
use tokio_postgres::{Client, NoTls};

use super::{
    BenchOptions, Told,
    cpu::{self, Sampler},
    provider::Stand,
    report::Run,
    setup,
};

/// Requests at a time.
const CONNECTIONS: usize = 64;
/// Rows of one chunk, and most results of one statement.
const CHUNK: usize = 500;
/// Rows of one intent.
const SLICE: usize = 20;
/// Connections that write intents.
const INTENT_WRITERS: usize = 2;
/// How long a batch of results waits for more.
const FLUSH: Duration = Duration::from_millis(10);

const LEASE: &str = "update chunk set state = 1, owner = 1, lease_until = now() + interval '60 s'
    where campaign_id = 1 and chunk_no = (
        select chunk_no from chunk where campaign_id = 1 and state = 0 order by chunk_no limit 1 for update skip locked)
    returning seq_from, seq_to";
const READ: &str = "select seq, phone, vars::text from message where campaign_id = 1 and seq between $1 and $2 order by seq";
const INTENT: &str = "update message set status = 1, attempts = attempts + 1, updated_at = now()
    where campaign_id = 1 and seq between $1 and $2 and status = 0";
const RESULT: &str = "update message set status = 2, wamid = u.w, updated_at = now()
    from unnest($1::int[], $2::text[]) u (seq, w) where message.campaign_id = 1 and message.seq = u.seq";

/// What the spike does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Only posts.
    None,
    /// Intents, posts, results.
    Intent,
}

#[derive(Debug)]
struct Item {
    seq: i32,
    phone: String,
    values: String,
}

#[derive(Deserialize)]
struct Accepted {
    messages: Vec<MessageId>,
}

#[derive(Deserialize)]
struct MessageId {
    id: String,
}

/// Measures the spike in a process of its own.
pub async fn measure(options: &BenchOptions, stand: &Stand, mode: Mode, sampler: &mut Sampler) -> anyhow::Result<Run> {
    let name = "bench_spike";
    if mode == Mode::Intent {
        prepare(options, name, options.spike_messages).await?;
    }
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["spike", "--mode", if mode == Mode::None { "none" } else { "intent" }])
        .args(["--messages", &options.spike_messages.to_string()])
        .args(["--provider", &stand.address()])
        .args(["--database", &setup::address(options, name, None)]);
    let told = setup::told_by(&mut command, |pid| sampler.add("own", pid)).await?;
    if mode == Mode::Intent {
        setup::drop_database(options, name).await?;
    }
    Ok(Run::of(&told, sampler, &["own"]))
}

async fn prepare(options: &BenchOptions, name: &str, messages: u32) -> anyhow::Result<()> {
    let mut owner = setup::new_database(options, name).await?;
    setup::execute(
        &mut owner,
        &format!(
            "create table message (campaign_id bigint, seq int, phone text not null, vars jsonb not null, status smallint not null default 0,
                attempts smallint not null default 0, wamid text, error_code int, updated_at timestamptz, primary key (campaign_id, seq)) with (fillfactor = 50);
             insert into message (campaign_id, seq, phone, vars)
                select 1, g, '1555' || lpad((g - 1)::text, 7, '0'), jsonb_build_array('Name' || g, 'A-' || (g::bigint * 7919) % 1000003)
                from generate_series(1, {messages}) g;
             create table chunk (campaign_id bigint, chunk_no int, state smallint not null default 0, owner int, lease_until timestamptz,
                seq_from int, seq_to int, primary key (campaign_id, chunk_no)) with (fillfactor = 50);
             insert into chunk (campaign_id, chunk_no, seq_from, seq_to)
                select 1, k, k * {CHUNK} + 1, least((k + 1) * {CHUNK}, {messages}) from generate_series(0, ({messages} - 1) / {CHUNK}) k;
             create index on chunk (campaign_id, chunk_no) where state = 0;"
        ),
    )
    .await?;
    setup::execute(&mut owner, "vacuum analyze").await?;
    setup::execute(&mut owner, "checkpoint").await
}

/// Sends, and tells when it began and ended.
pub async fn send(mode: Mode, messages: u32, provider: &str, database: &str) -> anyhow::Result<Told> {
    let http = reqwest::Client::builder().pool_max_idle_per_host(CONNECTIONS).tcp_nodelay(true).build()?;
    let url: Arc<str> = format!("http://{provider}/v21.0/106540352242922/messages").into();
    match mode {
        Mode::None => posts(http, url, messages).await,
        Mode::Intent => with_intents(http, url, messages, database).await,
    }
}

async fn posts(http: reqwest::Client, url: Arc<str>, messages: u32) -> anyhow::Result<Told> {
    let next = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let begin = cpu::now();
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (http, url, next) = (http.clone(), Arc::clone(&url), Arc::clone(&next));
        senders.spawn(async move {
            loop {
                let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if i >= messages {
                    return Ok::<_, anyhow::Error>(());
                }
                let item = Item { seq: i.cast_signed(), phone: format!("1555{i:07}"), values: format!(r#"["Name{i}","A-{i}"]"#) };
                post(&http, &url, &item).await?;
            }
        });
    }
    join(senders).await?;
    Ok(Told { messages, begin, end: cpu::now() })
}

async fn with_intents(http: reqwest::Client, url: Arc<str>, messages: u32, database: &str) -> anyhow::Result<Told> {
    let (slices, sliced) = async_channel::bounded::<Vec<Item>>(64);
    let (ready, claimed) = async_channel::bounded::<Item>(CONNECTIONS);
    let (results, stored) = async_channel::bounded::<(i32, String)>(CHUNK * 8);
    let planner = connect(database).await?;
    let storer = connect(database).await?;
    let mut intent_clients = Vec::new();
    for _ in 0..INTENT_WRITERS {
        intent_clients.push(connect(database).await?);
    }
    let begin = cpu::now();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { walk(&planner, slices).await });
    for client in intent_clients {
        let (sliced, ready) = (sliced.clone(), ready.clone());
        tasks.spawn(async move { write_intents(&client, &sliced, &ready).await });
    }
    drop(ready);
    for _ in 0..CONNECTIONS {
        let (claimed, results, http, url) = (claimed.clone(), results.clone(), http.clone(), Arc::clone(&url));
        tasks.spawn(async move {
            while let Ok(item) = claimed.recv().await {
                let id = post(&http, &url, &item).await?;
                results.send((item.seq, id)).await?;
            }
            Ok(())
        });
    }
    drop(results);
    tasks.spawn(async move { store_results(&storer, &stored).await });
    join(tasks).await?;
    let end = cpu::now();
    let done: i64 = connect(database).await?.query_one("select count(*) from message where status = 2", &[]).await?.get(0);
    ensure!(done == i64::from(messages), "{done} of {messages} results are stored");
    Ok(Told { messages, begin, end })
}

async fn join(mut tasks: tokio::task::JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

async fn connect(database: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(database, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn walk(client: &Client, slices: async_channel::Sender<Vec<Item>>) -> anyhow::Result<()> {
    let (lease, read) = (client.prepare(LEASE).await?, client.prepare(READ).await?);
    while let Some(chunk) = client.query_opt(&lease, &[]).await? {
        let rows = client.query(&read, &[&chunk.get::<_, i32>(0), &chunk.get::<_, i32>(1)]).await?;
        for rows in rows.chunks(SLICE) {
            let slice = rows.iter().map(|row| Item { seq: row.get(0), phone: row.get(1), values: row.get(2) }).collect();
            slices.send(slice).await?;
        }
    }
    Ok(())
}

async fn write_intents(
    client: &Client,
    slices: &async_channel::Receiver<Vec<Item>>,
    ready: &async_channel::Sender<Item>,
) -> anyhow::Result<()> {
    let intent = client.prepare(INTENT).await?;
    while let Ok(slice) = slices.recv().await {
        let (Some(first), Some(last)) = (slice.first(), slice.last()) else { continue };
        client.execute(&intent, &[&first.seq, &last.seq]).await?;
        for item in slice {
            ready.send(item).await?;
        }
    }
    Ok(())
}

async fn store_results(client: &Client, results: &async_channel::Receiver<(i32, String)>) -> anyhow::Result<()> {
    let result = client.prepare(RESULT).await?;
    while let Ok(first) = results.recv().await {
        let mut batch = vec![first];
        let end = tokio::time::Instant::now() + FLUSH;
        while batch.len() < CHUNK {
            if let Ok(next) = results.try_recv() {
                batch.push(next);
                continue;
            }
            match tokio::time::timeout_at(end, results.recv()).await {
                Ok(Ok(next)) => batch.push(next),
                _ => break,
            }
        }
        batch.sort_unstable_by_key(|(seq, _)| *seq);
        let (seqs, ids): (Vec<i32>, Vec<String>) = batch.into_iter().unzip();
        client.execute(&result, &[&seqs, &ids]).await?;
    }
    Ok(())
}

/// Posts one message and answers its id.
async fn post(http: &reqwest::Client, url: &str, item: &Item) -> anyhow::Result<String> {
    let response = http
        .post(url)
        .header("authorization", "Bearer EAAGm0PX4ZCpsBAKZCexampleexampleexampleexampleexampleexampleexampleexampleexampleexampleZD")
        .header("content-type", "application/json")
        .body(body(item)?)
        .send()
        .await?
        .error_for_status()?;
    let accepted: Accepted = serde_json::from_slice(&response.bytes().await?)?;
    Ok(accepted.messages.into_iter().next().context("an answer without a message")?.id)
}

fn body(item: &Item) -> anyhow::Result<Bytes> {
    let values: Vec<Cow<'_, str>> = serde_json::from_str(&item.values)?;
    let mut body = Vec::with_capacity(400);
    body.extend_from_slice(br#"{"messaging_product":"whatsapp","recipient_type":"individual","to":""#);
    body.extend_from_slice(item.phone.as_bytes());
    body.extend_from_slice(
        br#"","type":"template","template":{"name":"order_update","language":{"code":"en_US"},"components":[{"type":"body","parameters":["#,
    );
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(br#"{"type":"text","text":"#);
        serde_json::to_writer(&mut body, value)?;
        body.push(b'}');
    }
    body.extend_from_slice(br#"]}]},"biz_opaque_callback_data":"c1:"#);
    body.extend_from_slice(item.seq.to_string().as_bytes());
    body.extend_from_slice(br#""}"#);
    Ok(body.into())
}
