//! What happens to templates by themselves and by decisions, on a clock moved by hand.

use chrono::{DateTime, TimeDelta};
use kernel::{Clock, ManualClock};

use super::{super::Review, *};

/// A simulator on a clock that stands still.
struct World {
    simulator: Simulator,
    client: Client,
    receiver: Receiver,
    clock: Arc<ManualClock>,
}

impl World {
    async fn start(faults: Value) -> Self {
        let clock = Arc::new(ManualClock::new(DateTime::from_timestamp(1_790_000_000, 0).unwrap()));
        let faults = Faults::default().merged(faults).unwrap();
        let shared: SharedClock = Arc::clone(&clock) as _;
        let (simulator, client, receiver) = start_with_clock(faults, shared).await;
        Self { simulator, client, receiver, clock }
    }

    /// Creates a template and waits for its approval.
    async fn approved(&mut self, name: &str) -> String {
        let id = self.client.create(&definition(name, "Hi {{1}}, all well?")).await;
        self.simulator.review(&id, &Review::Approve);
        assert_eq!(self.receiver.status_update().await["event"], "APPROVED");
        id
    }

    async fn shown(&self, id: &str) -> Value {
        let fields = "status,category,previous_category,correct_category,quality_score,rejected_reason,components";
        self.client.get(&format!("/v25.0/{id}?fields={fields}")).await.1
    }

    async fn edit(&self, id: &str, edit: &Value) -> (StatusCode, Value) {
        self.client.post(&format!("/v25.0/{id}"), edit).await.unwrap()
    }

    async fn review(&self, id: &str, body: &Value) -> Value {
        let (status, answer) = self.client.post(&format!("/_simulator/templates/{id}/review"), body).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }
}

fn body_edit(text: &str) -> Value {
    json!({ "components": [{ "type": "BODY", "text": text, "example": { "body_text": [["Ada"]] } }] })
}

#[tokio::test]
async fn a_review_comes_when_its_time_has_come() {
    let mut world = World::start(json!({ "reviewDelayMs": 86_400_000 })).await;
    let id = world.client.create(&definition("slow", "Hi {{1}}, all well?")).await;
    world.clock.advance(TimeDelta::hours(23));
    assert_eq!(world.shown(&id).await["status"], "PENDING");
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(world.receiver.status_update().await["event"], "APPROVED");
    assert_eq!(world.shown(&id).await["status"], "APPROVED");
    world.simulator.merge_faults(json!({ "reviewDelayMs": 0, "template": { "reviewRejects": "PROMOTIONAL" } })).unwrap();
    let id = world.client.create(&definition("loud", "Hi {{1}}, buy now!")).await;
    let told = world.receiver.status_update().await;
    assert_eq!((told["event"].as_str(), told["rejection_info"]["reason"].as_str()), (Some("REJECTED"), Some("PROMOTIONAL")));
    assert_eq!(world.shown(&id).await["rejected_reason"], "PROMOTIONAL");
}

#[tokio::test]
async fn pauses_end_by_themselves_and_the_third_disables() {
    let mut world = World::start(json!({})).await;
    let id = world.approved("paused").await;
    for (title, hours) in [("FIRST_PAUSE", 3), ("SECOND_PAUSE", 6)] {
        world.review(&id, &json!({ "action": "quality", "score": "red" })).await;
        world.review(&id, &json!({ "action": "pause" })).await;
        let told = world.receiver.status_update().await;
        assert_eq!((told["event"].as_str(), told["other_info"]["title"].as_str()), (Some("PAUSED"), Some(title)));
        world.clock.advance(TimeDelta::hours(hours) - TimeDelta::seconds(1));
        assert_eq!(world.shown(&id).await["status"], "PAUSED");
        world.clock.advance(TimeDelta::seconds(1));
        let told = world.receiver.status_update().await;
        assert_eq!((told["event"].as_str(), told["other_info"]["title"].as_str()), (Some("APPROVED"), Some("UNPAUSE")));
        let shown = world.shown(&id).await;
        assert_eq!((shown["status"].as_str(), shown["quality_score"]["score"].as_str()), (Some("APPROVED"), Some("UNKNOWN")));
    }
    world.simulator.review(&id, &Review::Pause);
    let told = world.receiver.status_update().await;
    assert_eq!((told["event"].as_str(), told["other_info"]["title"].as_str()), (Some("DISABLED"), Some("DISABLED")));
    assert!(told["disable_info"]["disable_date"].is_string());
    let (status, refusal) = world.client.delete(&format!("{}?name=paused", templates_path())).await;
    assert_eq!((status, code(&refusal)), (StatusCode::BAD_REQUEST, 100));
    assert_eq!(subcode(&world.edit(&id, &body_edit("Hello there.")).await.1), 2_388_039);
}

