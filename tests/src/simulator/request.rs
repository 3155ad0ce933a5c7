//! The body of a send: read without copying, and checked as the provider checks it before looking at any state.
//!
//! # Source
//! Meta, WhatsApp Cloud API, "Send messages" (fields and lengths).

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};
use serde_json::value::RawValue;

use super::error::GraphError;

/// Text that borrows from the body unless it has escapes.
#[derive(Clone, Debug)]
pub(crate) struct Text<'a>(Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;

        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text)))
            }
        }

        deserializer.deserialize_str(Borrow)
    }
}

/// What `POST /<number>/messages` takes. Fields this simulator has no use for are skipped.
#[derive(Debug, Deserialize)]
pub(crate) struct SendBody<'a> {
    #[serde(borrow)]
    messaging_product: Option<Text<'a>>,
    #[serde(borrow)]
    recipient_type: Option<Text<'a>>,
    #[serde(borrow)]
    to: Option<Text<'a>>,
    #[serde(borrow)]
    recipient: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    message_type: Option<Text<'a>>,
    #[serde(borrow)]
    biz_opaque_callback_data: Option<Text<'a>>,
    #[serde(borrow)]
    text: Option<TextBody<'a>>,
    #[serde(borrow)]
    template: Option<TemplateBody<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    message_id: Option<Text<'a>>,
    #[serde(borrow)]
    image: Option<MediaBody<'a>>,
    #[serde(borrow)]
    video: Option<MediaBody<'a>>,
    #[serde(borrow)]
    audio: Option<MediaBody<'a>>,
    #[serde(borrow)]
    document: Option<MediaBody<'a>>,
    #[serde(borrow)]
    sticker: Option<MediaBody<'a>>,
    #[serde(borrow)]
    location: Option<&'a RawValue>,
    #[serde(borrow)]
    contacts: Option<&'a RawValue>,
    #[serde(borrow)]
    reaction: Option<&'a RawValue>,
    #[serde(borrow)]
    interactive: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct TextBody<'a> {
    #[serde(borrow)]
    body: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct MediaBody<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    link: Option<Text<'a>>,
    #[serde(borrow)]
    caption: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct TemplateBody<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    language: Option<Language<'a>>,
    #[serde(borrow, default)]
    components: Vec<Component<'a>>,
}

#[derive(Debug, Deserialize)]
struct Language<'a> {
    #[serde(borrow)]
    code: Option<Text<'a>>,
}

/// A part of the template and what is put into it.
#[derive(Debug, Deserialize)]
pub(crate) struct Component<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Text<'a>,
    #[serde(borrow)]
    pub(crate) sub_type: Option<Text<'a>>,
    /// A number, written as one or as a string.
    #[serde(borrow)]
    pub(crate) index: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) parameters: Vec<Parameter<'a>>,
    #[serde(borrow, default)]
    pub(crate) cards: Vec<Card<'a>>,
}

/// A card of a carousel and what is put into it.
#[derive(Debug, Deserialize)]
pub(crate) struct Card<'a> {
    /// A number, written as one or as a string.
    #[serde(borrow)]
    pub(crate) card_index: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) components: Vec<Component<'a>>,
}

/// A value put into a template.
#[derive(Debug, Deserialize)]
pub(crate) struct Parameter<'a> {
    #[serde(borrow, rename = "type")]
    pub(crate) kind: Text<'a>,
    #[serde(borrow)]
    pub(crate) text: Option<Text<'a>>,
    #[serde(borrow, rename = "parameter_name")]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) payload: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) coupon_code: Option<Text<'a>>,
    /// What stands under the name of the parameter's kind, looked at only where the template wants it.
    #[serde(borrow)]
    pub(crate) image: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) video: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) document: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) location: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) product: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) action: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) limited_time_offer: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) currency: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) date_time: Option<&'a RawValue>,
}

