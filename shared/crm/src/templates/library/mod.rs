//! Starters: good templates to begin with, in several languages. A person takes one over as a draft and makes it the organization's own; nothing is
//! submitted before that.
//!
//! Each is a file in `starters/`: words by language, and what all languages share. That each of them keeps the rules is a test.

mod starter;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use db::TenantTx;
use kernel::{ChannelId, Clock, TemplateId};

use super::{
    error::TemplateError,
    model::{Category, NewTemplate, Template},
    service,
};
use crate::fields::FieldError;

pub use starter::Starter;

/// The files, sorted by their keys.
const FILES: [&str; 11] = [
    include_str!("starters/abandoned_basket.json"),
    include_str!("starters/appointment_reminder.json"),
    include_str!("starters/event_invitation.json"),
    include_str!("starters/feedback_request.json"),
    include_str!("starters/new_arrivals.json"),
    include_str!("starters/order_confirmation.json"),
    include_str!("starters/payment_due.json"),
    include_str!("starters/seasonal_offer.json"),
    include_str!("starters/shipping_update.json"),
    include_str!("starters/verification_code.json"),
    include_str!("starters/win_back.json"),
];

static STARTERS: LazyLock<Vec<Starter>> =
    LazyLock::new(|| FILES.iter().map(|file| Starter::read(file).expect("a test reads each of the files")).collect());

/// What is different of a draft that is made after a starter or another template. None takes what that has.
#[derive(Clone, Debug, Default)]
pub struct Placement {
    /// A number of the account it will belong to.
    pub channel: Option<ChannelId>,
    /// The account it will belong to.
    pub business_account_id: Option<String>,
    /// Language code.
    pub language: Option<String>,
    /// Name.
    pub name: Option<String>,
}

/// All starters of a category that are written in a language; a language of a country takes the words of the language alone.
pub fn list(category: Option<Category>, language: Option<&str>) -> impl Iterator<Item = &'static Starter> {
    STARTERS
        .iter()
        .filter(move |starter| category.is_none_or(|category| starter.category() == category))
        .filter(move |starter| language.is_none_or(|language| starter.components(language).is_some()))
}

/// Drafts a template with the words of a starter.
pub async fn begin(tx: &mut TenantTx, clock: &dyn Clock, key: &str, language: String, at: Placement) -> Result<Template, TemplateError> {
    let starter = STARTERS.iter().find(|starter| starter.key() == key).ok_or(TemplateError::NoStarter)?;
    let components = starter.components(&language).ok_or_else(|| {
        let known = starter.languages().collect::<Vec<_>>().join(", ");
        TemplateError::Invalid(FieldError::new("language", "unknown", format!("it is written in {known}")).into())
    })?;
    let new = NewTemplate {
        channel: at.channel,
        business_account_id: at.business_account_id,
        name: at.name.unwrap_or_else(|| starter.key().to_owned()),
        language,
        category: starter.category(),
        parameter_format: starter.parameter_format(),
        components,
        message_ttl_seconds: None,
    };
    service::create(tx, clock, new).await
}

/// Drafts a template like another one: for another language, whose words a person then writes, for another account, or under another name. The
/// other one's words as the provider has them count, not a change that is being written.
pub async fn duplicate(tx: &mut TenantTx, clock: &dyn Clock, of: TemplateId, at: Placement) -> Result<Template, TemplateError> {
    let template = service::get(tx, of).await?;
    let elsewhere = at.channel.is_some() || at.business_account_id.is_some();
    let new = NewTemplate {
        channel: if elsewhere { at.channel } else { Some(template.channel) },
        business_account_id: at.business_account_id,
        name: at.name.unwrap_or(template.name),
        language: at.language.unwrap_or(template.language),
        category: template.category,
        parameter_format: template.parameter_format,
        components: template.components,
        message_ttl_seconds: template.message_ttl_seconds,
    };
    service::create(tx, clock, new).await
}