#[tokio::test]
async fn a_pause_can_be_ended_by_hand_once() {
    let mut world = World::start(json!({})).await;
    let id = world.approved("paused").await;
    world.simulator.review(&id, &Review::Pause);
    world.receiver.status_update().await;
    let unpause = format!("/v25.0/{id}/unpause");
    assert_eq!(world.client.post(&unpause, &json!({})).await.unwrap().1, json!({ "success": true }));
    assert_eq!(world.receiver.status_update().await["other_info"]["title"], "UNPAUSE");
    let (_, declined) = world.client.post(&unpause, &json!({})).await.unwrap();
    assert_eq!(declined["success"], false);
    assert_eq!(world.simulator.template_calls().unpaused, 1);
}

#[tokio::test]
async fn an_approved_template_is_edited_once_a_day_and_ten_times_a_month() {
    let mut world = World::start(json!({})).await;
    let id = world.approved("often").await;
    let begun = world.clock.now();
    for day in 0..10 {
        assert_eq!(world.edit(&id, &body_edit(&format!("Hello {{{{1}}}}, day {day}."))).await.0, StatusCode::OK);
        assert_eq!(world.shown(&id).await["status"], "PENDING");
        assert_eq!(subcode(&world.edit(&id, &body_edit("Too soon.")).await.1), 2_388_039, "pending ones cannot be edited");
        world.simulator.review(&id, &Review::Approve);
        world.clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
        assert_eq!(subcode(&world.edit(&id, &body_edit("Too soon.")).await.1), 2_388_039);
        world.clock.advance(TimeDelta::seconds(1));
    }
    assert_eq!(subcode(&world.edit(&id, &body_edit("The eleventh.")).await.1), 2_388_039);
    world.clock.advance(begun + TimeDelta::days(30) - world.clock.now());
    assert_eq!(world.edit(&id, &body_edit("A month later.")).await.0, StatusCode::OK);
    let entry = world.simulator.templates().remove(0);
    assert_eq!((entry.versions, world.simulator.template_calls().edited), (12, 11));
}

#[tokio::test]
async fn rejected_and_paused_templates_are_edited_at_will() {
    let mut world = World::start(json!({})).await;
    let id = world.approved("changing").await;
    assert_eq!(subcode(&world.edit(&id, &json!({ "category": "MARKETING" })).await.1), 2_388_039, "the category is fixed");
    for review in [Review::Reject("SCAM".to_owned()), Review::Pause] {
        for text in ["Hello once.", "Hello twice."] {
            world.simulator.review(&id, &review);
            assert_eq!(world.edit(&id, &body_edit(text)).await.0, StatusCode::OK);
        }
        world.simulator.review(&id, &Review::Reject("SCAM".to_owned()));
        assert_eq!(world.edit(&id, &json!({ "category": "MARKETING" })).await.0, StatusCode::OK);
        world.simulator.review(&id, &Review::Approve);
    }
    let shown = world.shown(&id).await;
    assert_eq!((shown["category"].as_str(), shown["components"].as_array().unwrap().len()), (Some("MARKETING"), 1), "all are replaced");
    world.simulator.review(&id, &Review::Reject("SCAM".to_owned()));
    for (edit, expected) in [
        (body_edit("{{1}} begins."), 2_388_299),
        (json!({}), 0),
        (json!({ "name": "other", "components": [] }), 0),
        (json!({ "message_send_ttl_seconds": 1 }), 0),
    ] {
        let (status, refusal) = world.edit(&id, &edit).await;
        assert_eq!((status, code(&refusal), subcode(&refusal)), (StatusCode::BAD_REQUEST, 100, expected), "{edit}");
    }
    assert_eq!(world.edit(&id, &json!({ "message_send_ttl_seconds": 43_200 })).await.0, StatusCode::OK);
    assert_eq!(world.shown(&id).await["status"], "REJECTED", "another time to live needs no review");
}

