//! `POST /<number>/messages`: the path that has to be fast.
//!
//! Order of a send: faults that keep it from being looked at, token, body, number, template, limits, chance, then execution (the line in
//! the ledger), then the answer.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, HttpBody},
    http::{HeaderMap, HeaderValue, Request, Response, header},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use kernel::AttemptId;

use super::{
    error::{GraphError, gateway_error},
    faults::{Dice, Faults, Purpose, stable_hash},
    ledger::{Answer, Execution, Receipt},
    numbers::{Number, Token, expired},
    provider::Provider,
    request::{self, Message, Request as SendRequest},
    templates::Category,
    webhooks,
};

/// The connection is closed without an answer.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("closed without an answer, as told by a fault")]
pub(crate) struct Cut;

/// Largest body of a send.
const BODY_LIMIT: usize = 100 * 1024;

/// A send that passed every check.
struct Admitted {
    number: Arc<Number>,
    token: Arc<Token>,
    category: Option<Category>,
    /// Why it will fail after its acceptance.
    failure: Option<i32>,
}

/// Takes a send.
pub(crate) async fn messages(provider: &Provider, phone_number_id: &str, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let nth = provider.counters.requests.add(1);
    let faults = provider.faults();
    if faults.outage && faults.concern_number(phone_number_id) {
        provider.counters.refused_by_outage.add(1);
        return Err(Cut);
    }
    let (head, body) = request.into_parts();
    let body = read_body(body).await.ok_or(Cut)?;
    let parsed = request::parse(&body);
    let checked = parsed.as_ref().map_err(Clone::clone).and_then(request::SendBody::check);
    let to = match &checked {
        Ok(SendRequest::Message(message)) => &message.to,
        _ => "",
    };
    let concerned = faults.concern(phone_number_id, to);
    if concerned && faults.latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(faults.latency_ms)).await;
    }
    let admitted = checked.and_then(|request| match request {
        SendRequest::MarkRead => identify(provider, &faults, &head.headers, phone_number_id).map(|_| None),
        SendRequest::Message(message) => {
            let admitted = admit(provider, &faults, &head.headers, phone_number_id, &message)?;
            Ok(Some((message, admitted)))
        }
    });
    match admitted {
        Ok(Some((message, admitted))) => {
            let dice = Dice::new(faults.seed, identity(&message, nth));
            decide(provider, &faults, concerned, dice, &message, admitted).await
        }
        Ok(None) => Ok(answer(Bytes::from_static(b"{\"success\":true}"))),
        Err(error) => Ok(refuse(provider, error)),
    }
}

fn refuse(provider: &Provider, error: GraphError) -> Response<Body> {
    use axum::response::IntoResponse;

    provider.counters.reject(error.code());
    error.into_response()
}

fn identify(
    provider: &Provider,
    faults: &Faults,
    headers: &HeaderMap,
    phone_number_id: &str,
) -> Result<(Arc<Number>, Arc<Token>), GraphError> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = provider.numbers.token(authorization, faults)?;
    if faults.token_expired && faults.concern_number(phone_number_id) {
        return Err(expired());
    }
    let number = provider.numbers.number(phone_number_id, &token, faults)?;
    Ok((number, token))
}

fn admit(
    provider: &Provider,
    faults: &Faults,
    headers: &HeaderMap,
    phone_number_id: &str,
    message: &Message<'_>,
) -> Result<Admitted, GraphError> {
    let (number, token) = identify(provider, faults, headers, phone_number_id)?;
    if number.is_phone(&message.to) {
        return Err(GraphError::of(131_021));
    }
    let mut category = None;
    let mut failure = None;
    if let Some(template) = &message.template {
        if faults.paused_templates.iter().any(|paused| paused == template.name) {
            return Err(GraphError::of(132_015).details("Template is paused due to low quality."));
        }
        category = provider.templates.check(number.known_account().as_deref(), template)?;
        if category.is_none() && (faults.strict || faults.unknown_template_refused) {
            return Err(
                GraphError::of(132_001).details(format!("template name ({}) does not exist in {}", template.name, template.language))
            );
        }
        let category = category.get_or_insert(Category::Marketing);
        if *category == Category::Marketing && provider.numbers.marketing_stopped(&number, &message.to) {
            failure = Some(131_050);
        }
    } else if faults.customer_window && !provider.numbers.window_open(&number, &message.to) {
        failure = Some(131_047);
    }
    number.take(&message.to, faults)?;
    if faults.messaging_limit > 0 && !provider.numbers.window_open(&number, &message.to) {
        provider.numbers.take_from_tier(&number, &message.to, faults.messaging_limit)?;
    }
    Ok(Admitted { number, token, category, failure })
}

