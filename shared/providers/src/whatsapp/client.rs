//! The client: sending messages.

use std::{fmt, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Method, Request, Response,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, InvalidHeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    outcome::{self, AmbiguousCause, SendOutcome},
    write_once::WriteOnceBody,
};
use crate::http::{self, HttpClientError, HttpOptions};

/// Answers to sends longer than this are not read further: a real one has a few hundred bytes.
const ANSWER_LIMIT: usize = 64 * 1024;

/// How to reach the Cloud API.
#[derive(Clone, Debug)]
pub struct CloudOptions {
    /// Base address, such as `https://graph.facebook.com`; a path in it is kept.
    pub graph_url: String,
    /// Version, the first segment of every path: `v25.0`.
    pub version: String,
    /// Limit for name resolution, TCP and TLS together. 3 s is right.
    pub connect_timeout: Duration,
    /// Limit for a whole request. 20 s is right: the lease of a lane and the grace of unknown rows are made for it.
    pub request_timeout: Duration,
    /// Idle connections kept; at least the worker's cap of requests in flight.
    pub max_idle: usize,
}

/// Why a client or a number cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is no http or https URL, or the version no path segment.
    #[error("`{0}` is no usable address of the provider")]
    Address(String),
    /// An id has characters that no id of the provider has.
    #[error("`{0}` is no id of the provider")]
    Id(String),
    /// The access token has characters that no header may have.
    #[error("the access token cannot be sent in a header")]
    Token(#[source] InvalidHeaderValue),
    /// No HTTP client could be made.
    #[error(transparent)]
    Http(#[from] HttpClientError),
}

/// A client of the Cloud API. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct CloudClient {
    pub(super) http: reqwest::Client,
    /// Base address with version, without a slash at the end.
    base: Url,
    request_timeout: Duration,
}

/// A business number prepared for sending: where to post, and with which authorization. `Debug` shows no token.
#[derive(Clone)]
pub struct SendNumber {
    url: Url,
    authorization: HeaderValue,
}

impl CloudClient {
    /// Makes a client.
    pub fn new(options: CloudOptions) -> Result<Self, ClientError> {
        let address = || ClientError::Address(options.graph_url.clone());
        let mut base = Url::parse(&options.graph_url).map_err(|_| address())?;
        if !matches!(base.scheme(), "http" | "https") || base.query().is_some() || base.fragment().is_some() {
            return Err(address());
        }
        if !is_segment(&options.version) {
            return Err(ClientError::Address(options.version));
        }
        base.path_segments_mut().map_err(|()| address())?.pop_if_empty().push(&options.version);
        let http = http::client(HttpOptions {
            connect_timeout: options.connect_timeout,
            request_timeout: options.request_timeout,
            max_idle: options.max_idle,
        })?;
        Ok(Self { http, base, request_timeout: options.request_timeout })
    }

    /// Prepares a business number for [`send`](Self::send).
    pub fn number(&self, phone_number_id: &str, token: &SecretString) -> Result<SendNumber, ClientError> {
        Ok(SendNumber { url: self.url(&[phone_number_id, "messages"])?, authorization: authorization("Bearer", token)? })
    }

    /// Posts one rendered message, once.
    ///
    /// Nothing is retried, here or below. When the future is dropped before it ends, the outcome is ambiguous. The body must not be empty.
    pub async fn send(&self, number: &SendNumber, body: Bytes) -> SendOutcome {
        let (body, gate) = WriteOnceBody::new(body);
        let mut request = Request::new(Method::POST, number.url.clone());
        request.headers_mut().insert(AUTHORIZATION, number.authorization.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(reqwest::Body::wrap(body));
        match self.http.execute(request).await {
            Ok(mut response) => {
                let status = response.status().as_u16();
                match read(&mut response, ANSWER_LIMIT).await {
                    Ok(answer) => outcome::classify(status, &answer),
                    Err(error) => SendOutcome::Ambiguous { cause: outcome::ambiguous_cause(&error, AmbiguousCause::AnswerCut) },
                }
            }
            // Withdrawing and asking is one step: from here on no connection can take the body any more.
            Err(error) if gate.withdraw() => SendOutcome::NotSent { cause: outcome::not_sent_cause(&error) },
            Err(error) => SendOutcome::Ambiguous { cause: outcome::ambiguous_cause(&error, AmbiguousCause::ConnectionLost) },
        }
    }

    /// The address with version.
    pub(super) fn base(&self) -> Url {
        self.base.clone()
    }

    /// The limit for a whole request.
    pub(super) fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// The address of a Graph path.
    pub(super) fn url(&self, segments: &[&str]) -> Result<Url, ClientError> {
        if let Some(odd) = segments.iter().find(|segment| !is_segment(segment)) {
            return Err(ClientError::Id((*odd).to_owned()));
        }
        let mut url = self.base.clone();
        url.path_segments_mut().map_err(|()| ClientError::Address(self.base.to_string()))?.extend(segments);
        Ok(url)
    }
}

/// Reads an answer up to `limit` bytes. What is longer comes back cut, and is then unreadable like any other nonsense.
pub(super) async fn read(response: &mut Response, limit: usize) -> Result<Bytes, reqwest::Error> {
    let Some(first) = response.chunk().await? else { return Ok(Bytes::new()) };
    let Some(second) = response.chunk().await? else { return Ok(first) };
    let mut answer = BytesMut::from(first);
    answer.extend_from_slice(&second);
    while answer.len() <= limit {
        let Some(chunk) = response.chunk().await? else { return Ok(answer.freeze()) };
        answer.extend_from_slice(&chunk);
    }
    answer.truncate(limit);
    Ok(answer.freeze())
}

/// The value of the authorization header. `scheme` is `Bearer` everywhere but for uploads, which Meta documents with `OAuth`.
pub(super) fn authorization(scheme: &str, token: &SecretString) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::try_from(format!("{scheme} {}", token.expose_secret())).map_err(ClientError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Ids and versions go into paths: nothing that could change the path's meaning.
fn is_segment(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        && !text.bytes().all(|byte| byte == b'.')
}

impl fmt::Debug for CloudClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloudClient({})", self.base)
    }
}

impl fmt::Debug for SendNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SendNumber({})", self.url)
    }
}
