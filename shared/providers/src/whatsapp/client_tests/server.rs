//! A server of plain sockets that does exactly what a test wants, and remembers every request it read completely.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What the server does after it has read a request.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Writes this and waits for the next request.
    Write(String),
    /// Writes this and closes.
    WriteAndClose(String),
    /// Writes this and then nothing any more.
    Hang(String),
    /// Closes without a word.
    Close,
    /// Resets the connection.
    Reset,
    /// Answers with this body, promising to stay, and closes.
    AnswerAndClose(String),
    /// The same, a moment later.
    AnswerAndCloseSoon(String),
    /// Answers, promising to stay, and resets the connection.
    AnswerAndReset(String),
    /// Answers, reads one byte of the next request, and closes.
    AnswerThenCloseInsideNext(String),
}

impl Step {
    pub(super) fn answer(status: u16, body: &str) -> Self {
        Self::Write(answer(status, body))
    }
}

fn answer(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A request as it was read.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) head: String,
    pub(super) body: String,
}

pub(super) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts a server; `script` gets the number of the request, from 0.
    pub(super) async fn start(script: impl Fn(usize) -> Step + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (script, count, log) = (Arc::new(script), Arc::new(AtomicUsize::new(0)), Arc::clone(&requests));
        let task = tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let (script, count, log) = (Arc::clone(&script), Arc::clone(&count), Arc::clone(&log));
                tokio::spawn(serve(connection, move |received| {
                    log.lock().unwrap().push(received);
                    script(count.fetch_add(1, Ordering::Relaxed))
                }));
            }
        });
        Self { address, requests, task }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn requests(&self) -> Vec<Received> {
        self.requests.lock().unwrap().clone()
    }

    pub(super) fn forget(&self) {
        self.requests.lock().unwrap().clear();
    }
}

/// Serves one connection. Errors of the socket end it: the client hung up.
async fn serve(mut connection: TcpStream, next: impl Fn(Received) -> Step) {
    let mut buffer = Vec::new();
    while let Some(received) = read_request(&mut connection, &mut buffer).await {
        let written = match next(received) {
            Step::Write(text) => connection.write_all(text.as_bytes()).await,
            Step::WriteAndClose(text) => {
                let _ = connection.write_all(text.as_bytes()).await;
                return;
            }
            Step::Hang(text) => {
                let _ = connection.write_all(text.as_bytes()).await;
                std::future::pending().await
            }
            Step::Close => return,
            Step::Reset => {
                connection.set_zero_linger().unwrap();
                return;
            }
            Step::AnswerAndClose(body) => {
                let _ = connection.write_all(answer(200, &body).as_bytes()).await;
                return;
            }
            Step::AnswerAndCloseSoon(body) => {
                let _ = connection.write_all(answer(200, &body).as_bytes()).await;
                for _ in 0..4 {
                    tokio::task::yield_now().await;
                }
                return;
            }
            Step::AnswerAndReset(body) => {
                let _ = connection.write_all(answer(200, &body).as_bytes()).await;
                // The reset would overtake an answer that was not read yet: wait until the client takes up the connection again.
                let _ = connection.readable().await;
                connection.set_zero_linger().unwrap();
                return;
            }
            Step::AnswerThenCloseInsideNext(body) => {
                let _ = connection.write_all(answer(200, &body).as_bytes()).await;
                let _ = connection.read_u8().await;
                return;
            }
        };
        if written.is_err() {
            return;
        }
    }
}

/// Reads one request; none when the connection ends before it is complete.
async fn read_request(connection: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Received> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end + 4]).into_owned();
            let length =
                head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0_usize);
            let whole = end + 4 + length;
            if buffer.len() >= whole {
                let body = String::from_utf8_lossy(&buffer[end + 4..whole]).into_owned();
                buffer.drain(..whole);
                return Some(Received { head, body });
            }
        }
        if connection.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}
