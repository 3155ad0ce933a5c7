//! What a recipient would see: by the sender's own renderer.

use std::collections::BTreeMap;

use db::TenantTx;
use kernel::{ContactId, PhoneNumber, TemplateId};
use providers::whatsapp::{CompiledTemplate, RenderedText};
use serde_json::Value;

use super::{error::TemplateError, service};
use crate::{
    contacts::{self, Contact},
    fields::FieldErrors,
};

/// Stands for the recipient in a preview without a contact.
const NOBODY: &str = "+00000000000";

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableValue {
    /// This text.
    Text(String),
    /// A field or attribute of the contact, or the fallback.
    Field {
        /// `name`, `email`, `phoneNumber`, `locale`, `timeZone`, or an attribute.
        field: String,
        /// For a contact without it.
        fallback: Option<String>,
    },
}

/// A rendered template.
#[derive(Clone, Debug)]
pub struct Preview {
    /// What the recipient sees.
    pub text: RenderedText,
    /// The components of the send request, with the values in their places.
    pub components: Value,
    /// Names of all variables.
    pub variables: Vec<String>,
}

/// Renders a template. A missing or unusable value is an error that names its variable.
pub async fn preview(
    tx: &mut TenantTx,
    id: TemplateId,
    variables: BTreeMap<String, VariableValue>,
    contact: Option<ContactId>,
) -> Result<Preview, TemplateError> {
    let template = service::get(tx, id).await?;
    let contact = match contact {
        Some(id) => Some(contacts::service::get(tx, id).await.map_err(TemplateError::Contact)?),
        None => None,
    };
    let mut errors = FieldErrors::default();
    let compiled = match CompiledTemplate::compile(&template.content()) {
        Ok(compiled) => compiled,
        Err(error) => {
            errors.add("components", "unsupported", error.to_string());
            return Err(errors.into());
        }
    };
    let values: BTreeMap<String, String> =
        variables.into_iter().filter_map(|(name, value)| Some((name, value.resolved(contact.as_ref())?))).collect();
    let rendered = compiled.render_text(&values).and_then(|text| {
        let mut request = Vec::new();
        let to = contact.as_ref().and_then(|contact| contact.phone_number.as_ref()).map_or(NOBODY, PhoneNumber::as_e164);
        compiled.render(to, &values, "", &mut request)?;
        Ok((text, request))
    });
    match rendered {
        Ok((text, request)) => {
            let request: Value = serde_json::from_slice(&request).unwrap_or_default();
            let components = request.pointer("/template/components").cloned().unwrap_or_else(|| Value::Array(Vec::new()));
            Ok(Preview { text, components, variables: compiled.variable_names().map(str::to_owned).collect() })
        }
        Err(error) => {
            errors.add(format!("variables.{}", error.variable()), error.code(), error.to_string());
            Err(errors.into())
        }
    }
}

impl VariableValue {
    fn resolved(self, contact: Option<&Contact>) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Field { field, fallback } => contact.and_then(|contact| field_of(contact, &field)).or(fallback),
        }
    }
}

fn field_of(contact: &Contact, field: &str) -> Option<String> {
    let text = match field {
        "name" => Some(contact.name.clone()),
        "email" => contact.email.as_ref().map(|email| email.as_str().to_owned()),
        "phoneNumber" => contact.phone_number.as_ref().map(|number| number.as_e164().to_owned()),
        "locale" => contact.locale.clone(),
        "timeZone" => contact.time_zone.clone(),
        attribute => match contact.attributes.get(attribute)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        },
    };
    text.filter(|text| !text.trim().is_empty())
}
