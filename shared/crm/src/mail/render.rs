//! Fills texts in.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value};

use super::{
    language::{self, Fault},
    markup,
    model::{MailKind, MailText},
    values::Values,
};
use crate::fields::FieldErrors;

/// Steps that a text may take.
const FUEL: u64 = 200_000;
/// Longest result, in bytes.
const LENGTH: usize = 1024 * 1024;

/// A part of a mail that cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {part} of the mail is broken in line {line}: {reason}")]
pub struct BrokenText {
    /// `subject`, `html` or `text`.
    pub part: &'static str,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl From<BrokenText> for FieldErrors {
    fn from(broken: BrokenText) -> Self {
        let mut errors = Self::default();
        errors.add(broken.part, "broken-template", format!("line {}: {}", broken.line, broken.reason));
        errors
    }
}

/// Fills a text in. What it needs to be sent is checked on the way: a kind with a link must show it, and nobody else may be told it.
pub(super) fn render(kind: MailKind, text: &MailText, values: &Values) -> Result<MailText, BrokenText> {
    // The text works with a stand-in, and never has the link itself in its hands.
    let stand_in = values.link.as_ref().map(|_| format!("link{:032x}", rand::random::<u128>()));
    let stand_in = stand_in.as_deref();
    let context = context(values, stand_in);
    let known = super::values::names(kind);
    let fill = |part: &'static str, source: &str| {
        fill(part, source, &known, &context).map_err(|Fault { line, reason }| BrokenText { part, line, reason })
    };

    let subject = fill("subject", &text.subject)?;
    let html = fill("html", &text.html)?;
    let plain = fill("text", &text.text)?;
    let broken = |part: &'static str| move |Fault { line, reason }: Fault| BrokenText { part, line, reason };
    if markup::check_text(&subject, stand_in) != Ok(0) || subject.trim().is_empty() {
        return Err(BrokenText { part: "subject", line: 1, reason: "must not be empty and not show the link".into() });
    }
    for (part, links) in [
        ("html", markup::check_html(&html, stand_in).map_err(broken("html"))?),
        ("text", markup::check_text(&plain, stand_in).map_err(broken("text"))?),
    ] {
        if kind.link().is_some() && links == 0 {
            return Err(BrokenText { part, line: 1, reason: "the link is missing: {{ link }}".into() });
        }
    }
    let (Some(stand_in), Some(link)) = (stand_in, &values.link) else { return Ok(MailText { subject, html, text: plain }) };
    Ok(MailText { subject, html: html.replace(stand_in, &escaped(link)), text: plain.replace(stand_in, link) })
}

fn fill(part: &'static str, source: &str, known: &[&str], context: &Value) -> Result<String, Fault> {
    language::check(source)?;
    let environment = environment();
    let told = |error: &minijinja::Error| Fault { line: error.line().unwrap_or(1), reason: reason(error) };
    let template = environment.template_from_named_str(part, source).map_err(|error| told(&error))?;
    let mut unknown: Vec<String> =
        template.undeclared_variables(false).into_iter().filter(|name| !known.contains(&name.as_str())).collect();
    unknown.sort_unstable();
    if let Some(name) = unknown.first() {
        let reason = format!("`{name}` is not known; there are {}", known.join(", "));
        return Err(Fault::at(source, place_of(source, name), reason));
    }
    let mut result = Bounded(Vec::new());
    template.render_captured_to(context.clone(), &mut result).map_err(|error| told(&error))?;
    String::from_utf8(result.0).map_err(|_| Fault { line: 1, reason: "gives no text".into() })
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|part| if part == "html" { AutoEscape::Html } else { AutoEscape::None });
    environment.set_fuel(Some(FUEL));
    environment.add_filter("default", minijinja::filters::default);
    environment
}

fn context(values: &Values, stand_in: Option<&str>) -> Value {
    let texts = values.texts.iter().map(|(name, text)| ((*name).to_owned(), Value::from(text.as_str())));
    let link = stand_in.map(|link| ("link".to_owned(), Value::from(link)));
    Value::from(texts.chain(link).collect::<BTreeMap<_, _>>())
}

fn reason(error: &minijinja::Error) -> String {
    match error.kind() {
        ErrorKind::OutOfFuel => "takes too long".into(),
        ErrorKind::WriteFailure => format!("becomes longer than {LENGTH} bytes"),
        kind => error.detail().map_or_else(|| kind.to_string(), ToOwned::to_owned),
    }
}

/// Where a name first stands in a block.
fn place_of(source: &str, name: &str) -> usize {
    let mut from = 0;
    while let Some(found) = source[from..].find('{') {
        let begin = from + found;
        let end = source[begin..].find('}').map_or(source.len(), |length| begin + length);
        if let Some(place) = source[begin..end].find(name) {
            return begin + place;
        }
        from = end;
    }
    0
}

/// An address as an attribute and as text. The slash stays what it is, unlike with minijinja's escaping: mail readers look for addresses.
fn escaped(link: &str) -> String {
    link.replace('&', "&amp;").replace('"', "&quot;").replace('\'', "&#39;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A text that does not grow for ever.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.0.len() + part.len() > LENGTH {
            return Err(io::Error::other("too long"));
        }
        self.0.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
