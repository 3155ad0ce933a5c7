//! Who may call what, as a table: made from the description of the API and the table of rights, so that it cannot say anything else.

use std::fmt::Write as _;

use crm::identity::{Permission, Role};
use serde_json::{Value, json};

use crate::openapi;

const HEAD: &str = "\
# Who may call what

Made by `api access-table` from the description of the API and the table of rights; `deploy/local prepare` renews it, and a test compares.

A dot: members of this role may call it. Roles of an organization's own and API keys may when they hold the right. `any`: every member and
key. `person`: members only, no API key. `step-up`: members only, and who they are was proved within the last ten minutes (by signing in or
`POST /api/auth/step-up`). Rights without a dot in the row of any role are held by the installation's staff only.

";

/// The table, in Markdown.
pub fn markdown() -> String {
    let mut text = HEAD.to_owned();
    let roles = Role::ALL.map(Role::as_str);
    let _ = writeln!(text, "| Operation | Right | {} | API key | Besides |", roles.join(" | "));
    let _ = writeln!(text, "|---|---|{}---|---|", ":-:|".repeat(roles.len()));
    for (name, operation) in operations() {
        let _ = writeln!(text, "{}", row(&name, operation));
    }
    text
}

fn operations() -> impl Iterator<Item = (String, &'static Value)> {
    let paths = openapi::document()["paths"].as_object().expect("there are routes");
    paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("a path item is an object");
        methods
            .iter()
            .filter(|(method, _)| openapi::is_method(method))
            .map(move |(method, operation)| (format!("{} {path}", method.to_ascii_uppercase()), operation))
    })
}

fn row(name: &str, operation: &Value) -> String {
    if is_open(operation) {
        return format!("| `{name}` | anybody |{} ● | |", " ● |".repeat(Role::ALL.len()));
    }
    let right = operation["x-permission"].as_str().and_then(Permission::parse);
    let dots: String = Role::ALL.iter().map(|role| if right.is_none_or(|right| role.has(right)) { " ● |" } else { " |" }).collect();
    let step_up = operation["x-step-up"] == true;
    let persons_only = step_up || operation["x-principal"] == "member";
    let key = match right {
        _ if persons_only => "",
        None => " ●",
        Some(right) if right.is_grantable() => " with the right",
        Some(_) => "",
    };
    let besides = if step_up {
        " step-up"
    } else if persons_only {
        " person"
    } else {
        ""
    };
    let right = right.map_or("any".to_owned(), |right| format!("`{}`", right.as_str()));
    format!("| `{name}` | {right} |{dots}{key} |{besides} |")
}

fn is_open(operation: &Value) -> bool {
    operation["security"].as_array().is_some_and(|needs| needs.iter().all(|need| need == &json!({})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_table_is_fresh() {
        assert_eq!(markdown(), include_str!("../ACCESS.md"), "`deploy/local prepare` renews api/ACCESS.md");
    }

    #[test]
    fn a_row_tells_who_may() {
        let closed = |more: Value| {
            let mut operation = json!({ "responses": {} });
            operation.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            row("GET /x", &operation)
        };
        assert_eq!(closed(json!({ "x-permission": "jobs.manage" })), "| `GET /x` | `jobs.manage` | ● | | | | | | | with the right | |");
        assert_eq!(closed(json!({ "x-permission": "clients.manage" })), "| `GET /x` | `clients.manage` | | | | | | | | | |");
        assert_eq!(closed(json!({ "x-principal": "member" })), "| `GET /x` | any | ● | ● | ● | ● | ● | ● | ● | | person |");
        let key = closed(json!({ "x-permission": "apiKeys.manage", "x-step-up": true }));
        assert_eq!(key, "| `GET /x` | `apiKeys.manage` | ● | | | | | | | | step-up |");
        assert_eq!(row("GET /x", &json!({ "security": [{}] })), "| `GET /x` | anybody | ● | ● | ● | ● | ● | ● | ● | ● | |");
    }
}
