//! Where templates stand with the provider, however it is told: webhooks, reads, comparisons.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Clock, TemplateId, UserId};
use providers::whatsapp::RemoteTemplate;
use serde_json::{Value, json};

use super::{Shop, offer_of};
use crate::templates::{
    Category, Template, TemplateKey,
    jobs::{Reconcile, Refresh},
    model::status,
    news::{self, Look, Looked, News, Sight, Told},
    service,
};

mod comparing;
mod foreign;

/// What there is to be seen of a template: its row, its way, the audit log, mails.
#[derive(Debug, PartialEq)]
struct Traces {
    events: Vec<(String, String, String)>,
    audited: Vec<String>,
    mailed: Vec<(String, String)>,
}

impl Shop {
    /// A webhook of that age comes.
    async fn told(&self, age: TimeDelta, told: Told) {
        let mut tx = self.app.begin().await;
        let key = TemplateKey { provider_id: "701", business_account_id: Some("9001"), name: Some("offer"), language: Some("en-US") };
        let at = Some(self.app.clock.now() - age);
        news::apply(&mut tx, &*self.app.clock, News { key, at, told: &told }).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn told_status(&self, word: &str) {
        self.app.clock.advance(TimeDelta::seconds(1));
        self.told(TimeDelta::zero(), Told::Status { status: word.into(), reason: None, details: json!({ "pause": "FIRST_PAUSE" }) }).await;
    }

    /// The comparison that the clock begins.
    async fn compare(&self) {
        let mut tx = self.app.db.system("test").await.unwrap();
        queue::Enqueue::enqueue(&mut tx, Reconcile {}).await.unwrap();
        tx.commit().await.unwrap();
        self.drain().await;
        self.app.clock.advance(TimeDelta::minutes(10));
    }

    async fn traces(&self) -> Traces {
        let mut owner = self.app.database.owner().await;
        let events = "select kind, status, source from template_events order by place";
        let audited = "select action from audit_events order by seq";
        let mailed = "select to_address, variables ->> 'what' from mails where kind = 'templateAlert' order by created_at, to_address";
        Traces {
            events: sqlx::query_as(events).fetch_all(&mut owner).await.unwrap(),
            audited: sqlx::query_scalar(audited).fetch_all(&mut owner).await.unwrap(),
            mailed: sqlx::query_as(mailed).fetch_all(&mut owner).await.unwrap(),
        }
    }

    /// The kinds and statuses of the newest steps.
    async fn newest(&self, steps: usize) -> Vec<(String, String)> {
        let events = self.traces().await.events;
        events.into_iter().rev().take(steps).rev().map(|(kind, status, _)| (kind, status)).collect()
    }

    async fn member(&self, email: &str, role: &str, state: &str) {
        let mut owner = self.app.database.owner().await;
        let user = UserId::at(self.app.clock.now());
        sqlx::query(
            "insert into users (id, email, first_name, last_name, password_hash, created_at, updated_at) values ($1, $2, 'A', 'B', '', now(), now())",
        )
        .bind(user)
        .bind(email)
        .execute(&mut owner)
        .await
        .unwrap();
        sqlx::query(
            "insert into memberships (organization_id, user_id, role, created_at, updated_at, joined_at, disabled_at)
             values ($1, $2, $3, now(), now(), case when $4 <> 'invited' then now() end, case when $4 = 'disabled' then now() end)",
        )
        .bind(self.app.organization)
        .bind(user)
        .bind(role)
        .bind(state)
        .execute(&mut owner)
        .await
        .unwrap();
    }

    /// Which transaction wrote each row of the templates.
    async fn written_by(&self) -> Vec<String> {
        let mut owner = self.app.database.owner().await;
        sqlx::query_scalar("select xmin::text from templates order by name").fetch_all(&mut owner).await.unwrap()
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(kind, status)| ((*kind).to_owned(), (*status).to_owned())).collect()
}

fn remote(status: &str) -> RemoteTemplate {
    let body = json!({
        "id": "701", "name": "offer", "language": "en_US", "status": status, "category": "MARKETING", "components": offer_of("take {{2}} off"),
    });
    serde_json::from_value(body).unwrap()
}

#[tokio::test]
async fn what_the_provider_did_is_told_once_to_those_who_may_write_templates() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    for (email, role, state) in [
        ("admin@shop.example", "admin", "active"),
        ("marketing@shop.example", "marketing", "active"),
        ("viewer@shop.example", "viewer", "active"),
        ("gone@shop.example", "marketing", "disabled"),
        ("invited@shop.example", "admin", "invited"),
    ] {
        shop.member(email, role, state).await;
    }
    shop.told_status("PAUSED").await;
    let once = shop.traces().await;
    shop.told_status("PAUSED").await;
    shop.told_status("PAUSED").await;
    assert_eq!(shop.traces().await, once, "repeats change nothing");
    assert_eq!(once.audited, ["templates.approved", "templates.paused"]);
    let mut to: Vec<&str> = once.mailed.iter().map(|(to, _)| to.as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, ["admin@shop.example", "marketing@shop.example"]);
    assert!(once.mailed.iter().all(|(_, what)| what == "paused"));

