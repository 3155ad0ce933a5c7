//! A stand-in for the WhatsApp Cloud API: same paths, answers, limits, errors and webhooks, plus a ledger of what was really sent and
//! switches for everything that can go wrong.
//!
//! Without faults it is friendly: numbers, business accounts and tokens are made on first use, every valid send is accepted, `sent` and
//! `delivered` follow within a second, valid templates are approved. What is switched by [`Faults`] is described there and at
//! `GET /_simulator/faults`.
//!
//! # What outlives a restart
//! The ledger (also a kill), templates with what happens to them by itself, uploads, and which number belongs to which account. Pending
//! webhooks, faults, limits and the tokens seen are in memory only.

pub mod check;
mod control;
mod error;
mod faults;
mod graph;
mod inbound;
mod judge;
pub mod ledger;
mod numbers;
mod provider;
mod request;
mod send;
mod server;
mod stats;
mod templates;
#[cfg(test)]
mod tests;
mod uploads;
mod webhooks;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::http::Uri;
use kernel::{SharedClock, SystemClock};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::{
    faults::{Faults, FaultsError, TemplateFaults, WebhookFaults},
    inbound::{Inbound, InboundError},
    judge::send_verdict,
    ledger::LedgerEntry,
    stats::Stats,
    templates::{Review, TemplateCalls, TemplateEntry, verdict},
    webhooks::sign,
};
use self::{provider::Provider, webhooks::Webhooks};

/// How a simulator starts.
#[derive(Clone, Debug)]
pub struct SimulatorOptions {
    /// Address to listen on. Default loopback, a free port.
    pub address: SocketAddr,
    /// File of the ledger; made when absent, continued when present. Default: a temporary one, gone with the simulator.
    pub ledger: Option<PathBuf>,
    /// Where webhooks go, `http://…`. Default: nowhere, until [`Simulator::set_callback_url`].
    pub callback_url: Option<String>,
    /// Signs webhooks. Default `app-secret`.
    pub app_secret: String,
    /// Faults from the start on. Default none.
    pub faults: Faults,
    /// Times of the ledger, of statuses, and of all that happens to templates. Pacing and limits of sending go by the machine's own clock.
    /// Default the system's.
    pub clock: SharedClock,
    /// Most webhooks under way at once. Default 32.
    pub webhook_connections: usize,
    /// Whether each try of a webhook gets a line in the file `<ledger>.webhooks`: time, status, body. Default false.
    pub webhook_log: bool,
}

impl Default for SimulatorOptions {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            ledger: None,
            callback_url: None,
            app_secret: "app-secret".to_owned(),
            faults: Faults::default(),
            clock: Arc::new(SystemClock),
            webhook_connections: 32,
            webhook_log: false,
        }
    }
}

/// A running simulator. Dropping it stops it at once; [`Simulator::stop`] lets answers under way end.
#[derive(Debug)]
pub struct Simulator {
    provider: Arc<Provider>,
    address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
    _temporary: Option<tempfile::TempDir>,
}

impl Simulator {
    /// Starts a simulator in the present runtime; for tests. Panics when port or ledger cannot be opened.
    pub async fn start(options: SimulatorOptions) -> Self {
        Self::try_start(options).await.expect("the simulator cannot start")
    }

    /// Starts a simulator in the present runtime.
    pub async fn try_start(options: SimulatorOptions) -> io::Result<Self> {
        let callback = options.callback_url.as_deref().map(callback_uri).transpose()?;
        let temporary = if options.ledger.is_none() { Some(tempfile::tempdir()?) } else { None };
        let ledger = match (&options.ledger, &temporary) {
            (Some(path), _) => path.clone(),
            (None, Some(directory)) => directory.path().join("ledger.jsonl"),
            (None, None) => unreachable!("made just above"),
        };
        let log = options.webhook_log.then(|| {
            let mut log = ledger.clone().into_os_string();
            log.push(".webhooks");
            PathBuf::from(log)
        });
        let stop = CancellationToken::new();
        let (secret, clock) = (options.app_secret.into_bytes(), Arc::clone(&options.clock));
        let webhooks = |counters| Webhooks::new(callback, secret, counters, clock, log.as_deref());
        let provider = Provider::open(&ledger, webhooks, options.clock, options.faults)?;
        let listener = TcpListener::bind(options.address).await?;
        let address = listener.local_addr()?;
        let tasks = TaskTracker::new();
        tasks.spawn(server::serve(Arc::clone(&provider), listener, address, stop.clone()));
        tasks.spawn(webhooks::run(Arc::clone(&provider), options.webhook_connections.max(1), stop.clone()));
        tasks.spawn(templates::run(Arc::clone(&provider), stop.clone()));
        tasks.close();
        Ok(Self { provider, address, stop, tasks, _temporary: temporary })
    }

    /// Base address, to be used as the Graph URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends webhooks to this address from now on; `None` stops them. Panics when it is not an `http://` address.
    pub fn set_callback_url(&self, url: Option<&str>) {
        self.provider.webhooks.set_callback(url.map(|url| callback_uri(url).expect("an http:// address")));
    }

    /// File of the ledger.
    pub fn ledger_path(&self) -> &Path {
        self.provider.ledger.path()
    }

    /// Every executed send, oldest first. Panics when the file cannot be read.
    pub fn messages(&self) -> Vec<LedgerEntry> {
        ledger::read(self.ledger_path()).expect("the ledger cannot be read")
    }

    /// The counters now.
    pub fn stats(&self) -> Stats {
        self.provider.stats()
    }

    /// The faults in force.
    pub fn faults(&self) -> Faults {
        Faults::clone(&self.provider.faults())
    }

    /// Replaces the faults: `simulator.set_faults(Faults { outage: true, ..Faults::default() })`.
    pub fn set_faults(&self, faults: Faults) {
        self.provider.replace_faults(faults);
    }

    /// Lays settings over the faults in force, as `POST /_simulator/faults` does.
    pub fn merge_faults(&self, patch: Value) -> Result<Faults, FaultsError> {
        self.provider.merge_faults(patch).map(|faults| Faults::clone(&faults))
    }

    /// Makes a customer write; the id of the message is returned.
    pub fn write_inbound(&self, inbound: &Inbound) -> Result<String, InboundError> {
        inbound::write(&self.provider, inbound)
    }

    /// Decides about the templates of this provider id or name; how many there are is returned.
    pub fn review(&self, id_or_name: &str, review: &Review) -> usize {
        let wanted = |template: &templates::Template| template.id.to_string() == id_or_name || template.definition.name == id_or_name;
        let templates = self.provider.templates.live();
        templates.iter().filter(|template| wanted(template)).filter_map(|template| self.provider.review(template.id, review)).count()
    }

    /// Every template ever created, deleted ones included.
    pub fn templates(&self) -> Vec<TemplateEntry> {
        self.provider.templates.all().iter().map(templates::Template::entry).collect()
    }

    /// How many calls about templates were executed.
    pub fn template_calls(&self) -> TemplateCalls {
        self.provider.management.calls().clone()
    }

    /// Closes the port, lets answers under way end (a second at most), and forgets pending webhooks.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn callback_uri(url: &str) -> io::Result<Uri> {
    let uri: Uri = url.parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    if uri.scheme_str() == Some("http") && uri.authority().is_some() {
        return Ok(uri);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{url}` is not an http:// address")))
}
