//! What a template is made of, the rules for it, and what a send has to put in.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Category;
use crate::simulator::{error::GraphError, request::Component};

/// A template as its business wrote it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) category: String,
    #[serde(default = "positional")]
    pub(crate) parameter_format: String,
    #[serde(default)]
    pub(crate) components: Value,
}

fn positional() -> String {
    "POSITIONAL".to_owned()
}

#[derive(Debug, Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    format: Option<String>,
    text: Option<String>,
    example: Option<Value>,
    #[serde(default)]
    buttons: Vec<Button>,
}

#[derive(Debug, Deserialize)]
struct Button {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    url: Option<String>,
}

/// The values a send has to bring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    header: Header,
    body: usize,
    /// Places of the buttons that take a value.
    buttons: Vec<usize>,
    named: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Header {
    #[default]
    Fixed,
    Variable,
    /// The kind of media in lower case.
    Media(String),
}

impl Definition {
    /// Puts names into Meta's spelling.
    pub(crate) fn normalise(&mut self) {
        self.category.make_ascii_uppercase();
        self.parameter_format.make_ascii_uppercase();
    }

    /// The category; unknown ones count as marketing.
    pub(crate) fn category(&self) -> Category {
        match self.category.as_str() {
            "UTILITY" => Category::Utility,
            "AUTHENTICATION" => Category::Authentication,
            _ => Category::Marketing,
        }
    }

    /// Applies the rules for names, lengths and variables; that of samples only when strict, as few people write them by hand.
    ///
    /// # Source
    /// Meta, WhatsApp Business Management API, "Message templates".
    pub(crate) fn check(&self, strict: bool) -> Result<(), GraphError> {
        let name_ok =
            (1..=512).contains(&self.name.len()) && self.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !name_ok {
            return Err(GraphError::parameter("Param name must be lower-case letters, digits and underscores, at most 512."));
        }
        if !matches!(self.category.as_str(), "MARKETING" | "UTILITY" | "AUTHENTICATION") {
            return Err(GraphError::parameter("Param category must be one of {AUTHENTICATION, MARKETING, UTILITY}."));
        }
        if !is_language(&self.language) {
            return Err(GraphError::parameter("Param language is not a supported language code."));
        }
        if !matches!(self.parameter_format.as_str(), "POSITIONAL" | "NAMED") {
            return Err(GraphError::parameter("Param parameter_format must be one of {POSITIONAL, NAMED}."));
        }
        let parts = self.parts().map_err(|error| GraphError::parameter(format!("Param components: {error}")))?;
        for part in &parts {
            self.check_part(part, strict)?;
        }
        if parts.iter().filter(|part| part.is("BODY")).count() != 1 {
            return Err(GraphError::of(100).subcode(2_388_072).details("A template has exactly one BODY component."));
        }
        Ok(())
    }

    /// Whether the review turns it down: two variables without text between them.
    pub(crate) fn has_adjacent_variables(&self) -> bool {
        let parts = self.parts().unwrap_or_default();
        let body = parts.iter().find(|part| part.is("BODY")).and_then(|part| part.text.as_deref()).unwrap_or_default();
        body.contains("}}{{") || body.contains("}} {{")
    }

    /// What a send has to bring.
    pub(crate) fn expected(&self) -> Expected {
        let mut expected = Expected { named: self.parameter_format == "NAMED", ..Expected::default() };
        for part in self.parts().unwrap_or_default() {
            let text = part.text.as_deref().unwrap_or_default();
            if part.is("BODY") {
                expected.body = match self.category() {
                    Category::Authentication if text.is_empty() => 1,
                    _ => variables(text).len(),
                };
            } else if part.is("HEADER") {
                expected.header = match part.format.as_deref().map(str::to_ascii_lowercase) {
                    Some(format) if format != "text" => Header::Media(format),
                    _ if variables(text).is_empty() => Header::Fixed,
                    _ => Header::Variable,
                };
            } else if part.is("BUTTONS") {
                expected.buttons = part
                    .buttons
                    .iter()
                    .enumerate()
                    .filter(|(_, button)| {
                        let kind = button.kind.to_ascii_uppercase();
                        matches!(kind.as_str(), "OTP" | "COPY_CODE") || button.url.as_deref().is_some_and(|url| url.contains("{{"))
                    })
                    .map(|(index, _)| index)
                    .collect();
            }
        }
        expected
    }

    fn parts(&self) -> Result<Vec<Part>, serde_json::Error> {
        Vec::deserialize(&self.components)
    }

