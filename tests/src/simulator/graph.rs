//! The Graph API beside sending: numbers, business accounts, templates, media.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json, Router,
    body::Body,
    extract::{FromRequestParts, Path, Query, Request, State},
    http::{Response, header, request::Parts},
    middleware::{self, Next},
    response::IntoResponse,
    routing::{get, post},
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    error::GraphError,
    numbers::{Token, expired, is_object_id, unknown_object},
    provider::Provider,
    templates::{Definition, Template},
};

type Call = Result<Json<Value>, GraphError>;
type Parameters = Query<HashMap<String, String>>;

/// Templates in one page unless `limit` says otherwise.
const PAGE: usize = 25;

/// The routes, for any version.
pub(crate) fn router() -> Router<Arc<Provider>> {
    Router::new()
        .route("/{version}/{id}", get(read).post(edit))
        .route("/{version}/{id}/message_templates", get(list_templates).post(create_template).delete(delete_templates))
        .route("/{version}/{id}/phone_numbers", get(phone_numbers))
        .route("/{version}/{id}/subscribed_apps", get(subscriptions).post(succeed).delete(succeed))
        .route("/{version}/{id}/register", post(succeed))
        .route("/{version}/{id}/deregister", post(succeed))
        .route("/{version}/{id}/unpause", post(unpause))
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_path)
        .layer(middleware::map_response(trace))
        .layer(middleware::from_fn(only_versions))
}

/// The token of the call.
struct Caller(Arc<Token>);

impl FromRequestParts<Arc<Provider>> for Caller {
    type Rejection = GraphError;

    async fn from_request_parts(parts: &mut Parts, provider: &Arc<Provider>) -> Result<Self, GraphError> {
        let faults = provider.faults();
        let authorization = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = provider.numbers.token(authorization, &faults);
        let concerned =
            faults.phone_number_ids.is_empty() || faults.phone_number_ids.iter().any(|id| parts.uri.path().contains(id.as_str()));
        let token = if faults.token_expired && concerned { token.and(Err(expired())) } else { token };
        token.map(Self).inspect_err(|error| provider.counters.reject(error.code()))
    }
}

async fn only_versions(request: Request, next: Next) -> Response<Body> {
    let path = request.uri().path();
    if path.starts_with("/v") || path.starts_with("/_simulator") {
        return next.run(request).await;
    }
    unknown_path().await.into_response()
}

async fn trace(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert("facebook-api-version", header::HeaderValue::from_static("v25.0"));
    response
}

async fn unknown_path() -> GraphError {
    GraphError::of(2_500)
}

async fn succeed(_caller: Caller) -> Json<Value> {
    Json(json!({ "success": true }))
}

async fn subscriptions(_caller: Caller) -> Json<Value> {
    Json(json!({ "data": [{ "whatsapp_business_api_data": { "id": "1", "link": "https://example.com", "name": "Simulated" } }] }))
}

/// A template, a business account or a number. An id never seen is taken for a number, unless the wanted fields are those of an account.
async fn read(State(provider): State<Arc<Provider>>, caller: Caller, Path((_, id)): Path<(String, String)>, query: Parameters) -> Call {
    let faults = provider.faults();
    let fields = query.get("fields").map(String::as_str);
    if let Some(template) = provider.templates.find(&id) {
        return Ok(Json(only_fields(template.describe(), fields)));
    }
    let is_account = provider.numbers.accounts().iter().any(|(_, account)| *account == id);
    let account_fields = ["name", "currency", "timezone_id", "message_template_namespace", "account_review_status"];
    let asks_for_account = fields.is_some_and(|fields| fields.split(',').any(|field| account_fields.contains(&field.trim())));
    if is_account || (provider.numbers.find(&id).is_none() && asks_for_account && is_object_id(&id) && !faults.strict) {
        caller.0.used_for(&id.as_str().into());
        let account = json!({
            "id": id,
            "name": format!("Business account {id}"),
            "currency": "USD",
            "timezone_id": "1",
            "message_template_namespace": format!("namespace_{id}"),
            "account_review_status": "APPROVED",
            "business_verification_status": "verified",
        });
        return Ok(Json(only_fields(account, fields)));
    }
    let number = provider.numbers.number(&id, &caller.0, &faults)?;
    number.read_with(&caller.0);
    Ok(Json(only_fields(number.describe(&faults), fields)))
}

async fn phone_numbers(
    State(provider): State<Arc<Provider>>,
    caller: Caller,
    Path((_, account)): Path<(String, String)>,
    query: Parameters,
) -> Call {
    let faults = provider.faults();
    let known = || provider.numbers.accounts().iter().any(|(_, known)| *known == account);
    if !is_object_id(&account) || (faults.strict && !known()) {
        return Err(unknown_object(&account));
    }
    let fields = query.get("fields").map(String::as_str);
    let numbers = provider.numbers.of_account(&account, &caller.0, &faults);
    provider.remember();
    let data: Vec<_> = numbers.iter().map(|number| only_fields(number.describe(&faults), fields)).collect();
    Ok(Json(json!({ "data": data, "paging": { "cursors": { "before": "MAZDZD", "after": "MjQZD" } } })))
}

