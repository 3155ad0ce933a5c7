//! Webhooks: what is told, how it is signed, and how often it is tried.

use super::{
    super::{Inbound, WebhookFaults, sign},
    *,
};

const PHONE: &str = "+4915112345678";

fn with(webhook: WebhookFaults) -> Faults {
    Faults { webhook, ..Faults::default() }
}

#[tokio::test]
async fn statuses_follow_a_send_signed_and_with_our_data() {
    let (simulator, client, mut receiver) =
        start_with_receiver(with(WebhookFaults { read_share: 1.0, batch: 1, ..Default::default() })).await;
    let wamid = client.send_text(PHONE).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let post = receiver.next().await;
        assert_eq!(post.signature, sign(b"app-secret", &post.body));
        assert_ne!(post.signature, sign(b"another", &post.body));
        let body: Value = serde_json::from_slice(&post.body).unwrap();
        assert_eq!(body["object"], "whatsapp_business_account");
        let change = &body["entry"][0]["changes"][0];
        assert_eq!(change["field"], "messages");
        assert_eq!(change["value"]["metadata"]["phone_number_id"], NUMBER);
        statuses.push(change["value"]["statuses"][0].clone());
    }
    assert_eq!(names(&statuses), ["sent", "delivered", "read"]);
    for status in &statuses {
        assert_eq!(status["id"], wamid);
        assert_eq!(status["recipient_id"], "4915112345678");
        assert_eq!(status["biz_opaque_callback_data"], format!("opaque-{PHONE}"));
        assert!(status["timestamp"].as_str().unwrap().parse::<i64>().is_ok());
        assert!(status["conversation"].is_null());
    }
    assert_eq!(statuses[0]["pricing"]["category"], "service");
    assert!(statuses[1]["pricing"].is_object() && statuses[2]["pricing"].is_null());
    assert_eq!(simulator.stats().statuses, 3);
    while simulator.stats().webhooks_pending > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_webhook_is_tried_again_until_it_is_answered_200() {
    let (simulator, client, mut receiver) = start_with_receiver(with(WebhookFaults { read_share: 0.0, ..Default::default() })).await;
    *receiver.answers.lock().unwrap() = vec![StatusCode::INTERNAL_SERVER_ERROR, StatusCode::ACCEPTED, StatusCode::NOT_FOUND];
    client.send_text(PHONE).await;
    let statuses = receiver.statuses(5).await;
    let of = |name: &str| names(&statuses).into_iter().filter(|status| *status == name).count();
    assert_eq!(of("sent") + of("delivered"), 5);
    assert!(of("sent") >= 1 && of("delivered") >= 1);
    assert_eq!(simulator.stats().webhooks_failed, 3);
}

#[tokio::test]
async fn webhooks_wait_for_a_receiver_that_is_away() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let (simulator, client, mut receiver) = start_with_receiver(with(WebhookFaults { read_share: 0.0, ..Default::default() })).await;
    simulator.set_callback_url(Some(&nobody));
    client.send_text(PHONE).await;
    while simulator.stats().webhooks_failed < 2 {
        tokio::task::yield_now().await;
    }
    simulator.set_callback_url(Some(&receiver.url));
    assert_eq!(receiver.statuses(2).await.len(), 2);
}

#[tokio::test]
async fn duplicates_and_reversed_orders_come_when_told() {
    let webhook = WebhookFaults { duplicate_share: 1.0, reorder_share: 1.0, read_share: 1.0, ..Default::default() };
    let (_simulator, client, mut receiver) = start_with_receiver(with(webhook)).await;
    client.send_text(PHONE).await;
    let statuses = receiver.statuses(6).await;
    let firsts: Vec<_> = names(&statuses).into_iter().fold(Vec::new(), |mut firsts, name| {
        if !firsts.contains(&name) {
            firsts.push(name);
        }
        firsts
    });
    assert_eq!(firsts, ["read", "delivered", "sent"]);
    let mut all = names(&statuses);
    all.sort_unstable();
    assert_eq!(all, ["delivered", "delivered", "read", "read", "sent", "sent"]);
}

#[tokio::test]
async fn a_failure_is_told_with_its_reason_and_nothing_else() {
    let webhook = WebhookFaults { failed_share: 1.0, failed_code: 131_049, ..Default::default() };
    let (_simulator, client, mut receiver) = start_with_receiver(with(webhook)).await;
    client.send_text(PHONE).await;
    let statuses = receiver.statuses(1).await;
    assert_eq!(names(&statuses), ["failed"]);
    assert_eq!(statuses[0]["errors"][0]["code"], 131_049);
    assert_eq!(statuses[0]["errors"][0]["title"], statuses[0]["errors"][0]["message"]);
}

