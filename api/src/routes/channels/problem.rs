//! What clients are told when a channel does not do what was asked.

use crm::channels::ChannelError;

use crate::problem::Problem;

impl From<ChannelError> for Problem {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::NotFound(_) => Self::not_found("channel-not-found", &error),
            ChannelError::Invalid(errors) => errors.into(),
            ChannelError::InUse => Self::conflict("channel-in-use", &error),
            ChannelError::Secret(_) | ChannelError::Store(_) => Self::internal(&error),
        }
    }
}
