//! The rules as data. A row is a rule with the code that clients are told, its words and figures, where it comes from, and a template that
//! keeps it beside one that breaks it (and no other). The checks take their figures from here and can tell of nothing that is not here.
//!
//! # Source
//! Cloud API manual, pages `templates/…`, and its error codes; each row names its own.

use std::fmt::Write;

use super::examples::Example;

pub(super) mod buttons;
pub(super) mod content;
mod languages;
pub(super) mod special;

/// A rule of templates.
#[derive(Debug)]
pub struct Rule {
    /// Unique in the table, as `BODY_LENGTH`.
    pub name: &'static str,
    /// What it is about, as `BODY`.
    pub subject: &'static str,
    /// Stable code of the field error. Rules of the same kind share it.
    pub code: &'static str,
    /// Its figures or words.
    pub limit: Limit,
    says: &'static str,
    /// Page of the provider's manual, or error code.
    pub source: &'static str,
    /// A template that just keeps it.
    pub passes: fn() -> Example,
    /// A template that breaks this rule and no other.
    pub fails: fn() -> Example,
}

/// Figures or words of a rule.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// It has none.
    None,
    /// From the one to the other, both of them included.
    Range {
        /// The least.
        least: usize,
        /// The most; `usize::MAX` is no bound.
        most: usize,
        /// What is counted.
        unit: Unit,
    },
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Unicode scalar values.
    Characters,
    /// Bytes of JSON.
    Bytes,
    /// Entries of a list, lines, variables.
    Pieces,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
}

/// All rules, in the order of a template.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    [content::RULES, buttons::RULES, special::RULES].into_iter().flatten().copied()
}

impl Rule {
    /// The rule in words, with its figures.
    pub fn description(&self) -> String {
        let mut words = String::with_capacity(self.says.len());
        let mut rest = self.says;
        while let Some((before, behind)) = rest.split_once('<') {
            let Some((name, after)) = behind.split_once('>') else { break };
            words.push_str(before);
            match (name, self.limit) {
                ("least", Limit::Range { least, .. }) => write!(words, "{least}").expect("a text takes everything"),
                ("most", Limit::Range { most, .. }) => write!(words, "{most}").expect("a text takes everything"),
                ("words", Limit::OneOf(list)) => words.push_str(&list.join(", ")),
                _ => write!(words, "<{name}>").expect("a text takes everything"),
            }
            rest = after;
        }
        words.push_str(rest);
        words
    }

    /// Whether a figure is within the limit; one that is no `usize` is not.
    pub(super) fn covers(&self, figure: impl TryInto<usize>) -> bool {
        figure.try_into().is_ok_and(|figure| (self.least()..=self.most()).contains(&figure))
    }

    /// Whether a word is one of the limit's.
    pub(super) fn names(&self, word: &str) -> bool {
        self.words().contains(&word)
    }

    /// The lower figure; 0 when there is none.
    pub fn least(&self) -> usize {
        if let Limit::Range { least, .. } = self.limit { least } else { 0 }
    }

    /// The upper figure; `usize::MAX` when there is none.
    pub fn most(&self) -> usize {
        if let Limit::Range { most, .. } = self.limit { most } else { usize::MAX }
    }

    /// The words; empty when there are none.
    pub fn words(&self) -> &'static [&'static str] {
        if let Limit::OneOf(words) = self.limit { words } else { &[] }
    }
}

impl Unit {
    /// The word by which clients know it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Characters => "characters",
            Self::Bytes => "bytes",
            Self::Pieces => "pieces",
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
        }
    }
}

const fn range(least: usize, most: usize, unit: Unit) -> Limit {
    Limit::Range { least, most, unit }
}

const fn characters(least: usize, most: usize) -> Limit {
    range(least, most, Unit::Characters)
}

const fn pieces(least: usize, most: usize) -> Limit {
    range(least, most, Unit::Pieces)
}

const NONE: Limit = Limit::None;

macro_rules! page {
    ($page:literal) => {
        concat!("https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/", $page)
    };
}

const OVERVIEW: &str = page!("overview");
const COMPONENTS: &str = page!("components");
const TIME_TO_LIVE: &str = page!("time-to-live");
const LANGUAGES: &str = page!("supported-languages");
const REVIEW: &str = page!("template-review");
const OFFERS: &str = page!("marketing-templates/limited-time-offer-templates");
const CALL_PERMISSIONS: &str = page!("marketing-templates/call-permission-request-message-template");
const MEDIA_CARDS: &str = page!("marketing-templates/media-card-carousel-templates");
const PRODUCT_CARDS: &str = page!("marketing-templates/product-card-carousel-templates");
const PRODUCTS: &str = page!("marketing-templates/mpm-templates");
const CATALOGS: &str = page!("marketing-templates/catalog-templates");
const FLOWS: &str = "https://developers.facebook.com/documentation/business-messaging/whatsapp/flows/guides/sendingaflow";
const CALLING: &str = "https://developers.facebook.com/documentation/business-messaging/whatsapp/calling/call-button-messages-deep-links";
const CODES: &str = page!("authentication-templates/authentication-templates");
const AUTOFILL: &str = page!("authentication-templates/autofill-button-authentication-templates");
const ZERO_TAP: &str = page!("authentication-templates/zero-tap-authentication-templates");
/// Not the provider's: what keeps this program safe.
const OURS: &str = "heliograph";

/// Rows of the table: `NAME: subject, code, limit, words, source; a template that keeps it; one that breaks it;`. In the words `<least>`,
/// `<most>` and `<words>` stand for the limit.
macro_rules! rules {
    ($($name:ident: $subject:literal, $code:literal, $limit:expr, $says:literal, $source:expr; $passes:expr; $fails:expr;)+) => {
        $(
            pub(in crate::templates::rules) static $name: Rule = Rule {
                name: stringify!($name),
                subject: $subject,
                code: $code,
                limit: $limit,
                says: $says,
                source: $source,
                passes: || $passes,
                fails: || $fails,
            };
        )+

        pub(super) static RULES: &[&Rule] = &[$(&$name),+];
    };
}
use rules;
