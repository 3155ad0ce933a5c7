use std::collections::BTreeSet;

use providers::whatsapp::CompiledTemplate;
use serde_json::json;

use super::*;
use crate::{
    arranged::Arranged,
    templates::{model::status, rules},
};

/// In which every starter is written.
const LANGUAGES: [&str; 7] = ["ar", "de", "en", "es", "fr", "hi", "pt_BR"];

#[test]
fn each_starter_keeps_the_rules_in_each_language() {
    for starter in list(None, None) {
        assert_eq!(starter.languages().collect::<Vec<_>>(), LANGUAGES, "{}", starter.key());
        assert!(starter.labels_fit(), "{}", starter.key());
        for language in LANGUAGES {
            let components = starter.components(language).unwrap();
            assert_eq!(components, rules::normalised(components.clone()), "{} in {language} is as the provider shows it", starter.key());
            let content = rules::Content {
                name: starter.key(),
                language,
                category: starter.category(),
                format: starter.parameter_format(),
                components: &components,
                message_ttl_seconds: None,
            };
            rules::check(content).unwrap_or_else(|errors| panic!("{} in {language}: {:?}", starter.key(), errors.0));
        }
    }
}

#[test]
fn each_starter_can_be_sent_and_has_the_same_variables_in_each_language() {
    for starter in list(None, None) {
        let variables: BTreeSet<Vec<String>> = LANGUAGES
            .iter()
            .map(|language| {
                let content = json!({ "name": starter.key(), "language": language, "parameterFormat": starter.parameter_format().as_str(),
                    "components": starter.components(language) });
                let compiled =
                    CompiledTemplate::compile(&content).unwrap_or_else(|error| panic!("{} in {language}: {error}", starter.key()));
                let mut names: Vec<String> = compiled.variable_names().map(str::to_owned).collect();
                names.sort_unstable();
                names
            })
            .collect();
        assert_eq!(variables.len(), 1, "{}: {variables:?}", starter.key());
    }
}

#[test]
fn no_words_are_left_in_another_language() {
    for starter in list(None, None) {
        let texts: BTreeSet<String> = LANGUAGES.iter().map(|language| starter.components(language).unwrap().to_string()).collect();
        // Two languages may agree on the label of a button and have nothing else.
        let alike = usize::from(starter.category() == Category::Authentication);
        assert_eq!(texts.len(), LANGUAGES.len() - alike, "{}", starter.key());
        for (language, script) in [("hi", '\u{900}'..='\u{97f}'), ("ar", '\u{600}'..='\u{6ff}')] {
            let text = starter.components(language).unwrap().to_string();
            let components = starter.components(language).unwrap();
            let body = components.pointer("/1/text").and_then(serde_json::Value::as_str).unwrap_or(&text);
            assert!(body.chars().any(|character| script.contains(&character)), "{} in {language}", starter.key());
        }
    }
}

#[test]
fn there_are_starters_for_every_category_and_keys_are_sorted() {
    let keys: Vec<&str> = list(None, None).map(Starter::key).collect();
    assert!(keys.is_sorted() && keys.len() == FILES.len());
    for (category, least) in [(Category::Marketing, 5), (Category::Utility, 5), (Category::Authentication, 1)] {
        assert!(list(Some(category), None).count() >= least, "{category:?}");
    }
    assert_eq!(list(None, Some("en_GB")).count(), keys.len(), "the words of the language serve its countries");
    assert_eq!(list(None, Some("pt_PT")).count(), 0, "the words of one country do not serve another");
    assert!(list(None, None).all(|starter| !starter.title().is_empty() && !starter.description().is_empty()));
}

/// A channel of the organization, and its account.
async fn a_channel(app: &Arranged, number: &str, account: &str) -> ChannelId {
    let id = ChannelId::at(app.clock.now());
    let mut owner = app.database.owner().await;
    sqlx::query(
        "insert into channels (organization_id, id, kind, display_name, phone_number_id, business_account_id, state, access_token,
                               messages_per_second, created_at, updated_at)
         values ($1, $2, 'cloudApi', 'Main', $3, $4, 'connected', '', 80, now(), now())",
    )
    .bind(app.organization)
    .bind(id)
    .bind(number)
    .bind(account)
    .execute(&mut owner)
    .await
    .unwrap();
    id
}