/// A checked send.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    /// `to` as it came, or the business-scoped user id.
    pub(crate) input: &'a str,
    /// `+` and digits, or the business-scoped user id.
    pub(crate) to: String,
    pub(crate) kind: &'a str,
    pub(crate) opaque_data: Option<&'a str>,
    pub(crate) text: Option<&'a str>,
    pub(crate) template: Option<TemplateSend<'a>>,
}

/// A send of a template.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TemplateSend<'a> {
    pub(crate) name: &'a str,
    pub(crate) language: &'a str,
    pub(crate) components: &'a [Component<'a>],
}

/// What a valid body asks for.
#[derive(Debug)]
pub(crate) enum Request<'a> {
    /// Send a message.
    Message(Message<'a>),
    /// Tell a customer that a message was read.
    MarkRead,
}

/// Longest `biz_opaque_callback_data` in characters.
const OPAQUE_LIMIT: usize = 512;
/// Longest text in characters.
const TEXT_LIMIT: usize = 4_096;
/// Longest caption in characters.
const CAPTION_LIMIT: usize = 1_024;

/// Reads a body.
pub(crate) fn parse(body: &[u8]) -> Result<SendBody<'_>, GraphError> {
    serde_json::from_slice(body).map_err(|error| GraphError::parameter(format!("cannot read the request: {error}")))
}

impl SendBody<'_> {
    /// Checks everything that the body alone decides.
    pub(crate) fn check(&self) -> Result<Request<'_>, GraphError> {
        if self.messaging_product.as_deref() != Some("whatsapp") {
            return Err(GraphError::parameter("The parameter messaging_product is required and is `whatsapp`."));
        }
        if self.status.as_deref() == Some("read") {
            return match &self.message_id {
                Some(_) => Ok(Request::MarkRead),
                None => Err(GraphError::parameter("The parameter message_id is required.")),
            };
        }
        if !matches!(self.recipient_type.as_deref(), None | Some("individual" | "group")) {
            return Err(GraphError::parameter("Param recipient_type must be one of {INDIVIDUAL, GROUP}."));
        }
        let (input, to) = self.recipient()?;
        let opaque_data = self.biz_opaque_callback_data.as_deref();
        if opaque_data.is_some_and(|data| longer_than(data, OPAQUE_LIMIT)) {
            return Err(GraphError::parameter("Param biz_opaque_callback_data must be at most 512 characters long."));
        }
        let kind = self.message_type.as_deref().unwrap_or("text");
        let mut message = Message { input, to, kind, opaque_data, text: None, template: None };
        match kind {
            "text" => message.text = Some(self.text_body()?),
            "template" => message.template = Some(self.template_send()?),
            "image" => check_media(self.image.as_ref(), kind)?,
            "video" => check_media(self.video.as_ref(), kind)?,
            "audio" => check_media(self.audio.as_ref(), kind)?,
            "document" => check_media(self.document.as_ref(), kind)?,
            "sticker" => check_media(self.sticker.as_ref(), kind)?,
            "location" => check_object(self.location, kind, '{')?,
            "contacts" => check_object(self.contacts, kind, '[')?,
            "reaction" => check_object(self.reaction, kind, '{')?,
            "interactive" => check_object(self.interactive, kind, '{')?,
            _ => {
                return Err(GraphError::parameter(
                    "Param type must be one of {AUDIO, CONTACTS, DOCUMENT, IMAGE, INTERACTIVE, LOCATION, REACTION, STICKER, TEMPLATE, \
                     TEXT, VIDEO}.",
                ));
            }
        }
        Ok(Request::Message(message))
    }

    /// The phone wins when both are given.
    fn recipient(&self) -> Result<(&str, String), GraphError> {
        if let Some(to) = self.to.as_deref() {
            let mut number = String::with_capacity(16);
            number.push('+');
            for (index, character) in to.chars().enumerate() {
                match character {
                    '0'..='9' => number.push(character),
                    '+' if index == 0 => {}
                    '-' | '(' | ')' | ' ' => {}
                    _ => return Err(invalid_recipient()),
                }
            }
            // E.164: up to 15 digits; the shortest numbers in use have 7 with the country code.
            return if (8..=16).contains(&number.len()) { Ok((to, number)) } else { Err(invalid_recipient()) };
        }
        match self.recipient.as_deref() {
            Some(user) if is_user_id(user) => Ok((user, user.to_owned())),
            Some(_) => Err(invalid_recipient()),
            None => Err(GraphError::parameter("The parameter to is required.")),
        }
    }

    fn text_body(&self) -> Result<&str, GraphError> {
        let Some(body) = self.text.as_ref().and_then(|text| text.body.as_deref()).filter(|body| !body.is_empty()) else {
            return Err(GraphError::parameter("The parameter text['body'] is required."));
        };
        if longer_than(body, TEXT_LIMIT) {
            return Err(GraphError::parameter("Param text['body'] must be at most 4096 characters long."));
        }
        Ok(body)
    }

    fn template_send(&self) -> Result<TemplateSend<'_>, GraphError> {
        let required = |name: &'static str| GraphError::of(131_008).details(name);
        let template = self.template.as_ref().ok_or_else(|| required("Parameter of type template is missing."))?;
        let name = template.name.as_deref().filter(|name| !name.is_empty());
        let language = template.language.as_ref().and_then(|language| language.code.as_deref()).filter(|code| !code.is_empty());
        check_texts(&template.components)?;
        Ok(TemplateSend {
            name: name.ok_or_else(|| required("Parameter template['name'] is missing."))?,
            language: language.ok_or_else(|| required("Parameter template['language']['code'] is missing."))?,
            components: &template.components,
        })
    }
}

