//! Templates, samples of their media, numbers and subscriptions. Unlike sends, callers may repeat these: reading and deleting change nothing
//! the second time, and a template that exists already is refused by its name. Whoever must know what became of a call that failed asks
//! [`GraphError::fate`].

mod error;
mod numbers;
mod templates;
mod upload;

use bytes::Bytes;
use reqwest::{
    Method, Request, Response,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    client::{CloudClient, authorization, read},
    outcome::{self, AmbiguousCause},
    write_once::WriteOnceBody,
};

pub use error::{Fate, GraphError};
pub use numbers::{RemoteNumber, Throughput};
pub use templates::{
    CreatedTemplate, NewTemplate, QualityScore, RemoteTemplate, TemplateEdit, TemplateFilter, TemplatePage, UnpauseAnswer,
};
pub use upload::{NewUpload, UploadPart, UploadSession};

/// A page of templates with their components is far longer than an answer to a send.
const ANSWER_LIMIT: usize = 8 * 1024 * 1024;

#[derive(Deserialize)]
struct List<T> {
    data: Vec<T>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    #[serde(default)]
    cursors: Option<Cursors>,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Cursors {
    #[serde(default)]
    after: Option<String>,
}

impl<T> List<T> {
    /// Meta gives a cursor on the last page too; only `next` tells that there is more.
    fn after(&mut self) -> Option<String> {
        let paging = self.paging.take()?;
        paging.next.and(paging.cursors?.after)
    }
}

#[derive(Deserialize)]
struct Success {
    #[serde(default)]
    #[expect(dead_code, reason = "a 2xx with any object is success; the field only documents the answer")]
    success: bool,
}

/// A call: what, where, and with which content.
struct Ask<'a> {
    method: Method,
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    content: Option<Vec<u8>>,
}

impl<'a> Ask<'a> {
    fn new(method: Method, path: &'a [&'a str]) -> Self {
        Self { method, path, query: &[], content: None }
    }

    fn query(self, query: &'a [(&'a str, &'a str)]) -> Self {
        Self { query, ..self }
    }

    fn json(self, content: &impl Serialize) -> Result<Self, GraphError> {
        Ok(Self { content: Some(serde_json::to_vec(content).map_err(GraphError::Content)?), ..self })
    }
}

impl CloudClient {
    async fn call<T: DeserializeOwned>(&self, token: &SecretString, ask: Ask<'_>) -> Result<T, GraphError> {
        let mut url = self.url(ask.path)?;
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let mut request = Request::new(ask.method, url);
        request.headers_mut().insert(AUTHORIZATION, authorization("Bearer", token)?);
        let Some(content) = ask.content.filter(|content| !content.is_empty()) else { return self.exchange(request).await };
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let (body, gate) = WriteOnceBody::new(Bytes::from(content));
        *request.body_mut() = Some(reqwest::Body::wrap(body));
        match self.http.execute(request).await {
            Ok(response) => answer(response).await,
            Err(error) if gate.withdraw() => Err(GraphError::NotSent(outcome::not_sent_cause(&error))),
            Err(error) => Err(GraphError::Transport(error.without_url())),
        }
    }

    /// One request whose body, if it has one, may have been written in part when it fails.
    async fn exchange<T: DeserializeOwned>(&self, request: Request) -> Result<T, GraphError> {
        match self.http.execute(request).await {
            Ok(response) => answer(response).await,
            Err(error) if error.is_connect() => Err(GraphError::NotSent(outcome::not_sent_cause(&error))),
            Err(error) => Err(GraphError::Transport(error.without_url())),
        }
    }
}

async fn answer<T: DeserializeOwned>(mut response: Response) -> Result<T, GraphError> {
    let status = response.status().as_u16();
    let answer = read(&mut response, ANSWER_LIMIT).await.map_err(|error| GraphError::Transport(error.without_url()))?;
    match status {
        200..=299 => serde_json::from_slice(&answer).map_err(GraphError::Unreadable),
        400..=599 => Err(match outcome::rejection(status, &answer) {
            Ok(rejection) => GraphError::Refused(Box::new(rejection)),
            Err(cause) => GraphError::Failed(cause),
        }),
        _ => Err(GraphError::Failed(AmbiguousCause::UnreadableAnswer { status })),
    }
}
