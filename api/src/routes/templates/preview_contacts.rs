//! `POST /api/templates/{id}/preview/contacts`

use std::collections::BTreeMap;

use crm::{
    fields::FieldError,
    identity::permissions::TemplatesRead,
    templates::preview::{self, ContactPreview},
};
use kernel::{ContactId, TemplateId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::preview::{PreviewBody, VariableInput, may_see, shown, values};
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// For whom, and what to fill in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ContactsPreviewInput {
    /// 1 to 20. Who may not see contacts finds none.
    contact_ids: Vec<ContactId>,
    /// Values by name, as in a campaign: texts, or fields of each contact with a fallback.
    #[serde(default)]
    variables: BTreeMap<String, VariableInput>,
    /// Show the change that is being written instead of the content that is sent.
    #[serde(default)]
    draft: bool,
}

/// What each of the contacts would get.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TemplateContactPreviews)]
pub(super) struct ContactPreviewsBody {
    /// In the order of the request.
    data: Vec<ContactPreviewBody>,
}

/// What a contact would get, or why nothing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TemplateContactPreview)]
struct ContactPreviewBody {
    contact_id: ContactId,
    /// None when there are problems.
    preview: Option<PreviewBody>,
    /// Variables that are missing for this contact or cannot be sent to it.
    problems: Vec<VariableProblemBody>,
}

/// What is wrong with a variable.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TemplateVariableProblem)]
struct VariableProblemBody {
    /// `variables.` and the name.
    field: String,
    /// Stable name of the rule: `variable-missing`, …
    code: &'static str,
    /// The rule in words.
    message: String,
}

/// Renders the template for up to 20 contacts, by the sender's own renderer. For each it tells what would be sent, or which variables are
/// missing: a campaign would skip that contact.
#[utoipa::path(post, path = "/api/templates/{id}/preview/contacts", tag = "templates",
    params(("id" = TemplateId, Path, description = "The template")), request_body = ContactsPreviewInput,
    extensions(("x-permission" = json!("templates.read"))), responses(
    (status = 200, description = "As each of them would see it", body = ContactPreviewsBody),
    (status = 400, description = "Nobody or too many are named"),
    (status = 404, description = "There is no such template or contact, or no change of it is being written"),
))]
pub(super) async fn handler(
    tenant: Allowed<TemplatesRead>,
    Path(id): Path<TemplateId>,
    Json(input): Json<ContactsPreviewInput>,
) -> Result<Json<ContactPreviewsBody>, Problem> {
    if let Some(contact) = input.contact_ids.first() {
        may_see(&tenant, *contact)?;
    }
    let variables = values(input.variables);
    let mut tx = tenant.begin().await?;
    let previews = preview::preview_contacts(&mut tx, id, &variables, &input.contact_ids, shown(input.draft)).await?;
    tx.commit().await?;
    let data = previews.into_iter().map(ContactPreviewBody::try_from).collect::<Result<_, Problem>>()?;
    Ok(Json(ContactPreviewsBody { data }))
}

impl TryFrom<ContactPreview> for ContactPreviewBody {
    type Error = Problem;

    fn try_from(preview: ContactPreview) -> Result<Self, Problem> {
        let contact_id = preview.contact;
        Ok(match preview.preview {
            Ok(preview) => Self { contact_id, preview: Some(preview.try_into()?), problems: Vec::new() },
            Err(problems) => Self { contact_id, preview: None, problems: problems.into_iter().map(Into::into).collect() },
        })
    }
}

impl From<FieldError> for VariableProblemBody {
    fn from(FieldError { field, code, message }: FieldError) -> Self {
        Self { field, code, message }
    }
}
