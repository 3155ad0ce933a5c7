//! The API as the demo sees it.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use reqwest::{Client, Method, StatusCode, multipart};
use serde_json::Value;

/// How often a question that got no answer at all is asked again; an api that restarts takes a moment.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// A signed-in client.
#[derive(Debug)]
pub(crate) struct Api {
    http: Client,
    base: String,
    token: Option<String>,
}

impl Api {
    pub(crate) fn new(base: &str) -> anyhow::Result<Self> {
        runtime::tls::install();
        let http = Client::builder().timeout(Duration::from_secs(30)).build().context("cannot make an HTTP client")?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), token: None })
    }

    pub(crate) fn sign_in(&mut self, access_token: &str) {
        self.token = Some(access_token.to_owned());
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let mut tries = 0;
        let response = loop {
            match self.request(Method::GET, path).send().await {
                Ok(response) => break response,
                Err(error) if tries >= TRIES => return Err(error).with_context(|| format!("GET {path}")),
                Err(_) => tries += 1,
            }
            tokio::time::sleep(PAUSE).await;
        };
        body(response, &format!("GET {path}")).await.map(|(_, body)| body)
    }

    pub(crate) async fn post(&self, path: &str, input: &Value) -> anyhow::Result<Value> {
        let (status, body) = self.try_post(path, input).await?;
        if status.is_success() { Ok(body) } else { bail!("POST {path} answered {status}: {body}") }
    }

    /// As [`Api::post`], for callers that know what to do with a refusal.
    pub(crate) async fn try_post(&self, path: &str, input: &Value) -> anyhow::Result<(StatusCode, Value)> {
        self.send(Method::POST, path, input).await
    }

    /// Any other method, with what came of it.
    pub(crate) async fn send(&self, method: Method, path: &str, input: &Value) -> anyhow::Result<(StatusCode, Value)> {
        let request = self.request(method.clone(), path);
        let request = if input.is_null() { request } else { request.json(input) };
        let response = request.send().await.with_context(|| format!("{method} {path}"))?;
        let status = response.status();
        let text = response.text().await.with_context(|| format!("{method} {path}"))?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    pub(crate) async fn upload(&self, path: &str, file_name: &'static str, content: Vec<u8>) -> anyhow::Result<Value> {
        let part = multipart::Part::bytes(content).file_name(file_name).mime_str("text/csv")?;
        let form = multipart::Form::new().part("file", part);
        let response = self.request(Method::POST, path).multipart(form).send().await.with_context(|| format!("POST {path}"))?;
        body(response, &format!("POST {path}")).await.map(|(_, body)| body)
    }

    /// Asks for `path` until `done` says so.
    pub(crate) async fn poll(&self, path: &str, patience: Duration, done: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let started = Instant::now();
        loop {
            let body = self.get(path).await?;
            if done(&body) {
                return Ok(body);
            }
            if started.elapsed() > patience {
                bail!("GET {path} still answers, after {} s: {body}", patience.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

async fn body(response: reqwest::Response, what: &str) -> anyhow::Result<(StatusCode, Value)> {
    let status = response.status();
    let text = response.text().await.with_context(|| what.to_owned())?;
    if !status.is_success() {
        bail!("{what} answered {status}: {text}");
    }
    let body = serde_json::from_str(&text).with_context(|| format!("{what} answered no JSON"))?;
    Ok((status, body))
}

/// A text that must stand in a body.
pub(crate) fn text<'a>(body: &'a Value, pointer: &str) -> anyhow::Result<&'a str> {
    body.pointer(pointer).and_then(Value::as_str).with_context(|| format!("the answer has no text at {pointer}: {body}"))
}

/// Whether `url` answers 200 within `patience`.
pub async fn wait_until_ready(url: &str, patience: Duration) -> anyhow::Result<()> {
    runtime::tls::install();
    let http = Client::builder().timeout(Duration::from_secs(2)).build()?;
    let started = Instant::now();
    loop {
        let reason = match http.get(url).send().await {
            Ok(response) if response.status().is_success() => return Ok(()),
            Ok(response) => response.status().to_string(),
            Err(error) => error.to_string(),
        };
        if started.elapsed() > patience {
            bail!("{url} is not ready: {reason}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
