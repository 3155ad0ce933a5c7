//! Values in texts, headers and offers.

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::{Checked, count_mismatch, kind_mismatch};
use crate::simulator::{
    error::GraphError,
    request::{Component, Parameter},
    templates::{
        check::{Piece, pieces},
        definition::text_of,
    },
};

/// The variables of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Slots {
    /// Each variable once, with how often it stands there: numbers in their order, names in that of the text.
    variables: Vec<(String, usize)>,
    /// Characters of the fixed text.
    fixed: usize,
    /// Most characters of the whole text.
    limit: usize,
}

impl Slots {
    pub(super) fn of(text: &str, named: bool, limit: usize) -> Self {
        let mut slots = Self { limit, ..Self::default() };
        for piece in pieces(text, named).unwrap_or_default() {
            match piece {
                Piece::Fixed(text) => slots.fixed += text.chars().count(),
                Piece::Variable(name) => match slots.variables.iter_mut().find(|(known, _)| known == name) {
                    Some((_, times)) => *times += 1,
                    None => slots.variables.push((name.to_owned(), 1)),
                },
            }
        }
        if !named {
            slots.variables.sort_by_key(|(number, _)| number.parse::<u8>().unwrap_or_default());
        }
        slots
    }

    /// How many different variables there are.
    pub(super) fn count(&self) -> usize {
        self.variables.len()
    }

    /// Whether the text stays within its limit with this value for every variable.
    pub(super) fn check_length(&self, part: &str, value: &str) -> Checked {
        self.within(part, self.fixed + self.variables.iter().map(|(_, times)| times).sum::<usize>() * value.chars().count())
    }

    fn within(&self, part: &str, length: usize) -> Checked {
        if length <= self.limit {
            return Ok(());
        }
        let said = format!("{part}: the translated text has {length} characters, {} are allowed", self.limit);
        Err(GraphError::of(132_005).details(said))
    }

    pub(super) fn check(&self, part: &str, given: Option<&Component<'_>>, named: bool) -> Checked {
        let parameters = given.map_or(&[][..], |component| &component.parameters[..]);
        if parameters.len() != self.variables.len() {
            return Err(count_mismatch(part, parameters.len(), self.variables.len()));
        }
        let mut length = self.fixed;
        for (at, parameter) in parameters.iter().enumerate() {
            let times = if named { self.named(part, parameter, &parameters[..at])? } else { self.variables[at].1 };
            length += times * length_of(part, parameter)?;
        }
        self.within(part, length)
    }

    /// How often the variable of this name stands in the text.
    fn named(&self, part: &str, parameter: &Parameter<'_>, before: &[Parameter<'_>]) -> Result<usize, GraphError> {
        let Some(name) = parameter.name.as_deref() else {
            return Err(GraphError::of(132_012).details(format!("{part}: parameter_name is missing for a template with named parameters")));
        };
        if before.iter().any(|other| other.name.as_deref() == Some(name)) {
            return Err(GraphError::of(132_012).details(format!("{part}: parameter_name {name} stands twice")));
        }
        let known = self.variables.iter().find(|(known, _)| known == name);
        let unknown = || GraphError::of(132_012).details(format!("{part}: the template has no parameter {name}"));
        known.map(|(_, times)| *times).ok_or_else(unknown)
    }
}

/// Characters of a text, a sum of money or a time.
fn length_of(part: &str, parameter: &Parameter<'_>) -> Result<usize, GraphError> {
    let kind = &*parameter.kind;
    let text = if kind.eq_ignore_ascii_case("text") {
        parameter.text.as_deref().map(|text| text.chars().count())
    } else if kind.eq_ignore_ascii_case("currency") {
        fallback(parameter.currency)
    } else if kind.eq_ignore_ascii_case("date_time") {
        fallback(parameter.date_time)
    } else {
        return Err(kind_mismatch(part, "TEXT", kind));
    };
    match text {
        Some(length) if length > 0 => Ok(length),
        _ => Err(GraphError::of(131_008).details(format!("{part}: Parameter of type {kind} is missing its text value"))),
    }
}

fn fallback(value: Option<&RawValue>) -> Option<usize> {
    let value: Map<String, Value> = object(value)?;
    Some(text_of(&value, "fallback_value").chars().count())
}

/// An object under the name of a parameter's kind.
pub(super) fn object<'a, T: Deserialize<'a>>(value: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(value?.get()).ok()
}

/// What a header takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Header {
    #[default]
    Fixed,
    Text(Slots),
    /// `image`, `video` or `document`.
    Media(String),
    Location,
    Product,
}

