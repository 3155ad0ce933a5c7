//! The description of the API: gathered from the handlers, and completed with what holds for all of them.

use std::sync::LazyLock;

use axum::{
    Router,
    http::header,
    response::{Html, IntoResponse},
    routing::get,
};
use serde_json::{Value, json};
use utoipa::{
    OpenApi, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{problem::ProblemBody, routes, state::AppState};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Heliograph",
        description = "Self-hosted WhatsApp CRM and campaign engine. Failures are problem documents (RFC 9457); lists page by cursor; \
                       `x-permission` names the right that an operation needs.",
    ),
    components(schemas(ProblemBody))
)]
struct Description;

static DOCUMENT: LazyLock<Value> = LazyLock::new(build);
static TEXT: LazyLock<String> = LazyLock::new(|| DOCUMENT.to_string());

/// The OpenAPI 3.1 document.
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// `GET /api/openapi.json` and `GET /api/docs`.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())))
        .route("/api/docs", get(docs))
}

/// The reader is fetched from its publisher's network, the document from here: this page alone may load scripts, and only that one.
async fn docs() -> impl IntoResponse {
    const POLICY: &str = "default-src 'none'; script-src https://cdn.jsdelivr.net; style-src 'unsafe-inline'; img-src data: 'self'; \
                          font-src data: https://fonts.scalar.com; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";
    const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Heliograph API</title>
</head>
<body>
<noscript>The document itself is at <a href="/api/openapi.json">/api/openapi.json</a>.</noscript>
<script id="api-reference" data-url="/api/openapi.json"></script>
<script src="https://cdn.jsdelivr.net/npm/@scalar/api-reference"></script>
</body>
</html>
"#;
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(PAGE))
}

fn build() -> Value {
    let mut api = Description::openapi();
    for group in [routes::ordinary(), routes::webhooks(), routes::uploads()] {
        api.merge(group.into_openapi());
    }
    let mut schemas: Vec<(String, RefOr<Schema>)> = Vec::new();
    ProblemBody::schemas(&mut schemas);
    if let Some(components) = &mut api.components {
        components.schemas.extend(schemas);
    }
    let mut document = serde_json::to_value(&api).expect("the description is JSON");
    document["components"]["securitySchemes"] = json!({
        "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "access token, valid for 15 minutes" },
    });
    document["security"] = json!([{ "bearer": [] }]);
    let paths = document["paths"].as_object_mut().expect("there are routes");
    for (path, item) in paths {
        let item = item.as_object_mut().expect("a path item is an object");
        for (method, operation) in item.iter_mut().filter(|(method, _)| is_method(method)) {
            complete(path, method, operation);
        }
    }
    document
}

fn is_method(key: &str) -> bool {
    matches!(key, "get" | "put" | "post" | "delete" | "patch" | "head" | "options")
}

/// Gives an operation a name of its own, and the failures that any operation of its kind can answer with.
fn complete(path: &str, method: &str, operation: &mut Value) {
    operation["operationId"] = operation_id(method, path).into();
    let open = operation["security"].as_array().is_some_and(|needs| needs.iter().all(|need| need == &json!({})));
    let guarded = operation.get("x-permission").is_some();
    let responses = &mut operation["responses"];
    if !open {
        add(responses, "401", "Not signed in, or the login has ended");
    }
    if guarded {
        add(responses, "403", "The right is missing");
    }
    add(responses, "default", "Any other failure");
}

fn add(responses: &mut Value, status: &str, description: &str) {
    if responses.get(status).is_none() {
        responses[status] = json!({
            "description": description,
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        });
    }
}

/// `post` and `/api/campaigns/{id}/send` make `postCampaignsIdSend`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.strip_prefix("/api").unwrap_or(path).split(|character: char| !character.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).fold(method.to_owned(), |mut id, word| {
        let (first, rest) = word.split_at(1);
        id.push_str(&first.to_ascii_uppercase());
        id.push_str(rest);
        id
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crm::identity::Permission;

    use super::*;

    fn operations() -> impl Iterator<Item = &'static Value> {
        let paths = document()["paths"].as_object().unwrap();
        paths.values().flat_map(|item| item.as_object().unwrap().iter().filter(|(key, _)| is_method(key)).map(|(_, operation)| operation))
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_a_summary() {
        let mut names = HashSet::new();
        for operation in operations() {
            assert!(names.insert(operation["operationId"].as_str().unwrap()), "{operation}");
            assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{operation}");
        }
    }

    #[test]
    fn every_named_right_exists() {
        let words: HashSet<_> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
        for operation in operations() {
            if let Some(right) = operation.get("x-permission") {
                assert!(words.contains(right.as_str().unwrap()), "{right}");
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn check(value: &Value, document: &Value) {
            match value {
                Value::Object(fields) => {
                    if let Some(Value::String(target)) = fields.get("$ref") {
                        assert!(document.pointer(&target[1..]).is_some(), "{target}");
                    }
                    fields.values().for_each(|field| check(field, document));
                }
                Value::Array(items) => items.iter().for_each(|item| check(item, document)),
                _ => {}
            }
        }
        check(document(), document());
    }

    #[test]
    fn the_document_is_of_version_3_1() {
        assert!(document()["openapi"].as_str().unwrap().starts_with("3.1"));
    }
}
