//! What became of a request to send, and how an answer is classified.
//!
//! Three classes: rejected in the answer (definite), not sent (definite), ambiguous. Everything that is not surely one of the first two
//! or an acceptance is ambiguous: a wrong "not sent" sends twice, a wrong "ambiguous" only waits for a webhook.

use std::{borrow::Cow, error::Error};

use serde::Deserialize;

use super::{
    codes::{self, Reaction},
    lenient::Text,
};

/// What became of one request to send a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The provider took the message. This is not delivery.
    Accepted {
        /// The provider's id of the message. Opaque, of any length.
        provider_id: String,
        /// The provider holds the message back until it has judged the template (`message_status` is `held_for_quality_assessment` or
        /// `paused`). It may still be sent or fail later: not to be resent.
        held_for_quality: bool,
    },
    /// The provider refused the message; it was not sent.
    Rejected(Rejection),
    /// Nothing that could be executed left this process.
    NotSent {
        /// What stood in the way.
        cause: NotSentCause,
    },
    /// The message may have been sent or not. Never to be retried on this knowledge alone.
    Ambiguous {
        /// What was seen.
        cause: AmbiguousCause,
    },
}

/// A definite refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Graph error code; none when the answer had no Graph envelope.
    pub code: Option<i64>,
    /// What it is about, more exactly; see [`codes::subcode`].
    pub subcode: Option<i64>,
    /// HTTP status of the answer.
    pub http_status: u16,
    /// What the code means, from our table, or the provider's own words for codes it does not list.
    pub title: String,
    /// The provider's details, for people.
    pub details: Option<String>,
    /// The provider's heading for people (`error_user_title`).
    pub user_title: Option<String>,
    /// The provider's sentence for people (`error_user_msg`).
    pub user_message: Option<String>,
    /// The provider's trace id (`fbtrace_id`), for support requests.
    pub trace_id: Option<String>,
    /// What to do.
    pub reaction: Reaction,
}

/// Why nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSentCause {
    /// The provider's name could not be resolved.
    #[error("the provider's name could not be resolved")]
    NameResolution,
    /// Nobody listens there.
    #[error("the connection was refused")]
    Refused,
    /// No connection within the connect timeout.
    #[error("no connection in time")]
    ConnectTimeout,
    /// TLS could not be agreed, or the certificate is not trusted.
    #[error("TLS could not be established")]
    Tls,
    /// The connection failed in another way before it stood.
    #[error("no connection could be made")]
    Connect,
    /// The total timeout passed before a connection took the request.
    #[error("the request waited too long for a connection")]
    TimeoutBeforeWrite,
    /// The connection ended before it took the request.
    #[error("the connection ended before the request was written")]
    ClosedBeforeWrite,
}

/// What left the fate of a message open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmbiguousCause {
    /// No complete answer within the total timeout.
    #[error("no answer in time")]
    Timeout,
    /// The connection ended or broke before the answer began.
    #[error("the connection ended before the answer")]
    ConnectionLost,
    /// The connection ended or broke inside the answer.
    #[error("the connection ended inside the answer")]
    AnswerCut,
    /// HTTP 5xx that does not say for sure that nothing was sent.
    #[error("status {status} without a definite refusal")]
    ServerError {
        /// HTTP status.
        status: u16,
        /// Graph error code, if there was an envelope.
        code: Option<i64>,
    },
    /// An answer that is neither an acceptance nor a refusal.
    #[error("status {status} with an answer that cannot be read")]
    UnreadableAnswer {
        /// HTTP status.
        status: u16,
    },
}

/// Names the reason of a request that was withdrawn unwritten.
pub(super) fn not_sent_cause(error: &reqwest::Error) -> NotSentCause {
    if error.is_connect() {
        if error.is_timeout() {
            return NotSentCause::ConnectTimeout;
        }
        if error.is_dns() {
            return NotSentCause::NameResolution;
        }
        return connect_cause(error);
    }
    if error.is_timeout() { NotSentCause::TimeoutBeforeWrite } else { NotSentCause::ClosedBeforeWrite }
}

/// Looks through the chain of sources; `io::Error` hides its cause from `source()`.
fn connect_cause(error: &reqwest::Error) -> NotSentCause {
    let mut next: Option<&(dyn Error + 'static)> = error.source();
    while let Some(current) = next {
        if current.is::<rustls::Error>() {
            return NotSentCause::Tls;
        }
        next = current.source();
        if let Some(io) = current.downcast_ref::<std::io::Error>() {
            if io.kind() == std::io::ErrorKind::ConnectionRefused {
                return NotSentCause::Refused;
            }
            if let Some(inner) = io.get_ref() {
                next = Some(inner);
            }
        }
    }
    NotSentCause::Connect
}

/// Names the reason of a request that was taken by a connection and then failed.
pub(super) fn ambiguous_cause(error: &reqwest::Error, otherwise: AmbiguousCause) -> AmbiguousCause {
    if error.is_timeout() { AmbiguousCause::Timeout } else { otherwise }
}

#[derive(Deserialize)]
struct Acceptance<'a> {
    #[serde(borrow)]
    messages: Vec<AcceptedMessage<'a>>,
}

