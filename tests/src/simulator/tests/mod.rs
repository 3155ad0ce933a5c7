//! The simulator seen from outside: over HTTP, with a receiver for its webhooks.

mod limits;
mod rules;
mod sending;
mod template_calls;
mod template_life;
mod template_sends;
mod templates;
mod uploads;
mod webhooks;

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use bytes::Bytes;
use kernel::{SharedClock, SystemClock};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Faults, Simulator, SimulatorOptions};

const NUMBER: &str = "106540352242922";
const ACCOUNT: &str = "102290129340398";

/// A client of the Graph API.
struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    fn of(simulator: &Simulator) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { http: reqwest::Client::builder().no_proxy().build().unwrap(), url: simulator.url() }
    }

    async fn post(&self, path: &str, body: &Value) -> reqwest::Result<(StatusCode, Value)> {
        let response = self.http.post(format!("{}{path}", self.url)).bearer_auth("token").json(body).send().await?;
        Ok((response.status(), response.json().await?))
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let response = self.http.get(format!("{}{path}", self.url)).bearer_auth("token").send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    async fn delete(&self, path: &str) -> (StatusCode, Value) {
        let response = self.http.delete(format!("{}{path}", self.url)).bearer_auth("token").send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    /// Creates a template that has to be taken; its id is returned.
    async fn create(&self, definition: &Value) -> String {
        let (status, body) = self.post(&templates_path(), definition).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    async fn send(&self, body: &Value) -> reqwest::Result<(StatusCode, Value)> {
        self.post(&format!("/v25.0/{NUMBER}/messages"), body).await
    }

    /// Sends a text that has to be accepted; the wamid is returned.
    async fn send_text(&self, to: &str) -> String {
        let (status, body) = self.send(&text(to)).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{body}");
        body["messages"][0]["id"].as_str().unwrap().to_owned()
    }
}

fn text(to: &str) -> Value {
    json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": to, "type": "text",
        "text": { "body": "Hello" }, "biz_opaque_callback_data": format!("opaque-{to}"),
    })
}

fn template(name: &str, values: &[&str]) -> Value {
    let parameters: Vec<_> = values.iter().map(|value| json!({ "type": "text", "text": value })).collect();
    json!({
        "messaging_product": "whatsapp", "to": "+4915112345678", "type": "template",
        "template": { "name": name, "language": { "code": "en" }, "components": [{ "type": "body", "parameters": parameters }] },
    })
}

fn templates_path() -> String {
    format!("/v25.0/{ACCOUNT}/message_templates")
}

/// A template with this body, which has at most one variable.
fn definition(name: &str, body: &str) -> Value {
    json!({ "name": name, "category": "utility", "language": "en", "components": [
        { "type": "BODY", "text": body, "example": { "body_text": [["Ada"]] } },
        { "type": "FOOTER", "text": "Bye" },
    ] })
}

fn subcode(body: &Value) -> i64 {
    body["error"]["error_subcode"].as_i64().unwrap_or_default()
}

fn code(body: &Value) -> i64 {
    body["error"]["code"].as_i64().unwrap()
}

/// A webhook as it arrived.
struct Post {
    signature: String,
    body: Bytes,
}

/// Receives webhooks, and answers as told.
struct Receiver {
    url: String,
    /// Changes that came in one POST with one that was asked for.
    changes: VecDeque<(Value, Value)>,
    posts: mpsc::UnboundedReceiver<Post>,
    /// Answers for the next POSTs; then 200.
    answers: Arc<Mutex<Vec<StatusCode>>>,
}

#[derive(Clone)]
struct Receiving {
    posts: mpsc::UnboundedSender<Post>,
    answers: Arc<Mutex<Vec<StatusCode>>>,
}

impl Receiver {
    async fn start() -> Self {
        let (sender, posts) = mpsc::unbounded_channel();
        let answers = Arc::<Mutex<Vec<StatusCode>>>::default();
        let state = Receiving { posts: sender, answers: Arc::clone(&answers) };
        let router = Router::new().fallback(take).with_state(state);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, changes: VecDeque::new(), posts, answers }
    }

    async fn next(&mut self) -> Post {
        tokio::time::timeout(Duration::from_secs(10), self.posts.recv()).await.expect("no webhook came").unwrap()
    }

    /// The statuses up to and including the `n`th, in the order of their arrival.
    async fn statuses(&mut self, n: usize) -> Vec<Value> {
        let mut statuses = Vec::new();
        while statuses.len() < n {
            let body: Value = serde_json::from_slice(&self.next().await.body).unwrap();
            for entry in body["entry"].as_array().unwrap() {
                for change in entry["changes"].as_array().unwrap() {
                    statuses.extend(change["value"]["statuses"].as_array().into_iter().flatten().cloned());
                }
            }
        }
        statuses
    }

    /// The value of the next change of this field, and its entry.
    async fn change(&mut self, field: &str) -> (Value, Value) {
        loop {
            while let Some((change, entry)) = self.changes.pop_front() {
                if change["field"] == field {
                    return (change["value"].clone(), entry);
                }
            }
            let body: Value = serde_json::from_slice(&self.next().await.body).unwrap();
            for entry in body["entry"].as_array().unwrap() {
                self.changes.extend(entry["changes"].as_array().unwrap().iter().map(|change| (change.clone(), entry.clone())));
            }
        }
    }

    /// The next event of the status of a template.
    async fn status_update(&mut self) -> Value {
        self.change("message_template_status_update").await.0
    }
}

async fn take(State(state): State<Receiving>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers["x-hub-signature-256"].to_str().unwrap().to_owned();
    let _ = state.posts.send(Post { signature, body });
    let mut answers = state.answers.lock().unwrap();
    answers.pop().unwrap_or(StatusCode::OK)
}

fn names(statuses: &[Value]) -> Vec<&str> {
    statuses.iter().map(|status| status["status"].as_str().unwrap()).collect()
}

fn distinct(values: impl IntoIterator<Item = String>) -> usize {
    values.into_iter().collect::<HashSet<_>>().len()
}

async fn start(faults: Faults) -> (Simulator, Client) {
    let simulator = Simulator::start(SimulatorOptions { faults, ..SimulatorOptions::default() }).await;
    let client = Client::of(&simulator);
    (simulator, client)
}

async fn start_with_receiver(faults: Faults) -> (Simulator, Client, Receiver) {
    start_with_clock(faults, Arc::new(SystemClock)).await
}

async fn start_with_clock(faults: Faults, clock: SharedClock) -> (Simulator, Client, Receiver) {
    let receiver = Receiver::start().await;
    let options = SimulatorOptions { faults, clock, callback_url: Some(receiver.url.clone()), ..SimulatorOptions::default() };
    let simulator = Simulator::start(options).await;
    let client = Client::of(&simulator);
    (simulator, client, receiver)
}
