//! Channels as values, and the rules of their fields.

use chrono::{DateTime, Utc};
use kernel::ChannelId;
use secrecy::{ExposeSecret, SecretString};

use crate::fields::FieldErrors;

/// Rate of a number when nobody says otherwise, in messages per second.
///
/// # Source
/// Cloud API, throughput: 80 by default, up to 1,000 after an upgrade.
pub const DEFAULT_MESSAGES_PER_SECOND: u32 = 80;
/// Highest rate that can be asked for unless the installation allows more.
pub const MAX_MESSAGES_PER_SECOND: u32 = 1_000;
/// Longest display name, in characters.
pub const MAX_DISPLAY_NAME: usize = 200;
/// Longest access token, in bytes.
pub const MAX_TOKEN: usize = 4 * 1024;

/// Whether the number can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelState {
    /// A job reads number and account with the token.
    Connecting,
    /// The token proved the right to the number.
    Connected,
    /// It did not; the reason is given.
    Disconnected,
}

impl ChannelState {
    /// The word used in rows and bodies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Connecting, Self::Connected, Self::Disconnected].into_iter().find(|state| state.as_str() == word)
    }
}

/// A number that sends and receives. Its token is not part of it: see [`super::service::access_token`].
#[derive(Clone, Debug)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// Name among colleagues.
    pub display_name: String,
    /// The provider's id of the number.
    pub phone_number_id: String,
    /// The provider's id of the WhatsApp Business Account.
    pub business_account_id: String,
    /// Whether it can be used.
    pub state: ChannelState,
    /// Why it cannot.
    pub state_reason: Option<String>,
    /// Rate of sending, in messages per second.
    pub messages_per_second: u32,
    /// The number as the provider shows it.
    pub display_phone_number: Option<String>,
    /// Name of the business as the provider verified it.
    pub verified_name: Option<String>,
    /// Quality of the number: the provider's word.
    pub quality: Option<String>,
    /// How many people may be written to in a day: the provider's word.
    pub messaging_tier: Option<String>,
    /// Throughput level: the provider's word.
    pub throughput: Option<String>,
    /// Grows with every change of token.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A channel to create, as it was typed.
#[derive(Clone, Debug)]
pub struct NewChannel {
    /// Name among colleagues.
    pub display_name: String,
    /// The provider's id of the number.
    pub phone_number_id: String,
    /// The provider's id of the account.
    pub business_account_id: String,
    /// The token.
    pub access_token: SecretString,
    /// Rate; [`DEFAULT_MESSAGES_PER_SECOND`] when none is given.
    pub messages_per_second: Option<u32>,
}

/// Changes of a channel, as they were typed; `None` leaves a field.
#[derive(Clone, Debug, Default)]
pub struct ChannelPatch {
    /// Name among colleagues.
    pub display_name: Option<String>,
    /// A new token: the channel connects again.
    pub access_token: Option<SecretString>,
    /// Rate.
    pub messages_per_second: Option<u32>,
}

/// What the provider says of a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) display_phone_number: Option<String>,
    pub(crate) verified_name: Option<String>,
    pub(crate) quality: Option<String>,
    pub(crate) messaging_tier: Option<String>,
    pub(crate) throughput: Option<String>,
}

impl NewChannel {
    /// Checks all fields; `max_rate` is the highest rate that the installation allows.
    pub(crate) fn validated(self, max_rate: u32) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let display_name = check_display_name(&mut errors, &self.display_name);
        let messages_per_second = self.messages_per_second.unwrap_or(DEFAULT_MESSAGES_PER_SECOND.min(max_rate));
        check_rate(&mut errors, messages_per_second, max_rate);
        let phone_number_id = check_id(&mut errors, "phoneNumberId", &self.phone_number_id);
        let business_account_id = check_id(&mut errors, "businessAccountId", &self.business_account_id);
        let access_token = check_token(&mut errors, &self.access_token);
        errors.into_result()?;
        Ok(Self { display_name, phone_number_id, business_account_id, access_token, messages_per_second: Some(messages_per_second) })
    }
}

impl ChannelPatch {
    /// Checks the fields that are given.
    pub(crate) fn validated(self, max_rate: u32) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let display_name = self.display_name.map(|name| check_display_name(&mut errors, &name));
        let access_token = self.access_token.map(|token| check_token(&mut errors, &token));
        if let Some(rate) = self.messages_per_second {
            check_rate(&mut errors, rate, max_rate);
        }
        errors.into_result()?;
        Ok(Self { display_name, access_token, messages_per_second: self.messages_per_second })
    }
}

fn check_display_name(errors: &mut FieldErrors, name: &str) -> String {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_DISPLAY_NAME {
        errors.add("displayName", "length", format!("1 to {MAX_DISPLAY_NAME} characters"));
    } else if name.chars().any(char::is_control) {
        errors.add("displayName", "control-character", "control characters are not allowed");
    }
    name.to_owned()
}

/// Ids of the provider are digits.
fn check_id(errors: &mut FieldErrors, field: &str, id: &str) -> String {
    let id = id.trim();
    if id.is_empty() || id.len() > 32 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        errors.add(field, "invalid", "an id of the provider has 1 to 32 digits");
    }
    id.to_owned()
}

/// A token goes into a header, so it has visible ASCII only.
fn check_token(errors: &mut FieldErrors, token: &SecretString) -> SecretString {
    let token = token.expose_secret().trim();
    if token.is_empty() || token.len() > MAX_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        errors.add("accessToken", "invalid", "a token has 1 to 4096 visible ASCII characters");
    }
    token.into()
}

fn check_rate(errors: &mut FieldErrors, rate: u32, max_rate: u32) {
    if !(1..=max_rate).contains(&rate) {
        errors.add("messagesPerSecond", "out-of-range", format!("1 to {max_rate} messages per second"));
    }
}