    for word in ["APPROVED", "REJECTED", "DISABLED", "IN_APPEAL", "PENDING_DELETION", "DELETED"] {
        shop.told_status(word).await;
        assert_eq!(shop.read(id).await.status, word);
    }
    let all = shop.traces().await;
    assert_eq!(
        all.audited[2..],
        [
            "templates.approved",
            "templates.rejected",
            "templates.disabled",
            "templates.statusChanged",
            "templates.statusChanged",
            "templates.deleted"
        ]
    );
    let mut mailed: Vec<&str> = all.mailed.iter().map(|(_, what)| what.as_str()).collect();
    mailed.dedup();
    assert_eq!(mailed, ["paused", "rejected", "disabled"], "that it is deleted was to be expected");
    assert!(shop.read(id).await.deleted_at.is_some());
}

#[tokio::test]
async fn late_and_disordered_news_end_with_what_the_provider_has() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    shop.app.clock.advance(TimeDelta::hours(1));
    shop.told_status("PAUSED").await;
    // An approval of a minute before the pause, which the provider still has.
    shop.graph.change("701", &json!({ "status": "PAUSED" }));
    shop.app.clock.advance(TimeDelta::seconds(1));
    let approved = Told::Status { status: "APPROVED".into(), reason: None, details: Value::Null };
    shop.told(TimeDelta::seconds(30), approved.clone()).await;
    assert_eq!(shop.read(id).await.status, status::PAUSED);
    assert_eq!(queue::testing::waiting::<Refresh>(&shop.app.database).await.len(), 1, "it is read instead");
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::PAUSED);
    // The template is active again, and the news of it took hours.
    shop.graph.change("701", &json!({ "status": "APPROVED" }));
    shop.app.clock.advance(TimeDelta::hours(6));
    shop.told(TimeDelta::hours(3), approved).await;
    assert_eq!(shop.read(id).await.status, status::PAUSED);
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::APPROVED);
    // A word that is no status.
    shop.graph.change("701", &json!({ "status": "LOCKED" }));
    shop.told_status("FLAGGED").await;
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, "LOCKED");
}

#[tokio::test]
async fn a_category_is_announced_and_then_changed() {
    let shop = Shop::new().await;
    shop.member("admin@shop.example", "admin", "active").await;
    let id = shop.approved("offer").await;
    let from: DateTime<Utc> = "2026-03-02T10:00:00Z".parse().unwrap();
    for _ in 0..2 {
        shop.told(TimeDelta::zero(), Told::CategoryAnnounced { category: "UTILITY".into(), from: Some(from) }).await;
    }
    let announced = shop.read(id).await;
    assert_eq!((announced.announced_category.as_deref(), announced.announced_category_at), (Some("UTILITY"), Some(from)));
    assert_eq!(announced.category, Category::Marketing);
    shop.graph.change("701", &json!({ "category": "UTILITY" }));
    for _ in 0..2 {
        shop.told(TimeDelta::zero(), Told::CategoryChanged { category: "UTILITY".into() }).await;
        shop.drain().await;
    }
    let changed = shop.read(id).await;
    assert_eq!((changed.category, changed.announced_category, changed.version), (Category::Utility, None, 1));
    assert_eq!(shop.newest(2).await, pairs(&[("categoryAnnounced", "APPROVED"), ("category", "APPROVED")]));
    let traces = shop.traces().await;
    assert_eq!(traces.audited[1..], ["templates.recategorizationAnnounced", "templates.recategorized"]);
    let told: Vec<&str> = traces.mailed.iter().map(|(_, what)| what.as_str()).collect();
    assert_eq!(told, ["recategorizationAnnounced", "recategorized"]);
}

#[tokio::test]
async fn quality_is_a_step_of_the_way_and_no_alarm() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    for quality in ["UNKNOWN", "GREEN", "GREEN", "RED"] {
        shop.told(TimeDelta::zero(), Told::Quality { quality: quality.into() }).await;
    }
    assert_eq!(shop.read(id).await.quality.as_deref(), Some("RED"));
    assert_eq!(shop.newest(3).await, pairs(&[("status", "APPROVED"), ("quality", "APPROVED"), ("quality", "APPROVED")]));
    assert_eq!(shop.traces().await.audited, ["templates.approved"]);
}

