//! For tests: answers a few management calls of the Cloud API. What it does not know is refused. The provider simulator of the `tests` package
//! is the faithful one; this one can be told to fail at a certain place.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A server on a free port, until it is dropped.
pub(crate) struct GraphStub {
    port: u16,
    state: Arc<Mutex<State>>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct State {
    authorizations: BTreeSet<String>,
    refused: BTreeSet<String>,
    templates: Vec<Value>,
    created: usize,
    edited: usize,
    /// The next creation is done, but its answer is cut.
    cut_next_creation: bool,
    /// Status of new templates, and of all when it is changed later.
    review: Option<(String, String)>,
}

struct Request {
    method: String,
    path: String,
    authorization: String,
    body: Value,
}

impl GraphStub {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { port, state, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Headers that came, each once.
    pub(crate) fn authorizations(&self) -> Vec<String> {
        self.state().authorizations.iter().cloned().collect()
    }

    /// The token is expired from now on.
    pub(crate) fn refuse_token(&self, token: &str) {
        self.state().refused.insert(format!("Bearer {token}"));
    }

    pub(crate) fn cut_next_creation(&self) {
        self.state().cut_next_creation = true;
    }

    /// Decides on all templates.
    pub(crate) fn review(&self, status: &str, reason: &str) {
        let mut state = self.state();
        state.review = Some((status.to_owned(), reason.to_owned()));
        for template in &mut state.templates {
            template["status"] = status.into();
            template["rejected_reason"] = reason.into();
        }
    }

    /// A template that somebody made at the provider.
    pub(crate) fn add_template(&self, template: Value) {
        self.state().templates.push(template);
    }

    /// Templates that were created, and edits.
    pub(crate) fn writes(&self) -> (usize, usize) {
        let state = self.state();
        (state.created, state.edited)
    }
}

impl Drop for GraphStub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut bytes = Vec::new();
    while let Some(request) = read(&mut stream, &mut bytes).await {
        let answer = state.lock().unwrap().answer(&request);
        let Some((status, body)) = answer else { return };
        let body = body.to_string();
        let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all((head + &body).as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Request> {
    loop {
        if let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let header = |name: &str| {
                let lines = head.lines().filter_map(|line| line.split_once(": "));
                lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
            };
            let length: usize = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                let body = serde_json::from_slice(&bytes[end + 4..end + 4 + length]).unwrap_or_default();
                let mut words = head.split_whitespace();
                let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
                let authorization = header("authorization").unwrap_or_default();
                bytes.drain(..end + 4 + length);
                return Some(Request { method, path, authorization, body });
            }
        }
        if stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Option<(u16, Value)> {
        self.authorizations.insert(request.authorization.clone());
        if self.refused.contains(&request.authorization) {
            let error =
                json!({ "message": "(#190) Error validating access token", "type": "OAuthException", "code": 190, "error_subcode": 463 });
            return Some((401, json!({ "error": error })));
        }
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let segments: Vec<&str> = path.split('/').skip(2).collect();
        Some(match (request.method.as_str(), segments.as_slice()) {
            ("GET", [_, "phone_numbers"]) => (200, json!({ "data": number_ids().map(number) })),
            ("POST", [_, "subscribed_apps"]) => (200, json!({ "success": true })),
            ("GET", [_, "message_templates"]) => {
                let name = query.split('&').find_map(|pair| pair.strip_prefix("name="));
                let fits = |template: &&Value| name.is_none_or(|name| template["name"].as_str().unwrap().contains(name));
                (200, json!({ "data": self.templates.iter().filter(fits).collect::<Vec<_>>() }))
            }
            ("POST", [_, "message_templates"]) => return self.create(&request.body),
            ("GET", [id]) if number_ids().contains(id) => (200, number(id)),
            ("GET", [id]) => match self.templates.iter().find(|template| template["id"] == *id) {
                Some(template) => (200, template.clone()),
                None => (404, json!({ "error": { "message": "(#803) unknown object", "type": "GraphMethodException", "code": 803 } })),
            },
            ("POST", [id]) => match self.templates.iter_mut().find(|template| template["id"] == *id) {
                Some(template) => {
                    self.edited += 1;
                    template["components"] = request.body["components"].clone();
                    template["status"] = "PENDING".into();
                    (200, json!({ "success": true }))
                }
                None => (404, json!({ "error": { "message": "(#803) unknown object", "type": "GraphMethodException", "code": 803 } })),
            },
            _ => (404, json!({ "error": { "message": "(#803) unknown object", "type": "GraphMethodException", "code": 803 } })),
        })
    }

    fn create(&mut self, body: &Value) -> Option<(u16, Value)> {
        if body["name"] == "refused" {
            let error = json!({ "message": "(#100) Invalid parameter", "type": "OAuthException", "code": 100, "error_subcode": 2_388_293 });
            return Some((400, json!({ "error": error })));
        }
        self.created += 1;
        let id = (700 + self.created).to_string();
        let (status, reason) = self.review.clone().unwrap_or_else(|| ("PENDING".into(), "NONE".into()));
        let mut template = body.clone();
        template["id"] = id.as_str().into();
        template["status"] = status.as_str().into();
        template["rejected_reason"] = reason.into();
        self.templates.push(template);
        if std::mem::take(&mut self.cut_next_creation) {
            return None;
        }
        Some((200, json!({ "id": id, "status": status, "category": body["category"] })))
    }
}

fn number_ids() -> [&'static str; 2] {
    ["1001", "1002"]
}

fn number(id: &str) -> Value {
    json!({
        "id": id,
        "display_phone_number": "+1 555 010 0001",
        "verified_name": "Shop",
        "quality_rating": "GREEN",
        "throughput": { "level": "HIGH" },
        "whatsapp_business_manager_messaging_limit": "TIER_UNLIMITED",
    })
}
