//! Calls about templates.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    http::Response,
    response::IntoResponse,
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Call, Caller, Parameters, only_fields};
use crate::simulator::{
    error::{GraphError, gateway_error},
    numbers::unknown_object,
    provider::Provider,
    send::Cut,
    templates::{DEFAULT_FIELDS, Definition, Deletion, Template},
};

type Target = Path<(String, String)>;

/// Templates in one page unless `limit` says otherwise.
const PAGE: usize = 25;
/// Most templates deleted by one call.
const DELETED_AT_ONCE: usize = 100;
/// Largest body of a call.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

pub(super) async fn create(
    State(provider): State<Arc<Provider>>,
    caller: Caller,
    Path((_, account)): Target,
    body: Bytes,
) -> Response<Body> {
    caller.0.used_for(&account.as_str().into());
    execute(&provider, &account, || {
        let definition: Definition = read_json(&body)?;
        let template = provider.create_template(&account, definition)?;
        Ok(json!({ "id": template.id.to_string(), "status": template.status, "category": template.definition.category }))
    })
    .await
}

pub(super) async fn edit(
    State(provider): State<Arc<Provider>>,
    _caller: Caller,
    Path((_, id)): Target,
    request: Request,
) -> Response<Body> {
    let Ok(body) = to_bytes(request.into_body(), BODY_LIMIT).await else {
        return GraphError::parameter("The request is too long.").into_response();
    };
    with_template(&provider, &id, |template| {
        let edit: Value = read_json(&body)?;
        provider.edit_template(template, &edit)?;
        Ok(json!({ "success": true, "id": id, "category": provider.templates.find(&id).map(|template| template.definition.category) }))
    })
    .await
}

pub(super) async fn unpause(State(provider): State<Arc<Provider>>, _caller: Caller, Path((_, id)): Target) -> Response<Body> {
    with_template(&provider, &id, |template| {
        Ok(if provider.unpause_template(template) {
            json!({ "success": true })
        } else {
            json!({ "success": false, "reason": "The template is not paused." })
        })
    })
    .await
}

pub(super) async fn delete(
    State(provider): State<Arc<Provider>>,
    _caller: Caller,
    Path((_, account)): Target,
    query: Parameters,
) -> Response<Body> {
    execute(&provider, &account, || {
        let get = |name: &str| query.get(name).filter(|value| !value.is_empty()).cloned();
        let deletion = match (get("name"), get("hsm_id"), get("hsm_ids")) {
            (Some(name), None, None) => Deletion::Name(name),
            (Some(name), Some(id), None) => Deletion::NameAndId(name, id),
            (None, None, Some(ids)) => Deletion::Ids(read_ids(&ids)?),
            (None, None, None) => return Err(GraphError::parameter("The parameter name is required.")),
            _ => return Err(GraphError::parameter("Either name, name and hsm_id, or hsm_ids.")),
        };
        provider.delete_templates(&account, &deletion)?;
        Ok(json!({ "success": true }))
    })
    .await
}

pub(super) async fn list(State(provider): State<Arc<Provider>>, caller: Caller, Path((_, account)): Target, query: Parameters) -> Call {
    caller.0.used_for(&account.as_str().into());
    provider.admit_call(&account).inspect_err(|error| refused(&provider, error))?;
    let oldest_hidden = provider.now_ms().saturating_sub(i64::try_from(provider.faults().template.listing_lag_ms).unwrap_or(i64::MAX));
    let lagging = provider.faults().template.listing_lag_ms > 0;
    let asked = |name: &str, value: &str| query.get(name).is_none_or(|wanted| wanted.eq_ignore_ascii_case(value));
    let mut matching = provider.templates.live();
    matching.retain(|template| {
        template.account == account
            && !(lagging && template.created > oldest_hidden)
            // Meta finds names by a part of them.
            && query.get("name").is_none_or(|wanted| template.definition.name.contains(wanted.as_str()))
            && asked("status", template.status.name())
            && asked("language", &template.definition.language)
            && asked("category", &template.definition.category)
    });
    let cursor = |name: &str| query.get(name).filter(|cursor| !cursor.is_empty()).map(|cursor| read_cursor(cursor)).transpose();
    let (after, before) = (cursor("after")?, cursor("before")?);
    let limit = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE).clamp(1, 1_000);
    let begin = after.map_or(0, |after| matching.partition_point(|template| template.id <= after));
    let end = before.map_or(matching.len(), |before| matching.partition_point(|template| template.id < before)).max(begin);
    let begin = if before.is_some() && after.is_none() { end.saturating_sub(limit) } else { begin };
    let page = &matching[begin..end.min(begin + limit)];
    let fields = query.get("fields").map_or(DEFAULT_FIELDS, String::as_str);
    let data: Vec<_> = page.iter().map(|template| only_fields(template.describe(), Some(fields))).collect();
    let mut answer = json!({ "data": data });
    if let (Some(first), Some(last)) = (page.first(), page.last()) {
        let link = |name: &str, template: &Template| {
            format!("https://graph.facebook.com/v25.0/{account}/message_templates?limit={limit}&{name}={}", write_cursor(template))
        };
        answer["paging"] = json!({ "cursors": { "before": write_cursor(first), "after": write_cursor(last) } });
        if begin + page.len() < matching.len() {
            answer["paging"]["next"] = link("after", last).into();
        }
        if begin > 0 {
            answer["paging"]["previous"] = link("before", first).into();
        }
    }
    provider.management.calls().listed += 1;
    Ok(Json(answer))
}

