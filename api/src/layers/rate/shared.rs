//! Counting in Redis, for all processes together. Redis may be slow or gone at any moment: then nobody waits for it, and nothing fails.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use redis::{AsyncConnectionConfig, Client, RedisResult, Script, aio::MultiplexedConnection};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::policy::{Policy, Verdict};

/// Longest wait for Redis in a request.
const PATIENCE: Duration = Duration::from_millis(50);
/// After a failure Redis is left alone for so long, then tried in the background.
const PAUSE: Duration = Duration::from_secs(2);
/// Longest wait for a connection and for its first answer, in the background.
const CONNECTING: Duration = Duration::from_secs(1);

/// What all processes have counted together.
pub(super) struct Shared {
    script: Script,
    connection: Mutex<Connection>,
    lost: Arc<Notify>,
}

#[derive(Default)]
struct Connection {
    open: Option<MultiplexedConnection>,
    /// Tells connections apart: only the one that failed is closed.
    number: u64,
}

impl Shared {
    /// Begins to connect, with a task that lives as long as the value. Needs a running Tokio runtime.
    pub(super) fn start(url: &SecretString) -> RedisResult<Arc<Self>> {
        let client = Client::open(url.expose_secret())?;
        let lost = Arc::new(Notify::new());
        let shared =
            Arc::new(Self { script: Script::new(include_str!("count.lua")), connection: Mutex::default(), lost: Arc::clone(&lost) });
        tokio::spawn(stay_connected(client, Arc::downgrade(&shared), lost));
        Ok(shared)
    }

    /// Counts one; `None` when Redis cannot be asked now.
    pub(super) async fn count(&self, policy: Policy, who: &str) -> Option<Verdict> {
        let (mut connection, number) = self.open()?;
        let mut call = self.script.key(format!("heliograph:limits:{}:{who}", policy.name));
        call.arg(policy.quota).arg(u64::try_from(policy.window.as_micros()).unwrap_or(u64::MAX));
        match timeout(PATIENCE, call.invoke_async::<(bool, u32, u64)>(&mut connection)).await {
            Ok(Ok((fits, remaining, wait))) => Some(Verdict { policy, fits, remaining, wait: Duration::from_micros(wait) }),
            Ok(Err(error)) => {
                self.close(number, &error.to_string());
                None
            }
            Err(_) => {
                self.close(number, "it does not answer in time");
                None
            }
        }
    }

    /// Whether Redis is asked at this moment.
    pub(super) fn is_open(&self) -> bool {
        self.open().is_some()
    }

    fn open(&self) -> Option<(MultiplexedConnection, u64)> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        Some((connection.open.clone()?, connection.number))
    }

    fn close(&self, number: u64, reason: &str) {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if connection.number == number && connection.open.take().is_some() {
            tracing::warn!(reason, "redis does not count requests; this process counts for itself: {reason}");
            metrics::gauge!("rate_limits_shared").set(0.0);
            self.lost.notify_one();
        }
    }

    fn replace(&self, open: MultiplexedConnection) {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection.open = Some(open);
        connection.number += 1;
        metrics::gauge!("rate_limits_shared").set(1.0);
        tracing::info!("redis counts requests for all processes");
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.lost.notify_one();
    }
}

async fn stay_connected(client: Client, shared: Weak<Shared>, lost: Arc<Notify>) {
    while shared.strong_count() > 0 {
        if let Ok(Ok(connection)) = timeout(CONNECTING, connect(&client)).await {
            let Some(shared) = shared.upgrade() else { return };
            shared.replace(connection);
            drop(shared);
            lost.notified().await;
        }
        sleep(PAUSE).await;
    }
}

/// A connection that has answered: a frozen server accepts connections too.
async fn connect(client: &Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(CONNECTING)).set_connection_timeout(Some(CONNECTING));
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    let _: String = redis::cmd("PING").query_async(&mut connection).await?;
    Ok(connection)
}
