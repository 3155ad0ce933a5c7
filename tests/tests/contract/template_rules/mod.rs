//! The rules of templates, asked of two that do not know each other: our validator and the provider's stand-in. They agree on every template,
//! and what they accept can be sent.

mod generator;
mod mutations;

use crm::templates::{Category, ParameterFormat, rules};
use kernel::{Clock, SystemClock};
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed, TestError, TestRunner},
};
use providers::whatsapp::CompiledTemplate;
use serde_json::{Value, json};
use tests::simulator::{send_verdict, verdict};

use self::mutations::{Mutation, mutations};

const CASES: u32 = 6_000;
/// So that a failure comes again.
const SEED: u64 = 4;
/// How names of variables end whose values are not shown.
const NO_TEXTS: [&str; 4] = ["image", "video", "document", "expiration_time_ms"];

/// Runs `test` on many values, always the same ones. `PROPTEST_RNG_SEED` chooses others, `PROPTEST_CASES` more of them.
fn for_all<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let asked = Config::default();
    let rng_seed = if asked.rng_seed == RngSeed::Random { RngSeed::Fixed(SEED) } else { asked.rng_seed };
    let cases = asked.cases.max(cases);
    let config = Config { cases, rng_seed, failure_persistence: None, max_shrink_iters: 20_000, ..asked };
    match TestRunner::new(config).run(strategy, test) {
        Ok(()) => {}
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(error) => panic!("{error}"),
    }
}

/// What our validator says.
fn ours(creation: &Value) -> Result<(), String> {
    let word = |field: &str| creation[field].as_str().ok_or_else(|| format!("{field} is no text"));
    let (name, language) = (word("name")?, word("language")?);
    let category = Category::from_word(word("category")?).ok_or("category")?;
    let format = match &creation["parameter_format"] {
        Value::Null => ParameterFormat::Positional,
        format => format.as_str().and_then(ParameterFormat::from_word).ok_or("parameter_format")?,
    };
    let components = rules::normalised(creation["components"].clone());
    let message_ttl_seconds = match &creation["message_send_ttl_seconds"] {
        Value::Null => None,
        seconds => Some(seconds.as_i64().and_then(|seconds| i32::try_from(seconds).ok()).ok_or("message_send_ttl_seconds")?),
    };
    let content = rules::Content { name, language, category, format, message_ttl_seconds, components: &components };
    rules::check(content).map_err(|errors| format!("{errors:?}"))
}

/// A template, and what was changed.
fn near_the_rules() -> impl Strategy<Value = (Value, Vec<Mutation>)> {
    (generator::template(), mutations()).prop_map(|(mut template, mutations)| {
        for mutation in &mutations {
            mutation.apply(&mut template);
        }
        (template, mutations)
    })
}

#[test]
fn what_keeps_every_rule_is_accepted_by_both() {
    for_all(CASES / 3, &generator::template(), |template| {
        prop_assert_eq!(ours(&template), Ok(()), "our validator of {}", template);
        prop_assert_eq!(verdict(&template), Ok(()), "the provider of {}", template);
        Ok(())
    });
}

#[test]
fn our_validator_and_the_provider_agree_on_what_is_near_the_rules() {
    let verdicts = std::cell::Cell::new((0, 0));
    for_all(CASES, &near_the_rules(), |(template, _)| {
        let (ours, theirs) = (ours(&template), verdict(&template));
        let (accepted, refused) = verdicts.get();
        verdicts.set(if ours.is_ok() { (accepted + 1, refused) } else { (accepted, refused + 1) });
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "our validator says {:?}, the provider {:?} of {}", ours, theirs, template);
        Ok(())
    });
    let (accepted, refused) = verdicts.get();
    println!("{accepted} accepted, {refused} refused");
    assert!(accepted > CASES / 5 && refused > CASES / 5, "too few of one kind: {accepted} accepted, {refused} refused");
}

#[test]
fn what_our_validator_accepts_is_rendered_with_its_samples_and_taken_by_the_provider() {
    for_all(CASES / 3, &near_the_rules(), |(template, _)| {
        if ours(&template).is_err() {
            return Ok(());
        }
        let sent = sendable(&template);
        prop_assert_eq!(sent, Ok(()), "of {}", template);
        Ok(())
    });
}

/// Renders the template and shows that to the provider.
fn sendable(template: &Value) -> Result<(), String> {
    let stored = json!({
        "name": template["name"],
        "language": template["language"],
        "category": template["category"],
        "parameterFormat": template["parameter_format"],
        "components": rules::normalised(template["components"].clone()),
    });
    let compiled = CompiledTemplate::compile(&stored).map_err(|error| error.to_string())?;
    let mut values = compiled.samples(&stored, SystemClock.now());
    for (name, value) in &mut values {
        // A sample that is longer than what it stands for may make the text too long to be sent.
        if !NO_TEXTS.contains(&name.rsplit('.').next().unwrap_or_default()) {
            *value = value.trim().chars().take("{{1}}".len()).collect();
        }
    }
    let mut request = Vec::new();
    compiled.render("+4915112345678", &values, "opaque", &mut request).map_err(|error| error.to_string())?;
    send_verdict(template, &request).map_err(|error| format!("{error} of {}", String::from_utf8_lossy(&request)))
}
