//! Calls about templates, uploads and numbers, against a server that answers what the manual says.

use futures::stream;
use serde_json::{Value, json};

use super::{
    BRIEF, PATIENT, client,
    server::{Server, Step},
    token,
};
use crate::whatsapp::*;

#[tokio::test]
async fn templates_are_listed_page_by_page() {
    let page = |id: &str, next: bool| {
        let mut page = json!({"data": [{"id": id, "name": "n", "language": "de", "status": "APPROVED", "category": "MARKETING", "components": [], "quality_score": {"score": "GREEN", "date": 1}, "new": 1}],
            "paging": {"cursors": {"before": "b", "after": "cursor"}}});
        if next {
            page["paging"]["next"] = json!("https://example.com/next");
        }
        page.to_string()
    };
    let pages = [page("1", true), page("2", false)];
    let server = Server::start(move |at| Step::answer(200, &pages[at])).await;
    let client = client(&server.url(), PATIENT, PATIENT);
    let first = client.list_templates(&token(), "WABA", TemplateFilter { name: Some("n&x"), ..TemplateFilter::default() }).await.unwrap();
    assert_eq!((first.templates[0].id.as_str(), first.after.as_deref()), ("1", Some("cursor")));
    let second = client
        .list_templates(&token(), "WABA", TemplateFilter { after: first.after.as_deref(), ..TemplateFilter::default() })
        .await
        .unwrap();
    assert_eq!((second.templates[0].id.as_str(), second.after), ("2", None));
    let requests = server.requests();
    assert!(requests[0].head.contains("&limit=100&name=n%26x HTTP"), "{}", requests[0].head);
    assert!(requests[1].head.contains("&after=cursor HTTP"), "{}", requests[1].head);
}

