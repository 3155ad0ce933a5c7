//! Logs to standard output, traces to a collector.
//!
//! Every span has a trace context, whether or not it is exported, so that a job can carry the context of the request that
//! enqueued it. Log lines name ids, never phone numbers, message texts or tokens: that is up to the callers.

use std::{fmt, io::IsTerminal, sync::Arc, time::Duration};

use opentelemetry::{
    KeyValue,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider},
};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{Sampler, SdkTracerProvider, SpanData},
};
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, TelemetryConfig};

/// Logs and traces cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The directives cannot be read.
    #[error("`telemetry.filter` cannot be read")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The collector's address cannot be used.
    #[error("`telemetry.otlp_url` cannot be used")]
    Export(#[from] ExporterBuildError),
    /// Logs were set up before.
    #[error("logs are set up already")]
    Again(#[from] tracing_subscriber::util::TryInitError),
}

/// Keeps traces flowing; [`Telemetry::shut_down`] sends the last ones.
#[derive(Debug)]
pub struct Telemetry {
    tracer: SdkTracerProvider,
}

impl Telemetry {
    /// Sets up logs and traces of the process, which is called `service` in both. Needs a running Tokio runtime.
    pub fn start(config: &TelemetryConfig, service: &'static str) -> Result<Self, TelemetryError> {
        let filter = EnvFilter::try_new(&config.filter)?;
        let tracer = tracer(config, service)?;
        let lines = match config.format {
            LogFormat::Json => tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false).boxed(),
            LogFormat::Pretty => tracing_subscriber::fmt::layer().with_ansi(std::io::stdout().is_terminal()).boxed(),
        };
        tracing_subscriber::registry()
            .with(filter)
            .with(lines)
            .with(tracing_opentelemetry::layer().with_tracer(tracer.tracer(service)))
            .try_init()?;
        Ok(Self { tracer })
    }

    /// Sends what is left; call it last. Waits at most five seconds.
    pub async fn shut_down(self) {
        let stopped = tokio::task::spawn_blocking(move || self.tracer.shutdown_with_timeout(Duration::from_secs(5))).await;
        if let Ok(Err(error)) = stopped {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

fn tracer(config: &TelemetryConfig, service: &'static str) -> Result<SdkTracerProvider, TelemetryError> {
    let resource = Resource::builder()
        .with_service_name(format!("heliograph-{service}"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let builder = SdkTracerProvider::builder().with_resource(resource);
    let Some(collector) = &config.otlp_url else {
        return Ok(builder.with_sampler(Sampler::AlwaysOff).build());
    };
    crate::tls::install();
    let endpoint = format!("{}/v1/traces", collector.trim_end_matches('/'));
    let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).with_timeout(Duration::from_secs(5)).build()?;
    Ok(builder.with_batch_exporter(OnRuntime { exporter: Arc::new(exporter), runtime: Handle::current() }).build())
}

/// Runs an exporter on the Tokio runtime: batches are collected on a thread that has none, and the HTTP client needs one.
struct OnRuntime {
    exporter: Arc<SpanExporter>,
    runtime: Handle,
}

impl fmt::Debug for OnRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnRuntime")
    }
}

impl opentelemetry_sdk::trace::SpanExporter for OnRuntime {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exporter = Arc::clone(&self.exporter);
        let sent = self.runtime.spawn(async move { exporter.export(batch).await }).await;
        sent.unwrap_or_else(|stopped| Err(OTelSdkError::InternalFailure(stopped.to_string())))
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(exporter) = Arc::get_mut(&mut self.exporter) {
            exporter.set_resource(resource);
        }
    }
}

/// The trace context of the current span in W3C form, to be stored with a job. None outside a span.
pub fn current_traceparent() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags()))
}

/// Links the current span to the one that `traceparent` names, as a job's span is to the request that enqueued it. A text of
/// another form is ignored: traces are help, not truth.
pub fn link_to(traceparent: &str) {
    if let Some(context) = parse(traceparent) {
        Span::current().add_link(context);
    }
}

/// # Source
/// W3C Trace Context, section 3.2: version, trace id, parent id and flags, in lower-case hex.
fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let lengths = (version.len(), trace.len(), span.len(), flags.len());
    if lengths != (2, 32, 16, 2) || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let trace = TraceId::from_hex(trace).ok()?;
    let span = SpanId::from_hex(span).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_span_has_a_context_that_can_be_read_back_even_when_nothing_is_exported() {
        let tracer = tracer(&TelemetryConfig::default(), "test").expect("no exporter");
        let subscriber = tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer.tracer("test")));
        let _default = tracing::subscriber::set_default(subscriber);

        assert_eq!(current_traceparent(), None);
        let span = tracing::info_span!("request");
        let _entered = span.enter();
        let traceparent = current_traceparent().expect("inside a span");
        let parsed = parse(&traceparent).expect("well formed");
        assert_eq!(parsed.trace_id(), span.context().span().span_context().trace_id());
        assert!(parsed.is_remote());
        link_to(&traceparent);
        link_to("nonsense");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn spans_reach_the_collector() {
        let (sender, mut received) = tokio::sync::mpsc::channel(1);
        let collect = move |body: axum::body::Bytes| async move {
            let _ = sender.send(body).await;
        };
        let collector = axum::Router::new().route("/v1/traces", axum::routing::post(collect));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move { axum::serve(listener, collector).await });
        let config = TelemetryConfig { otlp_url: Some(format!("http://{address}/")), ..TelemetryConfig::default() };
        let tracer = tracer(&config, "test").expect("an exporter");
        let subscriber = tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer.tracer("test")));

        tracing::subscriber::with_default(subscriber, || drop(tracing::info_span!("a request").entered()));
        Telemetry { tracer }.shut_down().await;

        let body = received.recv().await.expect("a batch");
        let contains = |text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(contains("a request") && contains("heliograph-test"));
    }

    #[test]
    fn malformed_trace_contexts_are_ignored() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(parse(good).is_some());
        for bad in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b71692033xx-01",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
