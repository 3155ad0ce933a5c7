//! From the stored content to pieces of the request body.

use serde::Deserialize;

use super::{
    CompiledTemplate, Form, Piece, Variable,
    parse::{Button, Component, Content, Language, ParameterFormat, Part, parts, placeholders},
    preview::{Preview, PreviewButton, PreviewHeader, PreviewPart},
};
use crate::whatsapp::json::push_escaped;

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
    /// Something this system cannot send yet.
    #[error("templates with {0} cannot be sent yet")]
    Unsupported(String),
}

/// Puts pieces together.
#[derive(Default)]
struct Builder {
    variables: Vec<Variable>,
    pieces: Vec<Piece>,
    literal: Vec<u8>,
}

impl Builder {
    fn json(&mut self, json: &str) {
        self.literal.extend_from_slice(json.as_bytes());
    }

    fn escaped(&mut self, text: &str) {
        push_escaped(&mut self.literal, text);
    }

    fn variable(&mut self, name: &str, form: Form) -> usize {
        let at = self.variables.iter().position(|variable| variable.name == name);
        at.unwrap_or_else(|| {
            self.variables.push(Variable { name: name.to_owned(), form });
            self.variables.len() - 1
        })
    }

    fn value(&mut self, variable: usize) {
        if !self.literal.is_empty() {
            self.pieces.push(Piece::Literal(std::mem::take(&mut self.literal).into()));
        }
        self.pieces.push(Piece::Value(variable));
    }

