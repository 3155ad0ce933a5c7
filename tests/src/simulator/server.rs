//! The port: accepts connections and hands sends to their fast path, everything else to the routes.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Method, Request, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use super::{
    control, graph,
    provider::Provider,
    send::{self, Cut},
};

/// Serves until `stop`; while the port is to be refused, it is closed.
pub(crate) async fn serve(provider: Arc<Provider>, listener: TcpListener, address: SocketAddr, stop: CancellationToken) {
    let router = graph::router().merge(control::router()).with_state(Arc::clone(&provider));
    let mut listener = listener;
    loop {
        let connections = TaskTracker::new();
        let close = stop.child_token();
        let refused = accept(&provider, &router, &listener, &connections, &close).await;
        close.cancel();
        connections.close();
        // Answers under way get a moment; what takes longer is dropped with its connection.
        let _ = tokio::time::timeout(Duration::from_secs(1), connections.wait()).await;
        if !refused {
            return;
        }
        drop(listener);
        if stop.run_until_cancelled(tokio::time::sleep(provider.take_refusal())).await.is_none() {
            return;
        }
        listener = match rebind(address, &stop).await {
            Some(listener) => listener,
            None => return,
        };
    }
}

/// Accepts until the port is to be refused (true) or `close` is cancelled (false).
async fn accept(
    provider: &Arc<Provider>,
    router: &Router,
    listener: &TcpListener,
    connections: &TaskTracker,
    close: &CancellationToken,
) -> bool {
    loop {
        tokio::select! {
            () = close.cancelled() => return false,
            () = provider.refuse.notified() => return true,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(Arc::clone(provider), router.clone(), stream, close.clone()));
                }
                Err(error) => {
                    // Out of file descriptors, mostly: some will be free again.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
}

async fn connection(provider: Arc<Provider>, router: Router, stream: TcpStream, close: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(&provider, &router, request));
    let connection = http1::Builder::new().writev(false).serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // An error is a client that went away, or a cut that a fault wanted.
    tokio::select! {
        _ = &mut connection => return,
        () = close.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(provider: &Arc<Provider>, router: &Router, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    if request.method() == Method::POST
        && let Some(phone_number_id) = sending_number(request.uri().path())
    {
        let phone_number_id = phone_number_id.to_owned();
        return send::messages(provider, &phone_number_id, request).await;
    }
    if !request.uri().path().starts_with("/_simulator") && provider.faults().outage {
        provider.counters.refused_by_outage.add(1);
        return Err(Cut);
    }
    match router.clone().oneshot(request.map(Body::new)).await {
        Ok(response) => response.extensions().get::<Cut>().map_or(Ok(()), |cut| Err(*cut)).map(|()| response),
        Err(impossible) => match impossible {},
    }
}

/// The number in `/v25.0/<number>/messages`, whatever the version.
fn sending_number(path: &str) -> Option<&str> {
    let (version, rest) = path.strip_prefix("/v")?.split_once('/')?;
    let (number, call) = rest.split_once('/')?;
    let is_version = version.split_once('.').is_some_and(|(major, minor)| is_digits(major) && is_digits(minor));
    (is_version && matches!(call, "messages" | "marketing_messages") && !number.is_empty()).then_some(number)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Takes the same port again, trying until it is free.
async fn rebind(address: SocketAddr, stop: &CancellationToken) -> Option<TcpListener> {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Some(listener),
            Err(error) => tracing::warn!(%error, "cannot take the port back"),
        }
        stop.run_until_cancelled(tokio::time::sleep(Duration::from_millis(100))).await?;
    }
}