#[tokio::test]
async fn components_are_told_once_an_edit_is_approved() {
    let mut world = World::start(json!({})).await;
    let id = world.approved("told").await;
    let edit = json!({ "components": [
        { "type": "HEADER", "text": "News" }, { "type": "BODY", "text": "Hello again." }, { "type": "FOOTER", "text": "Bye" },
        { "type": "BUTTONS", "buttons": [{ "type": "URL", "text": "Look", "url": "https://example.com" }] },
    ] });
    world.edit(&id, &edit).await;
    world.simulator.review(&id, &Review::Approve);
    let (told, entry) = world.receiver.change("message_template_components_update").await;
    assert_eq!(told["message_template_id"].to_string(), id);
    assert_eq!(entry["time"], world.clock.now().timestamp());
    let texts = ["title", "element", "footer"].map(|name| told[format!("message_template_{name}")].as_str());
    assert_eq!(texts, [Some("News"), Some("Hello again."), Some("Bye")]);
    let button = json!({
        "message_template_button_type": "URL", "message_template_button_text": "Look", "message_template_button_url": "https://example.com",
    });
    assert_eq!(told["message_template_buttons"], json!([button]));
}

#[tokio::test]
async fn quality_and_category_are_told_before_and_after() {
    let mut world = World::start(json!({})).await;
    let id = world.approved("judged").await;
    for (score, previous) in [("GREEN", "UNKNOWN"), ("YELLOW", "GREEN"), ("RED", "YELLOW")] {
        world.review(&id, &json!({ "action": "quality", "score": score })).await;
        let (told, _) = world.receiver.change("message_template_quality_update").await;
        assert_eq!((told["previous_quality_score"].as_str(), told["new_quality_score"].as_str()), (Some(previous), Some(score)));
    }
    world.review(&id, &json!({ "action": "announceCategory", "category": "marketing" })).await;
    let (told, _) = world.receiver.change("template_category_update").await;
    assert_eq!((told["correct_category"].as_str(), told["new_category"].as_str()), (Some("MARKETING"), Some("UTILITY")));
    assert_eq!(told["category_update_timestamp"], world.clock.now().timestamp() + 86_400);
    assert_eq!(world.shown(&id).await["correct_category"], "MARKETING");
    world.clock.advance(TimeDelta::hours(24));
    let (told, _) = world.receiver.change("template_category_update").await;
    assert_eq!((told["previous_category"].as_str(), told["new_category"].as_str()), (Some("UTILITY"), Some("MARKETING")));
    let shown = world.shown(&id).await;
    assert_eq!((shown["category"].as_str(), shown["previous_category"].as_str()), (Some("MARKETING"), Some("UTILITY")));
    assert!(shown["correct_category"].is_null());
}