#[tokio::test]
async fn management_calls_are_typed() {
    let server = Server::start(|at| match at {
        0 => Step::answer(200, r#"{"id":"7","status":"PENDING","category":"UTILITY"}"#),
        1 => Step::answer(200, r#"{"success":true}"#),
        2 => Step::answer(200, r#"{"id":"4711","display_phone_number":"+49 1","throughput":{"level":"STANDARD"}}"#),
        3 => Step::answer(401, r#"{"error":{"message":"expired","code":190,"error_subcode":463}}"#),
        4 => Step::answer(429, r#"{"error":{"message":"calls","code":80007,"is_transient":true}}"#),
        5 => Step::answer(500, "<html>"),
        6 => Step::answer(200, "<html>"),
        _ => Step::Close,
    })
    .await;
    let client = client(&server.url(), PATIENT, PATIENT);
    let components = json!([{"type": "BODY", "text": "Hi"}]);
    let new = NewTemplate {
        name: "n",
        category: "UTILITY",
        language: "de",
        parameter_format: "POSITIONAL",
        components: &components,
        message_send_ttl_seconds: None,
    };
    let created = client.create_template(&token(), "WABA", &new).await.unwrap();
    assert_eq!((created.id.as_str(), created.status.as_str()), ("7", "PENDING"));
    client.delete_template(&token(), "WABA", "n", Some("7")).await.unwrap();
    let number = client.phone_number(&token(), "4711").await.unwrap();
    assert_eq!(number.throughput.unwrap().level, "STANDARD");
    let expired = client.template(&token(), "7").await.unwrap_err();
    assert_eq!(expired.refusal().map(|refusal| refusal.reaction), Some(Reaction::PauseAccount));
    assert!(!expired.is_retryable());
    assert!(client.template(&token(), "7").await.unwrap_err().is_retryable());
    assert!(matches!(
        client.template(&token(), "7").await,
        Err(GraphError::Failed(AmbiguousCause::ServerError { status: 500, code: None }))
    ));
    assert!(matches!(client.template(&token(), "7").await, Err(GraphError::Unreadable(_))));
    let lost = client.template(&token(), "7").await.unwrap_err();
    assert!(matches!(lost, GraphError::Transport(_)) && lost.is_retryable());
    assert!(matches!(client.template(&token(), "../7").await, Err(GraphError::Input(_))));
    let requests = server.requests();
    assert!(requests[0].head.starts_with("POST /v25.0/WABA/message_templates HTTP"), "{}", requests[0].head);
    assert!(requests[1].head.starts_with("DELETE /v25.0/WABA/message_templates?name=n&hsm_id=7 HTTP"), "{}", requests[1].head);
}

#[tokio::test]
async fn changes_of_templates_say_only_what_changes() {
    let server = Server::start(|at| match at {
        0..=2 => Step::answer(200, r#"{"success":true}"#),
        3 => Step::answer(200, r#"{"success":false,"reason":"not paused"}"#),
        _ => Step::answer(200, r#"{"id":"8","status":"PENDING"}"#),
    })
    .await;
    let client = client(&server.url(), PATIENT, PATIENT);
    let components = json!([{"type": "BODY", "text": "Hi"}]);
    let edit = TemplateEdit { components: Some(&components), message_send_ttl_seconds: Some(-1), ..TemplateEdit::default() };
    client.edit_template(&token(), "7", &edit).await.unwrap();
    client.edit_template(&token(), "7", &TemplateEdit { category: Some("UTILITY"), ..TemplateEdit::default() }).await.unwrap();
    client.delete_template(&token(), "WABA", "n", None).await.unwrap();
    let unpaused = client.unpause_template(&token(), "7").await.unwrap();
    assert_eq!(unpaused, UnpauseAnswer { success: false, reason: Some("not paused".into()) });
    let new = NewTemplate {
        name: "n",
        category: "MARKETING",
        language: "de",
        parameter_format: "NAMED",
        components: &components,
        message_send_ttl_seconds: Some(43_200),
    };
    client.create_template(&token(), "WABA", &new).await.unwrap();
    let requests = server.requests();
    let body = |at: usize| serde_json::from_str::<Value>(&requests[at].body).unwrap();
    assert!(requests[0].head.starts_with("POST /v25.0/7 HTTP"), "{}", requests[0].head);
    assert_eq!(body(0), json!({"components": components, "message_send_ttl_seconds": -1}));
    assert_eq!(body(1), json!({"category": "UTILITY"}));
    assert!(requests[2].head.starts_with("DELETE /v25.0/WABA/message_templates?name=n HTTP"), "{}", requests[2].head);
    assert!(requests[3].head.starts_with("POST /v25.0/7/unpause HTTP"), "{}", requests[3].head);
    assert_eq!(body(4)["message_send_ttl_seconds"], 43_200);
}

#[tokio::test]
async fn odd_details_of_a_template_are_left_out() {
    let answer = json!({"data": [{"id": "7", "name": "n", "language": "de", "status": "APPROVED", "message_send_ttl_seconds": {"odd": 1},
        "quality_score": "GREEN"}, {"id": "8", "name": "n", "language": "en", "status": "NEW_WORD"}]});
    let server = Server::start(move |_| Step::answer(200, &answer.to_string())).await;
    let page = client(&server.url(), PATIENT, PATIENT).list_templates(&token(), "WABA", TemplateFilter::default()).await.unwrap();
    assert_eq!(page.templates.iter().map(|template| template.status.as_str()).collect::<Vec<_>>(), ["APPROVED", "NEW_WORD"]);
    assert_eq!((page.templates[0].message_send_ttl_seconds, &page.templates[0].quality_score), (None, &None));
}

#[tokio::test]
async fn a_template_tells_its_other_categories_and_how_long_it_is_delivered() {
    let answer = json!({"id": "7", "name": "n", "language": "de", "status": "APPROVED", "category": "MARKETING", "previous_category": "UTILITY",
        "correct_category": null, "message_send_ttl_seconds": 600, "quality_score": {"score": "RED", "date": 1}});
    let server = Server::start(move |_| Step::answer(200, &answer.to_string())).await;
    let template = client(&server.url(), PATIENT, PATIENT).template(&token(), "7").await.unwrap();
    assert_eq!((template.previous_category.as_deref(), template.correct_category), (Some("UTILITY"), None));
    assert_eq!((template.message_send_ttl_seconds, template.quality_score.unwrap().score.as_str()), (Some(600), "RED"));
    let asked = &server.requests()[0].head;
    for field in ["message_send_ttl_seconds", "previous_category", "correct_category", "rejected_reason"] {
        assert!(asked.contains(field), "{asked}");
    }
}

/// What one call to create a template ends with when the server does `step`.
async fn creation(step: Step) -> GraphError {
    let server = Server::start(move |_| step.clone()).await;
    create(&client(&server.url(), PATIENT, PATIENT)).await.unwrap_err()
}

async fn create(client: &CloudClient) -> Result<CreatedTemplate, GraphError> {
    let components = json!([]);
    let new = NewTemplate {
        name: "n",
        category: "UTILITY",
        language: "de",
        parameter_format: "POSITIONAL",
        components: &components,
        message_send_ttl_seconds: None,
    };
    client.create_template(&token(), "WABA", &new).await
}

#[tokio::test]
async fn what_became_of_a_creation_is_told_apart() {
    let refusal = |code: i64| json!({"error": {"message": "m", "code": code}}).to_string();
    for step in
        [Step::answer(400, &refusal(100)), Step::answer(429, &refusal(80_007)), Step::answer(401, &refusal(190)), Step::answer(403, "")]
    {
        assert_eq!(creation(step.clone()).await.fate(), Fate::Refused, "{step:?}");
    }
    for step in [
        Step::Close,
        Step::Reset,
        Step::answer(500, &refusal(2)),
        Step::answer(500, &refusal(131_000)),
        Step::answer(502, "<html>"),
        Step::answer(200, "<html>"),
        Step::answer(200, r#"{"status":"PENDING"}"#),
        Step::WriteAndClose("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".into()),
    ] {
        assert_eq!(creation(step.clone()).await.fate(), Fate::Ambiguous, "{step:?}");
    }
    let hanging = Server::start(|_| Step::Hang(String::new())).await;
    assert_eq!(create(&client(&hanging.url(), PATIENT, BRIEF)).await.unwrap_err().fate(), Fate::Ambiguous);
    // Nobody listens on a port that was just given back.
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let unreachable = client(&format!("http://127.0.0.1:{port}"), PATIENT, PATIENT);
    let error = create(&unreachable).await.unwrap_err();
    assert!(matches!(error, GraphError::NotSent(NotSentCause::Refused)) && error.is_retryable(), "{error:?}");
    assert_eq!(error.fate(), Fate::NotSent);
    assert_eq!(unreachable.template(&token(), "7").await.unwrap_err().fate(), Fate::NotSent);
    assert_eq!(unreachable.template(&token(), "../7").await.unwrap_err().fate(), Fate::NotSent);
}

#[tokio::test]
async fn refusals_keep_the_words_for_people() {
    let error = json!({"message": "(#100) Invalid parameter", "code": 100, "error_subcode": 2_388_024, "error_user_title": "Content exists",
        "error_user_msg": "There is already German content for this template.", "fbtrace_id": "T"});
    let error = creation(Step::answer(400, &json!({ "error": error }).to_string())).await;
    assert!(error.is_name_taken() && !error.is_unknown_object());
    let refusal = error.refusal().unwrap();
    assert_eq!((refusal.code, refusal.subcode), (Some(100), Some(codes::subcode::NAME_TAKEN)));
    assert_eq!(refusal.user_title.as_deref(), Some("Content exists"));
    assert_eq!(refusal.user_message.as_deref(), Some("There is already German content for this template."));
    // Words of the wrong type harm nothing.
    let odd = json!({"error": {"code": 100, "error_subcode": "2388299", "error_user_title": 7, "error_user_msg": {"a": 1}}});
    let error = creation(Step::answer(400, &odd.to_string())).await;
    let refusal = error.refusal().unwrap();
    assert_eq!((refusal.subcode, refusal.user_title.as_deref(), &refusal.user_message), (Some(2_388_299), Some("7"), &None));
}

#[tokio::test]
async fn what_is_unknown_is_told_from_other_refusals() {
    for (status, error, unknown) in [
        (400, json!({"code": 100, "error_subcode": 33}), true),
        (400, json!({"code": 100, "error_subcode": 2_593_002}), true),
        (404, json!({"code": 803}), true),
        (404, json!({"code": 100}), true),
        (400, json!({"code": 100}), false),
        (400, json!({"code": 100, "error_subcode": 2_388_024}), false),
        (401, json!({"code": 190, "error_subcode": 463}), false),
    ] {
        let found = creation(Step::answer(status, &json!({ "error": error }).to_string())).await;
        assert_eq!(found.is_unknown_object(), unknown, "{status} {error}");
    }
    // Something between us and the provider knows nothing of templates.
    assert!(!creation(Step::answer(404, "<html>not found</html>")).await.is_unknown_object());
}

fn bytes(text: &'static str) -> impl futures::TryStream<Ok = &'static [u8], Error = std::io::Error> + Send + 'static {
    stream::iter(text.as_bytes().chunks(3).map(Ok))
}

#[tokio::test]
async fn an_upload_that_breaks_goes_on_where_the_provider_says() {
    let server = Server::start(|at| match at {
        0 => Step::answer(200, r#"{"id":"upload:MTp==?sig=AR_1"}"#),
        1 => Step::Close,
        2 => Step::answer(200, r#"{"id":"upload:MTp==?sig=AR_1","file_offset":4}"#),
        _ => Step::answer(200, r#"{"h":"4::aW1hZ2U="}"#),
    })
    .await;
    let client = client(&server.url(), PATIENT, PATIENT);
    let file = NewUpload { file_name: "a b.png", file_length: 10, file_type: "image/png" };
    let session = client.start_upload(&token(), "app", &file).await.unwrap();
    let broken = client.upload(&token(), &session, UploadPart { offset: 0, length: 10, content: bytes("0123456789") }).await.unwrap_err();
    assert_eq!(broken.fate(), Fate::Ambiguous);
    let offset = client.upload_offset(&token(), &session).await.unwrap();
    assert_eq!(offset, 4);
    let handle = client.upload(&token(), &session, UploadPart { offset, length: 6, content: bytes("456789") }).await.unwrap();
    assert_eq!(handle, "4::aW1hZ2U=");
    let requests = server.requests();
    let start = "POST /v25.0/app/uploads?file_name=a+b.png&file_length=10&file_type=image%2Fpng HTTP";
    assert!(requests[0].head.starts_with(start), "{}", requests[0].head);
    assert!(requests[0].head.to_ascii_lowercase().contains("\r\nauthorization: bearer token-1\r\n"), "{}", requests[0].head);
    assert!(requests[2].head.starts_with("GET /v25.0/upload:MTp==?sig=AR_1 HTTP"), "{}", requests[2].head);
    assert_eq!((requests[1].body.as_str(), requests[3].body.as_str()), ("0123456789", "456789"));
    let head = &requests[3].head;
    assert!(head.starts_with("POST /v25.0/upload:MTp==?sig=AR_1 HTTP"), "{head}");
    let head = head.to_ascii_lowercase();
    for line in ["authorization: oauth token-1", "file_offset: 4", "content-length: 6"] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{head}");
    }
    assert!(!head.contains("transfer-encoding"), "{head}");
}

#[tokio::test]
async fn content_that_ends_early_or_breaks_uploads_nothing() {
    let server = Server::start(|at| match at {
        0 => Step::answer(200, r#"{"id":"upload:1"}"#),
        _ => Step::answer(200, r#"{"h":"4::x"}"#),
    })
    .await;
    let client = client(&server.url(), PATIENT, PATIENT);
    let file = NewUpload { file_name: "a.pdf", file_length: 10, file_type: "application/pdf" };
    let session = client.start_upload(&token(), "app", &file).await.unwrap();
    let short = UploadPart { offset: 0, length: 10, content: bytes("0123") };
    assert!(matches!(client.upload(&token(), &session, short).await, Err(GraphError::Transport(_))));
    let failing = stream::iter([Ok(&b"01"[..]), Err(std::io::Error::other("the store is away"))]);
    let broken = UploadPart { offset: 0, length: 10, content: failing };
    assert!(matches!(client.upload(&token(), &session, broken).await, Err(GraphError::Transport(_))));
    assert_eq!(server.requests().len(), 1, "no whole request came");
}

#[tokio::test]
async fn a_session_without_a_usable_id_is_refused() {
    for id in ["", "4711", "upload:a b", "https://elsewhere.example/upload:1"] {
        let answer = json!({ "id": id }).to_string();
        let server = Server::start(move |_| Step::answer(200, &answer)).await;
        let file = NewUpload { file_name: "a.pdf", file_length: 10, file_type: "application/pdf" };
        let started = client(&server.url(), PATIENT, PATIENT).start_upload(&token(), "app", &file).await;
        assert!(matches!(started, Err(GraphError::Unreadable(_))), "{id}");
    }
}
