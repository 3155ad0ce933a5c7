//! Failures of files, as clients see them.

use std::{error::Error, time::Duration};

use axum::http::StatusCode;
use crm::files::{FileError, logo::LogoError};
use providers::objects::ObjectError;

use crate::problem::Problem;

/// When a store that is away is asked again.
const STORE_AGAIN: Duration = Duration::from_secs(5);
/// When there may be a turn for another picture.
const TURN_AGAIN: Duration = Duration::from_secs(3);

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        match &error {
            FileError::NotFound => Self::not_found("file-not-found", &error),
            FileError::NoLogo => Self::not_found("logo-not-found", &error),
            FileError::GivenUp => Self::conflict("upload-given-up", &error),
            FileError::Object(object) => object_problem(object),
            FileError::Store(_) => Self::internal(&error),
        }
    }
}

impl From<LogoError> for Problem {
    fn from(error: LogoError) -> Self {
        match &error {
            LogoError::TooLarge => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "logo-too-large", &error),
            LogoError::TypeUnsupported(_) => Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "logo-type-unsupported", &error),
            LogoError::Dimensions { .. } => Self::invalid("logo-dimensions", &error),
            LogoError::Animated => Self::invalid("logo-animated", &error),
            LogoError::Unreadable(_) => Self::invalid("logo-unreadable", &error),
            LogoError::Busy => Self::unavailable("logo-busy", &error, TURN_AGAIN),
        }
    }
}

/// A failure of the object store: 503 when the store is away, and a line in the log that says why.
pub(in crate::routes) fn object_problem(error: &ObjectError) -> Problem {
    if !error.is_unavailable() {
        return Problem::internal(error);
    }
    tracing::error!(error = error as &dyn Error, "the store of files is unavailable");
    Problem::unavailable("storage-unavailable", "the store of files cannot be reached; everything else works", STORE_AGAIN)
}
