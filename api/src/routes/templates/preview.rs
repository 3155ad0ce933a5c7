//! `POST /api/templates/{id}/preview`

use std::collections::BTreeMap;

use crm::{
    contacts::ContactError,
    identity::permissions::{Permission, TemplatesRead},
    templates::{
        TemplateError,
        preview::{self, Filling, Preview, PreviewRequest, Shown, VariableValue, VariableValues},
    },
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
    /// Values by name: `1`, `header.1`, `button.0.1`, `card.0.1`, or the names of named parameters.
    #[serde(default)]
    variables: BTreeMap<String, VariableInput>,
    /// Whose fields to take. Who may not see contacts finds none.
    contact_id: Option<ContactId>,
    /// Fill variables that `variables` does not name with the template's samples; places, products and instants have something in their place.
    #[serde(default)]
    use_samples: bool,
    /// Show the change that is being written instead of the content that is sent.
    #[serde(default)]
    draft: bool,
}

/// A text, or where to take it from.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(super) enum VariableInput {
    /// This text.
    Text(String),
    /// This text.
    Value {
        /// The text.
        value: String,
    },
    /// A field or attribute of the contact.
    Field {
        /// `name`, `email`, `phoneNumber`, `locale`, `timeZone`, `attributes.<name>`, or the bare name of an attribute.
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
    /// The header: `{ "type": "text", "text" }`, `{ "type": "media", "kind", "reference" }`,
    /// `{ "type": "location", "latitude", "longitude", "name", "address" }` or `{ "type": "product", "productRetailerId", "catalogId" }`.
    #[schema(value_type = Option<Object>)]
    header: Value,
    /// The offer: `{ "text", "expirationTimeMs" }`.
    #[schema(value_type = Option<Object>)]
    offer: Value,
    /// The text.
    body: String,
    /// The text; the same as `body`.
    text: String,
    footer: Option<String>,
    /// Each with `header`, `body` and `buttons`.
    #[schema(value_type = Vec<Object>)]
    cards: Value,
    /// Each with `kind`, `label` and `target`.
    #[schema(value_type = Vec<Object>)]
    buttons: Value,
    /// `header`, `offer`, `body`, `footer` and the `body` of each of `cards` with WhatsApp's formatting taken apart: lists of blocks
    /// (`paragraph`, `quote`, `bulletedList`, `numberedList`) of inline parts (`text`, `bold`, `italic`, `strike`, `code`, `monospace`).
    #[schema(value_type = Object)]
    formatted: Value,
    /// Meta's sending form, with the values in their places.
    #[schema(value_type = Vec<Object>)]
    components: Value,
    /// Names of the variables that must be given.
    variables: Vec<String>,
    /// Names of those that may be given.
    optional_variables: Vec<String>,
}

/// Renders the template by the sender's own renderer. Variables that are missing or cannot be sent are errors, all at once, each at its name.
#[utoipa::path(post, path = "/api/templates/{id}/preview", tag = "templates",
    params(("id" = TemplateId, Path, description = "The template")), request_body = PreviewInput,
    extensions(("x-permission" = json!("templates.read"))), responses(
    (status = 200, description = "As the recipient would see it", body = PreviewBody),
    (status = 400, description = "Variables are missing or cannot be sent"),
    (status = 404, description = "There is no such template or contact, or no change of it is being written"),
))]
pub(super) async fn handler(
    tenant: Allowed<TemplatesRead>,
    Path(id): Path<TemplateId>,
    OptionalJson(input): OptionalJson<PreviewInput>,
) -> Result<Json<PreviewBody>, Problem> {
    if let Some(contact) = input.contact_id {
        may_see(&tenant, contact)?;
    }
    let request = PreviewRequest {
        variables: values(input.variables),
        contact: input.contact_id,
        shown: shown(input.draft),
        filling: if input.use_samples { Filling::Samples } else { Filling::Nothing },
    };
    let mut tx = tenant.begin().await?;
    let preview = preview::preview(&mut tx, tenant.clock(), id, request).await?;
    tx.commit().await?;
    Ok(Json(preview.try_into()?))
}

/// Fails for those to whom contacts are none of their business: a preview shows their fields.
pub(super) fn may_see(tenant: &Allowed<TemplatesRead>, contact: ContactId) -> Result<(), Problem> {
    if tenant.rights().contains(Permission::ContactsRead) {
        return Ok(());
    }
    Err(TemplateError::Contact(ContactError::NotFound(contact)).into())
}

/// The values as the domain has them.
pub(super) fn values(variables: BTreeMap<String, VariableInput>) -> VariableValues {
    variables.into_iter().map(|(name, value)| (name, value.into())).collect()
}

/// Which content is asked for.
pub(super) const fn shown(draft: bool) -> Shown {
    if draft { Shown::Draft } else { Shown::Present }
}

impl TryFrom<Preview> for PreviewBody {
    type Error = Problem;

    fn try_from(preview: Preview) -> Result<Self, Problem> {
        let text = preview.text;
        Ok(Self {
            header: json(&text.header)?,
            offer: json(&text.offer)?,
            cards: json(&text.cards)?,
            buttons: json(&text.buttons)?,
            formatted: json(&text.formatted())?,
            text: text.body.clone(),
            body: text.body,
            footer: text.footer,
            components: preview.components,
            variables: preview.variables,
            optional_variables: preview.optional_variables,
        })
    }
}

fn json(value: &impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(value).map_err(|error| Problem::internal(&error))
}

impl From<VariableInput> for VariableValue {
    fn from(input: VariableInput) -> Self {
        match input {
            VariableInput::Text(text) | VariableInput::Value { value: text } => Self::Text(text),
            VariableInput::Field { field, fallback } => Self::Field { field, fallback },
        }
    }
}