/// Lets chance decide what becomes of an admitted send, and executes it or not.
async fn decide(
    provider: &Provider,
    faults: &Faults,
    concerned: bool,
    dice: Dice,
    message: &Message<'_>,
    admitted: Admitted,
) -> Result<Response<Body>, Cut> {
    let mut outcome = Answer::Given;
    let chance = faults.error_share + faults.server_error_share + faults.executed_but_cut_share;
    if concerned && chance > 0.0 {
        let roll = dice.roll(Purpose::Answer, 0);
        if roll < faults.error_share {
            return Ok(refuse(provider, GraphError::of(faults.error_code)));
        }
        if roll < faults.error_share + faults.server_error_share {
            if !faults.server_error_executed {
                provider.counters.server_errors.add(1);
                return Ok(gateway_error());
            }
            outcome = Answer::ServerError;
        } else if roll < chance {
            outcome = Answer::Cut;
        }
    }
    let Some(receipt) = execute(provider, message, &admitted, outcome).await else {
        provider.counters.server_errors.add(1);
        return Ok(gateway_error());
    };
    let body = acceptance(message, &receipt.wamid);
    tell(provider, faults, concerned, dice, message, admitted, receipt).await;
    match outcome {
        Answer::Given => {
            provider.counters.accepted.add(1);
            Ok(answer(body))
        }
        Answer::Cut => {
            provider.counters.cut.add(1);
            tokio::time::sleep(Duration::from_millis(faults.cut_after_ms)).await;
            Err(Cut)
        }
        Answer::ServerError => {
            provider.counters.server_errors.add(1);
            Ok(gateway_error())
        }
    }
}

/// Writes the line. `None` when the disk refuses: then nothing is executed any more.
async fn execute(provider: &Provider, message: &Message<'_>, admitted: &Admitted, answer: Answer) -> Option<Receipt> {
    let template = message.template.as_ref();
    let parameters: Vec<&str> = template
        .iter()
        .flat_map(|template| template.components)
        .flat_map(|component| &component.parameters)
        .filter_map(|parameter| parameter.text.as_deref())
        .collect();
    let receipt = provider.ledger.append(&Execution {
        to: &message.to,
        phone_number_id: &admitted.number.id,
        message_type: message.kind,
        template: template.map(|template| template.name),
        language: template.map(|template| template.language),
        parameters: &parameters,
        text: message.text,
        opaque_data: message.opaque_data,
        token_id: &admitted.token.id,
        answer,
    });
    // Lets sends that are ready too put their lines in, so that one write takes them all.
    tokio::task::yield_now().await;
    match provider.ledger.flush(&receipt) {
        Ok(()) => Some(receipt),
        Err(error) => {
            tracing::error!(%error, "cannot write the ledger");
            None
        }
    }
}

/// Plans the webhooks of an executed send.
async fn tell(
    provider: &Provider,
    faults: &Faults,
    concerned: bool,
    dice: Dice,
    message: &Message<'_>,
    admitted: Admitted,
    receipt: Receipt,
) {
    let calm;
    let webhook = if concerned {
        &faults.webhook
    } else {
        calm = super::faults::WebhookFaults { off: faults.webhook.off, batch: faults.webhook.batch, ..Default::default() };
        &calm
    };
    if !provider.webhooks.wanted(webhook) {
        return;
    }
    let make = |wamid: String, number: Arc<Number>| webhooks::Message {
        wamid,
        to: message.to.clone(),
        opaque_data: message.opaque_data.map(Into::into),
        number,
        category: admitted.category,
        accepted_ms: receipt.time.timestamp_millis(),
    };
    let first = admitted.failure.is_none() && dice.hits(webhook.before_answer_share, Purpose::BeforeAnswer);
    if first {
        provider.webhooks.tell_sent(make(receipt.wamid.clone(), Arc::clone(&admitted.number))).await;
        tokio::time::sleep(Duration::from_millis(webhook.before_answer_ms)).await;
    }
    let message = make(receipt.wamid, admitted.number);
    provider.webhooks.plan(message, admitted.failure, webhook, dice, first);
}

/// What a send is for the dice: the recipient, and which attempt at which place of a campaign; otherwise which request this is.
fn identity(message: &Message<'_>, nth: u64) -> u64 {
    let attempt = message.opaque_data.and_then(AttemptId::decode);
    let attempt = attempt
        .map_or(nth | 1 << 63, |attempt| (u64::from(attempt.seq.unsigned_abs()) << 16) | u64::from(attempt.attempt_no.unsigned_abs()));
    stable_hash(&message.to) ^ super::faults::mix(attempt)
}

fn acceptance(message: &Message<'_>, wamid: &str) -> Bytes {
    // Neither the input (digits and punctuation, or a user id) nor the wamid has characters that JSON escapes.
    let mut body = BytesMut::with_capacity(220);
    body.extend_from_slice(b"{\"messaging_product\":\"whatsapp\",\"contacts\":[{\"input\":\"");
    body.extend_from_slice(message.input.as_bytes());
    if let Some(digits) = message.to.strip_prefix('+') {
        body.extend_from_slice(b"\",\"wa_id\":\"");
        body.extend_from_slice(digits.as_bytes());
    } else {
        body.extend_from_slice(b"\",\"user_id\":\"");
        body.extend_from_slice(message.to.as_bytes());
    }
    body.extend_from_slice(b"\"}],\"messages\":[{\"id\":\"");
    body.extend_from_slice(wamid.as_bytes());
    if message.template.is_some() {
        body.extend_from_slice(b"\",\"message_status\":\"accepted");
    }
    body.extend_from_slice(b"\"}]}");
    body.freeze()
}

fn answer(body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
    response
}

/// The whole body, without a copy when it came in one piece. `None` when the client went away or wrote too much.
async fn read_body(mut body: Incoming) -> Option<Bytes> {
    let mut whole = BytesMut::new();
    loop {
        let frame = match body.frame().await {
            Some(frame) => frame.ok()?.into_data().unwrap_or_default(),
            None => return Some(whole.freeze()),
        };
        if whole.len() + frame.len() > BODY_LIMIT {
            return None;
        }
        if whole.is_empty() && body.is_end_stream() {
            return Some(frame);
        }
        whole.extend_from_slice(&frame);
    }
}
