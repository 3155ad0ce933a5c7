//! Values of cards.

use super::{Checked, Given, Section};
use crate::simulator::{
    error::GraphError,
    request::{Component, place},
};

/// Every card of the template, each once.
pub(super) fn check_cards(cards: &[Section], given: Option<&Component<'_>>, named: bool) -> Checked {
    let filled = given.map_or(&[][..], |component| &component.cards[..]);
    if cards.is_empty() {
        return if given.is_none() { Ok(()) } else { Err(GraphError::of(132_012).details("carousel: the template has no cards")) };
    }
    if filled.len() != cards.len() {
        return Err(GraphError::of(132_000).details(format!(
            "carousel: number of cards ({}) does not match the expected number of cards ({})",
            filled.len(),
            cards.len()
        )));
    }
    let mut seen = vec![false; cards.len()];
    for card in filled {
        let Some(index) = place(card.card_index) else {
            return Err(GraphError::of(131_008).details("carousel: card_index is missing"));
        };
        match seen.get_mut(index) {
            Some(seen) if !*seen => *seen = true,
            _ => return Err(GraphError::of(131_009).details(format!("carousel: card_index {index} is not valid"))),
        }
        cards[index].check(&Given::sort(&card.components, true)?, named)?;
    }
    Ok(())
}