#[derive(Deserialize)]
struct AcceptedMessage<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    message_status: Text<'a>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    error: EnvelopeError<'a>,
}

#[derive(Deserialize)]
struct EnvelopeError<'a> {
    code: i64,
    #[serde(borrow, default)]
    message: Text<'a>,
    #[serde(borrow, default)]
    error_subcode: Text<'a>,
    #[serde(borrow, default)]
    error_user_title: Text<'a>,
    #[serde(borrow, default)]
    error_user_msg: Text<'a>,
    #[serde(borrow, default)]
    fbtrace_id: Text<'a>,
    /// An object with `details`, or now and then a plain string.
    #[serde(default)]
    error_data: serde_json::Value,
    #[serde(default)]
    is_transient: serde_json::Value,
}

/// Classifies a complete answer to a request to send.
pub(super) fn classify(status: u16, body: &[u8]) -> SendOutcome {
    match status {
        200..=299 => accepted(status, body),
        // The rule of both: nothing was done here, repeat the same request over there. We are set up to talk to the wrong place.
        307 | 308 => SendOutcome::Rejected(Rejection {
            code: None,
            subcode: None,
            http_status: status,
            title: "the provider's address redirects elsewhere".to_owned(),
            details: None,
            user_title: None,
            user_message: None,
            trace_id: None,
            reaction: Reaction::PauseAccount,
        }),
        400..=599 => refused(status, body),
        _ => SendOutcome::Ambiguous { cause: AmbiguousCause::UnreadableAnswer { status } },
    }
}

fn accepted(status: u16, body: &[u8]) -> SendOutcome {
    let unreadable = SendOutcome::Ambiguous { cause: AmbiguousCause::UnreadableAnswer { status } };
    let Ok(acceptance) = serde_json::from_slice::<Acceptance<'_>>(body) else { return unreadable };
    let Some(message) = acceptance.messages.into_iter().next() else { return unreadable };
    let Some(provider_id) = message.id.0.filter(|id| !id.is_empty()) else { return unreadable };
    let held_for_quality = matches!(message.message_status.0.as_deref(), Some("held_for_quality_assessment" | "paused"));
    SendOutcome::Accepted { provider_id: provider_id.into_owned(), held_for_quality }
}

fn refused(status: u16, body: &[u8]) -> SendOutcome {
    match rejection(status, body) {
        Ok(rejection) => SendOutcome::Rejected(rejection),
        Err(cause) => SendOutcome::Ambiguous { cause },
    }
}

/// Reads a refusal, with HTTP status 400 to 599.
pub(super) fn rejection(status: u16, body: &[u8]) -> Result<Rejection, AmbiguousCause> {
    let server_error = status >= 500;
    let Ok(Envelope { error }) = serde_json::from_slice::<Envelope<'_>>(body) else {
        if server_error {
            return Err(AmbiguousCause::ServerError { status, code: None });
        }
        return Ok(Rejection {
            code: None,
            subcode: None,
            http_status: status,
            title: format!("refused with status {status}"),
            details: None,
            user_title: None,
            user_message: None,
            trace_id: None,
            reaction: reaction_without_envelope(status),
        });
    };
    let known = codes::rule(error.code);
    // 1, 2 and 131016 are the platform's own faults: with 5xx it may have failed after the message was on its way. The same is true of
    // a code we do not know: retrying it might send twice, waiting for a webhook cannot.
    if server_error && (known.is_none() || matches!(error.code, 1 | 2 | 131_016)) {
        return Err(AmbiguousCause::ServerError { status, code: Some(error.code) });
    }
    let message = error.message.0.map(Cow::into_owned);
    let user_message = error.error_user_msg.0.map(Cow::into_owned);
    let details = match error.error_data {
        serde_json::Value::String(details) => Some(details),
        serde_json::Value::Object(mut data) => match data.remove("details") {
            Some(serde_json::Value::String(details)) => Some(details),
            _ => None,
        },
        _ => None,
    }
    .or_else(|| user_message.clone());
    let (title, details, reaction) = if let Some(rule) = known {
        (rule.title.to_owned(), details.or(message), rule.reaction)
    } else {
        let reaction = match status {
            429 => Reaction::SlowNumber,
            _ if error.is_transient == serde_json::Value::Bool(true) => codes::RETRY_SOME,
            _ => Reaction::FinalForRow,
        };
        (message.unwrap_or_else(|| format!("refused with code {}", error.code)), details, reaction)
    };
    Ok(Rejection {
        code: Some(error.code),
        subcode: error.error_subcode.0.and_then(|subcode| subcode.parse().ok()),
        http_status: status,
        title,
        details,
        user_title: error.error_user_title.0.map(Cow::into_owned),
        user_message,
        trace_id: error.fbtrace_id.0.map(Cow::into_owned),
        reaction,
    })
}

/// Graph always answers with its envelope; a 4xx without one comes from something in between and says nothing about the person. So it is
/// never final at once.
fn reaction_without_envelope(status: u16) -> Reaction {
    match status {
        429 => Reaction::SlowNumber,
        401 | 403 | 404 | 407 => Reaction::PauseAccount,
        _ => codes::RETRY_SOME,
    }
}

#[cfg(test)]
mod tests;