#[tokio::test]
async fn a_content_that_was_changed_at_the_provider_becomes_a_version() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    shop.graph.change("701", &json!({ "components": offer_of("here are {{2}} off") }));
    shop.told(TimeDelta::zero(), Told::Content).await;
    assert_eq!(shop.read(id).await.version, 1);
    shop.drain().await;
    let changed = shop.read(id).await;
    assert_eq!((changed.version, changed.status.as_str()), (2, "APPROVED"));
    assert_eq!(changed.components[0]["text"], "Hello {{1}}, here are {{2}} off.");
    let versions = shop.app.count("select count(*) from template_versions where source = 'reconcile' and version = 2").await;
    assert_eq!((versions, shop.newest(1).await), (1, pairs(&[("content", "APPROVED")])));
    shop.told(TimeDelta::zero(), Told::Content).await;
    shop.drain().await;
    assert_eq!(shop.read(id).await.version, 2);
}

#[tokio::test]
async fn without_webhooks_everything_is_seen_by_the_next_comparison() {
    let shop = Shop::new().await;
    shop.member("admin@shop.example", "admin", "active").await;
    let id = shop.approved("offer").await;
    for (change, word) in [
        (json!({ "status": "PAUSED" }), "PAUSED"),
        (json!({ "status": "APPROVED", "quality_score": { "score": "GREEN" } }), "APPROVED"),
        (json!({ "correct_category": "UTILITY" }), "APPROVED"),
        (json!({ "category": "UTILITY", "correct_category": null }), "APPROVED"),
        (json!({ "components": offer_of("have {{2}} off") }), "APPROVED"),
        (json!({ "status": "REJECTED", "rejected_reason": "SCAM" }), "REJECTED"),
        (json!({ "status": "IN_APPEAL", "rejected_reason": "NONE" }), "IN_APPEAL"),
        (json!({ "status": "DISABLED" }), "DISABLED"),
        (json!({ "status": "PENDING_DELETION" }), "PENDING_DELETION"),
    ] {
        shop.graph.change("701", &change);
        shop.compare().await;
        assert_eq!(shop.read(id).await.status, word, "{change}");
        let traces = shop.traces().await;
        let rows = shop.written_by().await;
        shop.compare().await;
        assert_eq!(shop.traces().await, traces, "{change}: what is known is not told again");
        assert_eq!(shop.written_by().await, rows, "{change}: what does not differ is not touched");
    }
    let seen = shop.read(id).await;
    assert_eq!((seen.category, seen.version, seen.quality.as_deref()), (Category::Utility, 2, Some("GREEN")));
    shop.graph.remove("701");
    shop.compare().await;
    assert_eq!(shop.read(id).await.status, status::DELETED);
    assert_eq!(
        shop.traces().await.audited,
        [
            "templates.approved",
            "templates.paused",
            "templates.approved",
            "templates.recategorizationAnnounced",
            "templates.recategorized",
            "templates.contentChanged",
            "templates.rejected",
            "templates.statusChanged",
            "templates.disabled",
            "templates.statusChanged",
            "templates.deleted",
        ]
    );
}

#[tokio::test]
async fn a_look_that_was_overtaken_by_a_webhook_is_not_believed() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    let before: Template = shop.read(id).await;
    shop.told_status("PAUSED").await;
    let seen = remote("APPROVED");
    let look = Look { before: &before, sight: Sight::There(&seen), asked_at: shop.app.clock.now() };
    let mut tx = shop.app.begin().await;
    assert_eq!(news::see(&mut tx, &*shop.app.clock, look).await.unwrap(), Looked::Overtaken);
    tx.commit().await.unwrap();
    assert_eq!(shop.read(id).await.status, status::PAUSED);
}

#[tokio::test]
async fn what_a_job_is_about_to_change_at_the_provider_is_not_taken_for_a_change_there() {
    let shop = Shop::new().await;
    let draft = shop.create("offer").await;
    shop.graph.add_template(json!({
        "id": "555", "name": "offer", "language": "en_US", "status": "APPROVED", "category": "MARKETING", "components": offer_of("other"),
    }));
    shop.compare().await;
    let still = shop.read(draft).await;
    assert_eq!((still.status.as_str(), still.provider_id), (status::DRAFT, None));
    assert_eq!(shop.app.count("select count(*) from templates").await, 1);
}

#[tokio::test]
async fn a_template_that_cannot_be_read_stays_as_it_is() {
    let shop = Shop::new().await;
    let id: TemplateId = shop.approved("offer").await;
    shop.graph.refuse_token("EAAG-one");
    shop.told(TimeDelta::hours(1), Told::Status { status: "PAUSED".into(), reason: None, details: Value::Null }).await;
    let ran = shop.drain().await;
    assert!(ran.iter().all(|one| matches!(one.outcome, queue::Outcome::Done)), "{ran:?}");
    assert_eq!(service::get(&mut shop.app.begin().await, id).await.unwrap().status, status::APPROVED);
}
