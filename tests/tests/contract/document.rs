//! The API description, and how to make a request from it.

use reqwest::Method;
use serde_json::{Map, Value, json};

/// One operation of the API.
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: String,
    description: &'static Value,
}

/// All operations.
pub(crate) fn operations() -> Vec<Operation> {
    let paths = api::openapi::document()["paths"].as_object().expect("there are routes");
    let mut operations = Vec::new();
    for (path, item) in paths {
        for (method, description) in item.as_object().expect("an object") {
            if let "get" | "put" | "post" | "patch" | "delete" = method.as_str() {
                let method = method.to_uppercase().parse().expect("a method");
                operations.push(Operation { method, path: path.clone(), description });
            }
        }
    }
    operations
}

impl Operation {
    /// Whether it says that nobody needs to be signed in.
    pub(crate) fn is_open(&self) -> bool {
        self.description["security"].as_array().is_some_and(|needs| needs.iter().all(|need| need == &json!({})))
    }

    /// The right that it says is needed.
    pub(crate) fn permission(&self) -> Option<&'static str> {
        self.description["x-permission"].as_str()
    }

    /// Whether its path names a record.
    pub(crate) fn names_a_record(&self) -> bool {
        self.path.contains('{')
    }

    /// The first word behind `/api`, and what follows up to the first record: `campaigns`, or `contacts/imports`.
    pub(crate) fn collection(&self) -> &str {
        let path = self.path.strip_prefix("/api/").unwrap_or(&self.path);
        path.split_once("/{").map_or(path, |(collection, _)| collection)
    }

    /// Its path with `id` for every record.
    pub(crate) fn path_with(&self, id: &str) -> String {
        let mut path = String::new();
        for part in self.path.split_inclusive('}') {
            path.push_str(part.split_once('{').map_or(part, |(before, _)| before));
            if part.ends_with('}') {
                path.push_str(id);
            }
        }
        path
    }

    /// A body of the expected form, as small as it can be.
    pub(crate) fn body(&self) -> Option<Value> {
        let schema = self.description.pointer("/requestBody/content/application~1json/schema")?;
        Some(sample(schema))
    }
}

fn sample(schema: &Value) -> Value {
    if let Some(target) = schema["$ref"].as_str() {
        let target = api::openapi::document().pointer(&target[1..]).unwrap_or_else(|| panic!("{target} is described"));
        return sample(target);
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            return choices.iter().find(|choice| choice["type"] != "null").map_or(Value::Null, sample);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return parts.iter().map(sample).fold(json!({}), |mut whole, part| {
            if let (Some(whole), Value::Object(part)) = (whole.as_object_mut(), part) {
                whole.extend(part);
            }
            whole
        });
    }
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.first().cloned().unwrap_or_default();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null"),
        kind => kind.as_str().unwrap_or("object"),
    };
    match kind {
        "object" => {
            let needed = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            Value::Object(needed.map(|name| (name.to_owned(), sample(&schema["properties"][name]))).collect::<Map<_, _>>())
        }
        "array" => json!([]),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        "boolean" => json!(true),
        "string" => match schema["format"].as_str() {
            Some("uuid") => json!("01890000-0000-7000-8000-000000000000"),
            Some("date-time") => json!("2030-01-01T00:00:00Z"),
            _ => json!("sample"),
        },
        _ => Value::Null,
    }
}
