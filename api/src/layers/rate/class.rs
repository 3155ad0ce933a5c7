//! Which requests are counted as what.

use std::{collections::HashMap, sync::LazyLock};

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
};

use super::policy::Counted;
use crate::openapi;

/// Routes that are not counted: the provider's webhooks and the questions of whoever watches this process.
const UNCOUNTED: [&str; 5] = ["/api/whatsapp/webhook", "/webhook/incoming", "/api/health", "/livez", "/readyz"];

/// Operations that their method does not tell: those that take a file, and those that give out many records at once.
static SPECIAL: LazyLock<HashMap<(Method, String), Counted>> = LazyLock::new(|| {
    let special = openapi::operations().filter_map(|(path, method, operation)| {
        let counted = if operation.pointer("/requestBody/content/multipart~1form-data").is_some() {
            Counted::Upload
        } else if path.split(['/', '.']).any(|part| matches!(part, "export" | "exports")) {
            Counted::Export
        } else {
            return None;
        };
        Some(((method.to_uppercase().parse().expect("a method"), path.to_owned()), counted))
    });
    special.collect()
});

/// What a request is counted as, if at all.
pub(super) fn of(request: &Request) -> Option<Counted> {
    let by_method = if request.method().is_safe() { Counted::Read } else { Counted::Write };
    let Some(path) = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str) else { return Some(by_method) };
    if UNCOUNTED.contains(&path) {
        return None;
    }
    Some(SPECIAL.get(&(request.method().clone(), path.to_owned())).copied().unwrap_or(by_method))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_that_is_not_counted_exists() {
        let paths: Vec<&str> = openapi::operations().map(|(path, ..)| path).collect();
        for path in UNCOUNTED {
            assert!(paths.contains(&path), "{path}");
        }
    }

    #[test]
    fn an_import_is_an_upload() {
        assert_eq!(SPECIAL.get(&(Method::POST, "/api/contacts/import".into())), Some(&Counted::Upload));
    }

    #[test]
    fn the_audit_log_as_a_file_is_an_export() {
        assert_eq!(SPECIAL.get(&(Method::GET, "/api/audit-log/export.csv".into())), Some(&Counted::Export));
        assert_eq!(SPECIAL.get(&(Method::GET, "/api/audit-log".into())), None);
    }
}