#[tokio::test]
async fn every_decision_has_its_event_and_its_status() {
    let mut world = World::start(json!({})).await;
    let id = world.approved("decided").await;
    for (action, event, status) in [
        ("flag", "FLAGGED", "APPROVED"),
        ("appeal", "IN_APPEAL", "IN_APPEAL"),
        ("reinstate", "REINSTATED", "APPROVED"),
        ("lock", "LOCKED", "LOCKED"),
        ("archive", "ARCHIVED", "ARCHIVED"),
        ("unarchive", "UNARCHIVED", "APPROVED"),
        ("disable", "DISABLED", "DISABLED"),
        ("approve", "APPROVED", "APPROVED"),
    ] {
        assert_eq!(world.review(&id, &json!({ "action": action })).await["status"], status, "{action}");
        assert_eq!(world.receiver.status_update().await["event"], event, "{action}");
        let sendable = world.client.send(&template("decided", &["Ada"])).await.unwrap().0 == StatusCode::OK;
        assert_eq!(sendable, status == "APPROVED", "{action}");
    }
    world.review(&id, &json!({ "action": "delete" })).await;
    assert_eq!(world.receiver.status_update().await["event"], "DELETED");
    assert_eq!(code(&world.client.send(&template("decided", &["Ada"])).await.unwrap().1), 132_001);
    let (status, gone) = world.client.get(&format!("/v25.0/{id}")).await;
    assert_eq!((status, subcode(&gone)), (StatusCode::BAD_REQUEST, 33));
}

#[tokio::test]
async fn a_deleted_name_is_blocked_for_thirty_days() {
    let world = World::start(json!({})).await;
    let english = definition("gone", "Hi {{1}}, all well?");
    let german = Value::Object(
        [english.as_object().unwrap().clone(), json!({ "language": "de" }).as_object().unwrap().clone()].into_iter().flatten().collect(),
    );
    let first = world.client.create(&english).await;
    let path = templates_path();
    let by_id = |id: &str| format!("{path}?name=gone&hsm_id={id}");
    assert_eq!(world.client.delete(&by_id(&first)).await.1, json!({ "success": true }));
    assert_eq!(subcode(&world.client.delete(&by_id(&first)).await.1), 2_593_002, "it is gone");
    let again = async || subcode(&world.client.post(&path, &english).await.unwrap().1);
    assert_eq!(again().await, 2_388_023);
    // Another language of the name is free, until the whole name is deleted.
    world.client.create(&german).await;
    assert_eq!(world.client.delete(&format!("{path}?name=gone")).await.0, StatusCode::OK);
    let mut french = english.clone();
    french["language"] = "fr".into();
    assert_eq!(subcode(&world.client.post(&path, &french).await.unwrap().1), 2_388_023);
    world.clock.advance(TimeDelta::days(30) - TimeDelta::seconds(1));
    assert_eq!(again().await, 2_388_023);
    world.clock.advance(TimeDelta::seconds(1));
    world.client.create(&english).await;
    assert_eq!((world.simulator.template_calls().created, world.simulator.template_calls().deleted), (3, 2));
}

#[tokio::test]
async fn a_deletion_may_take_its_time_and_outlives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(DateTime::from_timestamp(1_790_000_000, 0).unwrap()));
    let faults = Faults::default().merged(json!({ "template": { "pendingDeletionSeconds": 60 } })).unwrap();
    let options = || SimulatorOptions {
        ledger: Some(directory.path().join("ledger")),
        faults: faults.clone(),
        clock: Arc::clone(&clock) as _,
        ..SimulatorOptions::default()
    };
    let first = Simulator::start(options()).await;
    let client = Client::of(&first);
    let id = client.create(&definition("going", "Hi {{1}}, all well?")).await;
    assert_eq!(client.delete(&format!("{}?hsm_ids=[\"{id}\"]", templates_path())).await.0, StatusCode::OK);
    assert_eq!(client.get(&format!("/v25.0/{id}")).await.1["status"], "PENDING_DELETION");
    assert_eq!(subcode(&client.post(&templates_path(), &definition("going", "Hi.")).await.unwrap().1), 2_388_023);
    first.stop().await;

    clock.advance(TimeDelta::seconds(60));
    let mut receiver = Receiver::start().await;
    let second = Simulator::start(SimulatorOptions { callback_url: Some(receiver.url.clone()), ..options() }).await;
    assert_eq!(receiver.status_update().await["event"], "DELETED");
    let entry = second.templates().remove(0);
    assert_eq!((entry.id, entry.status.as_str(), entry.deleted_at), (id, "DELETED", Some(clock.now())));
    assert_eq!((second.template_calls().created, second.template_calls().deleted), (1, 1));
}
