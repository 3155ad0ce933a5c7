//! What the recipient will see, by the same values and rules as sending.

use serde::Serialize;

use super::{CompiledTemplate, Form, RenderError, Variables, render::url_text};
use crate::whatsapp::formatting::{self, Block};

#[derive(Clone, Debug)]
pub(super) struct Preview {
    pub(super) header: Option<PreviewHeader>,
    pub(super) offer: Option<PreviewOffer>,
    pub(super) body: Vec<PreviewPart>,
    pub(super) footer: Option<String>,
    pub(super) cards: Vec<PreviewCard>,
    pub(super) buttons: Vec<PreviewButton>,
}

/// Numbers are those of variables.
#[derive(Clone, Debug)]
pub(super) enum PreviewHeader {
    Text(Vec<PreviewPart>),
    Media { kind: String, variable: usize },
    Location { latitude: usize, longitude: usize, name: usize, address: usize },
    Product { product: usize, catalog: usize },
}

#[derive(Clone, Debug)]
pub(super) struct PreviewOffer {
    pub(super) text: String,
    pub(super) expires: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct PreviewCard {
    pub(super) header: Option<PreviewHeader>,
    pub(super) body: Option<Vec<PreviewPart>>,
    pub(super) buttons: Vec<PreviewButton>,
}

#[derive(Clone, Debug)]
pub(super) struct PreviewButton {
    pub(super) kind: String,
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
#[serde(rename_all = "camelCase")]
pub struct RenderedText {
    /// What stands above the text.
    pub header: Option<RenderedHeader>,
    /// The offer, between header and text.
    pub offer: Option<RenderedOffer>,
    /// The text. That of one-time codes is the English one as long as the provider has not told its own.
    pub body: String,
    /// The small print.
    pub footer: Option<String>,
    /// Cards below the text.
    pub cards: Vec<RenderedCard>,
    /// Buttons in order.
    pub buttons: Vec<RenderedButton>,
}

/// A header as the recipient sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "type")]
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
    /// A place on a map.
    Location {
        /// Degrees north.
        latitude: String,
        /// Degrees east.
        longitude: String,
        /// What it is called.
        name: Option<String>,
        /// Its address.
        address: Option<String>,
    },
    /// Picture, title and price of a product.
    Product {
        /// Its id in the catalog.
        product_retailer_id: String,
        /// The catalog.
        catalog_id: String,
    },
}

/// An offer as the recipient sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderedOffer {
    /// What it is.
    pub text: String,
    /// When it ends, in milliseconds since 1970.
    pub expiration_time_ms: Option<u64>,
}

/// A card as the recipient sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderedCard {
    /// Its picture, video or product.
    pub header: Option<RenderedHeader>,
    /// Its text.
    pub body: Option<String>,
    /// Its buttons in order.
    pub buttons: Vec<RenderedButton>,
}

/// A button as the recipient sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderedButton {
    /// The provider's word for what it does: `URL`, `QUICK_REPLY`, `OTP`, …
    pub kind: String,
    /// Its label. Where WhatsApp writes one itself it is the English one, or empty.
    pub label: String,
    /// Where it leads: link, telephone number, coupon or one-time code, flow, products.
    pub target: Option<String>,
}

/// The texts of a message with WhatsApp's formatting taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FormattedText {
    /// A header of text: WhatsApp takes no marks there.
    pub header: Option<Vec<Block>>,
    /// The offer: no marks there either.
    pub offer: Option<Vec<Block>>,
    /// The text.
    pub body: Vec<Block>,
    /// The small print.
    pub footer: Option<Vec<Block>>,
    /// Cards in order.
    pub cards: Vec<FormattedCard>,
}

/// The text of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FormattedCard {
    /// The text.
    pub body: Option<Vec<Block>>,
}

