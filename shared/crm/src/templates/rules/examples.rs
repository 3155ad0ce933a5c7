//! Templates by which the table shows its rules.
#![expect(clippy::needless_pass_by_value, reason = "rows of the table are JSON and nothing else, without an `&` before each piece")]

use serde_json::{Value, json};

use super::Content;
use crate::templates::model::{Category, ParameterFormat};

/// A template, whole enough to be checked. Its components are as [`super::normalised`] leaves them.
#[derive(Clone, Debug)]
pub struct Example {
    /// Name.
    pub name: String,
    /// Language code.
    pub language: String,
    /// What it is for.
    pub category: Category,
    /// How placeholders are written.
    pub format: ParameterFormat,
    /// Seconds for which a message is tried.
    pub message_ttl_seconds: Option<i32>,
    /// Components.
    pub components: Value,
}

impl Example {
    /// What is checked.
    pub fn content(&self) -> Content<'_> {
        Content {
            name: &self.name,
            language: &self.language,
            category: self.category,
            format: self.format,
            message_ttl_seconds: self.message_ttl_seconds,
            components: &self.components,
        }
    }

    pub(super) fn called(self, name: String) -> Self {
        Self { name, ..self }
    }

    pub(super) fn spoken(self, language: &str) -> Self {
        Self { language: language.to_owned(), ..self }
    }

    pub(super) fn lasting(self, seconds: usize) -> Self {
        Self { message_ttl_seconds: i32::try_from(seconds).ok(), ..self }
    }

    pub(super) fn named(self) -> Self {
        Self { format: ParameterFormat::Named, ..self }
    }

    pub(super) fn of(self, category: Category) -> Self {
        Self { category, ..self }
    }
}

/// So many letters, one word.
pub(super) fn x(length: usize) -> String {
    "x".repeat(length)
}

/// So many of the same.
pub(super) fn times(count: usize, one: &Value) -> Value {
    Value::Array(vec![one.clone(); count])
}

pub(super) fn marketing(components: Value) -> Example {
    Example {
        name: "offer".into(),
        language: "en_US".into(),
        category: Category::Marketing,
        format: ParameterFormat::Positional,
        message_ttl_seconds: None,
        components,
    }
}

/// A body without variables.
pub(super) fn plain() -> Value {
    json!({ "type": "BODY", "text": "Hello." })
}

/// A component above a plain body.
pub(super) fn with(component: Value) -> Example {
    marketing(json!([component, plain()]))
}

pub(super) fn body(text: &str, samples: &[&str]) -> Example {
    marketing(json!([{ "type": "BODY", "text": text, "example": { "body_text": [samples] } }]))
}

/// A body of `count` variables with words between them.
pub(super) fn numbered(count: usize) -> Example {
    let text = (1..=count).fold("Dear".to_owned(), |text, number| format!("{text} x {{{{{number}}}}}"));
    body(&(text + " x."), &vec!["sample"; count])
}

/// A body with named variables, each with the sample `Ada`.
pub(super) fn named_body(text: &str, samples: &[&str]) -> Example {
    let samples: Vec<Value> = samples.iter().map(|name| json!({ "param_name": name, "example": "Ada" })).collect();
    marketing(json!([{ "type": "BODY", "text": text, "example": { "body_text_named_params": samples } }])).named()
}

pub(super) fn header(text: &str, samples: &[&str]) -> Example {
    with(json!({ "type": "HEADER", "format": "TEXT", "text": text, "example": { "header_text": samples } }))
}

pub(super) fn footer(text: &str) -> Example {
    with(json!({ "type": "FOOTER", "text": text }))
}

/// An image, video or document above the body.
pub(super) fn media(format: &str, handles: &[&str]) -> Value {
    json!({ "type": "HEADER", "format": format, "example": { "header_handle": handles } })
}

pub(super) fn picture() -> Value {
    media("IMAGE", &["4::aW"])
}

pub(super) fn buttons(list: Value) -> Example {
    with(json!({ "type": "BUTTONS", "buttons": list }))
}

pub(super) fn button(button: Value) -> Example {
    buttons(json!([button]))
}

pub(super) fn reply() -> Value {
    json!({ "type": "QUICK_REPLY", "text": "Yes" })
}

