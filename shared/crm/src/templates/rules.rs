//! What the provider asks of a template, checked before it is submitted, with the field at fault.
//!
//! # Source
//! Cloud API manual: `templates/overview` (names, categories, parameters), `templates/components` (lengths, headers, buttons, samples),
//! error codes 2388293 and 2388299 (variables in the body), authentication templates.

use providers::whatsapp::{CompileError, CompiledTemplate};
use serde_json::{Value, json};

use super::model::{Category, ParameterFormat, language_of};
use crate::fields::FieldErrors;

mod buttons;
mod text;

use text::{Samples, Text, check_text};

/// Longest name.
pub const MAX_NAME: usize = 512;
/// Longest body, in characters.
pub const MAX_BODY: usize = 1_024;
/// Longest header text.
pub const MAX_HEADER: usize = 60;
/// Longest footer.
pub const MAX_FOOTER: usize = 60;
/// Variables of a header text.
pub const MAX_HEADER_VARIABLES: usize = 1;
/// Minutes for which a code may be said to be good.
pub const CODE_MINUTES: std::ops::RangeInclusive<i64> = 1..=90;
/// Largest content, in bytes of JSON: more than any template that keeps the other limits.
const MAX_CONTENT: usize = 64 * 1024;

/// Components we can send; each may stand once.
const COMPONENTS: &[&str] = &["HEADER", "BODY", "FOOTER", "BUTTONS"];
/// Header formats, and whether they need a sample.
const MEDIA_HEADERS: &[&str] = &["IMAGE", "VIDEO", "DOCUMENT"];

/// What is checked.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// Name.
    pub name: &'a str,
    /// Language code.
    pub language: &'a str,
    /// What it is for.
    pub category: Category,
    /// How placeholders are written.
    pub format: ParameterFormat,
    /// Components.
    pub components: &'a Value,
}

/// Puts types and formats of components and buttons into upper case, as the provider shows them.
pub fn normalised(mut components: Value) -> Value {
    let upper = |value: &mut Value, key: &str| {
        if let Some(text) = value.get_mut(key)
            && let Some(word) = text.as_str()
        {
            *text = word.to_ascii_uppercase().into();
        }
    };
    for component in components.as_array_mut().into_iter().flatten() {
        upper(component, "type");
        upper(component, "format");
        for button in component.get_mut("buttons").and_then(Value::as_array_mut).into_iter().flatten() {
            upper(button, "type");
            upper(button, "otp_type");
        }
    }
    components
}

/// Checks a template; every broken rule is told.
pub fn check(content: Content<'_>) -> Result<(), FieldErrors> {
    let mut errors = FieldErrors::default();
    if !is_name(content.name) {
        errors.add("name", "invalid", format!("1 to {MAX_NAME} characters: lower-case letters a to z, digits and underscores"));
    }
    if !is_language(content.language) {
        errors.add("language", "invalid", "a language code such as `en` or `pt_BR`");
    }
    check_components(&mut errors, content);
    if errors.0.is_empty() {
        // What the rules let pass must also be something the sender can render.
        check_compiles(&mut errors, content);
    }
    errors.into_result()
}

/// Whether the provider takes the name.
pub(crate) fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(fits)
}

/// Whether it looks like a language code of the provider: `en`, `fil`, `pt_BR`.
pub(crate) fn is_language(language: &str) -> bool {
    let (base, region) = language.split_once('_').map_or((language, None), |(base, region)| (base, Some(region)));
    let base_fits = (2..=3).contains(&base.len()) && base.bytes().all(|byte| byte.is_ascii_lowercase());
    base_fits && region.is_none_or(|region| (2..=4).contains(&region.len()) && region.bytes().all(|byte| byte.is_ascii_uppercase()))
}

fn check_components(errors: &mut FieldErrors, content: Content<'_>) {
    let Some(components) = content.components.as_array().filter(|components| !components.is_empty()) else {
        errors.add("components", "missing", "a list of components with a BODY");
        return;
    };
    if content.components.to_string().len() > MAX_CONTENT {
        errors.add("components", "too-long", format!("all components together take at most {MAX_CONTENT} bytes as JSON"));
        return;
    }
    let mut met: Vec<&str> = Vec::new();
    for (index, component) in components.iter().enumerate() {
        let path = format!("components[{index}]");
        let kind = component.get("type").and_then(Value::as_str).unwrap_or_default();
        if !COMPONENTS.contains(&kind) {
            errors.add(format!("{path}.type"), "unsupported", format!("one of {}", COMPONENTS.join(", ")));
            continue;
        }
        if met.contains(&kind) {
            errors.add(format!("{path}.type"), "duplicate", format!("a template has one {kind}"));
            continue;
        }
        met.push(kind);
        let at = Place { errors: &mut *errors, path, content };
        match kind {
            "HEADER" => check_header(at, component),
            "BODY" => check_body(at, component),
            "FOOTER" => check_footer(at, component),
            _ => buttons::check(at, component),
        }
    }
    if !met.contains(&"BODY") {
        errors.add("components", "body-missing", "a template has a BODY");
    }
    if content.category == Category::Authentication && !met.contains(&"BUTTONS") {
        errors.add("components", "button-missing", "a template for codes has BUTTONS with one OTP button");
    }
}

