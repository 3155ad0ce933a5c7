//! Takes due events, packs them into POSTs, and posts them over a bounded number of connections.

use std::{
    io::{self, Write},
    sync::{Arc, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use axum::http::{Request, Uri, header};
use bytes::Bytes;
use chrono::SecondsFormat;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Delivery, Event, Item, TICK, Webhooks};
use crate::simulator::provider::Provider;

/// Time the receiver has for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Wait before the second try; it doubles to [`LONGEST_GAP`]. The real provider starts as fast and goes on for seven days.
const FIRST_GAP: Duration = Duration::from_millis(200);
const LONGEST_GAP: Duration = Duration::from_secs(5);
/// A POST is given up when its first try is older.
const GIVE_UP_AFTER: Duration = Duration::from_mins(10);

/// Delivers until `stop`, over at most `connections` connections.
pub(crate) async fn run(provider: Arc<Provider>, connections: usize, stop: CancellationToken) {
    let (queue, deliveries) = async_channel::bounded(connections * 2);
    let posters = TaskTracker::new();
    for _ in 0..connections {
        let (provider, deliveries, stop) = (Arc::clone(&provider), deliveries.clone(), stop.clone());
        posters.spawn(async move {
            let mut connection = Connection::default();
            while let Some(Ok(delivery)) = stop.run_until_cancelled(deliveries.recv()).await {
                post(&provider.webhooks, &mut connection, delivery).await;
            }
        });
    }
    posters.close();
    while !stop.is_cancelled() {
        let batch = provider.faults().webhook.batch.max(1);
        let (events, retries) = take_due(&provider.webhooks);
        let idle = events.is_empty() && retries.is_empty();
        for retry in retries {
            let _ = stop.run_until_cancelled(queue.send(retry)).await;
        }
        let mut events = events.into_iter();
        loop {
            let mut packed: Vec<Event> = events.by_ref().take(batch).collect();
            if packed.is_empty() {
                break;
            }
            let _ = stop.run_until_cancelled(queue.send(provider.webhooks.pack(&mut packed))).await;
        }
        if idle {
            stop.run_until_cancelled(sleep_until_due(&provider.webhooks)).await;
        }
    }
    posters.wait().await;
}

fn take_due(webhooks: &Webhooks) -> (Vec<Event>, Vec<Delivery>) {
    let now = webhooks.tick_at(Instant::now());
    let mut wheel = webhooks.lock();
    let (mut events, mut retries) = (Vec::new(), Vec::new());
    while let Some(entry) = wheel.due.first_entry().filter(|entry| *entry.key() <= now) {
        for item in entry.remove() {
            match item {
                Item::Event(event) => events.push(event),
                Item::Retry(delivery) => retries.push(delivery),
            }
        }
    }
    (events, retries)
}

async fn sleep_until_due(webhooks: &Webhooks) {
    let until = {
        let mut wheel = webhooks.lock();
        let until = wheel.due.first_key_value().map_or(u64::MAX, |(tick, _)| *tick);
        wheel.sleeping_to = Some(until);
        until
    };
    // A tick is over when the next begins.
    let due = u32::try_from(until.saturating_add(1)).ok().map(|ticks| webhooks.start + TICK * ticks);
    match due {
        Some(due) => {
            tokio::select! {
                () = tokio::time::sleep_until(due.into()) => {}
                () = webhooks.wake.notified() => {}
            }
        }
        None => webhooks.wake.notified().await,
    }
    webhooks.lock().sleeping_to = None;
}

/// Posts over a connection of its own; what fails is tried again later.
pub(super) async fn deliver_now(webhooks: &Webhooks, delivery: Delivery) {
    let mut connection = Connection { timeout: Duration::from_secs(2), ..Connection::default() };
    post(webhooks, &mut connection, delivery).await;
}

async fn post(webhooks: &Webhooks, connection: &mut Connection, mut delivery: Delivery) {
    // No callback any more: what was planned for it is dropped.
    let Some(callback) = webhooks.callback() else { return webhooks.forget(&delivery) };
    delivery.tries += 1;
    let status = connection.post(&callback, &delivery).await;
    webhooks.note(&delivery, status.as_ref().ok().copied());
    if matches!(status, Ok(200)) {
        webhooks.counters.webhooks_delivered.add(1);
        webhooks.forget(&delivery);
        return;
    }
    webhooks.counters.webhooks_failed.add(1);
    if delivery.first_try.elapsed() > GIVE_UP_AFTER {
        webhooks.counters.webhooks_abandoned.add(1);
        webhooks.forget(&delivery);
        return;
    }
    let gap = FIRST_GAP.saturating_mul(1 << (delivery.tries - 1).min(16)).min(LONGEST_GAP);
    webhooks.insert(gap, Item::Retry(delivery));
}

impl Webhooks {
    /// Its events wait no longer.
    fn forget(&self, delivery: &Delivery) {
        self.pending.fetch_sub(delivery.events, Ordering::Relaxed);
    }

    /// Writes the try and its outcome to the log, if there is one.
    fn note(&self, delivery: &Delivery, status: Option<u16>) {
        let Some(log) = &self.log else { return };
        let time = self.clock.now().to_rfc3339_opts(SecondsFormat::Micros, true);
        let mut line =
            format!("{{\"time\":\"{time}\",\"try\":{},\"status\":{},\"body\":", delivery.tries, serde_json::json!(status)).into_bytes();
        line.extend_from_slice(&delivery.body);
        line.extend_from_slice(b"}\n");
        if let Err(error) = log.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line) {
            tracing::error!(%error, "cannot write the webhook log");
        }
    }
}

