//! Metrics of the process, for Prometheus to fetch from a port of their own.

use std::{net::SocketAddr, sync::OnceLock, time::Duration};

use axum::{Router, http::header, routing::get};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::config::MetricsConfig;

/// Bounds of durations, in seconds: names of such metrics end with `_seconds`.
const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// The metrics listener cannot start.
#[derive(Debug, thiserror::Error)]
pub enum PrometheusError {
    /// Another recorder was installed before, or a bound is wrong.
    #[error("cannot install the metrics recorder")]
    Recorder(#[from] BuildError),
    /// The address is taken or not of this machine.
    #[error("cannot listen on `metrics.host` and `metrics.port`, {address}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Collects what the `metrics` macros record and answers `GET /metrics` until `stopping`. Returns the address it listens on.
pub async fn serve(config: &MetricsConfig, stopping: CancellationToken) -> Result<SocketAddr, PrometheusError> {
    let recorder = recorder()?;
    let address = SocketAddr::new(config.host, config.port);
    let listen = |source| PrometheusError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let bound = listener.local_addr().map_err(listen)?;
    let page = recorder.clone();
    let routes = Router::new()
        .route("/metrics", get(async move || ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page.render())));
    let served = stopping.clone();
    tokio::spawn(async move { axum::serve(listener, routes).with_graceful_shutdown(served.cancelled_owned()).await });
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(Duration::from_secs(5));
        while stopping.run_until_cancelled(interval.tick()).await.is_some() {
            recorder.run_upkeep();
        }
    });
    info!(address = %bound, "metrics on http://{bound}/metrics");
    Ok(bound)
}

fn recorder() -> Result<PrometheusHandle, BuildError> {
    if let Some(recorder) = RECORDER.get() {
        return Ok(recorder.clone());
    }
    let recorder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?.install_recorder()?;
    Ok(RECORDER.get_or_init(|| recorder).clone())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn recorded_values_can_be_fetched_from_a_free_port() {
        let address = serve(&MetricsConfig::default(), CancellationToken::new()).await.expect("listens");
        metrics::counter!("messages_sent_total").increment(3);
        metrics::histogram!("send_duration_seconds").record(0.2);

        let mut stream = tokio::net::TcpStream::connect(address).await.expect("connects");
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await.expect("asks");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answers");

        assert!(answer.contains("messages_sent_total 3"), "{answer}");
        assert!(answer.contains("send_duration_seconds_bucket{le=\"0.25\"} 1"), "{answer}");
    }
}
