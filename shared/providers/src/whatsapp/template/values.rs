//! What values of variables must keep, so that the provider takes them.

use super::{CompiledTemplate, Form, Need, Variable, Variables};

/// Why one message cannot be rendered. Names the variable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// Nobody gave the variable a value.
    #[error("variable `{0}` has no value")]
    Missing(String),
    /// The value is empty or blank: Meta refuses it.
    #[error("the value of variable `{0}` is empty")]
    Empty(String),
    /// The value has a line break or a tab: Meta refuses it.
    #[error("the value of variable `{0}` has a line break or a tab")]
    LineBreakOrTab(String),
    /// The value has more than four blanks in a row: Meta refuses it.
    #[error("the value of variable `{0}` has more than four blanks in a row")]
    TooManySpaces(String),
    /// A code has more than 15 characters.
    #[error("the value of variable `{0}` is longer than 15 characters")]
    CodeTooLong(String),
    /// A title, a token or the id of a product is too long.
    #[error("the value of variable `{name}` is longer than {limit} characters")]
    TooLong {
        /// The variable.
        name: String,
        /// Most characters.
        limit: usize,
    },
    /// An instant is not digits only.
    #[error("the value of variable `{0}` is not an instant in milliseconds since 1970")]
    NotMilliseconds(String),
    /// A latitude or longitude is no decimal number, or there is no such place.
    #[error("the value of variable `{0}` is not a coordinate in decimal degrees")]
    NotACoordinate(String),
    /// The id of a catalog is not digits only.
    #[error("the value of variable `{0}` is not the id of a catalog")]
    NotACatalog(String),
    /// In a list of products one is blank.
    #[error("the value of variable `{0}` names a product without an id")]
    BlankProduct(String),
    /// More products than a message may show.
    #[error("the value of variable `{0}` names more than 30 products")]
    TooManyProducts(String),
}

/// Longest coupon or one-time code.
const CODE_LIMIT: usize = 15;
/// Most blanks in a row.
const SPACES_LIMIT: usize = 4;
/// Longest title of a section of products, most products in all sections.
///
/// # Source
///
/// Meta, "Sending MPM template messages".
const TITLE_LIMIT: usize = 24;
const PRODUCTS_LIMIT: usize = 30;
/// Longest id of a product.
///
/// # Source
///
/// Meta, Commerce Manager, field `id` of a product feed.
const PRODUCT_LIMIT: usize = 100;
/// Longest token of a flow: our own bound, so that a request stays small.
const TOKEN_LIMIT: usize = 1024;
/// Digits of an instant far beyond what anybody means: what more digits say fits no integer of JSON for sure.
const MILLISECONDS_DIGITS: usize = 15;

impl RenderError {
    /// The variable at fault.
    pub fn variable(&self) -> &str {
        match self {
            Self::Missing(name)
            | Self::Empty(name)
            | Self::LineBreakOrTab(name)
            | Self::TooManySpaces(name)
            | Self::CodeTooLong(name)
            | Self::TooLong { name, .. }
            | Self::NotMilliseconds(name)
            | Self::NotACoordinate(name)
            | Self::NotACatalog(name)
            | Self::BlankProduct(name)
            | Self::TooManyProducts(name) => name,
        }
    }

    /// Stable code of the rule, for records and problem documents.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "variable-missing",
            Self::Empty(_) => "variable-empty",
            Self::LineBreakOrTab(_) => "variable-line-break",
            Self::TooManySpaces(_) => "variable-spaces",
            Self::CodeTooLong(_) | Self::TooLong { .. } => "variable-too-long",
            Self::NotMilliseconds(_) => "variable-milliseconds",
            Self::NotACoordinate(_) => "variable-coordinate",
            Self::NotACatalog(_) => "variable-catalog",
            Self::BlankProduct(_) => "variable-product",
            Self::TooManyProducts(_) => "variable-too-many-products",
        }
    }
}

impl CompiledTemplate {
    /// Checks the values without rendering; the first that cannot be sent is the error.
    pub fn check<V: Variables + ?Sized>(&self, variables: &V) -> Result<(), RenderError> {
        self.variables.iter().try_for_each(|variable| variable.given(variables).map(drop))
    }

    /// Everything that is wrong with the values, in the order of the variables.
    pub fn problems<V: Variables + ?Sized>(&self, variables: &V) -> Vec<RenderError> {
        self.variables.iter().filter_map(|variable| variable.given(variables).err()).collect()
    }
}