    fn check_part(&self, part: &Part, strict: bool) -> Result<(), GraphError> {
        let text = part.text.as_deref().unwrap_or_default();
        let length = text.chars().count();
        let found = variables(text);
        let wrong = |subcode: i32, details: &'static str| Err(GraphError::of(100).subcode(subcode).details(details));
        match part.kind.to_ascii_uppercase().as_str() {
            "BODY" if self.category() == Category::Authentication => {}
            "BODY" => {
                if length == 0 || length > 1_024 {
                    return wrong(2_388_040, "The text of the body has 1 to 1024 characters.");
                }
                let trimmed = text.trim();
                if trimmed.starts_with("{{") || trimmed.ends_with("}}") {
                    return wrong(2_388_299, "Variables can't be at the start or end of the template.");
                }
                if !self.variables_well_named(&found) {
                    return wrong(2_388_072, "Positional variables count from {{1}}; named ones are lower-case letters and underscores.");
                }
                if strict && !found.is_empty() && part.example.is_none() {
                    return wrong(2_388_072, "A sample value is required for each variable of the body.");
                }
            }
            "HEADER" => {
                let is_text = part.format.as_deref().is_none_or(|format| format.eq_ignore_ascii_case("text"));
                if is_text && (length == 0 || length > 60 || found.len() > 1) {
                    return wrong(2_388_047, "The text of the header has 1 to 60 characters and at most one variable.");
                }
            }
            "FOOTER" => {
                if length > 60 || !found.is_empty() {
                    return wrong(2_388_073, "The footer has at most 60 characters and no variables.");
                }
            }
            "BUTTONS" => {
                let too_long = |button: &Button| button.text.as_deref().is_some_and(|text| text.chars().count() > 25);
                if part.buttons.is_empty() || part.buttons.len() > 10 || part.buttons.iter().any(too_long) {
                    return wrong(2_388_040, "A template has at most 10 buttons, with labels of at most 25 characters.");
                }
            }
            "CAROUSEL" | "LIMITED_TIME_OFFER" | "CALL_PERMISSION_REQUEST" => {}
            _ => return Err(GraphError::parameter(format!("Param components: unknown type {}.", part.kind))),
        }
        Ok(())
    }

    fn variables_well_named(&self, found: &[&str]) -> bool {
        if self.parameter_format == "NAMED" {
            return found
                .iter()
                .all(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
        }
        let mut numbers: Vec<usize> = found.iter().filter_map(|name| name.parse().ok()).collect();
        numbers.sort_unstable();
        numbers.len() == found.len() && numbers.iter().enumerate().all(|(index, number)| *number == index + 1)
    }
}

impl Part {
    fn is(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind)
    }
}

impl Expected {
    /// Compares with what a send brings.
    pub(crate) fn check(&self, components: &[Component<'_>]) -> Result<(), GraphError> {
        let given = |kind: &str| components.iter().find(|component| component.kind.eq_ignore_ascii_case(kind));
        let parameters = |kind: &str| given(kind).map_or(&[][..], |component| &component.parameters[..]);
        let body = parameters("body");
        if body.len() != self.body {
            return Err(count_mismatch("body", body.len(), self.body));
        }
        if self.named && body.iter().any(|parameter| parameter.name.is_none()) {
            return Err(GraphError::of(132_012).details("body: parameter_name is missing for a template with named parameters"));
        }
        let header = parameters("header");
        let wanted = usize::from(self.header != Header::Fixed);
        if let Header::Media(format) = &self.header
            && !header.first().is_some_and(|parameter| parameter.kind.eq_ignore_ascii_case(format))
        {
            let received = header.first().map_or("UNKNOWN".to_owned(), |parameter| parameter.kind.to_ascii_uppercase());
            return Err(GraphError::of(132_012)
                .details(format!("header: Format mismatch, expected {}, received {received}", format.to_ascii_uppercase())));
        }
        if header.len() != wanted {
            return Err(count_mismatch("header", header.len(), wanted));
        }
        for index in &self.buttons {
            let filled = components.iter().any(|component| {
                let place = component.index.and_then(|place| place.get().trim_matches('"').parse::<usize>().ok());
                component.kind.eq_ignore_ascii_case("button") && place == Some(*index) && !component.parameters.is_empty()
            });
            if !filled {
                return Err(GraphError::of(131_008).details(format!("buttons: Button at index {index} requires a parameter")));
            }
        }
        Ok(())
    }
}

fn count_mismatch(part: &str, given: usize, expected: usize) -> GraphError {
    GraphError::of(132_000)
        .details(format!("{part}: number of localizable_params ({given}) does not match the expected number of params ({expected})"))
}

/// Names of the variables of a text, each once, in the order of their first use.
fn variables(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start + 2..].find("}}") else { break };
        let name = rest[start + 2..start + 2 + length].trim();
        if !found.contains(&name) {
            found.push(name);
        }
        rest = &rest[start + length + 4..];
    }
    found
}

/// `en`, `en_US`, `fil`, `zh_HK`.
fn is_language(code: &str) -> bool {
    let (language, region) = code.split_once('_').map_or((code, None), |(language, region)| (language, Some(region)));
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && region.is_none_or(|region| (2..=4).contains(&region.len()) && region.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}