#[tokio::test]
async fn sent_can_come_before_the_answer() {
    let webhook = WebhookFaults { before_answer_share: 1.0, read_share: 0.0, ..Default::default() };
    let (_simulator, client, mut receiver) = start_with_receiver(with(webhook)).await;
    client.send_text(PHONE).await;
    let first = receiver.posts.try_recv().expect("the webhook was there before the answer");
    assert!(String::from_utf8_lossy(&first.body).contains("\"sent\""));
    assert_eq!(names(&receiver.statuses(1).await), ["delivered"]);
}

#[tokio::test]
async fn many_statuses_share_a_post() {
    let webhook = WebhookFaults { delay_ms: 200, read_share: 0.0, batch: 7, ..Default::default() };
    let (_simulator, client, mut receiver) = start_with_receiver(with(webhook)).await;
    let client = Arc::new(client);
    let mut sends = tokio::task::JoinSet::new();
    for last in 100..250 {
        let (client, number) = (Arc::clone(&client), if last % 2 == 0 { "1001" } else { "1002" });
        let body = text(&format!("+4915112345{last}"));
        sends.spawn(async move { client.post(&format!("/v25.0/{number}/messages"), &body).await.unwrap().0 });
    }
    assert!(sends.join_all().await.into_iter().all(|status| status == StatusCode::OK));

    let (mut told, mut posts) = (HashSet::new(), 0);
    while told.len() < 300 {
        let body: Value = serde_json::from_slice(&receiver.next().await.body).unwrap();
        let mut in_this_post = 0;
        for entry in body["entry"].as_array().unwrap() {
            let value = &entry["changes"][0]["value"];
            let even = value["metadata"]["phone_number_id"] == "1001";
            for status in value["statuses"].as_array().unwrap() {
                let to: u64 = status["recipient_id"].as_str().unwrap().parse().unwrap();
                assert_eq!(to.is_multiple_of(2), even, "a status stands under the number that sent");
                told.insert(format!("{}{}", status["id"], status["status"]));
                in_this_post += 1;
            }
        }
        assert!(in_this_post <= 7);
        posts += 1;
    }
    assert!(posts < 300, "{posts} posts");
}

#[tokio::test]
async fn a_customer_writes_and_opts_out() {
    let (simulator, client, mut receiver) = start_with_receiver(Faults::default()).await;
    let (status, answer) = client
        .post("/_simulator/inbound", &json!({ "phoneNumberId": NUMBER, "from": PHONE, "text": "Grüße 👋", "name": "Ada" }))
        .await
        .unwrap();
    assert_eq!(status, StatusCode::ACCEPTED);
    let post = receiver.next().await;
    assert!(post.body.is_ascii(), "the provider escapes what is not ASCII");
    assert_eq!(post.signature, sign(b"app-secret", &post.body));
    let body: Value = serde_json::from_slice(&post.body).unwrap();
    let value = &body["entry"][0]["changes"][0]["value"];
    assert_eq!(value["metadata"]["phone_number_id"], NUMBER);
    assert_eq!(
        (value["contacts"][0]["wa_id"].as_str(), value["contacts"][0]["profile"]["name"].as_str()),
        (Some("4915112345678"), Some("Ada"))
    );
    assert_eq!(value["messages"][0]["text"]["body"], "Grüße 👋");
    assert_eq!(value["messages"][0]["id"], answer["wamid"]);

    simulator.write_inbound(&Inbound { from: Some(PHONE.to_owned()), opt_out: Some(true), ..Default::default() }).unwrap();
    let (value, _) = receiver.change("user_preferences").await;
    assert_eq!(value["user_preferences"][0]["value"], "stop");
    // Marketing is accepted, and fails later.
    client.send(&template("offer", &[])).await.unwrap();
    let statuses = receiver.statuses(1).await;
    assert_eq!((names(&statuses), statuses[0]["errors"][0]["code"].as_i64()), (vec!["failed"], Some(131_050)));
}

#[tokio::test]
async fn webhooks_can_be_off() {
    let (simulator, client, mut receiver) = start_with_receiver(with(WebhookFaults { off: true, ..Default::default() })).await;
    client.send_text(PHONE).await;
    assert_eq!((simulator.stats().statuses, simulator.stats().webhooks_pending), (0, 0));
    assert!(receiver.posts.try_recv().is_err());
}
