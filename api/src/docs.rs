//! The API description for programs, and a plain page of it for people. The page loads nothing: no script, no font, no other host.

use std::{fmt::Write, sync::LazyLock};

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{Html, IntoResponse},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{openapi, state::AppState};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733;background:#fff}\
                     h2{margin:2.5rem 0 .5rem;border-bottom:1px solid #cbd5df}details{border-bottom:1px solid #e6ebf0;padding:.4rem 0}\
                     summary{cursor:pointer}code{font:14px ui-monospace,monospace}summary code:first-child{display:inline-block;width:4rem;font-weight:700}\
                     p{margin:.4rem 0 .4rem 1rem;white-space:pre-line}table{margin:.4rem 0 .8rem 1rem;border-collapse:collapse}\
                     td{padding:.1rem 1rem .1rem 0;vertical-align:top}";

static PAGE: LazyLock<String> = LazyLock::new(|| page(openapi::document()));

/// `GET /api/openapi.json` and `GET /api/docs`.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], openapi::text())))
        .route("/api/docs", get(docs))
}

async fn docs() -> impl IntoResponse {
    static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        HeaderValue::try_from(policy).expect("visible text")
    });
    ([(header::CONTENT_SECURITY_POLICY, POLICY.clone())], Html(PAGE.as_str()))
}

fn page(document: &Value) -> String {
    let mut groups: Vec<(&str, Vec<_>)> = Vec::new();
    for (path, method, operation) in openapi::operations() {
        let tag = operation["tags"][0].as_str().unwrap_or("other");
        match groups.iter_mut().find(|(name, _)| *name == tag) {
            Some((_, operations)) => operations.push((path, method, operation)),
            None => groups.push((tag, vec![(path, method, operation)])),
        }
    }
    groups.sort_by_key(|(name, _)| *name);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Heliograph API</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n<h1>Heliograph API</h1>\n<p>{}</p>\n<p>For programs: <a href=\"/api/openapi.json\">/api/openapi.json</a>.</p>\n",
        escaped(document["info"]["description"].as_str().unwrap_or_default())
    );
    for (name, operations) in groups {
        let _ = writeln!(page, "<h2>{}</h2>", escaped(name));
        for (path, method, operation) in operations {
            describe(&mut page, path, method, operation);
        }
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn describe(page: &mut String, path: &str, method: &str, operation: &Value) {
    let text = |value: &Value| escaped(value.as_str().unwrap_or_default());
    let _ = writeln!(
        page,
        "<details id=\"{}\"><summary><code>{}</code> <code>{}</code> {}</summary>",
        text(&operation["operationId"]),
        method.to_uppercase(),
        escaped(path),
        text(&operation["summary"])
    );
    if let Some(description) = operation["description"].as_str() {
        let _ = writeln!(page, "<p>{}</p>", escaped(description));
    }
    if let Some(right) = operation["x-permission"].as_str() {
        let _ = writeln!(page, "<p>Needs the right <code>{}</code>.</p>", escaped(right));
    }
    page.push_str("<table>\n");
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let _ = writeln!(
            page,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            text(&parameter["name"]),
            text(&parameter["in"]),
            text(&parameter["description"])
        );
    }
    for media in operation["requestBody"]["content"].as_object().into_iter().flatten() {
        let _ = writeln!(
            page,
            "<tr><td>body</td><td>{}</td><td><code>{}</code></td></tr>",
            escaped(media.0),
            escaped(schema(&media.1["schema"]))
        );
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let content = response["content"].as_object().and_then(|content| content.values().next());
        let schema = content.map_or("", |media| schema(&media["schema"]));
        let told = text(&response["description"]);
        let _ = writeln!(page, "<tr><td>{}</td><td>{told}</td><td><code>{}</code></td></tr>", escaped(status), escaped(schema));
    }
    page.push_str("</table>\n</details>\n");
}

/// The name of a schema, or what kind of value it is.
fn schema(schema: &Value) -> &str {
    let name = schema["$ref"].as_str().and_then(|target| target.rsplit('/').next());
    name.or_else(|| schema["type"].as_str()).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_on_the_page_and_nothing_is_loaded() {
        for (path, method, operation) in openapi::operations() {
            assert!(PAGE.contains(&format!("id=\"{}\"", operation["operationId"].as_str().unwrap())), "{method} {path}");
        }
        for loading in ["<script", "<link", "<img", "src=", "url(", "http://", "https://", "onclick"] {
            assert!(!PAGE.contains(loading), "{loading}");
        }
    }

    #[test]
    fn what_a_description_says_is_text() {
        assert_eq!(escaped("<b onclick=\"x\">&"), "&lt;b onclick=&quot;x&quot;&gt;&amp;");
    }
}
