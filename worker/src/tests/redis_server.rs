//! A Redis that belongs to one test, so that it can be hurt.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use redis::{Client, aio::MultiplexedConnection};
use secrecy::SecretString;
use tokio::time::{Instant, sleep};

pub(super) struct RedisServer {
    port: u16,
    process: Option<Child>,
}

impl RedisServer {
    /// A free port with nobody on it.
    pub(super) fn absent() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port();
        Self { port, process: None }
    }

    pub(super) async fn start() -> Self {
        let mut server = Self::absent();
        server.start_again().await;
        server
    }

    /// Starts it, empty, and waits until it answers.
    pub(super) async fn start_again(&mut self) {
        let process = Command::new(program())
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        self.process = Some(process);
        let begun = Instant::now();
        while queue::doorbell::ping(&self.url()).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "redis does not start");
            sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("is killed");
            process.wait().expect("has ended");
        }
    }

    pub(super) fn url(&self) -> SecretString {
        format!("redis://127.0.0.1:{}", self.port).into()
    }

    pub(super) async fn connection(&self) -> MultiplexedConnection {
        let client = Client::open(format!("redis://127.0.0.1:{}", self.port)).expect("an address");
        client.get_multiplexed_async_connection().await.expect("redis answers")
    }

    pub(super) async fn command(&self, words: &[&str]) {
        let mut connection = self.connection().await;
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        let _: redis::Value = command.query_async(&mut connection).await.expect("redis obeys");
    }
}

/// The server's program: some systems have it under another name only.
fn program() -> String {
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration file")]
    std::env::var("HELIOGRAPH_TEST_REDIS_SERVER").unwrap_or_else(|_| "redis-server".into())
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
