//! What a send has to put into a template, and whether it does.
//!
//! # Source
//! Meta, WhatsApp Cloud API, "Send template messages" (components and parameters of each kind), and "Error codes" (132000 to 132016).

mod buttons;
mod carousel;
mod values;

use self::{
    buttons::Button,
    carousel::check_cards,
    values::{Header, Slots},
};
use super::{
    Category, Definition,
    definition::{buttons as buttons_of, component, text_of},
};
use crate::simulator::{
    error::GraphError,
    request::{Component, place},
};

type Checked = Result<(), GraphError>;

/// The values a send has to bring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    section: Section,
    /// Whether there is an offer, and whether it expires.
    offer: Option<bool>,
    cards: Vec<Section>,
    named: bool,
}

/// A template without its cards, or one card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Section {
    header: Header,
    body: Slots,
    buttons: Vec<Button>,
}

impl Expected {
    /// What a template of this definition takes.
    pub(crate) fn of(definition: &Definition) -> Self {
        let named = definition.named();
        let code = definition.category() == Category::Authentication;
        let offer = definition.component("LIMITED_TIME_OFFER").map(|offer| offer["limited_time_offer"]["has_expiration"] == true);
        let limit = if offer.is_some() { 600 } else { 1_024 };
        let mut section = Section::of(&definition.components, named, limit);
        if code {
            section.body = Slots::of(ONE_TIME_CODE_BODY, false, limit);
        }
        let cards = definition.cards().map(|card| Section::of(card, named, 160)).collect();
        Self { section, offer, cards, named: named && !code }
    }

    /// Compares with what a send brings.
    pub(crate) fn check(&self, components: &[Component<'_>]) -> Checked {
        let given = Given::sort(components, false)?;
        self.section.check(&given, self.named)?;
        values::check_offer(self.offer, given.offer)?;
        check_cards(&self.cards, given.carousel, self.named)
    }
}

/// The text of every template for one-time codes.
const ONE_TIME_CODE_BODY: &str = "*{{1}}* is your verification code. For your security, do not share this code.";

impl Section {
    fn of(components: &serde_json::Value, named: bool, limit: usize) -> Self {
        Self {
            header: component(components, "HEADER").map(|header| Header::of(header, named)).unwrap_or_default(),
            body: component(components, "BODY").map(|body| Slots::of(text_of(body, "text"), named, limit)).unwrap_or_default(),
            buttons: buttons_of(components).map(Button::of).collect(),
        }
    }

    fn check(&self, given: &Given<'_, '_>, named: bool) -> Checked {
        self.body.check("body", given.body, named)?;
        self.header.check(given.header, named)?;
        buttons::check(&self.buttons, &given.buttons)
    }
}

/// The components of a send by what they are.
#[derive(Default)]
struct Given<'c, 'a> {
    header: Option<&'c Component<'a>>,
    body: Option<&'c Component<'a>>,
    offer: Option<&'c Component<'a>>,
    carousel: Option<&'c Component<'a>>,
    /// With the place each names.
    buttons: Vec<(usize, &'c Component<'a>)>,
}

impl<'c, 'a> Given<'c, 'a> {
    fn sort(components: &'c [Component<'a>], in_card: bool) -> Result<Self, GraphError> {
        let mut given = Self::default();
        for (at, component) in components.iter().enumerate() {
            let kind = &*component.kind;
            let is = |name: &str| kind.eq_ignore_ascii_case(name);
            let slot = if is("body") {
                &mut given.body
            } else if is("header") {
                &mut given.header
            } else if is("button") {
                let Some(index) = place(component.index) else {
                    return Err(GraphError::of(131_008).details(format!("Parameter components[{at}]['index'] is missing.")));
                };
                if given.buttons.iter().any(|(other, _)| *other == index) {
                    return Err(GraphError::parameter(format!("Param template['components'][{at}]: a second button of index {index}.")));
                }
                given.buttons.push((index, component));
                continue;
            } else if is("limited_time_offer") && !in_card {
                &mut given.offer
            } else if is("carousel") && !in_card {
                &mut given.carousel
            } else {
                return Err(GraphError::parameter(format!(
                    "Param template['components'][{at}]['type'] must be one of {{BODY, BUTTON, CAROUSEL, HEADER, LIMITED_TIME_OFFER}}."
                )));
            };
            if slot.replace(component).is_some() {
                return Err(GraphError::parameter(format!("Param template['components'][{at}]: a second {kind} component.")));
            }
        }
        Ok(given)
    }
}

/// Refuses a number of values.
fn count_mismatch(part: &str, given: usize, expected: usize) -> GraphError {
    GraphError::of(132_000)
        .details(format!("{part}: number of localizable_params ({given}) does not match the expected number of params ({expected})"))
}

/// Refuses a value of another kind.
fn kind_mismatch(part: &str, expected: &str, received: &str) -> GraphError {
    GraphError::of(132_012).details(format!(
        "{part}: Format mismatch, expected {}, received {}",
        expected.to_ascii_uppercase(),
        received.to_ascii_uppercase()
    ))
}