pub(super) fn link() -> Value {
    json!({ "type": "URL", "text": "Shop", "url": "https://shop.example" })
}

pub(super) fn link_to(url: &str, samples: &[&str]) -> Example {
    button(json!({ "type": "URL", "text": "Shop", "url": url, "example": samples }))
}

pub(super) fn phone(number: &str) -> Value {
    json!({ "type": "PHONE_NUMBER", "text": "Call", "phone_number": number })
}

pub(super) fn coupon(code: &str) -> Value {
    json!({ "type": "COPY_CODE", "example": [code] })
}

/// A button that opens a form, with more said of it.
pub(super) fn flow(more: Value) -> Example {
    button(joined(json!({ "type": "FLOW", "text": "Book" }), more))
}

/// A template that shows products, with a header above it.
pub(super) fn products(header: Value) -> Example {
    marketing(json!([header, plain(), { "type": "BUTTONS", "buttons": [{ "type": "MPM", "text": "See" }] }]))
}

/// An offer with a picture above it.
pub(super) fn offer(offer: Value, buttons: Value) -> Example {
    marketing(json!([
        picture(),
        { "type": "LIMITED_TIME_OFFER", "limited_time_offer": offer },
        plain(),
        { "type": "BUTTONS", "buttons": buttons },
    ]))
}

/// A card with a picture, a text and the buttons.
pub(super) fn card(text: &str, buttons: Value) -> Value {
    json!({ "components": [picture(), { "type": "BODY", "text": text }, { "type": "BUTTONS", "buttons": buttons }] })
}

/// A card that shows a product.
pub(super) fn product(buttons: Value) -> Value {
    json!({ "components": [{ "type": "HEADER", "format": "PRODUCT" }, { "type": "BUTTONS", "buttons": buttons }] })
}

/// A card of a header, what stands in between, and a quick reply.
pub(super) fn card_of(header: Value, between: Value) -> Value {
    let mut components = vec![header];
    components.extend(between.as_array().into_iter().flatten().cloned());
    components.push(json!({ "type": "BUTTONS", "buttons": [reply()] }));
    json!({ "components": components })
}

/// An offer below a header or another component.
pub(super) fn offer_beside(component: Value, text: &str) -> Example {
    marketing(json!([
        component,
        { "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "x" } },
        { "type": "BODY", "text": text },
        { "type": "BUTTONS", "buttons": [link()] },
    ]))
}

/// A button that gives its code to an app without a tap.
pub(super) fn zero_tap(terms: Value) -> Example {
    let apps = json!([app("com.example", "0123456789a")]);
    code(json!({}), json!({}), json!({ "otp_type": "ZERO_TAP", "supported_apps": apps, "zero_tap_terms_accepted": terms }))
}

/// Twice the same card.
pub(super) fn pair(card: Value) -> Example {
    carousel(times(2, &card))
}

pub(super) fn carousel(cards: Value) -> Example {
    marketing(json!([plain(), { "type": "CAROUSEL", "cards": cards }]))
}

/// A template for one-time codes: more of its body, its footer, its button.
pub(super) fn code(body: Value, footer: Value, button: Value) -> Example {
    let footer = joined(json!({ "type": "FOOTER", "code_expiration_minutes": 10 }), footer);
    let button = joined(json!({ "type": "OTP", "otp_type": "COPY_CODE" }), button);
    marketing(json!([joined(json!({ "type": "BODY" }), body), footer, { "type": "BUTTONS", "buttons": [button] }]))
        .of(Category::Authentication)
}

/// A template for one-time codes that an app fills in.
pub(super) fn autofill(apps: Value) -> Example {
    code(json!({}), json!({}), json!({ "otp_type": "ONE_TAP", "supported_apps": apps }))
}

pub(super) fn app(package_name: &str, signature_hash: &str) -> Value {
    json!({ "package_name": package_name, "signature_hash": signature_hash })
}

/// Lists, one inside the other.
pub(super) fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(0), |inner, _| Value::Array(vec![inner]))
}

/// The fields of both; those of the second win.
fn joined(mut one: Value, other: Value) -> Value {
    if let (Value::Object(fields), Value::Object(more)) = (&mut one, other) {
        fields.extend(more);
    }
    one
}