async fn create_template(
    State(provider): State<Arc<Provider>>,
    caller: Caller,
    Path((_, account)): Path<(String, String)>,
    body: Bytes,
) -> Call {
    let create = || {
        let definition: Definition =
            serde_json::from_slice(&body).map_err(|error| GraphError::parameter(format!("cannot read the request: {error}")))?;
        provider.create_template(&account, definition)
    };
    caller.0.used_for(&account.as_str().into());
    let template = create().inspect_err(|error| provider.counters.reject(error.code()))?;
    Ok(Json(json!({ "id": template.id.to_string(), "status": template.status, "category": template.definition.category })))
}

async fn list_templates(
    State(provider): State<Arc<Provider>>,
    caller: Caller,
    Path((_, account)): Path<(String, String)>,
    query: Parameters,
) -> Call {
    caller.0.used_for(&account.as_str().into());
    let limit = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE).clamp(1, 1_000);
    let after: u64 = query.get("after").and_then(|cursor| cursor.parse().ok()).unwrap_or_default();
    let asked = |name: &str, value: &str| query.get(name).is_none_or(|wanted| wanted.eq_ignore_ascii_case(value));
    let matching = |template: &Template| {
        template.account == account
            && template.id > after
            // Meta finds names by a part of them.
            && query.get("name").is_none_or(|wanted| template.definition.name.contains(wanted.as_str()))
            && asked("status", template.status.name())
            && asked("language", &template.definition.language)
            && asked("category", &template.definition.category)
    };
    let templates: Vec<_> = provider.templates.all().into_iter().filter(matching).collect();
    let page = &templates[..templates.len().min(limit)];
    let fields = query.get("fields").map(String::as_str);
    let data: Vec<_> = page.iter().map(|template| only_fields(template.describe(), fields)).collect();
    let mut answer = json!({ "data": data });
    if let (Some(first), Some(last)) = (page.first(), page.last()) {
        answer["paging"] = json!({ "cursors": { "before": first.id.to_string(), "after": last.id.to_string() } });
        if templates.len() > limit {
            answer["paging"]["next"] = format!("/v25.0/{account}/message_templates?limit={limit}&after={}", last.id).into();
        }
    }
    Ok(Json(answer))
}

async fn delete_templates(
    State(provider): State<Arc<Provider>>,
    _caller: Caller,
    Path((_, account)): Path<(String, String)>,
    query: Parameters,
) -> Call {
    let Some(name) = query.get("name") else { return Err(GraphError::parameter("The parameter name is required.")) };
    let id: Option<u64> = query.get("hsm_id").and_then(|id| id.parse().ok());
    let removed = provider
        .templates
        .remove(|template| template.account == account && template.definition.name == *name && id.is_none_or(|id| template.id == id));
    if removed == 0 {
        return Err(GraphError::of(100).subcode(2_593_002).details("Message template not found."));
    }
    provider.remember();
    Ok(Json(json!({ "success": true })))
}

async fn edit(State(provider): State<Arc<Provider>>, _caller: Caller, Path((_, id)): Path<(String, String)>, body: Bytes) -> Call {
    let template = provider.templates.find(&id).ok_or_else(|| unknown_object(&id))?;
    let edit: Value = serde_json::from_slice(&body).map_err(|error| GraphError::parameter(format!("cannot read the request: {error}")))?;
    provider.edit_template(&template, &edit)?;
    Ok(Json(json!({ "success": true })))
}

async fn unpause(State(provider): State<Arc<Provider>>, _caller: Caller, Path((_, id)): Path<(String, String)>) -> Call {
    let template = provider.templates.find(&id).ok_or_else(|| unknown_object(&id))?;
    provider.review(template.id, &super::Review::Approve);
    Ok(Json(json!({ "success": true })))
}

/// Keeps what `fields` asks for, and the id.
fn only_fields(object: Value, fields: Option<&str>) -> Value {
    match (object, fields) {
        (Value::Object(mut object), Some(fields)) => {
            let wanted: Vec<&str> = fields.split(',').map(|field| field.split(['{', '.', '(']).next().unwrap_or(field).trim()).collect();
            object.retain(|name, _| name == "id" || wanted.contains(&name.as_str()));
            Value::Object(object)
        }
        (object, _) => object,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_filtered_by_name() {
        let object = json!({ "id": "1", "a": 1, "b": 2, "throughput": { "level": "HIGH" } });
        assert_eq!(only_fields(object, Some("a,throughput{level}")), json!({ "id": "1", "a": 1, "throughput": { "level": "HIGH" } }));
    }
}
