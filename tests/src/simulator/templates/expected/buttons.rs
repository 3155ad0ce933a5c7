//! Values of buttons.

use serde_json::{Map, Value};

use super::{
    Checked, count_mismatch, kind_mismatch,
    values::{Slots, object},
};
use crate::simulator::{
    error::GraphError,
    request::{Component, Parameter},
    templates::definition::text_of,
};

/// Longest code of a coupon or of a login.
const CODE_LIMIT: usize = 15;

/// What a button takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Button {
    /// Nothing, or an optional payload; with its kind.
    Payload(&'static str),
    /// A link, with how much of it is fixed if it has a variable.
    Url(Option<Slots>),
    /// The link of a one-time code.
    OneTimeCode,
    CouponCode,
    Flow,
    Catalog,
    ManyProducts,
    /// Nothing; with its kind.
    Fixed(String),
}

impl Button {
    pub(super) fn of(button: &Map<String, Value>) -> Self {
        match text_of(button, "type") {
            "QUICK_REPLY" => Self::Payload("quick_reply"),
            "VOICE_CALL" => Self::Payload("voice_call"),
            "URL" => {
                let slots = Slots::of(text_of(button, "url"), false, 2_000);
                Self::Url((slots.count() > 0).then_some(slots))
            }
            "OTP" => Self::OneTimeCode,
            "COPY_CODE" => Self::CouponCode,
            "FLOW" => Self::Flow,
            "CATALOG" => Self::Catalog,
            "MPM" => Self::ManyProducts,
            kind => Self::Fixed(kind.to_ascii_lowercase()),
        }
    }

    fn sub_type(&self) -> &str {
        match self {
            Self::Payload(kind) => kind,
            Self::Url(_) | Self::OneTimeCode => "url",
            Self::CouponCode => "copy_code",
            Self::Flow => "flow",
            Self::Catalog => "catalog",
            Self::ManyProducts => "mpm",
            Self::Fixed(kind) => kind,
        }
    }

    /// Whether a send must say something about it.
    fn wanted(&self) -> bool {
        matches!(self, Self::Url(Some(_)) | Self::OneTimeCode | Self::CouponCode | Self::Flow | Self::ManyProducts)
    }

    fn check(&self, part: &str, parameters: &[Parameter<'_>]) -> Checked {
        let parameter = match parameters {
            [] if self.wanted() => return Err(required(part, self.sub_type())),
            [] => return Ok(()),
            [parameter] => parameter,
            more => return Err(count_mismatch(part, more.len(), usize::from(self.wanted()))),
        };
        let expect =
            |kind: &str| if parameter.kind.eq_ignore_ascii_case(kind) { Ok(()) } else { Err(kind_mismatch(part, kind, &parameter.kind)) };
        match self {
            Self::Url(None) | Self::Fixed(_) => Err(count_mismatch(part, 1, 0)),
            Self::Url(Some(slots)) => {
                expect("text")?;
                let text = parameter.text.as_deref().filter(|text| !text.is_empty()).ok_or_else(|| required(part, "url"))?;
                if text.contains(char::is_whitespace) {
                    return Err(GraphError::of(131_009).details(format!("{part}: the end of the link is not percent-encoded")));
                }
                slots.check_length(part, text)
            }
            Self::OneTimeCode => {
                expect("text")?;
                check_code(part, parameter.text.as_deref())
            }
            Self::CouponCode => {
                expect("coupon_code")?;
                check_code(part, parameter.coupon_code.as_deref())
            }
            Self::Payload("quick_reply") => {
                expect("payload")?;
                let payload = parameter.payload.as_deref().unwrap_or_default();
                if payload.is_empty() { Err(required(part, "quick_reply")) } else { Ok(()) }
            }
            Self::Payload(_) => Ok(()),
            Self::Flow | Self::Catalog | Self::ManyProducts => {
                expect("action")?;
                let action: Map<String, Value> = object(parameter.action).ok_or_else(|| required(part, self.sub_type()))?;
                if *self == Self::ManyProducts { check_products(part, &action) } else { check_action(part, &action) }
            }
        }
    }
}

/// Checks the components of buttons against the buttons in their places.
pub(super) fn check(buttons: &[Button], given: &[(usize, &Component<'_>)]) -> Checked {
    for (index, component) in given {
        let part = format!("buttons: Button at index {index}");
        let Some(button) = buttons.get(*index) else {
            return Err(GraphError::of(131_009).details(format!("{part} does not exist in the template")));
        };
        let Some(sub_type) = component.sub_type.as_deref() else {
            return Err(GraphError::of(131_008).details(format!("{part}: sub_type is missing")));
        };
        if !sub_type.eq_ignore_ascii_case(button.sub_type()) {
            return Err(kind_mismatch(&part, button.sub_type(), sub_type));
        }
        button.check(&part, &component.parameters)?;
    }
    let forgotten = buttons.iter().enumerate().find(|(index, button)| button.wanted() && !given.iter().any(|(place, _)| place == index));
    match forgotten {
        None => Ok(()),
        Some((index, button)) => Err(required(&format!("buttons: Button at index {index}"), button.sub_type())),
    }
}

fn required(part: &str, kind: &str) -> GraphError {
    GraphError::of(131_008).details(format!("{part} of type {kind} requires a parameter"))
}

fn check_code(part: &str, code: Option<&str>) -> Checked {
    match code.map(|code| code.chars().count()) {
        None | Some(0) => Err(GraphError::of(131_008).details(format!("{part}: the code is missing"))),
        Some(length) if length > CODE_LIMIT => {
            Err(GraphError::of(131_009).details(format!("{part}: a code has at most {CODE_LIMIT} characters")))
        }
        Some(_) => Ok(()),
    }
}

/// The token of a flow and the picture of a catalog are optional, and texts.
fn check_action(part: &str, action: &Map<String, Value>) -> Checked {
    for name in ["flow_token", "thumbnail_product_retailer_id"] {
        if action.get(name).is_some_and(|value| value.as_str().is_none_or(|text| text.trim().is_empty())) {
            return Err(GraphError::of(131_009).details(format!("{part}: {name} is not valid")));
        }
    }
    match action.get("flow_action_data") {
        None | Some(Value::Object(_)) => Ok(()),
        Some(_) => Err(GraphError::of(131_009).details(format!("{part}: flow_action_data is not an object"))),
    }
}

/// 1 to 10 sections with a title of 1 to 24 characters, and 1 to 30 products in all.
fn check_products(part: &str, action: &Map<String, Value>) -> Checked {
    if text_of(action, "thumbnail_product_retailer_id").trim().is_empty() {
        return Err(GraphError::of(131_008).details(format!("{part}: thumbnail_product_retailer_id is missing")));
    }
    let sections = action.get("sections").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if sections.is_empty() {
        return Err(GraphError::of(131_008).details(format!("{part}: sections are missing")));
    }
    let wrong = |what: &str| Err(GraphError::of(131_009).details(format!("{part}: {what}")));
    let mut products = 0;
    for section in sections {
        let title = section["title"].as_str().unwrap_or_default();
        if title.trim().is_empty() || title.chars().count() > 24 {
            return wrong("the title of a section has 1 to 24 characters");
        }
        let items = section["product_items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let named = |item: &Value| item["product_retailer_id"].as_str().is_some_and(|id| !id.trim().is_empty());
        if items.is_empty() || !items.iter().all(named) {
            return wrong("a section has products, each with its product_retailer_id");
        }
        products += items.len();
    }
    if sections.len() > 10 || products > 30 { wrong("there are at most 10 sections and 30 products") } else { Ok(()) }
}
