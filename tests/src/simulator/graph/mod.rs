//! The Graph API beside sending: numbers, business accounts, templates, uploads.

mod templates;
mod uploads;

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
use serde_json::{Value, json};

use super::{
    error::GraphError,
    numbers::{Token, expired, is_object_id, unknown_object},
    provider::Provider,
};

type Call = Result<Json<Value>, GraphError>;
type Parameters = Query<HashMap<String, String>>;

/// The routes, for any version.
pub(crate) fn router() -> Router<Arc<Provider>> {
    Router::new()
        .route("/{version}/{id}", get(read).post(post_to_id))
        .route("/{version}/{id}/message_templates", get(templates::list).post(templates::create).delete(templates::delete))
        .route("/{version}/{id}/uploads", post(uploads::open))
        .route("/{version}/{id}/phone_numbers", get(phone_numbers))
        .route("/{version}/{id}/subscribed_apps", get(subscriptions).post(succeed).delete(succeed))
        .route("/{version}/{id}/register", post(succeed))
        .route("/{version}/{id}/deregister", post(succeed))
        .route("/{version}/{id}/unpause", post(templates::unpause))
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
    if id.starts_with("upload:") {
        return uploads::state(&provider, &id, query.get("sig").map(String::as_str));
    }
    if let Some(template) = templates::read(&provider, &id, fields)? {
        return Ok(Json(template));
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

/// Whoever posts to an id changes a template, or sends the bytes of a file.
async fn post_to_id(provider: State<Arc<Provider>>, caller: Caller, path: Path<(String, String)>, request: Request) -> Response<Body> {
    if path.1.starts_with("upload:") {
        return uploads::transfer(provider, path, request).await;
    }
    templates::edit(provider, caller, path, request).await
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
