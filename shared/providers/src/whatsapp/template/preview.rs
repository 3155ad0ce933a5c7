//! What the recipient will see, by the same values and rules as sending.

use serde::Serialize;

use super::{CompiledTemplate, Form, RenderError, Variables, render::url_text};

#[derive(Clone, Debug)]
pub(super) struct Preview {
    pub(super) header: Option<PreviewHeader>,
    pub(super) body: Vec<PreviewPart>,
    pub(super) footer: Option<String>,
    pub(super) buttons: Vec<PreviewButton>,
}

#[derive(Clone, Debug)]
pub(super) enum PreviewHeader {
    Text(Vec<PreviewPart>),
    Media { kind: String, variable: usize },
}

#[derive(Clone, Debug)]
pub(super) struct PreviewButton {
    pub(super) label: String,
    pub(super) target: Vec<PreviewPart>,
}

#[derive(Clone, Debug)]
pub(super) enum PreviewPart {
    Literal(String),
    Variable(usize),
}

/// A message as the recipient sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RenderedText {
    /// What stands above the text.
    pub header: Option<RenderedHeader>,
    /// The text.
    pub body: String,
    /// The small print.
    pub footer: Option<String>,
    /// Buttons in order.
    pub buttons: Vec<RenderedButton>,
}

/// A header as the recipient sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum RenderedHeader {
    /// A line of text.
    Text {
        /// The line.
        text: String,
    },
    /// An image, video or document.
    Media {
        /// `image`, `video` or `document`.
        kind: String,
        /// Link to it, or the provider's id of it.
        reference: String,
    },
}

/// A button as the recipient sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RenderedButton {
    /// Its label.
    pub label: String,
    /// Where it leads: link, telephone number or coupon code.
    pub target: Option<String>,
}

impl CompiledTemplate {
    /// What the recipient will see.
    pub fn render_text<V: Variables + ?Sized>(&self, variables: &V) -> Result<RenderedText, RenderError> {
        let header = match &self.preview.header {
            None => None,
            Some(PreviewHeader::Text(parts)) => Some(RenderedHeader::Text { text: self.fill(parts, variables)? }),
            Some(PreviewHeader::Media { kind, variable }) => {
                let reference = self.variables[*variable].checked(variables)?.to_owned();
                Some(RenderedHeader::Media { kind: kind.clone(), reference })
            }
        };
        let body = self.fill(&self.preview.body, variables)?;
        let mut buttons = Vec::with_capacity(self.preview.buttons.len());
        for button in &self.preview.buttons {
            let target = self.fill(&button.target, variables)?;
            buttons.push(RenderedButton { label: button.label.clone(), target: (!target.is_empty()).then_some(target) });
        }
        Ok(RenderedText { header, body, footer: self.preview.footer.clone(), buttons })
    }

    fn fill<V: Variables + ?Sized>(&self, parts: &[PreviewPart], variables: &V) -> Result<String, RenderError> {
        let mut text = String::new();
        for part in parts {
            match part {
                PreviewPart::Literal(literal) => text.push_str(literal),
                PreviewPart::Variable(index) => {
                    let variable = &self.variables[*index];
                    let value = variable.checked(variables)?;
                    match variable.form {
                        Form::UrlSuffix => text.push_str(&url_text(value)),
                        Form::Text | Form::Code | Form::Media => text.push_str(value),
                    }
                }
            }
        }
        Ok(text)
    }
}
