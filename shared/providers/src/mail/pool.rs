//! Connections to the mail server that are open and idle.

use std::time::Duration;

use lettre::transport::smtp::client::AsyncSmtpConnection;
use tokio::{sync::Mutex, time::Instant};

/// Idle connections that are kept.
const KEPT: usize = 4;
/// An idle connection is good for so long: less than what mail servers grant (RFC 5321 asks for five minutes).
const IDLE: Duration = Duration::from_secs(30);
/// How long a kept connection may take to say that it still works.
const ANSWER: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<(AsyncSmtpConnection, Instant)>>);

impl Pool {
    /// A connection that has just answered.
    pub(super) async fn take(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (mut connection, since) = self.0.lock().await.pop()?;
            let fresh = since.elapsed() < IDLE && !connection.has_broken();
            if fresh && tokio::time::timeout(ANSWER, connection.test_connected()).await == Ok(true) {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for the next mail.
    pub(super) async fn put(&self, connection: AsyncSmtpConnection) {
        let mut kept = self.0.lock().await;
        kept.retain(|(_, since)| since.elapsed() < IDLE);
        if kept.len() < KEPT {
            kept.push((connection, Instant::now()));
        }
    }
}
