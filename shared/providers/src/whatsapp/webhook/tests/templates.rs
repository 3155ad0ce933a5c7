//! News of templates, as whole bodies.

use super::*;

/// The only event of a body.
fn only(body: &str) -> Event<'_> {
    let webhook = Webhook::parse(body.as_bytes()).unwrap();
    let mut events: Vec<Event<'_>> = webhook.events().collect();
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

#[test]
fn an_approval_is_read_whole() {
    let body = r#"{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","time":1751247548,"changes":[{
        "value":{"event":"APPROVED","message_template_id":1689556908129832,"message_template_name":"order_confirmation",
        "message_template_language":"en-US","message_template_category":"UTILITY","reason":"NONE"},
        "field":"message_template_status_update"}]}]}"#;
    let Event::Template(update) = only(body) else { panic!("no news of a template") };
    assert_eq!(update.waba_id.as_deref(), Some("102290129340398"));
    assert_eq!(update.template_id, "1689556908129832");
    assert_eq!((update.name.as_deref(), update.language.as_deref()), (Some("order_confirmation"), Some("en-US")));
    assert_eq!((update.event.as_ref(), update.category.as_deref(), update.reason.as_deref()), ("APPROVED", Some("UTILITY"), Some("NONE")));
    assert_eq!(update.at, Some(1_751_247_548));
    assert_eq!((update.pause_title, update.disable_date, update.rejection), (None, None, None));
}

#[test]
fn a_pause_says_which_one_it_is() {
    let body = r#"{"entry":[{"id":"W","time":"1751247548","changes":[{"value":{"event":"PAUSED","message_template_id":7,
        "message_template_name":"n","message_template_language":"de","reason":null,
        "other_info":{"title":"FIRST_PAUSE","description":"Your template has been paused for 3 hours."}},
        "field":"message_template_status_update"}]}]}"#;
    let Event::Template(update) = only(body) else { panic!("no news of a template") };
    assert_eq!((update.event.as_ref(), update.pause_title.as_deref()), ("PAUSED", Some("FIRST_PAUSE")));
    assert_eq!(update.pause_description.as_deref(), Some("Your template has been paused for 3 hours."));
    assert_eq!(update.at, Some(1_751_247_548), "an instant may be a string");
}

#[test]
fn a_rejection_and_a_disabling_say_why() {
    let body = r#"{"entry":[{"id":"W","time":1,"changes":[
        {"value":{"event":"REJECTED","message_template_id":7,"reason":"INVALID_FORMAT",
         "rejection_info":{"reason":"Variables stand side by side.","recommendation":"Put text between them."}},"field":"message_template_status_update"},
        {"value":{"event":"DISABLED","message_template_id":"8","reason":"NONE","disable_info":{"disable_date":1751247548}},"field":"message_template_status_update"}]}]}"#;
    let webhook = Webhook::parse(body.as_bytes()).unwrap();
    let updates: Vec<_> = webhook
        .events()
        .map(|event| match event {
            Event::Template(update) => update,
            other => panic!("{other:?}"),
        })
        .collect();
    let found = updates[0].rejection.clone().unwrap();
    assert_eq!(
        (found.reason.as_deref(), found.recommendation.as_deref()),
        (Some("Variables stand side by side."), Some("Put text between them."))
    );
    assert_eq!((updates[1].template_id.as_ref(), updates[1].disable_date.as_deref()), ("8", Some("1751247548")));
}

#[test]
fn parts_of_the_wrong_kind_are_left_out() {
    let body = envelope(
        "message_template_status_update",
        &json!({"event": "PAUSED", "message_template_id": 7, "message_template_name": ["n"], "other_info": "text", "disable_info": true,
            "rejection_info": {"reason": "", "recommendation": null}, "reason": {"a": 1}}),
    );
    let Event::Template(update) = only(&body) else { panic!("no news of a template") };
    assert_eq!((update.name, update.reason, update.pause_title, update.disable_date, update.rejection), (None, None, None, None, None));
}

