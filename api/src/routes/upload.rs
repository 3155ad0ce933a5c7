//! Forms with one file in them, as uploads send them. How large the file may be, and how that is told, is the route's.

use axum::{
    extract::{
        Multipart,
        multipart::{Field, MultipartError, MultipartRejection},
    },
    http::StatusCode,
};
use providers::objects::ObjectError;

use super::files::object_problem;
use crate::problem::Problem;

/// The form, or what is told of a body that is none.
pub(super) fn form(form: Result<Multipart, MultipartRejection>) -> Result<Multipart, Problem> {
    form.map_err(|_| Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type-unsupported", "a multipart form is needed"))
}

/// The one part of a form, named `file`.
pub(super) async fn file(form: &mut Multipart, too_large: impl FnOnce() -> Problem) -> Result<Field<'_>, Problem> {
    let field = form.next_field().await.map_err(|error| form_problem(&error, too_large))?;
    field.filter(|field| field.name() == Some("file")).ok_or_else(not_one_file)
}

/// The form has another part, or more than one.
pub(super) fn not_one_file() -> Problem {
    Problem::field("file", "missing", "the form has one part, named `file`")
}

/// A form that cannot be read to its end.
pub(super) fn form_problem(error: &MultipartError, too_large: impl FnOnce() -> Problem) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        too_large()
    } else {
        Problem::invalid("malformed-form", "the multipart form cannot be read")
    }
}

/// A file that could not be streamed into the store.
pub(super) fn store_problem(error: &ObjectError, too_large: impl FnOnce() -> Problem) -> Problem {
    match error {
        ObjectError::TooLarge { .. } => too_large(),
        ObjectError::Source(source) => match source.downcast_ref::<MultipartError>() {
            Some(error) => form_problem(error, too_large),
            None => Problem::invalid("body-unreadable", "the body ended before it was complete"),
        },
        other => object_problem(other),
    }
}
