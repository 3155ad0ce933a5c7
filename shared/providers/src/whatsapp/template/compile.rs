//! From the stored content to pieces of the request body.

use serde::Deserialize;

use super::{
    CompiledTemplate, Form, Need,
    build::{Builder, List},
    buttons::compile_button,
    parse::{Button, Card, Component, Content, Language, Offer, ParameterFormat, parts, placeholders},
    preview::{Preview, PreviewButton, PreviewCard, PreviewHeader, PreviewOffer, PreviewPart},
};

/// Why a content cannot be sent as it is.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The content has not the stored form.
    #[error("the content has no name, language or components, or they are malformed")]
    Malformed(#[source] serde_json::Error),
    /// A placeholder is not closed, or its name does not fit the parameter format.
    #[error("`{0}` is no placeholder of this template's parameter format")]
    Placeholder(String),
    /// Positional placeholders do not run from 1 without a gap.
    #[error("placeholder {expected} is missing")]
    Gap {
        /// The first number that is missing.
        expected: i32,
    },
    /// There is no body, or one without text.
    #[error("the template has no body text")]
    NoBody,
    /// A component stands twice.
    #[error("the template has two components of type {0}")]
    Twice(&'static str),
    /// A header text has more than one variable.
    #[error("a header may have one variable")]
    HeaderVariables,
    /// The link of a button has a variable that does not stand alone at its end.
    #[error("the link of button {index} may have one variable, at its end")]
    ButtonLink {
        /// Index of the button, from 0.
        index: usize,
    },
    /// Something this system cannot send.
    #[error("templates with {0} cannot be sent")]
    Unsupported(String),
}

impl CompiledTemplate {
    /// Works out which parameters the content needs. Names of variables: see the module.
    pub fn compile(content: &serde_json::Value) -> Result<Self, CompileError> {
        let content = Content::deserialize(content).map_err(CompileError::Malformed)?;
        let format = content.parameter_format.unwrap_or(ParameterFormat::Positional);
        let language = match content.language {
            Language::Code(code) | Language::Object { code } => code,
        };
        let found = Found::sort(&content.components)?;
        let body = found.body.ok_or(CompileError::NoBody)?;
        let one_time_code = found.buttons.iter().any(|button| button.is_one_time_code());

        let mut builder = Builder::default();
        builder.json(r#","type":"template","template":{"name":""#);
        builder.escaped(&content.name);
        builder.json(r#"","language":{"code":""#);
        builder.escaped(&language);
        builder.json("\"}");
        let mut list = List::new(r#","components":["#);
        let header = found.header.map(|header| compile_header(&mut builder, &mut list, header, format, "")).transpose()?;
        let (body, footer) = if one_time_code {
            (compile_code_body(&mut builder, &mut list, body, format)?, code_footer(found.footer))
        } else {
            let body = compile_body(&mut builder, &mut list, body, format, "")?.ok_or(CompileError::NoBody)?;
            (body, found.footer.and_then(|footer| footer.text.clone()))
        };
        let offer = found.offer.map(|offer| compile_offer(&mut builder, &mut list, offer));
        let cards = compile_cards(&mut builder, &mut list, found.cards, format)?;
        let mut buttons = compile_buttons(&mut builder, &mut list, &found.buttons, "")?;
        if found.asks_to_call {
            buttons.push(PreviewButton { kind: CALL_PERMISSION_REQUEST.to_owned(), label: String::new(), target: Vec::new() });
        }
        list.end(&mut builder);
        builder.json("}");
        let (variables, pieces) = builder.finish();
        Ok(Self { name: content.name, language, variables, pieces, preview: Preview { header, offer, body, footer, cards, buttons } })
    }
}

/// Stands as a component of its own in Meta's creation form, and as a button in that of others.
const CALL_PERMISSION_REQUEST: &str = "CALL_PERMISSION_REQUEST";

/// The components by what they are.
#[derive(Default)]
pub(super) struct Found<'a> {
    pub(super) header: Option<&'a Component>,
    pub(super) body: Option<&'a Component>,
    footer: Option<&'a Component>,
    offer: Option<&'a Offer>,
    pub(super) buttons: Vec<&'a Button>,
    pub(super) cards: &'a [Card],
    asks_to_call: bool,
}

impl<'a> Found<'a> {
    pub(super) fn sort(components: &'a [Component]) -> Result<Self, CompileError> {
        let mut found = Self::default();
        for component in components {
            let (place, name) = match component.kind.to_ascii_uppercase().as_str() {
                "HEADER" => (&mut found.header, "header"),
                "BODY" => (&mut found.body, "body"),
                "FOOTER" => (&mut found.footer, "footer"),
                "BUTTONS" => {
                    if !found.buttons.is_empty() {
                        return Err(CompileError::Twice("buttons"));
                    }
                    found.buttons = component.buttons.iter().collect();
                    continue;
                }
                "LIMITED_TIME_OFFER" => {
                    let offer = component.limited_time_offer.as_ref();
                    let offer = offer.ok_or_else(|| CompileError::Unsupported("an offer without a text".to_owned()))?;
                    if found.offer.replace(offer).is_some() {
                        return Err(CompileError::Twice("limited_time_offer"));
                    }
                    continue;
                }
                "CAROUSEL" => {
                    if !found.cards.is_empty() {
                        return Err(CompileError::Twice("carousel"));
                    }
                    if component.cards.is_empty() {
                        return Err(CompileError::Unsupported("a carousel without cards".to_owned()));
                    }
                    found.cards = &component.cards;
                    continue;
                }
                CALL_PERMISSION_REQUEST => {
                    found.asks_to_call = true;
                    continue;
                }
                other => return Err(CompileError::Unsupported(format!("a component of type {other}"))),
            };
            if place.replace(component).is_some() {
                return Err(CompileError::Twice(name));
            }
        }
        Ok(found)
    }
}

/// `prefix` is empty, or `card.i.`.
fn compile_header(
    builder: &mut Builder,
    list: &mut List,
    header: &Component,
    format: ParameterFormat,
    prefix: &str,
) -> Result<PreviewHeader, CompileError> {
    let kind = header.format.as_deref().unwrap_or("TEXT").to_ascii_lowercase();
    let prefix = format!("{prefix}header.");
    match kind.as_str() {
        "text" => {
            let text = parts(header.text.as_deref().unwrap_or_default(), format)?;
            let names = placeholders(&text, format)?;
            if names.len() > 1 {
                return Err(CompileError::HeaderVariables);
            }
            if !names.is_empty() {
                list.item(builder);
                builder.json(r#"{"type":"header","parameters":["#);
                builder.text_parameters(&prefix, &names, format, Form::Text);
                builder.json("]}");
            }
            Ok(PreviewHeader::Text(builder.preview(&text, &prefix)))
        }
        "image" | "video" | "document" => {
            let variable = builder.variable(&format!("{prefix}{kind}"), Form::Media, Need::Required);
            list.item(builder);
            builder.json(&format!(r#"{{"type":"header","parameters":[{{"type":"{kind}","{kind}":{{"#));
            // The renderer writes the key too: `link` or `id`.
            builder.value(variable);
            builder.json("}}]}");
            Ok(PreviewHeader::Media { kind, variable })
        }
        "location" => Ok(compile_location(builder, list, &prefix)),
        "product" => {
            let product = builder.variable(&format!("{prefix}product_retailer_id"), Form::Product, Need::Required);
            let catalog = builder.variable(&format!("{prefix}catalog_id"), Form::Catalog, Need::Required);
            list.item(builder);
            builder.json(r#"{"type":"header","parameters":[{"type":"product","product":{"product_retailer_id":""#);
            builder.value(product);
            builder.json(r#"","catalog_id":""#);
            builder.value(catalog);
            builder.json("\"}}]}");
            Ok(PreviewHeader::Product { product, catalog })
        }
        other => Err(CompileError::Unsupported(format!("a {other} header"))),
    }
}

/// # Source
///
/// Meta, "Location templates": coordinates are strings and required, name and address are optional.
fn compile_location(builder: &mut Builder, list: &mut List, prefix: &str) -> PreviewHeader {
    let mut variable = |name: &str, form, need| builder.variable(&format!("{prefix}location.{name}"), form, need);
    let latitude = variable("latitude", Form::Latitude, Need::Required);
    let longitude = variable("longitude", Form::Longitude, Need::Required);
    let name = variable("name", Form::Text, Need::Optional);
    let address = variable("address", Form::Text, Need::Optional);
    list.item(builder);
    builder.json(r#"{"type":"header","parameters":[{"type":"location","location":{"latitude":""#);
    builder.value(latitude);
    builder.json(r#"","longitude":""#);
    builder.value(longitude);
    builder.json("\"");
    builder.if_given(name, r#","name":""#, "\"");
    builder.if_given(address, r#","address":""#, "\"");
    builder.json("}}]}");
    PreviewHeader::Location { latitude, longitude, name, address }
}

/// `prefix` is empty, or `card.i.`. None when the body has no text.
fn compile_body(
    builder: &mut Builder,
    list: &mut List,
    body: &Component,
    format: ParameterFormat,
    prefix: &str,
) -> Result<Option<Vec<PreviewPart>>, CompileError> {
    match body.text.as_deref() {
        Some(text) if !text.trim().is_empty() => compile_text(builder, list, text, format, prefix, Form::Text).map(Some),
        _ => Ok(None),
    }
}

fn compile_text(
    builder: &mut Builder,
    list: &mut List,
    text: &str,
    format: ParameterFormat,
    prefix: &str,
    form: Form,
) -> Result<Vec<PreviewPart>, CompileError> {
    let text = parts(text, format)?;
    let names = placeholders(&text, format)?;
    if !names.is_empty() {
        list.item(builder);
        builder.json(r#"{"type":"body","parameters":["#);
        builder.text_parameters(prefix, &names, format, form);
        builder.json("]}");
    }
    Ok(builder.preview(&text, prefix))
}

// Bodies and footers of authentication templates have no text of their own in the creation form; the provider has one in each language.
// These are the English ones.
//
// Source: Meta, "Authentication templates".
const CODE_BODY: &str = "*{{1}}* is your verification code.";
const CODE_SECURITY: &str = " For your security, do not share this code.";

fn compile_code_body(
    builder: &mut Builder,
    list: &mut List,
    body: &Component,
    format: ParameterFormat,
) -> Result<Vec<PreviewPart>, CompileError> {
    match body.text.as_deref() {
        Some(text) if !text.trim().is_empty() => compile_text(builder, list, text, format, "", Form::Code),
        _ => {
            let mut text = CODE_BODY.to_owned();
            if body.add_security_recommendation == true {
                text.push_str(CODE_SECURITY);
            }
            compile_text(builder, list, &text, ParameterFormat::Positional, "", Form::Code)
        }
    }
}

fn code_footer(footer: Option<&Component>) -> Option<String> {
    let footer = footer?;
    let text = footer.text.clone().filter(|text| !text.trim().is_empty());
    text.or_else(|| {
        let minutes = footer.code_expiration_minutes.as_u64()?;
        Some(format!("This code expires in {minutes} minute{}.", if minutes == 1 { "" } else { "s" }))
    })
}

fn compile_offer(builder: &mut Builder, list: &mut List, offer: &Offer) -> PreviewOffer {
    let expires = (offer.has_expiration == Some(true)).then(|| {
        let variable = builder.variable("limited_time_offer.expiration_time_ms", Form::Milliseconds, Need::Required);
        list.item(builder);
        builder
            .json(r#"{"type":"limited_time_offer","parameters":[{"type":"limited_time_offer","limited_time_offer":{"expiration_time_ms":"#);
        builder.value(variable);
        builder.json("}}]}");
        variable
    });
    PreviewOffer { text: offer.text.clone().unwrap_or_default(), expires }
}

fn compile_cards(
    builder: &mut Builder,
    list: &mut List,
    cards: &[Card],
    format: ParameterFormat,
) -> Result<Vec<PreviewCard>, CompileError> {
    let mut previews = Vec::with_capacity(cards.len());
    if cards.is_empty() {
        return Ok(previews);
    }
    list.item(builder);
    builder.json(r#"{"type":"carousel","cards":["#);
    for (index, card) in cards.iter().enumerate() {
        if index > 0 {
            builder.json(",");
        }
        builder.json(&format!(r#"{{"card_index":{index},"components":["#));
        let found = Found::sort(&card.components)?;
        let odd = found.offer.is_some() || found.footer.is_some() || found.asks_to_call || !found.cards.is_empty();
        if odd {
            return Err(CompileError::Unsupported("cards of more than header, body and buttons".to_owned()));
        }
        let prefix = format!("card.{index}.");
        // The list stands even when it is empty.
        let mut list = List::new("");
        let header = found.header.map(|header| compile_header(builder, &mut list, header, format, &prefix)).transpose()?;
        let body = found.body.map(|body| compile_body(builder, &mut list, body, format, &prefix)).transpose()?.flatten();
        let buttons = compile_buttons(builder, &mut list, &found.buttons, &prefix)?;
        builder.json("]}");
        previews.push(PreviewCard { header, body, buttons });
    }
    builder.json("]}");
    Ok(previews)
}

fn compile_buttons(builder: &mut Builder, list: &mut List, buttons: &[&Button], prefix: &str) -> Result<Vec<PreviewButton>, CompileError> {
    buttons.iter().enumerate().map(|(index, button)| compile_button(builder, list, index, button, prefix)).collect()
}
