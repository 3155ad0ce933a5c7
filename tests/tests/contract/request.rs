//! Requests as the API description asks for them, filled with records that exist.

use std::collections::BTreeMap;

use reqwest::RequestBuilder;
use serde_json::{Map, Value, json};
use tests::app::{Answer, Client, PASSWORD};
use uuid::Uuid;

use super::document::{Operation, Place, Position, Step, kind_of, reference, resolve, type_of};

/// Ids of records of one organization, by what they are ids of.
pub(crate) type Records = BTreeMap<&'static str, String>;

/// A request to an operation.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    path: BTreeMap<&'static str, String>,
    query: Vec<(String, String)>,
    body: Option<Value>,
}

impl Draft {
    /// A request in good order that names `records` only.
    pub(crate) fn new(operation: &Operation, records: &Records) -> Self {
        let name = operation.name();
        let value = |parameter: &'static str, schema| match kind_of(parameter, schema) {
            Some(kind) => id(records, &kind, &name),
            None => match sample(schema, parameter, records, &name) {
                Value::String(text) => text,
                other => other.to_string(),
            },
        };
        let path = operation.parameters("path").map(|(parameter, schema)| (parameter, value(parameter, schema))).collect();
        let query = operation.required_query().map(|(parameter, schema)| (parameter.to_owned(), value(parameter, schema))).collect();
        assert!(!operation.has_other_body(), "{name}: a body of this kind cannot be built");
        let body = operation.json_schema().map(|schema| of_operation(&name).unwrap_or_else(|| sample(schema, "", records, &name)));
        Self { path, query, body }
    }

    /// The same with `id` in one position. In a list it follows what stands there: a list of one's own and one of another's.
    pub(crate) fn with(mut self, operation: &Operation, position: &Position, id: &str, records: &Records) -> Self {
        match &position.place {
            Place::Path(name) => id.clone_into(self.path.get_mut(name.as_str()).expect("a parameter")),
            Place::Query(name) => {
                self.query.retain(|(set, _)| set != name);
                self.query.push((name.clone(), id.to_owned()));
            }
            Place::Body(steps) => {
                let schema = operation.json_schema().expect("a body");
                put(self.body.as_mut().expect("a body"), schema, steps, id, records, &operation.name());
            }
        }
        self
    }

    /// The path, without the query.
    fn path(&self, operation: &Operation) -> String {
        let mut path = operation.path.clone();
        for (name, value) in &self.path {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        path
    }

    /// Asks as `client`; `complete` adds what else the caller sends along.
    pub(crate) async fn send(
        &self,
        client: &Client,
        operation: &Operation,
        complete: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        let path = format!("{}{}{query}", self.path(operation), if query.is_empty() { "" } else { "?" });
        let mut request = complete(client.request(operation.method.clone(), &path));
        if let Some(body) = &self.body {
            request = request.json(body);
        } else if operation.is_multipart() {
            request = request.multipart(form(operation));
        }
        client.send(request).await
    }
}

fn form(operation: &Operation) -> reqwest::multipart::Form {
    use reqwest::multipart::{Form, Part};
    // The smallest picture there is: one black pixel.
    const PICTURE: [u8; 67] = [
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0x3a,
        0x7e, 0x9b, 0x55, 0, 0, 0, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x60, 0, 0, 0, 2, 0, 1, 0x48, 0xaf, 0xa4, 0x71, 0, 0, 0,
        0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
    ];
    let part = match operation.path.as_str() {
        "/api/contacts/import" => Part::text("phoneNumber,name\n+4915112345678,Ada\n").file_name("contacts.csv"),
        "/api/templates/media" => Part::bytes(PICTURE.as_slice()).file_name("sample.png"),
        path if path.ends_with("logo") => Part::bytes(PICTURE.as_slice()).file_name("logo.png"),
        path => panic!("{path}: a file for it is not known"),
    };
    Form::new().part("file", part)
}

fn id(records: &Records, kind: &str, asked: &str) -> String {
    records.get(kind).unwrap_or_else(|| panic!("{asked}: no {kind} is made for it")).clone()
}

fn put(body: &mut Value, schema: &'static Value, steps: &[Step], id: &str, records: &Records, asked: &str) {
    let resolved = resolve(schema);
    match steps {
        [] => *body = json!(id),
        [Step::Field(field), rest @ ..] => {
            let schema = property(resolved, field).unwrap_or_else(|| panic!("{asked}: {field} is described"));
            if !body.is_object() {
                *body = json!({});
            }
            let inner = &mut body[field];
            if inner.is_null() && !rest.is_empty() {
                *inner = sample(schema, field, records, asked);
            }
            put(inner, schema, rest, id, records, asked);
        }
        [Step::Item, rest @ ..] => {
            let schema = &resolved["items"];
            if !body.is_array() {
                *body = json!([]);
            }
            let list = body.as_array_mut().expect("a list");
            if rest.is_empty() {
                // One's own stands before it, if anything of the kind is one's own.
                let kind = reference(schema).filter(|kind| records.contains_key(kind) && list.is_empty());
                list.extend(kind.map(|kind| json!(records[kind])));
            }
            let mut item = sample(schema, "", records, asked);
            put(&mut item, schema, rest, id, records, asked);
            list.push(item);
        }
    }
}

