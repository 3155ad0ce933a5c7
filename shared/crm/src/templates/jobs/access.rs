//! With which token a job may ask about a template.

use std::time::Duration;

use queue::{JobError, Tenant};
use secrecy::SecretString;

use super::provider;
use crate::{
    channels::{self, Channel, ChannelError, ChannelState},
    templates::model::Template,
};

/// How often a channel that still connects is looked at.
const CONNECTING_AGAIN: Duration = Duration::from_secs(1);

/// The token of the template's channel or, while that cannot be used, of another connected number of the account. None when there is none;
/// a channel that connects is waited for.
pub(super) async fn token(ctx: &Tenant, template: &Template) -> Result<Option<SecretString>, JobError> {
    let mut tx = ctx.begin().await?;
    let mut connects = false;
    let mut found = None;
    // Its own first, then the connected ones.
    let others = channels::service::of_business_account(&mut tx, &template.business_account_id).await?;
    for channel in std::iter::once(template.channel).chain(others) {
        match state(channels::service::get(&mut tx, channel).await)? {
            Some(ChannelState::Connected) => {
                found = Some(channel);
                break;
            }
            Some(ChannelState::Connecting) => connects = true,
            Some(ChannelState::Disconnected) | None => {}
        }
    }
    tx.rollback().await?;
    match found {
        Some(channel) => provider::token(ctx, channel).await,
        None if connects => Err(JobError::Snooze(CONNECTING_AGAIN)),
        None => Ok(None),
    }
}

fn state(channel: Result<Channel, ChannelError>) -> Result<Option<ChannelState>, JobError> {
    match channel {
        Ok(channel) => Ok(Some(channel.state)),
        Err(ChannelError::NotFound(_)) => Ok(None),
        Err(error) => Err(JobError::retry(error)),
    }
}
