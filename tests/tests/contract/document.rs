//! The API description: its operations, and where in a request they take ids.

use reqwest::Method;
use serde_json::{Value, json};

/// One operation of the API.
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: String,
    description: &'static Value,
}

/// A step into a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Field(String),
    Item,
}

/// Where a request names a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Path(String),
    Query(String),
    Body(Vec<Step>),
}

/// A place for an id, and what it is the id of: `ContactId`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) place: Place,
    pub(crate) kind: String,
}

/// All operations.
pub(crate) fn operations() -> Vec<Operation> {
    let paths = api::openapi::document()["paths"].as_object().expect("there are routes");
    let mut operations = Vec::new();
    for (path, item) in paths {
        for (method, description) in item.as_object().expect("an object") {
            assert_ne!(method, "parameters", "{path}: parameters stand at each operation");
            if let "get" | "put" | "post" | "patch" | "delete" = method.as_str() {
                let method = method.to_uppercase().parse().expect("a method");
                operations.push(Operation { method, path: path.clone(), description });
            }
        }
    }
    operations
}

impl Operation {
    /// `GET /api/campaigns`.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether it says that nobody needs to be signed in.
    pub(crate) fn is_open(&self) -> bool {
        self.description["security"].as_array().is_some_and(|needs| needs.iter().all(|need| need == &json!({})))
    }

    /// The right that it says is needed.
    pub(crate) fn permission(&self) -> Option<&'static str> {
        self.description["x-permission"].as_str()
    }

    /// Whether it is for persons only, not for keys.
    pub(crate) fn is_for_persons(&self) -> bool {
        self.description["x-principal"] == "member" || self.needs_step_up()
    }

    /// Whether who somebody is must have been proved a short while ago.
    pub(crate) fn needs_step_up(&self) -> bool {
        self.description["x-step-up"] == true
    }

    /// The statuses that it says it answers with.
    pub(crate) fn documents(&self, status: u16) -> bool {
        self.description["responses"].get(status.to_string()).is_some()
    }

    /// Its parameters of the path or of the query, with the schema of each.
    pub(crate) fn parameters(&self, place: &str) -> impl Iterator<Item = (&'static str, &'static Value)> {
        let all = self.description["parameters"].as_array().into_iter().flatten();
        let those: Vec<_> = all.filter(|parameter| parameter["in"] == place).collect();
        those.into_iter().map(|parameter| (parameter["name"].as_str().expect("a name"), &parameter["schema"]))
    }

    /// The parameters of the query without which it does not answer.
    pub(crate) fn required_query(&self) -> impl Iterator<Item = (&'static str, &'static Value)> {
        let all = self.description["parameters"].as_array().into_iter().flatten();
        all.filter(|parameter| parameter["in"] == "query" && parameter["required"] == true)
            .map(|parameter| (parameter["name"].as_str().expect("a name"), &parameter["schema"]))
    }

    /// The form of its JSON body.
    pub(crate) fn json_schema(&self) -> Option<&'static Value> {
        self.description.pointer("/requestBody/content/application~1json/schema")
    }

    /// Whether it takes files.
    pub(crate) fn is_multipart(&self) -> bool {
        self.description.pointer("/requestBody/content/multipart~1form-data").is_some()
    }

    /// Whether it takes a body of a form that is not known here.
    pub(crate) fn has_other_body(&self) -> bool {
        self.description.get("requestBody").is_some() && self.json_schema().is_none() && !self.is_multipart()
    }

    /// Every place where it takes an id.
    pub(crate) fn positions(&self) -> Vec<Position> {
        let mut positions = Vec::new();
        for place in ["path", "query"] {
            for (name, schema) in self.parameters(place) {
                if let Some(kind) = kind_of(name, schema) {
                    let name = name.to_owned();
                    let place = if place == "path" { Place::Path(name) } else { Place::Query(name) };
                    positions.push(Position { place, kind });
                }
            }
        }
        if let Some(schema) = self.json_schema() {
            gather(schema, "", &mut Vec::new(), &mut positions);
        }
        positions
    }
}

/// The schema that a reference leads to; the schema itself when it is none. Of a choice, the first that is not null.
pub(crate) fn resolve(schema: &'static Value) -> &'static Value {
    if let Some(target) = schema["$ref"].as_str() {
        return resolve(api::openapi::document().pointer(&target[1..]).unwrap_or_else(|| panic!("{target} is described")));
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            return choices.iter().find(|choice| choice["type"] != "null").map_or(schema, resolve);
        }
    }
    schema
}

/// The last part of the reference that leads to a schema: `ContactId`.
pub(crate) fn reference(schema: &'static Value) -> Option<&'static str> {
    if let Some(target) = schema["$ref"].as_str() {
        return target.rsplit('/').next();
    }
    ["oneOf", "anyOf"].into_iter().find_map(|choice| schema[choice].as_array()?.iter().find_map(reference))
}

/// The type of a schema that is not null.
pub(crate) fn type_of(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null"),
        kind => kind.as_str().unwrap_or("object"),
    }
}

/// What a value of this name and form is the id of, if it is an id: one of ours by its schema, one of the provider's by its name.
pub(crate) fn kind_of(name: &str, schema: &'static Value) -> Option<String> {
    let resolved = resolve(schema);
    if type_of(resolved) != "string" {
        return None;
    }
    let by_name = || {
        let (first, rest) = name.split_at_checked(1)?;
        let rest = rest.strip_suffix("Ids").map_or_else(|| rest.to_owned(), |stem| format!("{stem}Id"));
        Some(first.to_uppercase() + &rest)
    };
    if resolved["format"] == "uuid" {
        return reference(schema).map(str::to_owned).or_else(by_name);
    }
    (name.ends_with("Id") || name.ends_with("Ids")).then(by_name).flatten()
}

fn gather(schema: &'static Value, name: &str, at: &mut Vec<Step>, positions: &mut Vec<Position>) {
    // Nothing that is asked for is nested this deeply, unless it contains itself.
    if at.len() > 8 {
        return;
    }
    if let Some(kind) = kind_of(name, schema) {
        positions.push(Position { place: Place::Body(at.clone()), kind });
        return;
    }
    let resolved = resolve(schema);
    for part in resolved["allOf"].as_array().into_iter().flatten() {
        gather(part, name, at, positions);
    }
    for (field, schema) in resolved["properties"].as_object().into_iter().flatten() {
        at.push(Step::Field(field.clone()));
        gather(schema, field, at, positions);
        at.pop();
    }
    if let Some(items) = resolved.get("items") {
        at.push(Step::Item);
        gather(items, name, at, positions);
        at.pop();
    }
}