/// The template of this id; `None` when no template was ever asked for by it.
pub(super) fn read(provider: &Provider, id: &str, fields: Option<&str>) -> Result<Option<Value>, GraphError> {
    let Some(template) = provider.templates.find(id) else {
        let only_templates = ["components", "rejected_reason", "quality_score", "parameter_format", "language"];
        let asks = fields.is_some_and(|fields| fields.split(',').any(|field| only_templates.contains(&field.trim())));
        return if asks || provider.templates.ever_had(id) { Err(unknown_object(id)) } else { Ok(None) };
    };
    provider.admit_call(&template.account).inspect_err(|error| refused(provider, error))?;
    provider.management.calls().read += 1;
    Ok(Some(only_fields(template.describe(), Some(fields.unwrap_or(DEFAULT_FIELDS)))))
}

async fn with_template(provider: &Provider, id: &str, call: impl FnOnce(&Template) -> Result<Value, GraphError>) -> Response<Body> {
    match provider.templates.find(id) {
        Some(template) => execute(provider, &template.account, || call(&template)).await,
        None => refuse(provider, unknown_object(id)),
    }
}

/// Executes a call that changes something, with whatever goes wrong on its way.
async fn execute(provider: &Provider, account: &str, call: impl FnOnce() -> Result<Value, GraphError>) -> Response<Body> {
    let faults = provider.faults();
    if faults.template.latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(faults.template.latency_ms)).await;
    }
    if provider.spend(|faults| &mut faults.errors) {
        return refuse(provider, GraphError::of(faults.template.error_code));
    }
    let broken = provider.spend(|faults| &mut faults.server_errors);
    if broken && !faults.template.server_errors_executed {
        provider.counters.server_errors.add(1);
        return gateway_error();
    }
    let outcome = provider.admit_call(account).and_then(|()| call());
    if faults.template.answer_delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(faults.template.answer_delay_ms)).await;
    }
    if broken {
        provider.counters.server_errors.add(1);
        return gateway_error();
    }
    match outcome {
        Ok(_) if provider.spend(|faults| &mut faults.executed_but_cut) => {
            provider.counters.cut.add(1);
            cut()
        }
        Ok(answer) => Json(answer).into_response(),
        Err(error) => refuse(provider, error),
    }
}

/// An answer that the port turns into a closed connection.
pub(super) fn cut() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Cut);
    response
}

fn refuse(provider: &Provider, error: GraphError) -> Response<Body> {
    refused(provider, &error);
    error.into_response()
}

fn refused(provider: &Provider, error: &GraphError) {
    provider.counters.reject(error.code());
    provider.management.calls().refused += 1;
}

fn read_json<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, GraphError> {
    serde_json::from_slice(body).map_err(|error| GraphError::parameter(format!("cannot read the request: {error}")))
}

/// `["1","2"]`, also with plain numbers.
fn read_ids(ids: &str) -> Result<Vec<String>, GraphError> {
    let wrong = || GraphError::parameter(format!("Param hsm_ids must be a list of 1 to {DELETED_AT_ONCE} ids."));
    let ids: Vec<Value> = serde_json::from_str(ids).map_err(|_| wrong())?;
    if !(1..=DELETED_AT_ONCE).contains(&ids.len()) {
        return Err(wrong());
    }
    let id = |id: &Value| id.as_str().map(str::to_owned).or_else(|| id.as_u64().map(|id| id.to_string())).ok_or_else(wrong);
    ids.iter().map(id).collect()
}

fn write_cursor(template: &Template) -> String {
    STANDARD_NO_PAD.encode(template.id.to_string())
}

fn read_cursor(cursor: &str) -> Result<u64, GraphError> {
    let id = STANDARD_NO_PAD.decode(cursor).ok().and_then(|id| String::from_utf8(id).ok()).and_then(|id| id.parse().ok());
    id.ok_or_else(|| GraphError::parameter("Invalid cursors values."))
}
