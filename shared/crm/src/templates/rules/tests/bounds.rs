//! Content that is deep, long or broken all over.

use serde_json::{Value, json};

use super::{found, marketing, told};
use crate::templates::rules::examples::{marketing as template, nested, plain};

#[test]
fn a_list_deeper_than_any_stack_is_refused_before_it_is_followed() {
    let mut component = plain();
    component["note"] = nested(100_000);
    let mut example = template(Value::Array(vec![component]));
    assert_eq!(told(&example), found("components", "too-deep"));
    // Dropped in one go it would overflow the stack here.
    let mut left = vec![std::mem::take(&mut example.components)];
    while let Some(value) = left.pop() {
        match value {
            Value::Array(items) => left.extend(items),
            Value::Object(fields) => left.extend(fields.into_iter().map(|(_, field)| field)),
            _ => {}
        }
    }
}

#[test]
fn a_megabyte_is_refused_as_one_thing() {
    let many = Value::Array(vec![json!({ "type": "BODY" }); 50_000]);
    assert_eq!(marketing(many), found("components", "too-long"));
}

#[test]
fn a_hundred_broken_rules_are_told_at_most() {
    let many = Value::Array(vec![json!({}); 5_000]);
    let told = marketing(many);
    assert_eq!(told.len(), 100);
    assert_eq!(told[99], ("components[99].type".to_owned(), "unsupported"));
}

#[test]
fn what_is_no_list_of_components_is_missing_them() {
    for components in [json!(null), json!({}), json!("BODY"), json!([]), json!(7)] {
        assert_eq!(marketing(components), found("components", "missing"));
    }
}
