//! Reads a picture from a form, and never more of it than a picture may have.

use axum::{
    extract::{
        Multipart,
        multipart::{MultipartError, MultipartRejection},
    },
    http::StatusCode,
};
use bytes::{Bytes, BytesMut};
use crm::files::logo::{LogoError, MAX_UPLOAD};

use crate::problem::Problem;

/// What of an upload that is too large is still read, so that its sender is there to hear the answer; then the connection is cut.
const READ_ON: usize = 8 * 1024 * 1024;

/// An uploaded picture.
pub(super) struct Upload {
    pub(super) name: Option<String>,
    pub(super) declared: Option<String>,
    pub(super) bytes: Bytes,
}

/// Reads the one part of the form, `file`.
pub(super) async fn picture(form: Result<Multipart, MultipartRejection>) -> Result<Upload, Problem> {
    let unsupported = || Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type-unsupported", "a multipart form is needed");
    let mut form = form.map_err(|_| unsupported())?;
    let one = || Problem::field("file", "missing", "the form has one part, named `file`");
    let mut field =
        form.next_field().await.map_err(|error| problem(&error))?.filter(|field| field.name() == Some("file")).ok_or_else(one)?;
    let name = field.file_name().map(str::to_owned);
    let declared = field.content_type().map(str::to_owned);
    let mut bytes = BytesMut::new();
    let mut length = 0_usize;
    // What counts is what comes, whatever the headers say.
    while let Some(chunk) = field.chunk().await.map_err(|error| problem(&error))? {
        length = length.saturating_add(chunk.len());
        if length <= MAX_UPLOAD {
            bytes.extend_from_slice(&chunk);
        } else if length > READ_ON {
            break;
        }
    }
    if length > MAX_UPLOAD {
        return Err(LogoError::TooLarge.into());
    }
    drop(field);
    if form.next_field().await.map_err(|error| problem(&error))?.is_some() {
        return Err(one());
    }
    Ok(Upload { name, declared, bytes: bytes.freeze() })
}

fn problem(error: &MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        LogoError::TooLarge.into()
    } else {
        Problem::invalid("malformed-form", "the multipart form cannot be read")
    }
}
