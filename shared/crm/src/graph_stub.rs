//! For tests: answers a few management calls of the Cloud API. What it does not know is refused. The provider simulator of the `tests` package
//! is the faithful one; this one can be told to fail at a certain place.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

/// A server on a free port, until it is dropped.
pub(crate) struct GraphStub {
    port: u16,
    state: Arc<Mutex<State>>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct State {
    unaskable: Option<String>,
    authorizations: BTreeSet<String>,
    refused: BTreeSet<String>,
    templates: Vec<Value>,
    created: usize,
    edited: usize,
    /// The next creation is done, but its answer is cut.
    cut_next_creation: bool,
    /// Status of new templates, and of all when it is changed later.
    review: Option<(String, String)>,
    deleted: usize,
    /// Lists that were asked for, and those of the next that show nothing.
    listed: usize,
    lists_to_hide: usize,
    /// Answers to the next requests of a method, instead of doing what they ask for; none cuts the connection.
    script: VecDeque<(&'static str, Option<(u16, Value)>)>,
    /// Cuts the connection of every request, undone.
    outage: bool,
    /// The next request of the method is done, and its connection cut then.
    cut_next: Option<&'static str>,
    hold: Option<Hold>,
    /// Requests that are held.
    held: usize,
    /// What templates become that are deleted, instead of being gone.
    deleted_becomes: Option<String>,
    /// The newest edit.
    edit: Value,
}

/// Where the next creation waits.
#[derive(Clone)]
struct Hold {
    at: At,
    gate: Arc<Semaphore>,
}

/// Where a creation is held.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// It is not done yet.
    Doing,
    /// It is done and not answered.
    Answering,
}

/// Lets a held creation go on when it is dropped.
pub(crate) struct Held(Arc<Semaphore>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
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

    /// Changes fields of a template.
    pub(crate) fn change(&self, id: &str, fields: &Value) {
        let mut state = self.state();
        let template = state.templates.iter_mut().find(|template| template["id"] == id).unwrap();
        template.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    }

    /// Somebody deletes a template at the provider.
    pub(crate) fn remove(&self, id: &str) {
        self.state().templates.retain(|template| template["id"] != id);
    }

    /// As [`Self::remove`]; answers what was deleted.
    pub(crate) fn take(&self, id: &str) -> Value {
        let mut state = self.state();
        let place = state.templates.iter().position(|template| template["id"] == id).unwrap();
        state.templates.remove(place)
    }

    /// Asking for this template is refused from now on.
    pub(crate) fn refuse_asking(&self, id: &str) {
        self.state().unaskable = Some(id.to_owned());
    }

    /// The next request of this method is answered so, and not done; without an answer its connection is cut.
    pub(crate) fn answer_next(&self, method: &'static str, answer: Option<(u16, Value)>) {
        self.state().script.push_back((method, answer));
    }

    /// The next request of this method is done, and its connection cut before the answer.
    pub(crate) fn cut_next(&self, method: &'static str) {
        self.state().cut_next = Some(method);
    }

    /// Whether the provider is away.
    pub(crate) fn outage(&self, is_away: bool) {
        self.state().outage = is_away;
    }

    /// So many lists show nothing: they lag behind.
    pub(crate) fn hide_lists(&self, lists: usize) {
        self.state().lists_to_hide = lists;
    }

    /// Lists that were asked for.
    pub(crate) fn lists(&self) -> usize {
        self.state().listed
    }

    /// Holds the next creation until what it answers is dropped.
    pub(crate) fn hold_creation(&self, at: At) -> Held {
        let gate = Arc::new(Semaphore::new(0));
        self.state().hold = Some(Hold { at, gate: Arc::clone(&gate) });
        Held(gate)
    }

    /// Whether a creation is held.
    pub(crate) fn is_holding(&self) -> bool {
        self.state().held > 0
    }

    /// What is deleted stays for a time, with this status.
    pub(crate) fn deleted_becomes(&self, status: Option<&str>) {
        self.state().deleted_becomes = status.map(str::to_owned);
    }

    /// Templates that there are, and deletions that were asked for.
    pub(crate) fn left(&self) -> (usize, usize) {
        let state = self.state();
        (state.templates.len(), state.deleted)
    }

    /// The newest edit.
    pub(crate) fn edit(&self) -> Value {
        self.state().edit.clone()
    }

    /// Accepts the former token again.
    pub(crate) fn accept_tokens(&self) {
        self.state().refused.clear();
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
        let hold = state.lock().unwrap().take_hold(&request);
        if let Some(Hold { at: At::Doing, gate }) = &hold {
            gate.acquire().await.unwrap().forget();
        }
        let answer = state.lock().unwrap().answer(&request);
        if let Some(Hold { at: At::Answering, gate }) = &hold {
            gate.acquire().await.unwrap().forget();
        }
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
    fn take_hold(&mut self, request: &Request) -> Option<Hold> {
        let is_creation = request.method == "POST" && request.path.ends_with("/message_templates");
        let hold = is_creation.then(|| self.hold.take()).flatten();
        self.held += usize::from(hold.is_some());
        hold
    }

    fn answer(&mut self, request: &Request) -> Option<(u16, Value)> {
        if self.outage {
            return None;
        }
        if let Some(place) = self.script.iter().position(|(method, _)| *method == request.method) {
            return self.script.remove(place).and_then(|(_, answer)| answer);
        }
        let answer = self.done(request);
        if self.cut_next.take_if(|method| *method == request.method).is_some() { None } else { answer }
    }

    fn done(&mut self, request: &Request) -> Option<(u16, Value)> {
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
                self.listed += 1;
                if self.lists_to_hide > 0 {
                    self.lists_to_hide -= 1;
                    return Some((200, json!({ "data": [] })));
                }
                (200, json!({ "data": self.templates.iter().filter(fits).collect::<Vec<_>>() }))
            }
            ("POST", [_, "message_templates"]) => return self.create(&request.body),
            ("GET", [id]) if number_ids().contains(id) => (200, number(id)),
            ("GET", [id]) if self.unaskable.as_deref() == Some(*id) => (403, refusal(10, 0)),
            ("GET", [id]) => match self.templates.iter().find(|template| template["id"] == *id) {
                Some(template) => (200, template.clone()),
                None => (404, json!({ "error": { "message": "(#803) unknown object", "type": "GraphMethodException", "code": 803 } })),
            },
            ("POST", [id]) => match self.templates.iter_mut().find(|template| template["id"] == *id) {
                Some(template) => {
                    self.edited += 1;
                    self.edit = request.body.clone();
                    for field in ["components", "category", "message_send_ttl_seconds"] {
                        if let Some(value) = request.body.get(field) {
                            template[field] = value.clone();
                        }
                    }
                    if request.body.get("components").is_some() {
                        template["status"] = "PENDING".into();
                    }
                    (200, json!({ "success": true }))
                }
                None => (404, json!({ "error": { "message": "(#803) unknown object", "type": "GraphMethodException", "code": 803 } })),
            },
            ("DELETE", [_, "message_templates"]) => self.delete(query),
            _ => (404, json!({ "error": { "message": "(#803) unknown object", "type": "GraphMethodException", "code": 803 } })),
        })
    }

    fn delete(&mut self, query: &str) -> (u16, Value) {
        let parameter = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let (name, id) = (parameter("name"), parameter("hsm_id"));
        let is_meant = |template: &Value| {
            template["name"].as_str() == name && id.is_none_or(|id| template["id"] == id) && template["status"] != "PENDING_DELETION"
        };
        self.deleted += 1;
        if !self.templates.iter().any(is_meant) {
            return (400, refusal(100, 2_593_002));
        }
        match &self.deleted_becomes {
            None => self.templates.retain(|template| !is_meant(template)),
            Some(status) => self.templates.iter_mut().filter(|template| is_meant(template)).for_each(|template| {
                template["status"] = status.as_str().into();
            }),
        }
        (200, json!({ "success": true }))
    }

    fn create(&mut self, body: &Value) -> Option<(u16, Value)> {
        if body["name"] == "refused" {
            let error = json!({ "message": "(#100) Invalid parameter", "type": "OAuthException", "code": 100, "error_subcode": 2_388_293 });
            return Some((400, json!({ "error": error })));
        }
        let is_taken = |template: &Value| template["name"] == body["name"] && template["language"] == body["language"];
        if self.templates.iter().any(is_taken) {
            return Some((400, refusal(100, 2_388_024)));
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

/// A refusal as the provider words it.
pub(crate) fn refusal(code: i64, subcode: i64) -> Value {
    json!({ "error": { "message": format!("(#{code}) Refused"), "type": "OAuthException", "code": code, "error_subcode": subcode } })
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
