//! Answers with a file, such that no browser takes it for anything but what it is.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use crm::files::{File, FileKind};
use providers::objects::ObjectStore;

use super::problem::object_problem;
use crate::problem::Problem;

/// Nothing in a file is run, whatever it is.
const POLICY: &str = "default-src 'none'; sandbox";

/// How long whoever has a file may go on using it.
#[derive(Clone, Copy)]
pub(super) enum Caching {
    /// The address may lead to another file next time.
    AskAgain,
    /// The address names the file, whose content never changes.
    Forever,
}

/// The content of a file, or 304 when the one who asks has it.
pub(super) async fn serve(objects: &ObjectStore, file: &File, caching: Caching, asked: &HeaderMap) -> Result<Response, Problem> {
    let tag = format!("\"{}\"", file.id);
    let has_it = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|value| names(value, &tag));
    let mut response = if has_it {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let object = objects.get(&file.object_key, 0).await.map_err(|error| object_problem(&error))?;
        let length = HeaderValue::from(object.size);
        let mut response = Body::from_stream(object.bytes).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, length);
        headers.insert(header::CONTENT_TYPE, header_value(&file.content_type));
        let name = match file.kind {
            FileKind::Logo => "inline; filename=\"logo.webp\"",
            // Pictures and films are shown where they stand; whatever else somebody uploaded is for the disk.
            FileKind::TemplateMedia if file.content_type.starts_with("image/") || file.content_type.starts_with("video/") => "inline",
            FileKind::TemplateMedia => "attachment",
        };
        headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(name));
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, header_value(&tag));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let caching = match caching {
        Caching::AskAgain => "private, no-cache",
        Caching::Forever => "private, max-age=31536000, immutable",
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    Ok(response)
}

/// Whether the list of an `If-None-Match` has the tag.
fn names(list: &str, tag: &str) -> bool {
    list.split(',').map(|one| one.trim().trim_start_matches("W/")).any(|one| one == tag || one == "*")
}

fn header_value(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}