/// Texts put into a template, also into its cards.
fn check_texts(components: &[Component<'_>]) -> Result<(), GraphError> {
    for component in components {
        for text in component.parameters.iter().filter_map(|parameter| parameter.text.as_deref()) {
            if text.contains(['\n', '\t']) || text.contains("     ") {
                return Err(
                    GraphError::of(132_012).details("Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
                );
            }
        }
        component.cards.iter().try_for_each(|card| check_texts(&card.components))?;
    }
    Ok(())
}

/// A number written as one or as a string.
pub(crate) fn place(value: Option<&RawValue>) -> Option<usize> {
    value?.get().trim_matches('"').parse().ok()
}

/// `<ISO2>.<alphanumeric>`, for a portfolio `<ISO2>.ENT.<alphanumeric>`.
fn is_user_id(text: &str) -> bool {
    text.len() <= 140
        && text.as_bytes().get(2) == Some(&b'.')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        && text.bytes().take(2).all(|byte| byte.is_ascii_uppercase())
}

fn invalid_recipient() -> GraphError {
    GraphError::of(131_009).details("The recipient's phone number is not valid.")
}

fn check_media(media: Option<&MediaBody<'_>>, kind: &str) -> Result<(), GraphError> {
    let Some(media) = media.filter(|media| media.id.is_some() || media.link.is_some()) else {
        return Err(GraphError::of(131_008).details(format!("Parameter {kind} needs an id or a link.")));
    };
    if media.caption.as_deref().is_some_and(|caption| longer_than(caption, CAPTION_LIMIT)) {
        return Err(GraphError::parameter(format!("Param {kind}['caption'] must be at most 1024 characters long.")));
    }
    Ok(())
}

fn check_object(value: Option<&RawValue>, kind: &str, opening: char) -> Result<(), GraphError> {
    if value.is_some_and(|value| value.get().starts_with(opening)) {
        return Ok(());
    }
    Err(GraphError::of(131_008).details(format!("Parameter of type {kind} is missing or malformed.")))
}

/// Counts characters only where bytes leave it open.
fn longer_than(text: &str, limit: usize) -> bool {
    text.len() > limit && text.chars().count() > limit
}
