//! Components by what they are, and values out of loosely typed JSON.

use serde_json::Value;

use super::{Checked, Fault, Object, parameter};
use crate::simulator::error::GraphError;

/// The components of a template or of a card, each at most once.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    pub(super) header: Option<&'a Object>,
    pub(super) body: Option<&'a Object>,
    pub(super) footer: Option<&'a Object>,
    pub(super) buttons: Option<&'a Object>,
    pub(super) limited_time_offer: Option<&'a Object>,
    pub(super) carousel: Option<&'a Object>,
    pub(super) call_permission: Option<&'a Object>,
}

impl<'a> Parts<'a> {
    pub(super) fn read(components: &'a Value, place: &str) -> Result<Self, GraphError> {
        let Some(components) = components.as_array() else { return Err(parameter(format!("Param {place} must be an array."))) };
        let mut parts = Self::default();
        for (index, component) in components.iter().enumerate() {
            let Some(component) = component.as_object() else {
                return Err(parameter(format!("Param {place}[{index}] must be an object.")));
            };
            let kind = given(component, "type").and_then(Value::as_str).unwrap_or_default();
            let slot = match kind {
                "HEADER" => &mut parts.header,
                "BODY" => &mut parts.body,
                "FOOTER" => &mut parts.footer,
                "BUTTONS" => &mut parts.buttons,
                "LIMITED_TIME_OFFER" => &mut parts.limited_time_offer,
                "CAROUSEL" => &mut parts.carousel,
                "CALL_PERMISSION_REQUEST" => &mut parts.call_permission,
                _ => {
                    return Err(parameter(format!(
                        "Param {place}[{index}]['type'] must be one of {{BODY, BUTTONS, CALL_PERMISSION_REQUEST, CAROUSEL, FOOTER, HEADER, \
                         LIMITED_TIME_OFFER}}."
                    )));
                }
            };
            if slot.replace(component).is_some() {
                return Err(parameter(format!("Param {place}[{index}]: a second {kind} component.")));
            }
        }
        Ok(parts)
    }

    /// Which components there are, as a comparable list.
    pub(super) fn kinds(&self) -> [bool; 7] {
        [self.header, self.body, self.footer, self.buttons, self.limited_time_offer, self.carousel, self.call_permission]
            .map(|part| part.is_some())
    }
}

/// A value that is there. A null is there too, and is nothing that any field may be.
pub(super) fn given<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object.get(name)
}

/// A string, if there is one; anything else is refused.
pub(super) fn text_in<'a>(object: &'a Object, name: &str, place: &str, fault: Fault) -> Result<Option<&'a str>, GraphError> {
    match given(object, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(fault.at(place, &format!("{name} is a string."))),
    }
}

/// A list with exactly one string that is not blank.
pub(super) fn only_sample<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    match given(object, name)?.as_array()?.as_slice() {
        [Value::String(sample)] if !sample.trim().is_empty() => Some(sample),
        _ => None,
    }
}

/// `ok` or a refusal.
pub(super) fn ensure(ok: bool, fault: Fault, place: &str, sentence: &str) -> Checked {
    if ok { Ok(()) } else { Err(fault.at(place, sentence)) }
}
