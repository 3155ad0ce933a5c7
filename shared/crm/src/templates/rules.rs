//! What the provider asks of a template, checked before anything is submitted, with the field at fault.
//!
//! The rules are data in [`table`]; the other modules hold them against a template, each its part. They take any JSON: what has not
//! the form that is asked for breaks a rule.

use providers::whatsapp::CompiledTemplate;
use serde_json::{Value, json};

use super::model::{Category, ParameterFormat, language_of};
use crate::fields::FieldErrors;

mod bounds;
mod buttons;
mod carousel;
mod codes;
mod examples;
mod normal;
mod offer;
mod parts;
mod place;
mod table;
mod text;

pub use examples::Example;
pub use normal::normalised;
use place::{Broken, Found, Place};
pub use table::{Limit, Rule, Unit, all};
use table::{content as rule, special};

/// What is checked. Components are as [`normalised`] leaves them.
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
    /// Seconds for which a message is tried; -1 are 30 days; the provider's default when none.
    pub message_ttl_seconds: Option<i32>,
    /// Components.
    pub components: &'a Value,
}

/// Checks a template; every broken rule is told, up to a hundred.
pub fn check(content: Content<'_>) -> Result<(), FieldErrors> {
    into_errors(&broken(content))
}

/// Checks what can still be changed of a template that the provider has: its name and language are what they are.
pub fn check_edit(content: Content<'_>) -> Result<(), FieldErrors> {
    let mut found = Found::default();
    check_content(&mut Place::top(&mut found, content));
    into_errors(&found.into_inner())
}

/// Whether the provider takes the name.
pub(crate) fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    rule::NAME.covers(name.len()) && name.bytes().all(fits)
}

/// Whether it looks like a language code of the provider, `en`, `fil`, `pt_BR`: for what exists there already, in whatever language.
pub(crate) fn is_language_shape(language: &str) -> bool {
    let (base, region) = language.split_once('_').map_or((language, None), |(base, region)| (base, Some(region)));
    let base_fits = (2..=3).contains(&base.len()) && base.bytes().all(|byte| byte.is_ascii_lowercase());
    base_fits && region.is_none_or(|region| (2..=4).contains(&region.len()) && region.bytes().all(|byte| byte.is_ascii_uppercase()))
}

fn broken(content: Content<'_>) -> Vec<Broken> {
    let mut found = Found::default();
    let mut at = Place::top(&mut found, content);
    if !is_name(content.name) {
        at.broken("name", &rule::NAME);
    }
    if !rule::LANGUAGE.names(content.language) {
        at.broken("language", &rule::LANGUAGE);
    }
    check_content(&mut at);
    found.into_inner()
}

fn check_content(at: &mut Place<'_>) {
    let content = at.content;
    let ttl = match content.category {
        Category::Authentication => &rule::TTL_AUTHENTICATION,
        Category::Utility => &rule::TTL_UTILITY,
        Category::Marketing => &rule::TTL_MARKETING,
    };
    if content.message_ttl_seconds.is_some_and(|seconds| seconds != -1 && !ttl.covers(seconds)) {
        at.broken("messageSendTtlSeconds", ttl);
    }
    check_components(at);
    // What keeps the rules must also be something that the sender can render.
    if at.is_unbroken() && !compiles(content) {
        at.broken("components", &rule::COMPILES);
    }
}

fn check_components(at: &mut Place<'_>) {
    let content = at.content;
    let Some(components) = content.components.as_array().filter(|components| !components.is_empty()) else {
        at.broken("components", &rule::COMPONENTS_LIST);
        return;
    };
    if !bounds::is_shallow(content.components, rule::COMPONENTS_DEPTH.most()) {
        at.broken("components", &rule::COMPONENTS_DEPTH);
        return;
    }
    if !bounds::is_short(content.components, rule::COMPONENTS_SIZE.most()) {
        at.broken("components", &rule::COMPONENTS_SIZE);
        return;
    }
    let whole = Whole::of(components);
    for (index, component) in components.iter().enumerate() {
        let mut at = at.inside(format_args!("components[{index}]"));
        let kind = kind_of(component);
        if !rule::COMPONENT_KIND.names(kind) {
            at.broken("type", &rule::COMPONENT_KIND);
        } else if whole.get(kind).is_some_and(|(first, _)| first != index) {
            at.broken("type", &rule::COMPONENT_ONCE);
        } else if content.category == Category::Authentication {
            codes::check(&mut at, kind, component);
        } else {
            check_component(&mut at, kind, component, &whole);
        }
    }
    if whole.get("BODY").is_none() {
        at.broken("components", &rule::BODY_NEEDED);
    }
    if content.category == Category::Authentication {
        if whole.get("BUTTONS").is_none() {
            at.broken("components", &special::CODE_BUTTONS);
        }
    } else {
        offer::check_company(at, &whole);
        carousel::check_company(at, &whole);
    }
}

/// It asks one thing; there is nothing else to tap on.
fn check_call_permission(at: &mut Place<'_>, whole: &Whole<'_>) {
    if whole.iter().any(|(_, other)| special::CALL_PERMISSION_ALONE.names(kind_of(other))) {
        at.broken("type", &special::CALL_PERMISSION_ALONE);
    }
}

fn check_component(at: &mut Place<'_>, kind: &str, component: &Value, whole: &Whole<'_>) {
    match kind {
        "HEADER" => parts::check_header(at, component),
        "BODY" => parts::check_body(at, component, whole),
        "FOOTER" => parts::check_footer(at, component),
        "BUTTONS" => buttons::check(at, component, whole),
        "LIMITED_TIME_OFFER" => offer::check(at, component),
        "CALL_PERMISSION_REQUEST" => check_call_permission(at, whole),
        _ => carousel::check(at, component),
    }
}

/// The first component of each kind.
struct Whole<'a>(Vec<(usize, &'a Value)>);

impl<'a> Whole<'a> {
    fn of(components: &'a [Value]) -> Self {
        let mut firsts: Vec<(usize, &Value)> = Vec::new();
        for (index, component) in components.iter().enumerate() {
            let kind = kind_of(component);
            if rule::COMPONENT_KIND.names(kind) && !firsts.iter().any(|(_, first)| kind_of(first) == kind) {
                firsts.push((index, component));
            }
        }
        Self(firsts)
    }

    /// The component of a kind, and where it stands.
    fn get(&self, kind: &str) -> Option<(usize, &'a Value)> {
        self.0.iter().copied().find(|(_, component)| kind_of(component) == kind)
    }

    /// All of them, in their order.
    fn iter(&self) -> impl Iterator<Item = (usize, &'a Value)> {
        self.0.iter().copied()
    }
}

/// A field that is a text.
fn text_of<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field)?.as_str()
}

fn kind_of(value: &Value) -> &str {
    text_of(value, "type").unwrap_or_default()
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn compiles(content: Content<'_>) -> bool {
    let stored = json!({
        "name": content.name,
        "language": language_of(content.language),
        "parameterFormat": content.format.as_str(),
        "components": content.components,
    });
    CompiledTemplate::compile(&stored).is_ok()
}

fn into_errors(broken: &[Broken]) -> Result<(), FieldErrors> {
    let mut errors = FieldErrors::default();
    for Broken { field, rule } in broken {
        errors.add(field.clone(), rule.code, rule.description());
    }
    errors.into_result()
}

#[cfg(test)]
mod tests;
