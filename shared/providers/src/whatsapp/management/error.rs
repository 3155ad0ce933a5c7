//! Why a call failed, and what became of it.

use crate::whatsapp::{AmbiguousCause, NotSentCause, Reaction, Rejection, client::ClientError, codes::subcode};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The address or the token cannot be used.
    #[error("the call to the provider cannot be made")]
    Input(#[from] ClientError),
    /// Nothing that could be executed left this process.
    #[error("the provider was not reached: {0}")]
    NotSent(NotSentCause),
    /// No complete answer came.
    #[error("no answer from the provider")]
    Transport(#[source] reqwest::Error),
    /// The provider refused.
    #[error("the provider refused: {}", .0.title)]
    Refused(Box<Rejection>),
    /// The provider failed.
    #[error("the provider failed: {0}")]
    Failed(AmbiguousCause),
    /// The answer has not the documented form.
    #[error("the provider's answer cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// The call would have to carry something that is no JSON.
    #[error("the call's content cannot be written")]
    Content(#[source] serde_json::Error),
}

/// What became of a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Surely nothing was asked of the provider.
    NotSent,
    /// The provider was asked and surely did not do it.
    Refused,
    /// It may have been done: look before doing it again.
    Ambiguous,
}

impl GraphError {
    /// What became of the call.
    pub fn fate(&self) -> Fate {
        match self {
            Self::Input(_) | Self::Content(_) | Self::NotSent(_) => Fate::NotSent,
            // A fault of the provider may come after it did what was asked.
            Self::Refused(rejection) if rejection.http_status < 500 => Fate::Refused,
            Self::Refused(_) | Self::Transport(_) | Self::Failed(_) | Self::Unreadable(_) => Fate::Ambiguous,
        }
    }

    /// Calling again later may help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::Transport(_) | Self::Failed(_) => true,
            Self::Refused(rejection) => {
                matches!(rejection.reaction, Reaction::RetryRow { .. } | Reaction::RetryLater { .. } | Reaction::SlowNumber)
            }
            Self::Input(_) | Self::Unreadable(_) | Self::Content(_) => false,
        }
    }

    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Rejection> {
        match self {
            Self::Refused(rejection) => Some(rejection),
            _ => None,
        }
    }

    /// What was asked about is unknown: it never was, is gone, or the token may not see it. An answer that is not the provider's own (a 404 of
    /// something in between) does not say so.
    pub fn is_unknown_object(&self) -> bool {
        self.refusal().is_some_and(|refusal| match (refusal.code, refusal.subcode) {
            (_, Some(subcode::UNKNOWN_TEMPLATE)) | (Some(803), _) | (Some(100), Some(subcode::UNKNOWN_OBJECT)) => true,
            (Some(100), _) => refusal.http_status == 404,
            _ => false,
        })
    }

    /// The account has a template of this name in this language already.
    pub fn is_name_taken(&self) -> bool {
        self.refusal().is_some_and(|refusal| refusal.subcode == Some(subcode::NAME_TAKEN))
    }
}