#[tokio::test]
async fn a_starter_becomes_a_draft_once_under_its_name() {
    let app = Arranged::new().await;
    let channel = a_channel(&app, "1001", "9001").await;
    let here = || Placement { channel: Some(channel), ..Placement::default() };
    let mut tx = app.begin().await;
    let draft = begin(&mut tx, &*app.clock, "order_confirmation", "de".into(), here()).await.unwrap();
    assert_eq!((draft.name.as_str(), draft.language.as_str(), draft.status.as_str()), ("order_confirmation", "de", status::DRAFT));
    assert_eq!(draft.components[0]["text"], "Ihre Bestellung ist bestätigt");
    let austrian = begin(&mut tx, &*app.clock, "order_confirmation", "de_AT".into(), here()).await.unwrap();
    assert_eq!((austrian.language.as_str(), &austrian.components), ("de_AT", &draft.components));
    let again = begin(&mut tx, &*app.clock, "order_confirmation", "de".into(), here()).await;
    assert!(matches!(again, Err(TemplateError::NameTaken)), "{again:?}");
    let named = Placement { name: Some("our_orders".into()), ..here() };
    assert_eq!(begin(&mut tx, &*app.clock, "order_confirmation", "de".into(), named).await.unwrap().name, "our_orders");
    let unknown = begin(&mut tx, &*app.clock, "nothing", "de".into(), here()).await;
    assert!(matches!(unknown, Err(TemplateError::NoStarter)), "{unknown:?}");
    let unwritten = begin(&mut tx, &*app.clock, "order_confirmation", "ja".into(), here()).await;
    let Err(TemplateError::Invalid(errors)) = unwritten else { panic!("{unwritten:?}") };
    assert_eq!((errors.0[0].field.as_str(), errors.0[0].code), ("language", "unknown"));
}

#[tokio::test]
async fn a_duplicate_differs_in_what_was_asked_only() {
    let app = Arranged::new().await;
    let first = a_channel(&app, "1001", "9001").await;
    let second = a_channel(&app, "1002", "9002").await;
    let mut tx = app.begin().await;
    let here = Placement { channel: Some(first), ..Placement::default() };
    let of = begin(&mut tx, &*app.clock, "win_back", "en".into(), here).await.unwrap();
    let same = duplicate(&mut tx, &*app.clock, of.id, Placement::default()).await;
    assert!(matches!(same, Err(TemplateError::NameTaken)), "{same:?}");
    let french = Placement { language: Some("fr".into()), ..Placement::default() };
    let french = duplicate(&mut tx, &*app.clock, of.id, french).await.unwrap();
    assert_eq!((french.language.as_str(), french.name.as_str(), &french.components), ("fr", "win_back", &of.components));
    assert_eq!((french.business_account_id.as_str(), french.status.as_str()), ("9001", status::DRAFT));
    let elsewhere = Placement { channel: Some(second), ..Placement::default() };
    let elsewhere = duplicate(&mut tx, &*app.clock, of.id, elsewhere).await.unwrap();
    assert_eq!(
        (elsewhere.business_account_id.as_str(), elsewhere.channel, elsewhere.parameter_format),
        ("9002", second, of.parameter_format)
    );
    let nowhere = Placement { business_account_id: Some("9003".into()), ..Placement::default() };
    let nowhere = duplicate(&mut tx, &*app.clock, of.id, nowhere).await;
    assert!(matches!(nowhere, Err(TemplateError::Invalid(_))), "{nowhere:?}");
    let gone = duplicate(&mut tx, &*app.clock, TemplateId::at(app.clock.now()), Placement::default()).await;
    assert!(matches!(gone, Err(TemplateError::NotFound(_))), "{gone:?}");
}
