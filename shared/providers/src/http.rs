//! HTTP clients as this system wants them: HTTP/1.1, no redirects, no retries behind our back, no proxy from the environment, TLS by ring.

use std::time::Duration;

/// How a client behaves.
#[derive(Clone, Copy, Debug)]
pub struct HttpOptions {
    /// Limit for name resolution, TCP and TLS together.
    pub connect_timeout: Duration,
    /// Limit for the whole exchange, from the first step of connecting to the last byte of the answer.
    pub request_timeout: Duration,
    /// Idle connections kept per host. At least the number of requests in flight, otherwise connections are made anew all the time.
    pub max_idle: usize,
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot build the HTTP client (are the system's root certificates installed?)")]
pub struct HttpClientError(#[from] reqwest::Error);

/// Makes ring the process's crypto library. Idempotent: the first provider installed stays.
pub fn install_crypto_provider() {
    // The error only says that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Builds a client. Installs the crypto provider when nobody has.
///
/// - HTTP/1.1 only: one HTTP/2 connection would cap a number at about 100 requests in flight.
/// - Redirects off: a 307 or 308 would post the same request a second time.
/// - `reqwest`'s own retries off (by default it repeats requests after HTTP/2 protocol refusals).
/// - No proxy from environment variables: only the settings decide where requests go.
pub fn client(options: HttpOptions) -> Result<reqwest::Client, HttpClientError> {
    let client = builder()
        .connect_timeout(options.connect_timeout)
        .timeout(options.request_timeout)
        .pool_max_idle_per_host(options.max_idle)
        .build()?;
    Ok(client)
}

/// The same for exchanges of any length: only silence ends them, after `read_timeout`.
pub fn streaming_client(connect_timeout: Duration, read_timeout: Duration) -> Result<reqwest::Client, HttpClientError> {
    Ok(builder().connect_timeout(connect_timeout).read_timeout(read_timeout).build()?)
}

fn builder() -> reqwest::ClientBuilder {
    install_crypto_provider();
    reqwest::Client::builder()
        .user_agent(concat!("heliograph/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never().max_retries_per_request(0))
        .no_proxy()
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(30))
        // Shorter than what load balancers grant, so that we rarely meet a connection the other side is just closing.
        .pool_idle_timeout(Duration::from_secs(30))
}
