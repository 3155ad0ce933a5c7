//! Samples of media headers: what reviewers at the provider are shown.
//!
//! A sample is uploaded once and named in components as `file:<id>`, where the provider wants a handle of its own. The handle is made when the
//! template is submitted: [`for_provider`] uploads each sample and puts the handle in its place. Handles that somebody got elsewhere are passed on as
//! they are.

mod kind;
mod provider;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use db::TenantTx;
use futures::{Stream, StreamExt, stream};
use kernel::FileId;
use serde_json::Value;

use super::error::TemplateError;
use crate::{
    fields::FieldErrors,
    files::{self, File, FileKind, NewFile},
};

pub use kind::{MAX_UPLOAD, MediaType};
pub use provider::{ProviderApp, SampleError, for_provider};

/// What a name of a file of ours begins with, where a handle of the provider is expected.
const PREFIX: &str = "file:";

/// Bytes that tell what a file is.
const HEAD: usize = 1024;

/// How components name a file.
pub fn handle(file: FileId) -> String {
    format!("{PREFIX}{file}")
}

/// Reads the beginning of an upload and tells what it is; none when it is nothing that a template may show. The stream that comes back has all of
/// the upload.
pub async fn judge<E>(
    upload: impl Stream<Item = Result<Bytes, E>> + Send,
) -> Result<(Option<MediaType>, impl Stream<Item = Result<Bytes, E>> + Send), E> {
    let mut upload = Box::pin(upload);
    let mut head = BytesMut::new();
    while head.len() < HEAD {
        let Some(chunk) = upload.next().await else { break };
        head.extend_from_slice(&chunk?);
    }
    let head = head.freeze();
    let kind = MediaType::of(&head);
    Ok((kind, stream::once(async move { Ok(head) }).chain(upload)))
}

/// The record of a sample that is about to be stored.
pub fn new_file(kind: MediaType, original_name: Option<String>, created_by: Option<kernel::UserId>) -> NewFile {
    NewFile { kind: FileKind::TemplateMedia, original_name, content_type: kind.content_type(), ending: kind.ending(), size: 0, created_by }
}

/// Keeps the files that components name; call it in the transaction that writes them. Each must be there, and fit the header that it is for.
pub async fn attach(tx: &mut TenantTx, now: DateTime<Utc>, components: &Value) -> Result<(), TemplateError> {
    let samples = samples(components);
    if samples.is_empty() {
        return Ok(());
    }
    let mut errors = FieldErrors::default();
    let mut ids: Vec<FileId> = samples.iter().filter_map(|sample| sample.file).collect();
    ids.sort_unstable();
    ids.dedup();
    let kept = files::service::keep_samples(tx, now, &ids).await.map_err(TemplateError::File)?;
    let kept: HashMap<FileId, File> = kept.into_iter().map(|file| (file.id, file)).collect();
    for Sample { field, format, file } in samples {
        let Some(file) = file.and_then(|id| kept.get(&id)) else {
            errors.add(field, "not-found", "there is no such file, or it was not used for a day");
            continue;
        };
        let shown = MediaType::from_content_type(&file.content_type).map(MediaType::format);
        if shown != format.as_deref() {
            errors.add(field, "media-type", format!("the file is of the type {}", file.content_type));
        }
    }
    Ok(errors.into_result()?)
}

/// A file that components name.
#[derive(Debug, PartialEq, Eq)]
struct Sample {
    /// Where.
    field: String,
    /// `IMAGE`, `VIDEO` or `DOCUMENT`.
    format: Option<String>,
    /// None when what stands there is no id.
    file: Option<FileId>,
}

/// The files that components name, those of cards of a carousel included.
fn samples(components: &Value) -> Vec<Sample> {
    let mut found = Vec::new();
    each_handle(&mut components.clone(), "components", &mut |field, format, handle| {
        if let Some(id) = handle.as_str().and_then(|handle| handle.strip_prefix(PREFIX)) {
            found.push(Sample { field, format: format.map(str::to_ascii_uppercase), file: id.parse().ok() });
        }
    });
    found
}

/// Calls `visit` with each handle of a media header: its path, the format of the header, and the handle.
fn each_handle(components: &mut Value, path: &str, visit: &mut impl FnMut(String, Option<&str>, &mut Value)) {
    for (index, component) in components.as_array_mut().into_iter().flatten().enumerate() {
        let path = format!("{path}[{index}]");
        for (index, card) in component.get_mut("cards").and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
            if let Some(components) = card.get_mut("components") {
                each_handle(components, &format!("{path}.cards[{index}].components"), visit);
            }
        }
        let format = component.get("format").and_then(Value::as_str).map(str::to_owned);
        let handles = component.pointer_mut("/example/header_handle").and_then(Value::as_array_mut);
        for (index, handle) in handles.into_iter().flatten().enumerate() {
            visit(format!("{path}.example.header_handle[{index}]"), format.as_deref(), handle);
        }
    }
}