#[test]
fn news_of_quality_name_both_scores() {
    let body = r#"{"entry":[{"id":"102290129340398","time":1674864290,"changes":[{"value":{"previous_quality_score":"GREEN","new_quality_score":"YELLOW",
        "message_template_id":806312974732579,"message_template_name":"welcome_template","message_template_language":"en-US"},
        "field":"message_template_quality_update"}]}]}"#;
    let Event::TemplateQuality(update) = only(body) else { panic!("no news of quality") };
    assert_eq!((update.waba_id.as_deref(), update.template_id.as_ref()), (Some("102290129340398"), "806312974732579"));
    assert_eq!((update.name.as_deref(), update.language.as_deref()), (Some("welcome_template"), Some("en-US")));
    assert_eq!((update.previous.as_deref(), update.new.as_ref(), update.at), (Some("GREEN"), "YELLOW", Some(1_674_864_290)));
}

#[test]
fn a_category_is_announced_and_then_changed() {
    let announced = r#"{"entry":[{"id":"W","time":1746082800,"changes":[{"value":{"message_template_id":278077987957091,
        "message_template_name":"welcome_template","message_template_language":"en-US","new_category":"UTILITY",
        "correct_category":"MARKETING","category_update_timestamp":"1746169200"},"field":"template_category_update"}]}]}"#;
    let Event::TemplateCategory(update) = only(announced) else { panic!("no news of a category") };
    let change = CategoryChange::Announced { current: Some("UTILITY".into()), correct: "MARKETING".into(), from: Some(1_746_169_200) };
    assert_eq!((update.change, update.at), (change, Some(1_746_082_800)));
    let done = announced
        .replace(r#""correct_category":"MARKETING","category_update_timestamp":"1746169200""#, r#""previous_category":"MARKETING""#);
    let Event::TemplateCategory(update) = only(&done) else { panic!("no news of a category") };
    assert_eq!(update.change, CategoryChange::Done { previous: Some("MARKETING".into()), new: "UTILITY".into() });
    assert_eq!((update.template_id.as_ref(), update.name.as_deref()), ("278077987957091", Some("welcome_template")));
}

#[test]
fn changed_content_is_told_in_parts() {
    let body = r#"{"entry":[{"id":"W","time":1,"changes":[{"value":{"message_template_id":1315502779341834,"message_template_name":"order_confirmation",
        "message_template_language":"en_US","message_template_title":"Your order is confirmed!","message_template_element":"Thank you, {{1}}!",
        "message_template_footer":"Shop","message_template_buttons":[
        {"message_template_button_type":"URL","message_template_button_text":"Go","message_template_button_url":"https://shop.example"},
        {"message_template_button_type":"PHONE_NUMBER","message_template_button_text":"Call","message_template_button_phone_number":"+15550783881"},7]},
        "field":"message_template_components_update"}]}]}"#;
    let Event::TemplateComponents(update) = only(body) else { panic!("no news of content") };
    assert_eq!(update.template_id, "1315502779341834");
    assert_eq!(
        (update.title.as_deref(), update.body.as_deref(), update.footer.as_deref()),
        (Some("Your order is confirmed!"), Some("Thank you, {{1}}!"), Some("Shop"))
    );
    assert_eq!(update.buttons.len(), 2);
    assert_eq!((update.buttons[0].kind.as_deref(), update.buttons[0].url.as_deref()), (Some("URL"), Some("https://shop.example")));
    assert_eq!(update.buttons[1].phone_number.as_deref(), Some("+15550783881"));
}

#[test]
fn news_that_name_no_template_or_nothing_new_are_others() {
    for (field, value) in [
        ("message_template_status_update", json!({"event": "PAUSED"})),
        ("message_template_status_update", json!({"event": "PAUSED", "message_template_id": ""})),
        ("message_template_status_update", json!({"event": " ", "message_template_id": 7})),
        ("message_template_quality_update", json!({"message_template_id": 7, "previous_quality_score": "GREEN"})),
        ("message_template_quality_update", json!("text")),
        ("template_category_update", json!({"message_template_id": 7, "previous_category": "UTILITY"})),
        ("template_category_update", json!({"new_category": "UTILITY"})),
        ("message_template_components_update", json!({"message_template_element": "text"})),
        ("message_template_components_update", json!(null)),
    ] {
        assert_eq!(kinds(&envelope(field, &value)), [format!("other {field}")], "{value}");
    }
}
