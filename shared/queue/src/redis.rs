//! The doorbell: tells one worker at once which job waits. The only file that knows Redis.
//!
//! A ring is a job's id in a list per queue. It is a hint and nothing else: taking it off the list gives it to one worker for good,
//! so there is nothing to acknowledge, to redeliver or to clean up, and a lost one costs the two seconds until a poller looks.
//! Rings travel through an apalis worker whose backend cannot fail: a pump task does all talking to Redis, for ever, and hands rings
//! over by a channel. Emptied, frozen, restarted or absent, Redis never ends a worker and never fails a commit.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use apalis::prelude::{Backend, Monitor, ParallelizeExt, Task, TaskBuilder, WorkerBuilder, WorkerBuilderExt, WorkerContext};
use apalis_core::backend::{BackendConfig, finalize::Ephemeral};
use db::{Announcement, Announcer};
use kernel::JobId;
use redis::{AsyncConnectionConfig, Client, RedisResult, Script, aio::MultiplexedConnection};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{BoxError, Queue};

/// Nobody rings while so many rings of a queue wait: workers are busy and find work by themselves.
pub const MAX_WAITING_RINGS: usize = 500;

/// Longest time given to ringing.
const RING_PATIENCE: Duration = Duration::from_millis(50);
/// Longest wait for an answer of Redis, beyond the time that a command blocks by itself.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest time one look for rings blocks.
const BLOCK: Duration = Duration::from_secs(2);
/// Rings taken with one look, and held in memory at most.
const BATCH: usize = 64;

/// Appends as many ids as there is room for.
const RING: &str = "
local room = tonumber(ARGV[1]) - redis.call('LLEN', KEYS[1])
for i = 2, math.min(#ARGV, room + 1) do
    redis.call('RPUSH', KEYS[1], ARGV[i])
end
return room";

/// Says that a job waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Where.
    pub queue: Queue,
    /// Which.
    pub job: JobId,
}

fn key(queue: Queue) -> String {
    format!("heliograph:rings:{}", queue.name())
}

/// Rings for the jobs that a commit made visible. Announcing costs a place in a bounded channel; ringing goes on behind the caller.
#[derive(Clone, Debug)]
pub struct Doorbell(mpsc::Sender<Ring>);

impl Doorbell {
    /// Starts ringing at `url` with a task that lives as long as the doorbell. Needs a running Tokio runtime.
    /// An address that cannot be used is reported; one that does not answer is tried for ever.
    pub fn start(url: &SecretString) -> Result<Self, BoxError> {
        let client = Client::open(url.expose_secret())?;
        let (sender, rings) = mpsc::channel(1024);
        tokio::spawn(ring_for_ever(client, rings));
        Ok(Self(sender))
    }
}

impl Announcer for Doorbell {
    fn announce(&self, announcements: Vec<Announcement>) {
        for announcement in announcements {
            if let Announcement::Job { job, queue } = announcement
                && let Some(queue) = Queue::named(queue)
                && self.0.try_send(Ring { queue, job }).is_err()
            {
                metrics::counter!("doorbell_rings_dropped_total").increment(1);
            }
        }
    }
}

/// Dropping rings while Redis is away is right: the pollers see the jobs.
async fn ring_for_ever(client: Client, mut rings: mpsc::Receiver<Ring>) {
    let mut pause = Duration::from_millis(50);
    let mut batch = Vec::with_capacity(BATCH);
    while !rings.is_closed() || !rings.is_empty() {
        if let Ok(mut connection) = connect(&client, RESPONSE_TIMEOUT).await {
            pause = Duration::from_millis(50);
            let mut silent_since = None;
            while rings.recv_many(&mut batch, BATCH).await > 0 {
                match timeout(RING_PATIENCE, push(&mut connection, &batch)).await {
                    Ok(Ok(())) => {
                        silent_since = None;
                        metrics::counter!("doorbell_rings_total").increment(u64::try_from(batch.len()).unwrap_or(u64::MAX));
                    }
                    Ok(Err(error)) if is_refusal(&error) => tracing::warn!(%error, "redis takes no rings"),
                    Ok(Err(_)) => break,
                    Err(_) if silent_since.get_or_insert_with(Instant::now).elapsed() > RESPONSE_TIMEOUT => break,
                    Err(_) => {}
                }
                batch.clear();
            }
            batch.clear();
        }
        sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
        pause = (pause * 2).min(Duration::from_secs(2));
        while rings.try_recv().is_ok() {
            metrics::counter!("doorbell_rings_dropped_total").increment(1);
        }
    }
}

/// Whether Redis answered, but will not do it: out of memory, read-only, not allowed. Connecting again would not help.
fn is_refusal(error: &redis::RedisError) -> bool {
    !error.is_io_error() && !error.is_unrecoverable_error()
}

async fn push(connection: &mut MultiplexedConnection, batch: &[Ring]) -> RedisResult<()> {
    let script = Script::new(RING);
    for queue in Queue::ALL {
        let mut call = script.key(key(queue));
        call.arg(MAX_WAITING_RINGS);
        let mut any = false;
        for ring in batch.iter().filter(|ring| ring.queue == queue) {
            call.arg(ring.job.to_string());
            any = true;
        }
        if any {
            let _room: i64 = call.invoke_async(connection).await?;
        }
    }
    Ok(())
}