impl Variable {
    /// The value, when it keeps Meta's rules; none when an optional one is not given.
    pub(super) fn given<'v, V: Variables + ?Sized>(&self, variables: &'v V) -> Result<Option<&'v str>, RenderError> {
        if self.need == Need::Optional && variables.value(&self.name).is_none_or(|value| value.trim().is_empty()) {
            return Ok(None);
        }
        self.checked(variables).map(Some)
    }

    /// The value, when it keeps Meta's rules.
    ///
    /// # Source
    ///
    /// Refusals 132012 and 131008 of the Cloud API: no line break, no tab, no more than four blanks in a row, not empty.
    pub(super) fn checked<'v, V: Variables + ?Sized>(&self, variables: &'v V) -> Result<&'v str, RenderError> {
        let value = variables.value(&self.name).ok_or_else(|| RenderError::Missing(self.name.clone()))?;
        let mut spaces = 0;
        let mut blank = true;
        for byte in value.bytes() {
            match byte {
                b'\n' | b'\r' | b'\t' => return Err(RenderError::LineBreakOrTab(self.name.clone())),
                b' ' => {
                    spaces += 1;
                    if spaces > SPACES_LIMIT {
                        return Err(RenderError::TooManySpaces(self.name.clone()));
                    }
                }
                _ => {
                    spaces = 0;
                    blank = false;
                }
            }
        }
        if blank {
            return Err(RenderError::Empty(self.name.clone()));
        }
        if !matches!(self.form, Form::Text | Form::UrlSuffix | Form::Media) {
            self.check_form(value)?;
        }
        Ok(value)
    }

    /// What values that are no running text keep besides.
    fn check_form(&self, value: &str) -> Result<(), RenderError> {
        let name = || self.name.clone();
        match self.form {
            Form::Text | Form::UrlSuffix | Form::Media => {}
            Form::Code => {
                if value.len() > CODE_LIMIT && value.chars().count() > CODE_LIMIT {
                    return Err(RenderError::CodeTooLong(name()));
                }
            }
            Form::SectionTitle => self.at_most(value, TITLE_LIMIT)?,
            Form::Token => self.at_most(value, TOKEN_LIMIT)?,
            Form::Product => self.at_most(value, PRODUCT_LIMIT)?,
            Form::Products => self.products(value)?,
            Form::Milliseconds => {
                if !is_positive(value) || value.len() > MILLISECONDS_DIGITS {
                    return Err(RenderError::NotMilliseconds(name()));
                }
            }
            Form::Latitude => self.coordinate(value, 90.0)?,
            Form::Longitude => self.coordinate(value, 180.0)?,
            Form::Catalog => {
                if !value.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(RenderError::NotACatalog(name()));
                }
                self.at_most(value, PRODUCT_LIMIT)?;
            }
        }
        Ok(())
    }

    fn at_most(&self, value: &str, limit: usize) -> Result<(), RenderError> {
        // Most values are short enough even in bytes.
        if value.len() > limit && value.chars().count() > limit {
            return Err(RenderError::TooLong { name: self.name.clone(), limit });
        }
        Ok(())
    }

    fn products(&self, value: &str) -> Result<(), RenderError> {
        for (at, product) in products(value).enumerate() {
            if at == PRODUCTS_LIMIT {
                return Err(RenderError::TooManyProducts(self.name.clone()));
            }
            if product.is_empty() {
                return Err(RenderError::BlankProduct(self.name.clone()));
            }
            self.at_most(product, PRODUCT_LIMIT)?;
        }
        Ok(())
    }

    fn coordinate(&self, value: &str, most: f64) -> Result<(), RenderError> {
        let is_plain = value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
        // What Rust takes for a number is wider only by what the bytes above exclude, but for a missing digit at either end.
        let is_whole = value.ends_with(|last: char| last.is_ascii_digit()) && !value.trim_start_matches('-').starts_with('.');
        let fits = value.parse::<f64>().is_ok_and(|degrees| degrees.abs() <= most);
        if is_plain && is_whole && fits { Ok(()) } else { Err(RenderError::NotACoordinate(self.name.clone())) }
    }
}

/// The products of a list.
pub(super) fn products(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

/// Digits as JSON has them, with no zero in front, and more than nothing.
fn is_positive(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit()) && !value.starts_with('0')
}
