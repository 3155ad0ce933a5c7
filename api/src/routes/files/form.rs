//! Reads a picture from a form, and never more of it than a picture may have.

use axum::extract::{Multipart, multipart::MultipartRejection};
use bytes::{Bytes, BytesMut};
use crm::files::logo::{LogoError, MAX_UPLOAD};

use crate::{problem::Problem, routes::upload};

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
    let too_large = || Problem::from(LogoError::TooLarge);
    let mut form = upload::form(form)?;
    let mut field = upload::file(&mut form, too_large).await?;
    let name = field.file_name().map(str::to_owned);
    let declared = field.content_type().map(str::to_owned);
    let mut bytes = BytesMut::new();
    let mut length = 0_usize;
    // What counts is what comes, whatever the headers say.
    while let Some(chunk) = field.chunk().await.map_err(|error| upload::form_problem(&error, too_large))? {
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
    if form.next_field().await.map_err(|error| upload::form_problem(&error, too_large))?.is_some() {
        return Err(upload::not_one_file());
    }
    Ok(Upload { name, declared, bytes: bytes.freeze() })
}
