//! `POST /api/templates/{id}/preview`

use std::collections::BTreeMap;

use crm::{
    identity::permissions::TemplatesRead,
    templates::{VariableValue, preview},
};
use kernel::{ContactId, TemplateId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    extract::{Allowed, Json, OptionalJson, Path},
    problem::Problem,
};

/// What to fill in.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PreviewInput {
    /// Values by name: `1`, `header.1`, `button.0.1`, or the names of named parameters.
    #[serde(default)]
    variables: BTreeMap<String, VariableInput>,
    /// Whose fields to take.
    contact_id: Option<ContactId>,
}

/// A text, or where to take it from.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
enum VariableInput {
    /// This text.
    Text(String),
    /// This text.
    Value {
        /// The text.
        value: String,
    },
    /// A field or attribute of the contact.
    Field {
        /// `name`, `email`, `phoneNumber`, `locale`, `timeZone` or an attribute.
        field: String,
        /// For a contact without it.
        fallback: Option<String>,
    },
}

/// What the recipient would see, and what would be sent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TemplatePreview)]
pub(super) struct PreviewBody {
    /// The header: `{ "type": "text", "text" }` or `{ "type": "media", "kind", "reference" }`.
    #[schema(value_type = Option<Object>)]
    header: Value,
    /// The text.
    body: String,
    /// The text; the same as `body`.
    text: String,
    footer: Option<String>,
    /// Each with `label` and `target`.
    #[schema(value_type = Vec<Object>)]
    buttons: Value,
    /// Meta's sending form, with the values in their places.
    #[schema(value_type = Vec<Object>)]
    components: Value,
    /// Names of all variables.
    variables: Vec<String>,
}

/// Renders the template by the sender's own renderer. A missing variable is an error that names it.
#[utoipa::path(post, path = "/api/templates/{id}/preview", tag = "templates",
    params(("id" = TemplateId, Path, description = "The template")), request_body = PreviewInput,
    extensions(("x-permission" = json!("templates.read"))), responses(
    (status = 200, description = "As the recipient would see it", body = PreviewBody),
    (status = 400, description = "A variable is missing or cannot be sent"),
    (status = 404, description = "There is no such template or contact"),
))]
pub(super) async fn handler(
    tenant: Allowed<TemplatesRead>,
    Path(id): Path<TemplateId>,
    OptionalJson(input): OptionalJson<PreviewInput>,
) -> Result<Json<PreviewBody>, Problem> {
    let variables = input.variables.into_iter().map(|(name, value)| (name, value.into())).collect();
    let mut tx = tenant.begin().await?;
    let shown = preview::preview(&mut tx, id, variables, input.contact_id).await?;
    tx.commit().await?;
    let json = |value: Result<Value, serde_json::Error>| value.map_err(|error| Problem::internal(&error));
    Ok(Json(PreviewBody {
        header: json(serde_json::to_value(&shown.text.header))?,
        buttons: json(serde_json::to_value(&shown.text.buttons))?,
        text: shown.text.body.clone(),
        body: shown.text.body,
        footer: shown.text.footer,
        components: shown.components,
        variables: shown.variables,
    }))
}

impl From<VariableInput> for VariableValue {
    fn from(input: VariableInput) -> Self {
        match input {
            VariableInput::Text(text) | VariableInput::Value { value: text } => Self::Text(text),
            VariableInput::Field { field, fallback } => Self::Field { field, fallback },
        }
    }
}
