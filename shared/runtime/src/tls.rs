//! One TLS implementation for the whole process.

/// Makes ring the TLS backend of every library that uses rustls. Call it first in `main`, and in tests that open HTTPS clients;
/// a second call changes nothing.
pub fn install() {
    // The only error means that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
