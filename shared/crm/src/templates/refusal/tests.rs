use providers::whatsapp::NotSentCause;
use serde_json::json;

use super::*;
use crate::templates::tests::a_template;

fn refused(code: i64, subcode: Option<i64>, reaction: Reaction, message: &str) -> GraphError {
    GraphError::Refused(Box::new(Rejection {
        code: Some(code),
        subcode,
        http_status: 400,
        title: "a parameter is unknown or malformed".into(),
        details: None,
        user_title: Some("Not like this".into()),
        user_message: Some(message.into()),
        trace_id: None,
        reaction,
    }))
}

fn template() -> Template {
    a_template(json!([
        { "type": "HEADER", "format": "TEXT", "text": "Spring" },
        { "type": "BODY", "text": "Hello {{1}}, take {{2}} off." },
        { "type": "FOOTER", "text": "Bye" },
        { "type": "BUTTONS", "buttons": [] },
    ]))
}

#[test]
fn refusals_blame_their_field() {
    let blamed = [
        (Some(2_388_040), "The Body field is longer than 1024 characters", "components[1]", "too-long"),
        (Some(2_388_040), "The Footer is too long", "components[2]", "too-long"),
        (Some(2_388_040), "Too many Buttons", "components[3]", "too-long"),
        (Some(2_388_040), "The name is too long", "name", "too-long"),
        (Some(2_388_047), "Header cannot have new lines", "components[0]", "header-refused"),
        (Some(2_388_072), "Sample missing", "components[1]", "body-refused"),
        (Some(2_388_073), "The footer has variables", "components[2]", "footer-or-buttons-refused"),
        (Some(2_388_073), "Buttons are grouped wrongly", "components[3]", "footer-or-buttons-refused"),
        (Some(2_388_293), "Too many variables", "components[1].text", "too-many-variables"),
        (Some(2_388_299), "Variables at the start", "components[1].text", "edge-variable"),
        (Some(2_388_019), "Too many templates", "businessAccountId", "too-many-templates"),
        (Some(2_388_023), "It is being deleted", "name", "blocked"),
        (Some(2_388_039), "Not now", "status", "not-editable"),
        (None, "Param name must be lower-case letters", "name", "refused"),
        (None, "Invalid parameter: language", "language", "refused"),
        (None, "The parameter message_send_ttl_seconds is out of range", "messageSendTtlSeconds", "refused"),
        (None, "Param components[1]['example']['body_text'] must be a list.", "components[1].example.body_text", "refused"),
        (None, "components[3].buttons[0].url is wrong", "components[3].buttons[0].url", "refused"),
    ];
    for (subcode, message, field, code) in blamed {
        let Verdict::Refused { reason, problems } = verdict(&refused(100, subcode, Reaction::FinalTemplateMistake, message), &template())
        else {
            panic!("{message}")
        };
        assert_eq!(reason, format!("100: Not like this: {message}"));
        assert_eq!(problems, [FieldProblem { field: field.into(), code: code.into(), message: message.into() }]);
    }
}

#[test]
fn what_cannot_be_mapped_keeps_the_words_of_the_provider() {
    for message in ["Something is wrong", "Unknown parameter", "A parameter of yours"] {
        let error = refused(100, Some(1), Reaction::FinalTemplateMistake, message);
        let Verdict::Refused { reason, problems } = verdict(&error, &template()) else { panic!("{message}") };
        assert_eq!((reason, problems), (format!("100: Not like this: {message}"), vec![]));
    }
}

#[test]
fn a_component_that_is_blamed_and_missing_stands_for_all() {
    let bare = a_template(json!([{ "type": "BODY", "text": "Hello." }]));
    let error = refused(100, Some(2_388_047), Reaction::FinalTemplateMistake, "Header");
    let Verdict::Refused { problems, .. } = verdict(&error, &bare) else { panic!("it is a refusal") };
    assert_eq!(problems[0].field, "components");
}

#[test]
fn what_may_pass_is_no_refusal() {
    let template = template();
    assert!(matches!(verdict(&refused(100, Some(2_388_024), Reaction::FinalTemplateMistake, "exists"), &template), Verdict::NameTaken));
    assert!(matches!(verdict(&refused(190, None, Reaction::PauseAccount, "expired"), &template), Verdict::Trouble(_)));
    assert!(matches!(verdict(&refused(2, None, Reaction::RetryRow { max_tries: 5 }, "later"), &template), Verdict::Again));
    assert!(matches!(verdict(&GraphError::NotSent(NotSentCause::Refused), &template), Verdict::Again));
    let Verdict::Later(wait) = verdict(&refused(80_007, None, Reaction::RetryLater { seconds: 60 }, "calls"), &template) else {
        panic!("it is not later")
    };
    assert!((600..=900).contains(&wait.as_secs()), "{wait:?}");
}