impl Header {
    pub(super) fn of(header: &Map<String, Value>, named: bool) -> Self {
        match text_of(header, "format") {
            "TEXT" => {
                let slots = Slots::of(text_of(header, "text"), named, 60);
                if slots.count() == 0 { Self::Fixed } else { Self::Text(slots) }
            }
            "LOCATION" => Self::Location,
            "PRODUCT" => Self::Product,
            media => Self::Media(media.to_ascii_lowercase()),
        }
    }

    pub(super) fn check(&self, given: Option<&Component<'_>>, named: bool) -> Checked {
        let kind = match self {
            Self::Fixed => {
                let given = given.map_or(0, |component| component.parameters.len());
                return if given == 0 { Ok(()) } else { Err(count_mismatch("header", given, 0)) };
            }
            Self::Text(slots) => return slots.check("header", given, named),
            Self::Media(kind) => kind.as_str(),
            Self::Location => "location",
            Self::Product => "product",
        };
        let parameters = given.map_or(&[][..], |component| &component.parameters[..]);
        let Some(parameter) = parameters.first().filter(|parameter| parameter.kind.eq_ignore_ascii_case(kind)) else {
            return Err(kind_mismatch("header", kind, parameters.first().map_or("unknown", |parameter| &*parameter.kind)));
        };
        if parameters.len() > 1 {
            return Err(count_mismatch("header", parameters.len(), 1));
        }
        let missing = |what: &str| GraphError::of(131_008).details(format!("header: Parameter of type {kind} is missing {what}"));
        let value = match kind {
            "image" => parameter.image,
            "video" => parameter.video,
            "document" => parameter.document,
            "location" => parameter.location,
            _ => parameter.product,
        };
        let value: Map<String, Value> = object(value).ok_or_else(|| missing("its value"))?;
        let filled = |name: &str| !text_of(&value, name).trim().is_empty();
        match kind {
            "location" => check_location(&value),
            "product" if filled("product_retailer_id") && filled("catalog_id") => Ok(()),
            "product" => Err(missing("product_retailer_id or catalog_id")),
            _ if filled("id") || filled("link") => check_link(text_of(&value, "link")),
            _ => Err(missing("its id or link")),
        }
    }
}

fn check_link(link: &str) -> Checked {
    if link.is_empty() || link.starts_with("https://") || link.starts_with("http://") {
        return Ok(());
    }
    Err(GraphError::of(131_009).details("header: the link is no web address"))
}

fn check_location(value: &Map<String, Value>) -> Checked {
    for (name, most) in [("latitude", 90.0), ("longitude", 180.0)] {
        let number = match value.get(name) {
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            _ => return Err(GraphError::of(131_008).details(format!("header: Parameter of type location is missing its {name}"))),
        };
        if !number.is_some_and(|number| number.abs() <= most) {
            return Err(GraphError::of(131_009).details(format!("header: {name} of the location is not valid")));
        }
    }
    for name in ["name", "address"] {
        if value.get(name).is_some_and(|text| text.as_str().is_none_or(|text| text.trim().is_empty())) {
            return Err(GraphError::of(131_009).details(format!("header: {name} of the location is not valid")));
        }
    }
    Ok(())
}

/// The end of an offer: wanted exactly when it expires.
pub(super) fn check_offer(offer: Option<bool>, given: Option<&Component<'_>>) -> Checked {
    const PART: &str = "limited_time_offer";
    let parameters = given.map_or(&[][..], |component| &component.parameters[..]);
    if offer != Some(true) {
        return if parameters.is_empty() { Ok(()) } else { Err(count_mismatch(PART, parameters.len(), 0)) };
    }
    let [parameter] = parameters else {
        return Err(GraphError::of(131_008).details("limited_time_offer: the end of the offer is missing"));
    };
    if !parameter.kind.eq_ignore_ascii_case(PART) {
        return Err(kind_mismatch(PART, PART, &parameter.kind));
    }
    let value: Option<Map<String, Value>> = object(parameter.limited_time_offer);
    match value.as_ref().and_then(|value| value.get("expiration_time_ms")) {
        None => Err(GraphError::of(131_008).details("limited_time_offer: expiration_time_ms is missing")),
        Some(time) if time.as_i64().is_some_and(|time| time > 0) => Ok(()),
        Some(_) => Err(GraphError::of(131_009).details("limited_time_offer: expiration_time_ms is not valid")),
    }
}
