//! The description of the API: gathered from the handlers, and completed with what holds for all of them.

use std::{collections::HashSet, sync::LazyLock};

use serde_json::{Value, json};
use utoipa::{
    OpenApi, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{problem::ProblemBody, routes};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Heliograph",
        description = "Self-hosted WhatsApp CRM and campaign engine. Failures are problem documents (RFC 9457); lists page by cursor; \
                       `x-permission` names the right that an operation needs, `x-principal: member` says that API keys cannot call it, \
                       `x-step-up` that who asks must have been proved within the last ten minutes.",
    ),
    components(schemas(ProblemBody, kernel::FileId))
)]
struct Description;

static DOCUMENT: LazyLock<Value> = LazyLock::new(build);
static TEXT: LazyLock<String> = LazyLock::new(|| DOCUMENT.to_string());

/// The OpenAPI 3.1 document.
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// The same as text.
pub(crate) fn text() -> &'static str {
    &TEXT
}

/// Every operation: its path, its method in lower case, its description.
pub(crate) fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = document()["paths"].as_object().expect("there are routes");
    paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().expect("a path item is an object").iter().filter(|(method, _)| is_method(method));
        operations.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// Whether the operation `POST path` keeps its answer for repetitions.
pub(crate) fn takes_idempotency_key(path: &str) -> bool {
    static PATHS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let takes =
            |operation: &Value| operation["parameters"].as_array().into_iter().flatten().any(|one| one["name"] == "Idempotency-Key");
        operations().filter(|(_, _, operation)| takes(operation)).map(|(path, ..)| path).collect()
    });
    PATHS.contains(path)
}

fn build() -> Value {
    let mut api = Description::openapi();
    for group in [routes::ordinary(), routes::webhooks(), routes::uploads(), routes::pictures()] {
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
        "apiKey": { "type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "a key for programs, with rights of its own" },
    });
    document["security"] = json!([{ "bearer": [] }, { "apiKey": [] }]);
    let paths = document["paths"].as_object_mut().expect("there are routes");
    for (path, item) in paths {
        let item = item.as_object_mut().expect("a path item is an object");
        for (method, operation) in item.iter_mut().filter(|(method, _)| is_method(method)) {
            complete(path, method, operation);
        }
    }
    document
}

pub(crate) fn is_method(key: &str) -> bool {
    matches!(key, "get" | "put" | "post" | "delete" | "patch" | "head" | "options")
}

/// Gives an operation a name of its own, and the failures that any operation of its kind can answer with.
fn complete(path: &str, method: &str, operation: &mut Value) {
    operation["operationId"] = operation_id(method, path).into();
    let open = operation["security"].as_array().is_some_and(|needs| needs.iter().all(|need| need == &json!({})));
    let step_up = operation["x-step-up"] == true;
    let persons_only = step_up || operation["x-principal"] == "member";
    if persons_only {
        operation["security"] = json!([{ "bearer": [] }]);
    }
    let guarded = persons_only || operation.get("x-permission").is_some();
    // What nobody signs in for has nobody whose key it would be, and a preview makes nothing. Passwords and codes shall leave no trace that
    // could be tried out, and what is shown once to whoever has proved who they are is not shown again to others.
    let of_accounts = operation["tags"].as_array().is_some_and(|tags| tags.contains(&json!("identity")));
    let once = method == "post" && !open && !step_up && !of_accounts && !path.contains("/preview");
    if once {
        let parameter = json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Names this request, so that a repetition of it within 24 hours gets the same answer and changes nothing again",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
        });
        match operation["parameters"].as_array_mut() {
            Some(parameters) => parameters.push(parameter),
            None => operation["parameters"] = json!([parameter]),
        }
    }
    let takes_input = operation.get("parameters").is_some() || operation.get("requestBody").is_some();
    let responses = &mut operation["responses"];
    if takes_input {
        add(responses, "400", "Malformed, or against a rule");
    }
    if once {
        add(responses, "409", "The same `Idempotency-Key` is being answered, or its answer was lost");
        add(responses, "422", "The `Idempotency-Key` was used for another request");
    }
    if !open {
        add(responses, "401", "Not signed in, or the login has ended");
    }
    if guarded {
        add(responses, "403", "The right is missing, or the kind of sign-in does not do");
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
    use crm::identity::Permission;

    use super::*;

    fn operations() -> impl Iterator<Item = &'static Value> {
        super::operations().map(|(_, _, operation)| operation)
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
