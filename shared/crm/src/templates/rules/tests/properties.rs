//! What holds for every template and for every JSON.

use std::collections::BTreeSet;

use proptest::{prelude::*, sample::Index};
use serde_json::Value;

use super::generate::{any_components, any_json, any_key, valid};
use crate::templates::{
    model::{Category, ParameterFormat},
    rules::{Content, Example, all, broken, check, check_edit, normalised, table::content::COMPILES},
};

/// Every rule that is told of is a row of the table, and what keeps the others can be sent.
fn is_sound(content: Content<'_>) -> Result<(), TestCaseError> {
    let rows: BTreeSet<&str> = all().map(|rule| rule.name).collect();
    let broken = broken(content);
    for broken in &broken {
        prop_assert!(rows.contains(broken.rule.name), "{} is no row", broken.rule.name);
        prop_assert!(broken.rule.name != COMPILES.name, "kept all rules and cannot be sent: {}", content.components);
        prop_assert!(!broken.field.is_empty());
    }
    let told = check(content).err().unwrap_or_default();
    prop_assert_eq!(told.0.len(), broken.len());
    let of_edit = check_edit(content).err().unwrap_or_default();
    prop_assert!(of_edit.0.iter().all(|error| told.0.contains(error)));
    Ok(())
}

/// Puts `other` in the place of something inside `value`.
fn mutate(value: &mut Value, way: &[Index], other: Value) {
    let Some((step, further)) = way.split_first() else {
        *value = other;
        return;
    };
    let inner = match value {
        Value::Array(items) if !items.is_empty() => {
            let at = step.index(items.len());
            &mut items[at]
        }
        Value::Object(fields) if !fields.is_empty() => {
            let at = step.index(fields.len());
            fields.values_mut().nth(at).expect("an index within")
        }
        _ => {
            *value = other;
            return;
        }
    };
    mutate(inner, further, other);
}

/// Puts a field into one of the objects inside `value`, if it does not have it.
fn add(value: &mut Value, which: Index, key: &str, other: Value) {
    let objects = objects(value, String::new());
    if !objects.is_empty()
        && let Some(fields) = value.pointer_mut(&objects[which.index(objects.len())]).and_then(Value::as_object_mut)
    {
        fields.entry(key).or_insert(other);
    }
}

/// Pointers to all objects.
fn objects(value: &Value, at: String) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().enumerate().flat_map(|(index, item)| objects(item, format!("{at}/{index}"))).collect(),
        Value::Object(fields) => {
            let inner: Vec<String> = fields.iter().flat_map(|(name, field)| objects(field, format!("{at}/{name}"))).collect();
            [vec![at], inner].concat()
        }
        _ => Vec::new(),
    }
}

fn any_category() -> impl Strategy<Value = Category> {
    prop_oneof![Just(Category::Marketing), Just(Category::Utility), Just(Category::Authentication)]
}

fn any_format() -> impl Strategy<Value = ParameterFormat> {
    prop_oneof![Just(ParameterFormat::Positional), Just(ParameterFormat::Named)]
}

proptest! {
    #[test]
    fn what_is_valid_passes_and_is_normal(example in valid()) {
        let names: Vec<_> = broken(example.content()).iter().map(|broken| (broken.field.clone(), broken.rule.name)).collect();
        prop_assert!(names.is_empty(), "{names:?}: {}", example.components);
        prop_assert_eq!(&normalised(example.components.clone()), &example.components);
    }

    #[test]
    fn any_json_is_judged(
        name in ".{0,20}", language in ".{0,8}", category in any_category(), format in any_format(),
        message_ttl_seconds in any::<Option<i32>>(), components in any_components(),
    ) {
        let example = Example { name, language, category, format, message_ttl_seconds, components };
        is_sound(example.content())?;
        let normal = Example { components: normalised(example.components.clone()), ..example };
        is_sound(normal.content())?;
    }

    #[test]
    fn a_template_with_anything_put_anywhere_is_judged(
        mut example in valid(), way in prop::collection::vec(any::<Index>(), 1..8), other in any_json(),
    ) {
        mutate(&mut example.components, &way, other);
        is_sound(example.content())?;
        example.components = normalised(example.components);
        is_sound(example.content())?;
    }

    #[test]
    fn a_template_with_a_field_more_is_judged(mut example in valid(), which in any::<Index>(), key in any_key(), other in any_json()) {
        add(&mut example.components, which, key, other);
        is_sound(example.content())?;
    }

    #[test]
    fn a_template_of_another_category_or_format_is_judged(example in valid(), category in any_category(), format in any_format()) {
        let example = Example { category, format, ..example };
        is_sound(example.content())?;
    }

    #[test]
    fn any_text_is_judged_in_any_place(
        mut example in valid(), way in prop::collection::vec(any::<Index>(), 2..8), text in "[{}0-9a-z_ \n*]{0,40}",
    ) {
        mutate(&mut example.components, &way, text.into());
        is_sound(example.content())?;
    }
}