    /// Opens a component; the first one opens the list of them.
    fn open(&mut self, head: &str, first: &mut bool) {
        self.json(if std::mem::take(first) { r#","components":["# } else { "," });
        self.json(head);
        self.json(r#","parameters":["#);
    }

    /// One text parameter.
    fn text_parameter(&mut self, parameter_name: Option<&str>, variable: usize) {
        self.json(r#"{"type":"text""#);
        if let Some(name) = parameter_name {
            self.json(r#","parameter_name":""#);
            self.escaped(name);
            self.json("\"");
        }
        self.json(r#","text":""#);
        self.value(variable);
        self.json("\"}");
    }
}

impl CompiledTemplate {
    /// Works out which parameters the content needs. Names of variables: see the module.
    ///
    /// Not supported: location headers, carousels, limited-time offers, and buttons for flows, catalogs and products.
    pub fn compile(content: &serde_json::Value) -> Result<Self, CompileError> {
        let content = Content::deserialize(content).map_err(CompileError::Malformed)?;
        let format = content.parameter_format.unwrap_or(ParameterFormat::Positional);
        let language = match content.language {
            Language::Code(code) | Language::Object { code } => code,
        };
        let found = Found::sort(&content.components)?;
        let one_time_code = found.buttons.iter().any(|button| is_one_time_code(button));

        let mut builder = Builder::default();
        builder.json(r#","type":"template","template":{"name":""#);
        builder.escaped(&content.name);
        builder.json(r#"","language":{"code":""#);
        builder.escaped(&language);
        builder.json("\"}");
        let mut first = true;
        let header = found.header.map(|header| compile_header(&mut builder, &mut first, header, format)).transpose()?.flatten();
        let body = compile_body(&mut builder, &mut first, found.body, format, one_time_code)?;
        let mut buttons = Vec::with_capacity(found.buttons.len());
        for (index, button) in found.buttons.iter().enumerate() {
            buttons.push(compile_button(&mut builder, &mut first, index, button)?);
        }
        if !first {
            builder.json("]");
        }
        builder.json("}");
        let rest = std::mem::take(&mut builder.literal);
        builder.pieces.push(Piece::Literal(rest.into()));
        let footer = found.footer.and_then(|footer| footer.text.clone());
        Ok(Self {
            name: content.name,
            language,
            variables: builder.variables,
            pieces: builder.pieces,
            preview: Preview { header, body, footer, buttons },
        })
    }
}

/// The components by what they are.
#[derive(Default)]
struct Found<'a> {
    header: Option<&'a Component>,
    body: Option<&'a Component>,
    footer: Option<&'a Component>,
    buttons: Vec<&'a Button>,
}

impl<'a> Found<'a> {
    fn sort(components: &'a [Component]) -> Result<Self, CompileError> {
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
                other => return Err(CompileError::Unsupported(format!("a component of type {other}"))),
            };
            if place.replace(component).is_some() {
                return Err(CompileError::Twice(name));
            }
        }
        Ok(found)
    }
}

fn compile_header(
    builder: &mut Builder,
    first: &mut bool,
    header: &Component,
    format: ParameterFormat,
) -> Result<Option<PreviewHeader>, CompileError> {
    let kind = header.format.as_deref().unwrap_or("TEXT").to_ascii_lowercase();
    match kind.as_str() {
        "text" => {
            let text = parts(header.text.as_deref().unwrap_or_default(), format)?;
            let names = placeholders(&text, format)?;
            if names.len() > 1 {
                return Err(CompileError::HeaderVariables);
            }
            if let Some(name) = names.first() {
                let variable = builder.variable(&format!("header.{name}"), Form::Text);
                builder.open(r#"{"type":"header""#, first);
                builder.text_parameter((format == ParameterFormat::Named).then_some(name.as_str()), variable);
                builder.json("]}");
            }
            Ok(Some(PreviewHeader::Text(preview_parts(builder, &text, "header."))))
        }
        "image" | "video" | "document" => {
            let variable = builder.variable(&format!("header.{kind}"), Form::Media);
            builder.open(r#"{"type":"header""#, first);
            builder.json(&format!(r#"{{"type":"{kind}","{kind}":{{"#));
            // The renderer writes the key too: `link` or `id`.
            builder.value(variable);
            builder.json("}}]}");
            Ok(Some(PreviewHeader::Media { kind, variable }))
        }
        other => Err(CompileError::Unsupported(format!("a {other} header"))),
    }
}

/// The fixed body of authentication templates has no text of its own in the creation form.
const ONE_TIME_CODE_BODY: &str = "{{1}} is your verification code.";

fn compile_body(
    builder: &mut Builder,
    first: &mut bool,
    body: Option<&Component>,
    format: ParameterFormat,
    one_time_code: bool,
) -> Result<Vec<PreviewPart>, CompileError> {
    let body = body.ok_or(CompileError::NoBody)?;
    let (text, format) = match body.text.as_deref() {
        Some(text) if !text.trim().is_empty() => (text, format),
        _ if one_time_code => (ONE_TIME_CODE_BODY, ParameterFormat::Positional),
        _ => return Err(CompileError::NoBody),
    };
    let text = parts(text, format)?;
    let names = placeholders(&text, format)?;
    if !names.is_empty() {
        builder.open(r#"{"type":"body""#, first);
        for (at, name) in names.iter().enumerate() {
            if at > 0 {
                builder.json(",");
            }
            let form = if one_time_code { Form::Code } else { Form::Text };
            let variable = builder.variable(name, form);
            builder.text_parameter((format == ParameterFormat::Named).then_some(name.as_str()), variable);
        }
        builder.json("]}");
    }
    Ok(preview_parts(builder, &text, ""))
}

fn compile_button(builder: &mut Builder, first: &mut bool, index: usize, button: &Button) -> Result<PreviewButton, CompileError> {
    let kind = button.kind.to_ascii_uppercase();
    let head = |sub_type: &str| format!(r#"{{"type":"button","sub_type":"{sub_type}","index":"{index}""#);
    let mut preview = PreviewButton { label: button.text.clone().unwrap_or_default(), target: Vec::new() };
    match kind.as_str() {
        "URL" | "OTP" if is_one_time_code(button) => {
            let variable = builder.variable("1", Form::Code);
            builder.open(&head("url"), first);
            builder.text_parameter(None, variable);
            builder.json("]}");
        }
        "URL" => {
            // A link has no names, whatever the template's format.
            let link = parts(button.url.as_deref().unwrap_or_default(), ParameterFormat::Positional)?;
            match link.iter().filter(|part| matches!(part, Part::Placeholder(_))).count() {
                0 => {}
                1 if link.last() == Some(&Part::Placeholder("1".to_owned())) => {
                    let variable = builder.variable(&format!("button.{index}.1"), Form::UrlSuffix);
                    builder.open(&head("url"), first);
                    builder.text_parameter(None, variable);
                    builder.json("]}");
                }
                _ => return Err(CompileError::ButtonLink { index }),
            }
            preview.target = preview_parts(builder, &link, &format!("button.{index}."));
        }
        "COPY_CODE" => {
            let variable = builder.variable(&format!("button.{index}.1"), Form::Code);
            builder.open(&head("copy_code"), first);
            builder.json(r#"{"type":"coupon_code","coupon_code":""#);
            builder.value(variable);
            builder.json("\"}]}");
            preview.target = vec![PreviewPart::Variable(variable)];
        }
        "PHONE_NUMBER" => preview.target = button.phone_number.iter().cloned().map(PreviewPart::Literal).collect(),
        // A tap on a quick reply comes back with its label as payload when we send none.
        "QUICK_REPLY" | "VOICE_CALL" | "CALL_PERMISSION_REQUEST" | "REQUEST_CONTACT_INFO" => {}
        other => return Err(CompileError::Unsupported(format!("a button of type {other}"))),
    }
    Ok(preview)
}

/// Authentication templates: created with an `OTP` button, listed later with a link button to WhatsApp's own code page.
fn is_one_time_code(button: &Button) -> bool {
    button.kind.eq_ignore_ascii_case("OTP") || button.url.as_deref().is_some_and(|url| url.starts_with("https://www.whatsapp.com/otp/"))
}

fn preview_parts(builder: &Builder, parts: &[Part], prefix: &str) -> Vec<PreviewPart> {
    let variable = |name: &str| {
        let name = format!("{prefix}{name}");
        builder.variables.iter().position(|variable| variable.name == name).expect("every placeholder was made a variable")
    };
    parts
        .iter()
        .map(|part| match part {
            Part::Literal(text) => PreviewPart::Literal(text.clone()),
            Part::Placeholder(name) => PreviewPart::Variable(variable(name)),
        })
        .collect()
}
