//! Looking at templates and deciding about them.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Refusal, read, refuse};
use crate::simulator::{
    Review,
    error::json_response,
    provider::Provider,
    templates::{Template, TemplateEntry},
};

/// Every template ever created, and how many calls were executed.
pub(super) async fn list(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let templates: Vec<TemplateEntry> = provider.templates.all().iter().map(Template::entry).collect();
    Json(json!({ "data": templates, "calls": *provider.management.calls() }))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReviewBody {
    /// See `GET /_simulator/faults`; the status an action leads to is taken too.
    #[serde(alias = "decision", alias = "event", alias = "status")]
    action: String,
    reason: Option<String>,
    #[serde(alias = "newCategory")]
    category: Option<String>,
    #[serde(alias = "quality")]
    score: Option<String>,
}

impl TryFrom<ReviewBody> for Review {
    type Error = Refusal;

    fn try_from(body: ReviewBody) -> Result<Self, Refusal> {
        let needed = |name: &str, value: Option<String>| {
            let missing = || refuse(StatusCode::BAD_REQUEST, format!("`{}` needs a `{name}`", body.action));
            value.map(|value| value.to_ascii_uppercase()).ok_or_else(missing)
        };
        let action = body.action.to_ascii_lowercase().replace(['_', '-'], "");
        Ok(match action.as_str() {
            "approve" | "approved" | "unpause" => Self::Approve,
            "reject" | "rejected" => Self::Reject(body.reason.unwrap_or_else(|| "INVALID_FORMAT".to_owned())),
            "pause" | "paused" => Self::Pause,
            "disable" | "disabled" => Self::Disable,
            "recategorize" | "recategorise" => Self::Recategorize(needed("category", body.category)?),
            "announcecategory" => Self::AnnounceCategory(needed("category", body.category)?),
            "quality" => match needed("score", body.score)? {
                score if matches!(score.as_str(), "GREEN" | "YELLOW" | "RED" | "UNKNOWN") => Self::Quality(score),
                _ => return Err(refuse(StatusCode::BAD_REQUEST, "`score` is GREEN, YELLOW, RED or UNKNOWN")),
            },
            "flag" | "flagged" => Self::Flag,
            "reinstate" | "reinstated" => Self::Reinstate,
            "appeal" | "inappeal" => Self::Appeal,
            "lock" | "locked" => Self::Lock,
            "archive" | "archived" => Self::Archive,
            "unarchive" | "unarchived" => Self::Unarchive,
            "delete" | "deleted" => Self::Delete,
            _ => return Err(refuse(StatusCode::BAD_REQUEST, "`action` is one of those that `GET /_simulator/faults` explains")),
        })
    }
}

/// Reviews the template of this id, or all of this name.
pub(super) async fn review(State(provider): State<Arc<Provider>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let review = Review::try_from(read::<ReviewBody>(&body)?)?;
    let wanted = |template: &Template| template.id.to_string() == id || template.definition.name == id;
    let reviewed: Vec<Value> = provider
        .templates
        .live()
        .into_iter()
        .filter(wanted)
        .filter_map(|template| provider.review(template.id, &review))
        .map(|template| template.describe())
        .collect();
    match reviewed.into_iter().next() {
        Some(template) => Ok(json_response(StatusCode::OK, template.to_string())),
        None => Err(refuse(StatusCode::NOT_FOUND, "no such template")),
    }
}
