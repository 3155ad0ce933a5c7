//! What a recipient would see: by the sender's own renderer.

use std::collections::BTreeMap;

use db::TenantTx;
use kernel::{Clock, ContactId, PhoneNumber, TemplateId};
use providers::whatsapp::{CompiledTemplate, RenderedText};
use serde_json::Value;

use super::{error::TemplateError, model::Template, service, store};
use crate::{
    campaigns::model::ContactField,
    contacts::{self, Contact},
    fields::{FieldError, FieldErrors},
};

/// Stands for the recipient in a preview without a contact.
const NOBODY: &str = "+00000000000";
/// Most contacts of one preview.
pub const MAX_CONTACTS: usize = 20;

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableValue {
    /// This text.
    Text(String),
    /// A field or attribute of the contact, or the fallback.
    Field {
        /// `name`, `email`, `phoneNumber`, `locale`, `timeZone`, `attributes.<name>`, or the bare name of an attribute.
        field: String,
        /// For a contact without it.
        fallback: Option<String>,
    },
}

/// Values by the names of variables.
pub type VariableValues = BTreeMap<String, VariableValue>;

/// Which content of a template is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// The one that is sent.
    #[default]
    Present,
    /// The change that is being written; of a template that was never taken by the provider its only one.
    Draft,
}

/// What stands in for variables that have no value at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filling {
    /// Nothing: they are errors.
    #[default]
    Nothing,
    /// The template's samples.
    Samples,
}

/// What is to be shown, and with what.
#[derive(Clone, Debug, Default)]
pub struct PreviewRequest {
    /// Values. Those that the template has no variable for are ignored.
    pub variables: VariableValues,
    /// Whose fields to take.
    pub contact: Option<ContactId>,
    /// Which content.
    pub shown: Shown,
    /// What stands in.
    pub filling: Filling,
}

/// A rendered template.
#[derive(Clone, Debug)]
pub struct Preview {
    /// What the recipient sees.
    pub text: RenderedText,
    /// The components of the send request, with the values in their places.
    pub components: Value,
    /// Names of the variables that must be given.
    pub variables: Vec<String>,
    /// Names of those that may be given.
    pub optional_variables: Vec<String>,
}

/// What one of several contacts would see.
#[derive(Clone, Debug)]
pub struct ContactPreview {
    /// Who.
    pub contact: ContactId,
    /// What she would see, or everything that stands against it.
    pub preview: Result<Preview, Vec<FieldError>>,
}

/// Renders a template. Values that are missing or cannot be sent are errors, all at once, each at its variable.
pub async fn preview(tx: &mut TenantTx, clock: &dyn Clock, id: TemplateId, request: PreviewRequest) -> Result<Preview, TemplateError> {
    let renderable = Renderable::find(tx, id, request.shown).await?;
    let contact = match request.contact {
        Some(id) => Some(contacts::service::get(tx, id).await.map_err(TemplateError::Contact)?),
        None => None,
    };
    let mut values = match request.filling {
        Filling::Nothing => BTreeMap::new(),
        Filling::Samples => renderable.compiled.samples(&renderable.content, clock.now()),
    };
    // Who names a variable means its value: a contact without one is told of, also when there is a sample.
    values.retain(|name, _| !request.variables.contains_key(name));
    values.extend(resolved(&request.variables, contact.as_ref()));
    Ok(renderable.render(&values, contact.as_ref())?)
}

