//! Calls of the resumable upload.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json,
    body::{Body, HttpBody},
    extract::{Path, Query, Request, State},
    http::Response,
    response::IntoResponse,
};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::{Call, Caller, Parameters, templates::cut};
use crate::simulator::{
    error::GraphError,
    numbers::unknown_object,
    provider::Provider,
    uploads::{FileKind, Session},
};

/// Largest file of any kind.
const FILE_LIMIT: u64 = 100 * 1024 * 1024;

/// Opens a session for a file.
pub(super) async fn open(
    State(provider): State<Arc<Provider>>,
    _caller: Caller,
    Path((_, app)): Path<(String, String)>,
    query: Parameters,
) -> Call {
    let get = |name: &str| query.get(name).map(String::as_str).filter(|value| !value.is_empty());
    if get("file_name").is_none() {
        return Err(GraphError::parameter("The parameter file_name is required."));
    }
    let length = get("file_length").and_then(|length| length.parse().ok()).filter(|length| (1..=FILE_LIMIT).contains(length));
    let Some(length) = length else {
        return Err(GraphError::parameter("Param file_length must be the number of bytes, at most 100 MB."));
    };
    let Some(kind) = get("file_type").and_then(FileKind::parse) else {
        return Err(GraphError::parameter(
            "Param file_type must be one of {application/pdf, image/jpeg, image/jpg, image/png, video/mp4}.",
        ));
    };
    let session = provider.uploads.open(&app, kind, length);
    provider.remember();
    Ok(Json(json!({ "id": session.public_id() })))
}

/// Where a broken transfer goes on.
pub(super) fn state(provider: &Provider, id: &str, signature: Option<&str>) -> Call {
    let session = provider.uploads.find(id, signature).ok_or_else(|| unknown_object("upload"))?;
    Ok(Json(progress(&session)))
}

/// Takes bytes as they come, so that those of a transfer that breaks count.
pub(super) async fn transfer(
    State(provider): State<Arc<Provider>>,
    Path((_, id)): Path<(String, String)>,
    request: Request,
) -> Response<Body> {
    match receive(&provider, &id, request).await {
        Ok(Some(answer)) => Json(answer).into_response(),
        Ok(None) => cut(),
        Err(error) => {
            provider.counters.reject(error.code());
            error.into_response()
        }
    }
}

/// `None` when the connection is to be closed, or was.
async fn receive(provider: &Provider, id: &str, request: Request) -> Result<Option<Value>, GraphError> {
    let query: Query<HashMap<String, String>> = Query::try_from_uri(request.uri()).unwrap_or_default();
    let session = provider.uploads.find(id, query.get("sig").map(String::as_str)).ok_or_else(|| unknown_object("upload"))?;
    let offset = request.headers().get("file_offset").and_then(|offset| offset.to_str().ok()).and_then(|offset| offset.parse().ok());
    let offset: u64 = offset.ok_or_else(|| GraphError::parameter("The header file_offset is required."))?;
    if offset != session.received {
        return Err(GraphError::parameter(format!("The header file_offset must be {}, where the last transfer ended.", session.received)));
    }
    let mut body = request.into_body();
    let left = session.length - session.received;
    if body.size_hint().exact().is_some_and(|length| length > left) {
        return Err(GraphError::parameter("There are more bytes than file_length said."));
    }
    // Rounded up, so that a single byte arrives too.
    let most = provider.spend(|faults| &mut faults.uploads_cut).then(|| left.div_ceil(2));
    let mut taken = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            provider.remember();
            return Ok(None);
        };
        let bytes = frame.into_data().map_or(0, |data| data.len() as u64);
        let bytes = most.map_or(bytes, |most| bytes.min(most - taken));
        provider.uploads.receive(&session.id, bytes)?;
        taken += bytes;
        if most == Some(taken) {
            provider.remember();
            return Ok(None);
        }
    }
    let handle = provider.uploads.finish(&session.id, provider.now_ms());
    provider.remember();
    Ok(Some(match handle {
        Some(handle) => json!({ "h": handle }),
        None => progress(&provider.uploads.find(&session.public_id(), None).unwrap_or(session)),
    }))
}

fn progress(session: &Session) -> Value {
    json!({ "id": session.public_id(), "file_offset": session.received })
}