/// A connection of its own: looks for rings block, and a stalled one must not hold up others.
async fn connect(client: &Client, response_timeout: Duration) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(response_timeout)).set_connection_timeout(Some(RESPONSE_TIMEOUT));
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// Asks Redis for an answer: whether the doorbell can work.
pub async fn ping(url: &SecretString) -> Result<(), BoxError> {
    let client = Client::open(url.expose_secret())?;
    let mut connection = connect(&client, RESPONSE_TIMEOUT).await?;
    let _: String = redis::cmd("PING").query_async(&mut connection).await?;
    Ok(())
}

/// Calls `on_ring` for every ring that this process gets, until `stop`. Ends for no other reason; only an address that cannot be
/// used is an error.
pub async fn listen<F, R>(url: &SecretString, stop: CancellationToken, on_ring: F) -> Result<(), BoxError>
where
    F: Fn(Ring) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let client = Client::open(url.expose_secret())?;
    // A name is never used twice, so that no worker waits for the traces of its forerunner to fade.
    let process = format!("doorbell-{}-{:016x}", std::process::id(), rand::random::<u64>());
    while !stop.is_cancelled() {
        let (client, process, pump_stop, on_ring) = (client.clone(), process.clone(), stop.clone(), on_ring.clone());
        let monitor = Monitor::new()
            .register(move |start| {
                let on_ring = on_ring.clone();
                WorkerBuilder::new(format!("{process}-{start}"))
                    .backend(Rings::start(client.clone(), pump_stop.clone()))
                    .catch_panic()
                    .parallelize(tokio::spawn)
                    .build(move |ring: Ring| {
                        let heard = on_ring(ring);
                        async move {
                            heard.await;
                            Ok::<(), BoxError>(())
                        }
                    })
            })
            .should_restart(|_, error| {
                tracing::error!(%error, "the doorbell's worker ended; it starts again");
                true
            })
            .with_terminator(sleep(Duration::from_secs(1)));
        let stopped = stop.clone();
        let ended = monitor.run_with_signal(async move {
            stopped.cancelled().await;
            Ok(())
        });
        if let Err(error) = ended.await {
            tracing::error!(%error, "the doorbell ended; it starts again");
        }
        stop.run_until_cancelled(sleep(Duration::from_millis(200))).await;
    }
    Ok(())
}

/// The apalis backend: rings out of a channel that a pump task fills.
struct Rings {
    rings: mpsc::Receiver<Task<Ring>>,
    settings: (),
}

impl Rings {
    fn start(client: Client, stop: CancellationToken) -> Self {
        let (sender, rings) = mpsc::channel(BATCH);
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = sender.closed() => {}
                () = pump_for_ever(&client, &sender) => {}
            }
        });
        Self { rings, settings: () }
    }
}

impl Backend for Rings {
    type Task = Task<Ring>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Option<Result<Self::Task, Infallible>>> {
        self.rings.poll_recv(cx).map(|task| task.map(Ok))
    }

    fn poll_close(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        self.rings.close();
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for Rings {
    type Args = Ring;
    type Id = String;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = tower::layer::util::Identity;

    fn config(&self) -> &() {
        &self.settings
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Self::Layer {
        Self::Layer::new()
    }
}

async fn pump_for_ever(client: &Client, sender: &mpsc::Sender<Task<Ring>>) {
    let mut pause = Duration::from_millis(50);
    let mut away = false;
    loop {
        let begun = Instant::now();
        let Err(error) = pump(client, sender, &mut away).await;
        if !away {
            tracing::warn!(%error, "redis does not answer; jobs are found by polling until it does");
            away = true;
        }
        if begun.elapsed() > BLOCK {
            pause = Duration::from_millis(50);
        }
        sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Hands rings over until Redis fails.
async fn pump(client: &Client, sender: &mpsc::Sender<Task<Ring>>, away: &mut bool) -> RedisResult<Infallible> {
    let mut connection = connect(client, BLOCK + RESPONSE_TIMEOUT).await?;
    let keys: Arc<[String]> = Queue::ALL.into_iter().map(key).collect();
    loop {
        let first: Option<(String, String)> = redis::cmd("BLPOP").arg(&keys[..]).arg(BLOCK.as_secs()).query_async(&mut connection).await?;
        if std::mem::take(away) {
            tracing::info!("redis answers again");
        }
        let Some((key, first)) = first else { continue };
        let more: Option<Vec<String>> = redis::cmd("LPOP").arg(&key).arg(BATCH - 1).query_async(&mut connection).await?;
        let queue = Queue::ALL.into_iter().zip(&*keys).find_map(|(queue, name)| (*name == key).then_some(queue));
        for id in std::iter::once(first).chain(more.unwrap_or_default()) {
            let (Some(queue), Ok(job)) = (queue, id.parse()) else {
                tracing::warn!("a ring that is no job id");
                continue;
            };
            if sender.send(TaskBuilder::new(Ring { queue, job }).build()).await.is_err() {
                return Err((redis::ErrorKind::Client, "the worker ended").into());
            }
        }
    }
}