fn property(schema: &'static Value, field: &str) -> Option<&'static Value> {
    schema["properties"].get(field).or_else(|| schema["allOf"].as_array()?.iter().find_map(|part| property(resolve(part), field)))
}

/// A value of the described form that the API takes, naming `records` only.
pub(crate) fn sample(schema: &'static Value, name: &str, records: &Records, asked: &str) -> Value {
    if let Some(kind) = kind_of(name, schema).filter(|kind| resolve(schema)["format"] == "uuid" || records.contains_key(kind.as_str())) {
        return json!(id(records, &kind, asked));
    }
    if let Some(known) = reference(schema).and_then(|form| known(form, records)) {
        return known;
    }
    let schema = resolve(schema);
    if let Some(parts) = schema["allOf"].as_array() {
        return parts.iter().map(|part| sample(part, name, records, asked)).fold(json!({}), |mut whole, part| {
            if let (Some(whole), Value::Object(part)) = (whole.as_object_mut(), part) {
                whole.extend(part);
            }
            whole
        });
    }
    if let Some(example) = schema.get("example").or_else(|| schema.pointer("/examples/0")) {
        return example.clone();
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.first().cloned().unwrap_or_default();
    }
    match type_of(schema) {
        "object" => {
            let needed = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let fields = needed.map(|field| (field.to_owned(), sample(&schema["properties"][field], field, records, asked)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        "array" => json!([]),
        "integer" | "number" => schema.get("minimum").filter(|least| **least != json!(0)).cloned().unwrap_or_else(|| json!(1)),
        "boolean" => json!(true),
        "string" if schema["format"] == "date-time" => json!("2030-01-01T00:00:00Z"),
        "string" => text(name),
        _ => Value::Null,
    }
}

/// A text for a field of this name.
fn text(name: &str) -> Value {
    match name {
        "email" | "to" | "toAddress" => json!(format!("somebody-{}@example.com", Uuid::now_v7().simple())),
        "phoneNumber" | "whatsappPhone" | "whatsappNumber" => json!(phone_number()),
        "password" | "newPassword" | "confirmPassword" | "currentPassword" => json!(PASSWORD),
        "timezone" | "timeZone" => json!("Europe/Berlin"),
        "currency" => json!("EUR"),
        "country" => json!("DE"),
        "username" => json!(format!("u{}", &Uuid::new_v4().simple().to_string()[..16])),
        _ => json!("sample"),
    }
}

/// A number that hardly anybody else has.
pub(crate) fn phone_number() -> String {
    format!("+4915{:09}", rand::random_range(100_000_000..200_000_000_u32))
}

/// Bodies whose rules a schema does not tell, by the operation.
fn of_operation(asked: &str) -> Option<Value> {
    let name = Uuid::now_v7().simple().to_string();
    let text = "Hello {{ organization }}";
    Some(match asked {
        "POST /api/users" => json!({ "email": format!("{name}@example.com"), "firstName": "Grace", "lastName": "Hopper", "role": "agent" }),
        "PATCH /api/users/{id}" | "PUT /api/users/{id}" => json!({ "role": "agent" }),
        "POST /api/roles" | "POST /api/api-keys" => json!({ "name": name, "permissions": ["contacts.read"] }),
        "POST /api/clients" => json!({ "companyName": name }),
        "POST /api/auth/step-up" => json!({ "password": PASSWORD }),
        "POST /api/users/update-phone" => json!({ "whatsappPhone": phone_number() }),
        "PUT /api/mail-templates/{kind}" => json!({ "subject": "Hello", "html": format!("<p>{text}</p>"), "text": text }),
        _ => return None,
    })
}

/// Bodies whose rules a schema does not tell, by the name of the schema.
fn known(form: &str, records: &Records) -> Option<Value> {
    let name = Uuid::now_v7().simple().to_string();
    let own = |kind: &str| records.get(kind).cloned().unwrap_or_default();
    Some(match form {
        "CampaignInput" => json!({
            "name": name, "channelId": own("ChannelId"), "templateId": own("TemplateId"), "audience": { "all": true }, "variables": {},
        }),
        "Audience" => json!({ "tags": ["spring"] }),
        "Exclusion" => json!({}),
        "TemplateInput" => json!({
            "channelId": own("ChannelId"), "name": format!("t{name}"), "language": "en_US", "category": "MARKETING",
            "parameterFormat": "POSITIONAL", "components": [{ "type": "BODY", "text": "Spring is here." }],
        }),
        "LibraryDraftInput" => json!({ "channelId": own("ChannelId"), "language": "en_US", "name": format!("t{name}") }),
        "TemplateDuplicateInput" => json!({ "name": format!("t{name}") }),
        "ChannelInput" => json!({
            "kind": "cloudApi", "displayName": "Main", "phoneNumberId": rand::random_range(10_u64.pow(14)..10_u64.pow(15)).to_string(),
            "businessAccountId": "1", "accessToken": "EAAG-token-of-a-test",
        }),
        "PreviewInput" => json!({ "variables": {} }),
        "ContactsPreviewInput" => json!({ "contactIds": [own("ContactId")] }),
        "ContactInput" => json!({ "name": name, "phoneNumber": phone_number() }),
        _ => return None,
    })
}