/// Where in the input we are, and where broken rules go.
struct Place<'a> {
    errors: &'a mut FieldErrors,
    path: String,
    content: Content<'a>,
}

impl Place<'_> {
    fn add(&mut self, field: &str, code: &'static str, message: impl Into<String>) {
        self.errors.add(format!("{}.{field}", self.path), code, message);
    }
}

fn check_header(mut at: Place<'_>, header: &Value) {
    if at.content.category == Category::Authentication {
        at.add("type", "not-allowed", "a template for codes has no header");
        return;
    }
    let format = header.get("format").and_then(Value::as_str).unwrap_or("TEXT");
    if format == "TEXT" {
        let samples = match at.content.format {
            ParameterFormat::Positional => Samples::List(header.pointer("/example/header_text"), "example.header_text"),
            ParameterFormat::Named => {
                Samples::Named(header.pointer("/example/header_text_named_params"), "example.header_text_named_params")
            }
        };
        check_text(&mut at, header, &Text { longest: MAX_HEADER, most_variables: MAX_HEADER_VARIABLES, one_line: true, samples });
        let text = header.get("text").and_then(Value::as_str).unwrap_or_default();
        if text.contains(['*', '~', '`']) {
            at.add("text", "markdown", "a header has no formatting characters");
        }
    } else if MEDIA_HEADERS.contains(&format) {
        let handle = header.pointer("/example/header_handle/0").and_then(Value::as_str).unwrap_or_default();
        if handle.is_empty() {
            at.add("example.header_handle", "sample-missing", "a media header needs the handle of an uploaded sample");
        }
    } else {
        at.add("format", "unsupported", format!("TEXT or one of {}", MEDIA_HEADERS.join(", ")));
    }
}

fn check_body(mut at: Place<'_>, body: &Value) {
    if at.content.category == Category::Authentication {
        if body.get("text").is_some() {
            at.add("text", "not-allowed", "the text of a template for codes is the provider's");
        }
        return;
    }
    let samples = match at.content.format {
        ParameterFormat::Positional => Samples::Rows(body.pointer("/example/body_text"), "example.body_text"),
        ParameterFormat::Named => Samples::Named(body.pointer("/example/body_text_named_params"), "example.body_text_named_params"),
    };
    let Some(parts) = check_text(&mut at, body, &Text { longest: MAX_BODY, most_variables: usize::MAX, one_line: false, samples }) else {
        return;
    };
    if parts.starts_or_ends_with_variable() {
        at.add("text", "edge-variable", "a body does not begin or end with a variable");
    }
    if parts.has_adjacent_variables() {
        at.add("text", "adjacent-variables", "there is text between two variables");
    }
    if parts.words() < parts.variables().len() {
        at.add("text", "too-many-variables", "too many variables for the length of the text");
    }
}

fn check_footer(mut at: Place<'_>, footer: &Value) {
    if at.content.category == Category::Authentication {
        let minutes = footer.get("code_expiration_minutes");
        if minutes.is_none_or(|minutes| !minutes.as_i64().is_some_and(|minutes| CODE_MINUTES.contains(&minutes))) {
            at.add("code_expiration_minutes", "out-of-range", "1 to 90 minutes");
        }
        return;
    }
    let text = Text { longest: MAX_FOOTER, most_variables: 0, one_line: true, samples: Samples::None };
    check_text(&mut at, footer, &text);
}

fn check_compiles(errors: &mut FieldErrors, content: Content<'_>) {
    let stored = json!({
        "name": content.name,
        "language": language_of(content.language),
        "parameterFormat": content.format.as_str(),
        "components": content.components,
    });
    if let Err(error) = CompiledTemplate::compile(&stored) {
        let code = match &error {
            CompileError::Unsupported(_) => "unsupported",
            CompileError::Malformed(_) => "malformed",
            CompileError::Placeholder(_) | CompileError::Gap { .. } => "placeholder",
            CompileError::NoBody => "body-missing",
            CompileError::Twice(_) => "duplicate",
            CompileError::HeaderVariables | CompileError::ButtonLink { .. } => "too-many-variables",
        };
        errors.add("components", code, error.to_string());
    }
}

#[cfg(test)]
mod tests;
