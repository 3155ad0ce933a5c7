//! The table and the checks, held against each other.

use std::collections::BTreeSet;

use crate::templates::rules::{Limit, Rule, all, broken, compiles, normalised, table::content::COMPILES};

/// The rule that is asked only when all others are kept.
fn is_last(rule: &Rule) -> bool {
    rule.name == COMPILES.name
}

#[test]
fn each_rule_has_a_template_that_keeps_it_and_all_others() {
    for rule in all() {
        let example = (rule.passes)();
        let names: Vec<_> = broken(example.content()).iter().map(|broken| (broken.field.clone(), broken.rule.name)).collect();
        assert!(names.is_empty(), "{}: {names:?}", rule.name);
    }
}

#[test]
fn each_rule_has_a_template_that_breaks_it_and_no_other() {
    for rule in all().filter(|rule| !is_last(rule)) {
        let example = (rule.fails)();
        let names: BTreeSet<_> = broken(example.content()).iter().map(|broken| broken.rule.name).collect();
        assert_eq!(names, BTreeSet::from([rule.name]), "{}", rule.name);
    }
    assert!(!compiles((COMPILES.fails)().content()));
}

#[test]
fn examples_have_the_form_that_is_stored() {
    for rule in all() {
        for example in [(rule.passes)(), (rule.fails)()] {
            let normal = normalised(example.components.clone());
            assert_eq!(normal, example.components, "{}", rule.name);
        }
    }
}

#[test]
fn each_row_says_what_it_is_about_and_where_it_comes_from() {
    let mut names = BTreeSet::new();
    for rule in all() {
        assert!(names.insert(rule.name), "{} stands twice", rule.name);
        let is_code = |code: &str| !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        assert!(is_code(rule.code), "{}: {}", rule.name, rule.code);
        assert!(!rule.subject.is_empty(), "{}", rule.name);
        let is_page = rule.source.starts_with("https://developers.facebook.com/");
        assert!(is_page || rule.source.starts_with("error code ") || rule.source == "heliograph", "{}: {}", rule.name, rule.source);
        let words = rule.description();
        assert!(!words.is_empty() && !words.contains(['<', '>']), "{}: {words}", rule.name);
        match rule.limit {
            Limit::None => {}
            Limit::Range { least, most, .. } => assert!(least <= most, "{}", rule.name),
            Limit::OneOf(list) => {
                assert!(!list.is_empty(), "{}", rule.name);
                assert_eq!(list.iter().collect::<BTreeSet<_>>().len(), list.len(), "{}: a word stands twice", rule.name);
            }
        }
    }
}

#[test]
fn a_rule_says_its_figures() {
    let rule = |name: &str| all().find(|rule| rule.name == name).expect(name).description();
    assert_eq!(rule("BODY_LENGTH"), "the text of a body has 1 to 1024 characters");
    assert_eq!(rule("FLOW_TARGET"), "a flow is named by exactly one of flow_id, flow_name");
    assert!(rule("PLACEHOLDER_NUMBER").ends_with("{{99}}"));
}

#[test]
fn the_languages_are_those_that_the_provider_lists() {
    let languages = all().find(|rule| rule.name == "LANGUAGE").expect("a row").words();
    assert_eq!(languages.len(), 111);
    assert!(languages.iter().all(|language| crate::templates::rules::is_language_shape(language)));
}