/// One connection to the receiver, opened when needed.
#[derive(Debug)]
struct Connection {
    open: Option<(Uri, SendRequest<Full<Bytes>>)>,
    timeout: Duration,
}

impl Default for Connection {
    fn default() -> Self {
        Self { open: None, timeout: TIMEOUT }
    }
}

impl Connection {
    /// Posts and returns the status of the answer.
    async fn post(&mut self, callback: &Uri, delivery: &Delivery) -> io::Result<u16> {
        let timeout = self.timeout;
        let outcome = tokio::time::timeout(timeout, self.exchange(callback, delivery)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        if outcome.is_err() {
            self.open = None;
        }
        outcome
    }

    async fn exchange(&mut self, callback: &Uri, delivery: &Delivery) -> io::Result<u16> {
        let sender = self.sender(callback).await?;
        let authority = callback.authority().ok_or(io::ErrorKind::InvalidInput)?;
        let request = Request::post(callback.path_and_query().map_or("/", |path| path.as_str()))
            .header(header::HOST, authority.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "facebookexternalua")
            .header("x-hub-signature-256", &delivery.signature)
            .body(Full::new(delivery.body.clone()))
            .map_err(io::Error::other)?;
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        let status = response.status().as_u16();
        let mut body = response.into_body();
        // Read to the end, so that the connection can be used again.
        while let Some(frame) = body.frame().await {
            frame.map_err(io::Error::other)?;
        }
        Ok(status)
    }

    async fn sender(&mut self, callback: &Uri) -> io::Result<&mut SendRequest<Full<Bytes>>> {
        // A connection that the receiver closed, or that leads elsewhere, is replaced.
        let usable = match &mut self.open {
            Some((to, sender)) if to == callback => sender.ready().await.is_ok(),
            _ => false,
        };
        if !usable {
            let host = callback.host().ok_or(io::ErrorKind::InvalidInput)?.trim_matches(['[', ']']);
            let stream = TcpStream::connect((host, callback.port_u16().unwrap_or(80))).await?;
            stream.set_nodelay(true)?;
            let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
            tokio::spawn(driver);
            self.open = Some((callback.clone(), sender));
        }
        self.open.as_mut().map(|(_, sender)| sender).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}
