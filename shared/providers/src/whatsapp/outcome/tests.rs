use super::*;

fn envelope(code: i64, extra: &str) -> String {
    format!(
        r#"{{"error":{{"message":"(#{code}) Words","type":"OAuthException","code":{code},"error_data":{{"messaging_product":"whatsapp","details":"More words"}},"fbtrace_id":"Atrace"{extra}}}}}"#
    )
}

fn reaction(status: u16, body: &str) -> Option<Reaction> {
    match classify(status, body.as_bytes()) {
        SendOutcome::Rejected(rejection) => Some(rejection.reaction),
        SendOutcome::Ambiguous { .. } => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_acceptance_gives_the_id() {
    for (body, held) in [
        (r#"{"messaging_product":"whatsapp","contacts":[{"input":"+1","wa_id":"1"}],"messages":[{"id":"wamid.A=="}]}"#, false),
        (r#"{"messages":[{"id":"wamid.A==","message_status":"accepted","group_id":"g"}],"new":{}}"#, false),
        (r#"{"messages":[{"id":"wamid.A==","message_status":"held_for_quality_assessment"}]}"#, true),
        (r#"{"messages":[{"message_status":"paused","id":"wamid.A=="}]}"#, true),
        (r#"{"messages":[{"id":"wamid.A==","message_status":{"odd":[1]}}]}"#, false),
    ] {
        let expected = SendOutcome::Accepted { provider_id: "wamid.A==".to_owned(), held_for_quality: held };
        for status in [200, 201, 202] {
            assert_eq!(classify(status, body.as_bytes()), expected, "{body}");
        }
    }
}

#[test]
fn a_2xx_that_cannot_be_read_is_ambiguous() {
    for body in [
        "",
        "OK",
        "<html>",
        "{}",
        "[]",
        r#"{"messages":[]}"#,
        r#"{"messages":[{}]}"#,
        r#"{"messages":[{"id":""}]}"#,
        r#"{"messages":[{"id":null}]}"#,
        r#"{"error":{"code":131000}}"#,
    ] {
        assert_eq!(
            classify(200, body.as_bytes()),
            SendOutcome::Ambiguous { cause: AmbiguousCause::UnreadableAnswer { status: 200 } },
            "{body}"
        );
    }
}

#[test]
fn a_known_code_decides_whatever_the_status() {
    for (code, expected) in [
        (130_429, Reaction::SlowNumber),
        (131_056, Reaction::HoldPair),
        (131_049, Reaction::HoldPerson),
        (190, Reaction::PauseAccount),
        (132_015, Reaction::PauseTemplate),
        (131_000, Reaction::RetryRow { max_tries: 3 }),
        (131_050, Reaction::FinalOptedOut),
    ] {
        for status in [400, 401, 403, 404, 429, 500, 503] {
            assert_eq!(reaction(status, &envelope(code, "")), Some(expected), "{code} with {status}");
        }
    }
}

#[test]
fn platform_faults_are_ambiguous_with_5xx_only() {
    for code in [1, 2, 131_016] {
        assert!(matches!(reaction(400, &envelope(code, "")), Some(Reaction::RetryRow { .. })), "{code}");
        assert_eq!(
            classify(503, envelope(code, "").as_bytes()),
            SendOutcome::Ambiguous { cause: AmbiguousCause::ServerError { status: 503, code: Some(code) } }
        );
    }
}

#[test]
fn unknown_codes_are_judged_by_status_and_transience() {
    assert_eq!(reaction(400, &envelope(999_999, "")), Some(Reaction::FinalForRow));
    assert_eq!(reaction(400, &envelope(999_999, r#","is_transient":true"#)), Some(Reaction::RetryRow { max_tries: 5 }));
    assert_eq!(reaction(400, &envelope(999_999, r#","is_transient":"maybe""#)), Some(Reaction::FinalForRow));
    assert_eq!(reaction(429, &envelope(999_999, "")), Some(Reaction::SlowNumber));
    assert_eq!(reaction(500, &envelope(999_999, r#","is_transient":true"#)), None);
}

#[test]
fn answers_without_an_envelope_are_judged_by_status() {
    for body in ["", "<html>", "{}", "null", r#"{"error":"text"}"#, r#"{"error":{"code":"190"}}"#] {
        for status in [500, 502, 503, 504, 599] {
            assert_eq!(
                classify(status, body.as_bytes()),
                SendOutcome::Ambiguous { cause: AmbiguousCause::ServerError { status, code: None } }
            );
        }
        assert_eq!(reaction(400, body), Some(Reaction::RetryRow { max_tries: 5 }));
        assert_eq!(reaction(403, body), Some(Reaction::PauseAccount));
        assert_eq!(reaction(429, body), Some(Reaction::SlowNumber));
    }
    assert_eq!(reaction(307, ""), Some(Reaction::PauseAccount));
    for status in [301, 302, 303, 304] {
        assert_eq!(classify(status, b""), SendOutcome::Ambiguous { cause: AmbiguousCause::UnreadableAnswer { status } });
    }
}

#[test]
fn details_are_kept_in_every_shape() {
    let details = |body: &str| rejection(400, body.as_bytes()).unwrap().details;
    assert_eq!(details(&envelope(100, "")).as_deref(), Some("More words"));
    assert_eq!(details(r#"{"error":{"code":100,"error_data":"plain"}}"#).as_deref(), Some("plain"));
    assert_eq!(details(r#"{"error":{"code":100,"message":"m","error_user_msg":"for people"}}"#).as_deref(), Some("for people"));
    assert_eq!(details(r#"{"error":{"code":100,"message":"m","error_data":[1]}}"#).as_deref(), Some("m"));
    let full = rejection(400, envelope(131_026, "").as_bytes()).unwrap();
    assert_eq!(full.code, Some(131_026));
    assert_eq!(full.trace_id.as_deref(), Some("Atrace"));
    assert_eq!(full.title, "the message is undeliverable");
}
