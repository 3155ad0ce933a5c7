//! A stand-in for the provider that does as little as possible: it answers at once, and counts whom it was asked to message.
//!
//! The simulator keeps a ledger and sends webhooks; here that would be measured too.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::wait::{self, Look};
use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::{
    net::{TcpListener, TcpSocket},
    process::{Child, Command},
};

/// Recipients are told apart by the last seven digits of their number.
const RECIPIENTS: usize = 10_000_000;
/// Threads that answer, each with a listener of its own on the same port.
const THREADS: usize = 2;
/// How long it may take to answer.
const START: Duration = Duration::from_secs(5);

/// What the stand-in saw.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Counted {
    /// Messages asked for.
    pub requests: u64,
    /// Recipients of at least one.
    pub distinct: u64,
    /// Messages to somebody who had one already.
    pub duplicates: u64,
}

/// The stand-in as a process of its own, so that its CPU time can be told from that of what is measured. Ends when dropped.
#[derive(Debug)]
pub struct Stand {
    port: u16,
    child: Child,
    http: reqwest::Client,
}

impl Stand {
    /// Starts it on a free port.
    pub async fn start() -> anyhow::Result<Self> {
        let port = super::setup::free_port()?;
        let child = Command::new(std::env::current_exe()?)
            .args(["provider", "--port", &port.to_string()])
            .kill_on_drop(true)
            .spawn()
            .context("the stand-in of the provider does not start")?;
        let stand = Self { port, child, http: reqwest::Client::new() };
        wait::until(START, async || Ok(Look::at(stand.count().await))).await.context("the stand-in of the provider does not answer")?;
        Ok(stand)
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// What it saw since the last reset.
    pub async fn count(&self) -> anyhow::Result<Counted> {
        Ok(self.http.get(format!("http://{}/count", self.address())).send().await?.error_for_status()?.json().await?)
    }

    /// Forgets everything.
    pub async fn reset(&self) -> anyhow::Result<()> {
        self.http.post(format!("http://{}/reset", self.address())).send().await?.error_for_status()?;
        Ok(())
    }
}

#[derive(Debug)]
struct Seen {
    requests: AtomicU64,
    distinct: AtomicU64,
    duplicates: AtomicU64,
    recipients: Vec<AtomicBool>,
}

/// Serves until the process ends.
pub fn serve(port: u16) -> anyhow::Result<()> {
    let seen = Arc::new(Seen {
        requests: AtomicU64::new(0),
        distinct: AtomicU64::new(0),
        duplicates: AtomicU64::new(0),
        recipients: (0..RECIPIENTS).map(|_| AtomicBool::new(false)).collect(),
    });
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                tokio::task::LocalSet::new().block_on(&runtime, accept(seen, port))
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| anyhow::anyhow!("a thread of the stand-in panicked"))??;
    }
    Ok(())
}

async fn accept(seen: Arc<Seen>, port: u16) -> anyhow::Result<()> {
    let listener = listen(port)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let _ = stream.set_nodelay(true);
        let seen = Arc::clone(&seen);
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| answer(&seen, request));
            // An error is a client that went away.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn listen(port: u16) -> anyhow::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    #[cfg(all(unix, not(target_os = "solaris"), not(target_os = "illumos"), not(target_os = "cygwin")))]
    socket.set_reuseport(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    Ok(socket.listen(1024)?)
}

async fn answer(seen: &Seen, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path();
    if request.method() == Method::GET && path == "/count" {
        let counted = Counted {
            requests: seen.requests.load(Ordering::Relaxed),
            distinct: seen.distinct.load(Ordering::Relaxed),
            duplicates: seen.duplicates.load(Ordering::Relaxed),
        };
        return Ok(json(200, serde_json::to_string(&counted).unwrap_or_default()));
    }
    if path == "/reset" {
        for counter in [&seen.requests, &seen.distinct, &seen.duplicates] {
            counter.store(0, Ordering::Relaxed);
        }
        for recipient in &seen.recipients {
            recipient.store(false, Ordering::Relaxed);
        }
        return Ok(json(200, "{}".into()));
    }
    if request.method() != Method::POST || !path.ends_with("/messages") {
        return Ok(json(
            404,
            r#"{"error":{"message":"Unsupported request","type":"GraphMethodException","code":100,"fbtrace_id":"A0"}}"#.into(),
        ));
    }
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let n = seen.requests.fetch_add(1, Ordering::Relaxed) + 1;
    let Some(to) = recipient(&body) else {
        return Ok(json(
            400,
            r#"{"error":{"message":"(#100) The parameter to is required.","type":"OAuthException","code":100,"fbtrace_id":"A0"}}"#.into(),
        ));
    };
    let first = to.len().saturating_sub(7);
    let place = to.as_bytes()[first..].iter().fold(0_usize, |place, digit| (place * 10 + usize::from(digit & 15)) % RECIPIENTS);
    let again = seen.recipients[place].swap(true, Ordering::Relaxed);
    if again { &seen.duplicates } else { &seen.distinct }.fetch_add(1, Ordering::Relaxed);
    Ok(json(
        200,
        format!(
            r#"{{"messaging_product":"whatsapp","contacts":[{{"input":"{to}","wa_id":"{to}"}}],"messages":[{{"id":"wamid.HBgM{to}VAgARGBI{n:018X}AA==","message_status":"accepted"}}]}}"#
        ),
    ))
}

/// The digits of the first member `"to"`.
fn recipient(body: &[u8]) -> Option<&str> {
    let name = body.windows(4).position(|window| window == b"\"to\"")? + 4;
    let begin = name + body[name..].iter().position(|byte| *byte == b'"')? + 1;
    let end = begin + body[begin..].iter().position(|byte| *byte == b'"')?;
    str::from_utf8(&body[begin..end]).ok().map(|to| to.trim_start_matches('+'))
}

fn json(status: u16, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static("application/json; charset=UTF-8"));
    response
}