impl RenderedText {
    /// Each text as a tree.
    ///
    /// # Source
    ///
    /// Meta, text components: emojis and markdown are supported in bodies and footers, in headers only emojis.
    pub fn formatted(&self) -> FormattedText {
        let header = match &self.header {
            Some(RenderedHeader::Text { text }) => Some(formatting::plain(text)),
            _ => None,
        };
        FormattedText {
            header,
            offer: self.offer.as_ref().map(|offer| formatting::plain(&offer.text)),
            body: formatting::parse(&self.body),
            footer: self.footer.as_deref().map(formatting::parse),
            cards: self.cards.iter().map(|card| FormattedCard { body: card.body.as_deref().map(formatting::parse) }).collect(),
        }
    }
}

impl CompiledTemplate {
    /// What the recipient will see.
    pub fn render_text<V: Variables + ?Sized>(&self, variables: &V) -> Result<RenderedText, RenderError> {
        // Also what is sent and not seen, as the token of a flow.
        self.check(variables)?;
        let Preview { header, offer, body, footer, cards, buttons } = &self.preview;
        let cards = cards.iter().map(|card| {
            Ok(RenderedCard {
                header: card.header.as_ref().map(|header| self.header(header, variables)).transpose()?,
                body: card.body.as_ref().map(|body| self.fill(body, variables)).transpose()?,
                buttons: self.buttons(&card.buttons, variables)?,
            })
        });
        Ok(RenderedText {
            header: header.as_ref().map(|header| self.header(header, variables)).transpose()?,
            offer: offer.as_ref().map(|offer| self.offer(offer, variables)).transpose()?,
            body: self.fill(body, variables)?,
            footer: footer.clone(),
            cards: cards.collect::<Result<_, RenderError>>()?,
            buttons: self.buttons(buttons, variables)?,
        })
    }

    fn header<V: Variables + ?Sized>(&self, header: &PreviewHeader, variables: &V) -> Result<RenderedHeader, RenderError> {
        let required = |index: usize| self.variables[index].checked(variables).map(|value| value.trim().to_owned());
        let optional = |index: usize| self.variables[index].given(variables).map(|value| value.map(str::to_owned));
        Ok(match header {
            PreviewHeader::Text(parts) => RenderedHeader::Text { text: self.fill(parts, variables)? },
            PreviewHeader::Media { kind, variable } => {
                let reference = self.variables[*variable].checked(variables)?.to_owned();
                RenderedHeader::Media { kind: kind.clone(), reference }
            }
            PreviewHeader::Location { latitude, longitude, name, address } => RenderedHeader::Location {
                latitude: required(*latitude)?,
                longitude: required(*longitude)?,
                name: optional(*name)?,
                address: optional(*address)?,
            },
            PreviewHeader::Product { product, catalog } => {
                RenderedHeader::Product { product_retailer_id: required(*product)?, catalog_id: required(*catalog)? }
            }
        })
    }

    fn offer<V: Variables + ?Sized>(&self, offer: &PreviewOffer, variables: &V) -> Result<RenderedOffer, RenderError> {
        let expires = offer.expires.map(|index| self.variables[index].checked(variables)).transpose()?;
        // Checked to be digits that fit.
        Ok(RenderedOffer { text: offer.text.clone(), expiration_time_ms: expires.and_then(|value| value.parse().ok()) })
    }

    fn buttons<V: Variables + ?Sized>(&self, buttons: &[PreviewButton], variables: &V) -> Result<Vec<RenderedButton>, RenderError> {
        let rendered = buttons.iter().map(|button| {
            let target = self.fill(&button.target, variables)?;
            let target = (!target.is_empty()).then_some(target);
            Ok(RenderedButton { kind: button.kind.clone(), label: button.label.clone(), target })
        });
        rendered.collect()
    }

    fn fill<V: Variables + ?Sized>(&self, parts: &[PreviewPart], variables: &V) -> Result<String, RenderError> {
        let mut text = String::new();
        for part in parts {
            match part {
                PreviewPart::Literal(literal) => text.push_str(literal),
                PreviewPart::Variable(index) => {
                    let variable = &self.variables[*index];
                    match (variable.given(variables)?, variable.form) {
                        (None, _) => {}
                        (Some(value), Form::UrlSuffix) => text.push_str(&url_text(value)),
                        (Some(value), _) => text.push_str(value),
                    }
                }
            }
        }
        Ok(text)
    }
}
