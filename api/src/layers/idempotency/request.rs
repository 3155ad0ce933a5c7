//! All that a request says, read to its end before it is answered.

use std::io::{Seek, Write};

use axum::{
    RequestExt,
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderValue, StatusCode, header, request::Parts},
};
use futures::StreamExt;
use sha2::{Digest, Sha256};
use tokio_util::io::ReaderStream;

use crate::problem::Problem;

/// Longer bodies wait in a file without a name: many uploads at once must not fill the memory.
const IN_MEMORY: usize = 1 << 20;

/// The request, whose body fails beyond the limit of its route.
pub(super) fn limited(request: Request) -> Request {
    request.with_limited_body()
}

/// What stands for the request: method, path, query, content type and body. And the body once more.
pub(super) async fn read(parts: &Parts, body: Body) -> Result<([u8; 32], Body), Problem> {
    let mut hash = Sha256::new();
    let content_type = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    for part in [parts.method.as_str().as_bytes(), path.as_bytes(), query.as_bytes(), content_type] {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    let (mut held, mut file) = (Vec::new(), None);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| unreadable(&error))?;
        hash.update(&chunk);
        file = match file {
            None if held.len() + chunk.len() <= IN_MEMORY => {
                held.extend_from_slice(&chunk);
                None
            }
            None => Some(spill(tempfile::tempfile, std::mem::take(&mut held), chunk).await?),
            Some(open) => Some(spill(|| Ok(open), Vec::new(), chunk).await?),
        };
    }
    let body = match file {
        None => held.into(),
        Some(mut file) => {
            file.rewind().map_err(|error| Problem::internal(&error))?;
            Body::from_stream(ReaderStream::new(tokio::fs::File::from_std(file)))
        }
    };
    Ok((hash.finalize().into(), body))
}

/// Appends to the file, away from the threads that answer.
async fn spill(
    open: impl FnOnce() -> std::io::Result<std::fs::File> + Send + 'static,
    held: Vec<u8>,
    chunk: Bytes,
) -> Result<std::fs::File, Problem> {
    let write = move || {
        let mut file = open()?;
        file.write_all(&held)?;
        file.write_all(&chunk)?;
        Ok(file)
    };
    let written: std::io::Result<_> = tokio::task::spawn_blocking(write).await.map_err(|error| Problem::internal(&error))?;
    written.map_err(|error| Problem::internal(&error))
}

fn unreadable(error: &axum::Error) -> Problem {
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        if error.is::<http_body_util::LengthLimitError>() {
            return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "the body is too large");
        }
        next = error.source();
    }
    Problem::invalid("body-unreadable", "the body ended before it was complete")
}
