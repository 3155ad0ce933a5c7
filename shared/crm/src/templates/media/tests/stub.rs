//! The provider's side of resumable uploads, which breaks where a test wants it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What happens to a transfer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// This many of its bytes are taken, then the connection ends.
    Break(usize),
    /// All of it is taken, and the answer is lost.
    LoseAnswer,
    /// The connection ends, and so does the session.
    Forget,
    /// It is refused.
    Refuse,
}

/// A file as it arrived.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    pub(super) started_with: String,
    pub(super) bytes: Vec<u8>,
    forgotten: bool,
}

#[derive(Default)]
struct State {
    faults: VecDeque<Fault>,
    sessions: Vec<Session>,
    offsets: Vec<usize>,
}

pub(super) struct UploadStub {
    port: u16,
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
}

impl Drop for UploadStub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl UploadStub {
    /// A server whose first transfers suffer these faults.
    pub(super) async fn start(faults: &[Fault]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { faults: faults.iter().copied().collect(), ..State::default() }));
        let shared = Arc::clone(&state);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { port, state, server }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn sessions(&self) -> Vec<Session> {
        self.state().sessions.clone()
    }

    /// Where each transfer began.
    pub(super) fn offsets(&self) -> Vec<usize> {
        self.state().offsets.clone()
    }
}

struct Head {
    method: String,
    path: String,
    length: usize,
    offset: usize,
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut buffer = Vec::new();
    while let Some(head) = read_head(&mut stream, &mut buffer).await {
        let Some((status, body)) = answer(&mut stream, &mut buffer, &head, &state).await else { return };
        let body = body.to_string();
        let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all((head + &body).as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Head> {
    loop {
        if let Some(end) = buffer.windows(4).position(|part| part == b"\r\n\r\n") {
            let text = String::from_utf8(buffer.drain(..end + 4).collect()).unwrap();
            let number = |name: &str| {
                let lines = text.lines().filter_map(|line| line.split_once(": "));
                lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).find_map(|(_, value)| value.parse().ok()).unwrap_or(0)
            };
            let mut words = text.split_whitespace();
            let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
            return Some(Head { method, path, length: number("content-length"), offset: number("file_offset") });
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

/// Reads up to `length` bytes of a body.
async fn read_body(stream: &mut TcpStream, buffer: &mut Vec<u8>, length: usize) -> Vec<u8> {
    while buffer.len() < length && stream.read_buf(buffer).await.is_ok_and(|read| read > 0) {}
    let length = length.min(buffer.len());
    buffer.drain(..length).collect()
}

fn unknown() -> (u16, Value) {
    (404, json!({ "error": { "message": "unknown", "code": 100, "error_subcode": 33 } }))
}

async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>, head: &Head, state: &Mutex<State>) -> Option<(u16, Value)> {
    let (path, query) = head.path.split_once('?').unwrap_or((&head.path, ""));
    if path == "/v25.0/app/uploads" {
        let mut state = state.lock().unwrap();
        state.sessions.push(Session { started_with: query.to_owned(), ..Session::default() });
        return Some((200, json!({ "id": format!("upload:{}?sig=x", state.sessions.len() - 1) })));
    }
    let session: usize = path.strip_prefix("/v25.0/upload:")?.parse().ok()?;
    assert_eq!(query, "sig=x");
    if head.method == "GET" {
        let state = state.lock().unwrap();
        let found = state.sessions.get(session).filter(|session| !session.forgotten);
        return Some(found.map_or_else(unknown, |found| (200, json!({ "id": "upload:x", "file_offset": found.bytes.len() }))));
    }
    let fault = {
        let mut state = state.lock().unwrap();
        state.offsets.push(head.offset);
        state.faults.pop_front()
    };
    let taken = match fault {
        Some(Fault::Break(bytes)) => bytes.min(head.length),
        Some(Fault::Forget) => 0,
        Some(Fault::LoseAnswer | Fault::Refuse) | None => head.length,
    };
    let bytes = read_body(stream, buffer, taken).await;
    let mut state = state.lock().unwrap();
    let found = &mut state.sessions[session];
    assert_eq!(found.bytes.len(), head.offset, "a transfer goes on where the last one ended");
    match fault {
        Some(Fault::Refuse) => return Some((400, json!({ "error": { "message": "odd file", "code": 100 } }))),
        Some(Fault::Forget) => found.forgotten = true,
        _ => found.bytes.extend(bytes),
    }
    fault.is_none().then(|| (200, json!({ "h": format!("4::{session}") })))
}
