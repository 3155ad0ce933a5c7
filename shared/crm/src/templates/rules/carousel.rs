//! Carousels: cards side by side that are all built alike.

use serde_json::Value;

use super::{
    Whole, buttons, kind_of, parts,
    place::Place,
    table::{Rule, special as rule},
    text_of,
};
use crate::templates::model::Category;

pub(super) fn check(at: &mut Place<'_>, carousel: &Value) {
    if at.content.category != Category::Marketing {
        at.broken("type", &rule::CAROUSEL_CATEGORY);
        return;
    }
    let Some(cards) = carousel.get("cards").and_then(Value::as_array) else {
        at.broken("cards", &rule::CARDS_LIST);
        return;
    };
    for count in [&rule::CARDS_LEAST, &rule::CARDS_MOST] {
        if !count.covers(cards.len()) {
            at.broken("cards", count);
        }
    }
    let mut first: Option<Card<'_>> = None;
    for (index, card) in cards.iter().enumerate() {
        let mut at = at.inside(format_args!("cards[{index}]"));
        let Some(components) = card.get("components").and_then(Value::as_array) else {
            at.broken("components", &rule::CARD_LIST);
            continue;
        };
        let card = Card::of(components);
        check_card(&mut at, components, &card);
        match &first {
            Some(first) => check_alike(&mut at, first, &card),
            None => first = Some(card),
        }
    }
}

/// Checks the other components of a template with a carousel.
pub(super) fn check_company(at: &mut Place<'_>, whole: &Whole<'_>) {
    if whole.get("CAROUSEL").is_none() {
        return;
    }
    for (index, component) in whole.iter() {
        let kind = kind_of(component);
        if kind != "CAROUSEL" && !rule::CAROUSEL_ALONE.names(kind) {
            at.broken(&format!("components[{index}].type"), &rule::CAROUSEL_ALONE);
        }
    }
}

/// How a card is built: where its components stand, the first of each kind.
struct Card<'a> {
    header: Option<(usize, &'a Value)>,
    body: Option<(usize, &'a Value)>,
    buttons: Option<(usize, &'a Value)>,
}

impl<'a> Card<'a> {
    fn of(components: &'a [Value]) -> Self {
        let first = |kind: &str| components.iter().enumerate().find(|(_, component)| kind_of(component) == kind);
        Self { header: first("HEADER"), body: first("BODY"), buttons: first("BUTTONS") }
    }

    fn format(&self) -> Option<&'a str> {
        self.header.and_then(|(_, header)| text_of(header, "format"))
    }

    fn is_product(&self) -> bool {
        self.format() == Some("PRODUCT")
    }

    fn has(&self) -> [bool; 3] {
        [self.header, self.body, self.buttons].map(|component| component.is_some())
    }

    fn button_kinds(&self) -> Vec<&'a str> {
        let buttons = self.buttons.and_then(|(_, component)| component.get("buttons")?.as_array());
        buttons.into_iter().flatten().map(kind_of).collect()
    }
}

fn check_card(at: &mut Place<'_>, components: &[Value], card: &Card<'_>) {
    let firsts = [card.header, card.body, card.buttons].map(|component| component.map(|(index, _)| index));
    for (index, component) in components.iter().enumerate() {
        let mut at = at.inside(format_args!("components[{index}]"));
        let kind = kind_of(component);
        if !rule::CARD_KIND.names(kind) {
            at.broken("type", &rule::CARD_KIND);
        } else if !firsts.contains(&Some(index)) {
            at.broken("type", &rule::CARD_ONCE);
        } else {
            match kind {
                "HEADER" => check_header(&mut at, component),
                "BODY" => parts::check_card_body(&mut at, component),
                _ => check_buttons(&mut at, component, card),
            }
        }
    }
    if card.header.is_none() {
        at.broken("components", &rule::CARD_HEADER);
    }
    if card.buttons.is_none() {
        at.broken("components", &rule::CARD_BUTTONS);
    }
}

fn check_header(at: &mut Place<'_>, header: &Value) {
    match text_of(header, "format").filter(|format| rule::CARD_FORMAT.names(format)) {
        Some("PRODUCT") => {}
        Some(_) => parts::check_media(at, header),
        None => at.broken("format", &rule::CARD_FORMAT),
    }
}

fn check_buttons(at: &mut Place<'_>, component: &Value, card: &Card<'_>) {
    let Some(buttons) = buttons::list(at, component) else { return };
    let (kinds, count): (&'static Rule, &'static Rule) = if card.is_product() {
        (&rule::PRODUCT_BUTTON, &rule::PRODUCT_BUTTON_COUNT)
    } else {
        (&rule::CARD_BUTTON, &rule::CARD_BUTTON_COUNT)
    };
    if !count.covers(buttons.len()) {
        at.broken("buttons", count);
    }
    for (index, button) in buttons.iter().enumerate() {
        let mut at = at.inside(format_args!("buttons[{index}]"));
        if kinds.names(kind_of(button)) {
            buttons::check_button(&mut at, button, &buttons[..index]);
        } else {
            at.broken("type", kinds);
        }
    }
}

/// Tells the first difference that stands for the others.
fn check_alike(at: &mut Place<'_>, first: &Card<'_>, card: &Card<'_>) {
    if first.has() != card.has() {
        at.broken("components", &rule::CARDS_ALIKE);
        return;
    }
    if let Some((index, _)) = card.header
        && first.format() != card.format()
    {
        at.broken(&format!("components[{index}].format"), &rule::CARD_HEADERS_ALIKE);
    }
    if let Some((index, _)) = card.buttons
        && first.button_kinds() != card.button_kinds()
    {
        at.broken(&format!("components[{index}].buttons"), &rule::CARD_BUTTONS_ALIKE);
    }
}