/// Renders a template for each of up to [`MAX_CONTACTS`] contacts, in their order.
pub async fn preview_contacts(
    tx: &mut TenantTx,
    id: TemplateId,
    variables: &VariableValues,
    contacts: &[ContactId],
    shown: Shown,
) -> Result<Vec<ContactPreview>, TemplateError> {
    let mut errors = FieldErrors::default();
    if contacts.is_empty() {
        errors.add("contactIds", "required", "names somebody");
    } else if contacts.len() > MAX_CONTACTS {
        errors.add("contactIds", "too-many", format!("has at most {MAX_CONTACTS} entries"));
    }
    errors.into_result()?;
    let renderable = Renderable::find(tx, id, shown).await?;
    let mut previews = Vec::with_capacity(contacts.len());
    for id in contacts {
        let contact = contacts::service::get(tx, *id).await.map_err(TemplateError::Contact)?;
        let values = resolved(variables, Some(&contact));
        let preview = renderable.render(&values, Some(&contact)).map_err(|errors| errors.0);
        previews.push(ContactPreview { contact: *id, preview });
    }
    Ok(previews)
}

/// A content that can be sent.
struct Renderable {
    content: Value,
    compiled: CompiledTemplate,
}

impl Renderable {
    async fn find(tx: &mut TenantTx, id: TemplateId, shown: Shown) -> Result<Self, TemplateError> {
        let mut template = service::get(tx, id).await?;
        if shown == Shown::Draft {
            match store::draft(tx, id).await? {
                Some(draft) => template = Template { components: draft.components, ..template },
                None if template.is_editable() => {}
                None => return Err(TemplateError::NoDraft(id)),
            }
        }
        let content = template.content();
        match CompiledTemplate::compile(&content) {
            Ok(compiled) => Ok(Self { content, compiled }),
            Err(error) => {
                let mut errors = FieldErrors::default();
                errors.add("components", "unsupported", error.to_string());
                Err(errors.into())
            }
        }
    }

    fn render(&self, values: &BTreeMap<String, String>, contact: Option<&Contact>) -> Result<Preview, FieldErrors> {
        let mut errors = FieldErrors::default();
        for problem in self.compiled.problems(values) {
            errors.add(format!("variables.{}", problem.variable()), problem.code(), problem.to_string());
        }
        errors.into_result()?;
        let to = contact.and_then(|contact| contact.phone_number.as_ref()).map_or(NOBODY, PhoneNumber::as_e164);
        let mut request = Vec::new();
        self.compiled.render(to, values, "", &mut request).expect("values without problems can be rendered");
        let text = self.compiled.render_text(values).expect("values without problems can be rendered");
        let mut request: Value = serde_json::from_slice(&request).expect("a request is JSON");
        let components = request.pointer_mut("/template/components").map_or_else(|| Value::Array(Vec::new()), Value::take);
        Ok(Preview {
            text,
            components,
            variables: self.compiled.variable_names().map(str::to_owned).collect(),
            optional_variables: self.compiled.optional_variable_names().map(str::to_owned).collect(),
        })
    }
}

/// The values that there are.
fn resolved(variables: &VariableValues, contact: Option<&Contact>) -> BTreeMap<String, String> {
    let value = |value: &VariableValue| match value {
        VariableValue::Text(text) => Some(text.clone()),
        VariableValue::Field { field, fallback } => contact.and_then(|contact| field_of(contact, field)).or_else(|| fallback.clone()),
    };
    variables.iter().filter_map(|(name, source)| Some((name.clone(), value(source)?))).collect()
}

/// As freezing takes it: without blanks around it, and nothing but blanks is nothing.
fn field_of(contact: &Contact, field: &str) -> Option<String> {
    let text = match ContactField::parse(field) {
        Some(ContactField::Name) => Some(contact.name.clone()),
        Some(ContactField::Email) => contact.email.as_ref().map(|email| email.as_str().to_owned()),
        Some(ContactField::PhoneNumber) => contact.phone_number.as_ref().map(|number| number.as_e164().to_owned()),
        Some(ContactField::Locale) => contact.locale.clone(),
        Some(ContactField::Attribute(name)) => attribute(contact, &name),
        None if field == "timeZone" => contact.time_zone.clone(),
        None => attribute(contact, field),
    };
    text.map(|text| text.trim_matches(' ').to_owned()).filter(|text| !text.is_empty())
}

fn attribute(contact: &Contact, name: &str) -> Option<String> {
    match contact.attributes.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}
