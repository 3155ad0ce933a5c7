//! What the provider would say of a send, without asking it: pure, so that thousands can be put before it.

use serde::Deserialize;
use serde_json::Value;

use super::{
    faults::TemplateFaults,
    request,
    templates::{Definition, TemplateStatus, Templates},
};

/// The account of the templates that are judged.
const ACCOUNT: &str = "1";

/// Whether the provider takes this body of a send, once it has approved the template of this creation.
///
/// # Errors
/// Why not, for people.
pub fn send_verdict(creation: &Value, send: &[u8]) -> Result<(), String> {
    let mut definition = Definition::deserialize(creation).map_err(|error| error.to_string())?;
    definition.normalise();
    let templates = Templates::default();
    let template = templates.create(ACCOUNT, definition, 0, &TemplateFaults::default()).map_err(|error| error.to_string())?;
    templates.update(template.id, |template| template.status = TemplateStatus::Approved);
    let body = request::parse(send).map_err(|error| error.to_string())?;
    let request::Request::Message(message) = body.check().map_err(|error| error.to_string())? else {
        return Err("the request sends nothing".into());
    };
    let send = message.template.as_ref().ok_or("the request sends no template")?;
    match templates.check(Some(ACCOUNT), send) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err("the request names another template".into()),
        Err(error) => Err(error.to_string()),
    }
}
