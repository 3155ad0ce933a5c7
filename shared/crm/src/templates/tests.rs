use std::collections::BTreeMap;

use kernel::PageRequest;
use queue::{Outcome, testing::waiting};
use serde_json::json;

use super::{
    NewTemplate, TemplateError, TemplateFilter, TemplatePatch,
    jobs::Poll,
    model::status,
    news,
    preview::{PreviewRequest, VariableValue, preview},
    service,
};
use crate::contacts::{self, NewContact};

mod creations;
mod deletion;
mod drafts;
mod likeness;
mod shop;
mod submission;
mod tracking;

pub(super) use shop::a_template;
use shop::{Shop, content, number, offer_of};

#[tokio::test]
async fn a_draft_becomes_pending_and_then_approved_without_a_webhook() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    assert_eq!(shop.read(id).await.status, status::DRAFT);
    shop.submit(id).await;
    assert_eq!(shop.read(id).await.status, status::SUBMITTING);
    shop.drain().await;
    let pending = shop.read(id).await;
    assert_eq!((pending.status.as_str(), pending.provider_id.as_deref()), ("PENDING", Some("701")));
    let before = shop.app.count("select sum(wake_seq)::bigint from lane_signals").await;
    shop.graph.review("APPROVED", "NONE");
    shop.pass_time().await;
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::APPROVED);
    assert!(shop.app.count("select sum(wake_seq)::bigint from lane_signals").await > before);
    let history = service::history(&mut shop.app.begin().await, id).await.unwrap();
    let statuses: Vec<&str> = history.iter().map(|event| event.status.as_str()).collect();
    assert_eq!(statuses, ["DRAFT", "SUBMITTING", "PENDING", "APPROVED"]);
    assert_eq!(waiting::<Poll>(&shop.app.database).await.len(), 0);
}

#[tokio::test]
async fn a_lost_answer_creates_nothing_twice() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    shop.graph.cut_next_creation();
    shop.submit(id).await;
    let ran = shop.drain().await;
    assert!(matches!(ran[0].outcome, Outcome::Retry), "{ran:?}");
    assert_eq!(shop.read(id).await.status, status::SUBMITTING);
    shop.submit(id).await;
    shop.pass_time().await;
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::PENDING);
    assert_eq!(shop.graph.writes(), (1, 0));
}

#[tokio::test]
async fn a_refusal_is_a_rejection_that_can_be_corrected() {
    let shop = Shop::new().await;
    let id = shop.create("refused").await;
    shop.submit(id).await;
    shop.drain().await;
    let rejected = shop.read(id).await;
    assert_eq!(rejected.status, status::REJECTED);
    assert!(rejected.reason.unwrap().starts_with("100"));
    let mut tx = shop.app.begin().await;
    let patch = TemplatePatch { name: Some("better".into()), ..TemplatePatch::default() };
    let changed = service::replace(&mut tx, &*shop.app.clock, id, patch).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((changed.template.status.as_str(), changed.template.version), (status::DRAFT, 2));
    shop.submit(id).await;
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::PENDING);
}

#[tokio::test]
async fn a_template_turned_down_in_review_is_edited_not_created_again() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    shop.submit(id).await;
    shop.drain().await;
    assert!(shop.tell("701", "rejected", Some("PROMOTIONAL")).await.is_some());
    let rejected = shop.read(id).await;
    assert_eq!((rejected.status.as_str(), rejected.reason.as_deref()), ("REJECTED", Some("PROMOTIONAL")));
    let mut tx = shop.app.begin().await;
    let patch = TemplatePatch { components: Some(json!([{ "type": "BODY", "text": "Hello." }])), ..TemplatePatch::default() };
    service::replace(&mut tx, &*shop.app.clock, id, patch).await.unwrap();
    tx.commit().await.unwrap();
    shop.submit(id).await;
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::PENDING);
    assert_eq!(shop.graph.writes(), (1, 1));
}

#[tokio::test]
async fn a_foreign_template_of_the_name_is_not_taken_for_ours() {
    let shop = Shop::new().await;
    let components = json!([{ "type": "BODY", "text": "Something else." }]);
    shop.graph.add_template(json!({ "id": "555", "name": "offer", "language": "en_US", "status": "APPROVED", "components": components }));
    let id = shop.create("offer").await;
    shop.submit(id).await;
    shop.drain().await;
    let rejected = shop.read(id).await;
    assert_eq!(rejected.status, status::REJECTED);
    assert!(rejected.reason.unwrap().contains("other content"));
    assert_eq!(shop.graph.writes(), (0, 0));
}

#[tokio::test]
async fn news_may_come_before_the_answer_and_repeat() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    assert_eq!(shop.tell("701", "APPROVED", None).await, None);
    shop.submit(id).await;
    shop.graph.add_template(json!({
        "id": "701", "name": "offer", "language": "en_US", "status": "APPROVED", "category": "MARKETING", "components": offer_of("take {{2}} off"),
    }));
    assert_eq!(shop.tell("701", "approved", Some("NONE")).await, None, "the job that submits looks whose it is");
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::APPROVED);
    assert_eq!(shop.tell("701", "APPROVED", None).await, None);
    assert_eq!(shop.tell("701", "PENDING", None).await, None);
    assert_eq!(shop.read(id).await.status, status::APPROVED);
    assert_eq!(shop.tell("701", "PAUSED", Some("FIRST_PAUSE")).await.unwrap().to, "PAUSED");
    assert_eq!(shop.tell("999", "PAUSED", None).await, None);
}

#[tokio::test]
async fn a_name_is_taken_once_and_sent_templates_stay() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    let again = service::create(&mut shop.app.begin().await, &*shop.app.clock, shop.input("offer")).await;
    assert!(matches!(again, Err(TemplateError::NameTaken)), "{again:?}");
    shop.submit(id).await;
    assert!(matches!(shop.replace(id, TemplatePatch::default()).await, Err(TemplateError::NotEditable(_))));
    let mut tx = shop.app.begin().await;
    let unknown = NewTemplate { channel: None, business_account_id: Some("77".into()), ..shop.input("other") };
    assert!(matches!(service::create(&mut tx, &*shop.app.clock, unknown).await, Err(TemplateError::Invalid(_))));
    let by_account = NewTemplate { channel: None, business_account_id: Some("9001".into()), ..shop.input("other") };
    assert_eq!(service::create(&mut tx, &*shop.app.clock, by_account).await.unwrap().channel, shop.channel);
}

#[tokio::test]
async fn sync_takes_over_what_was_made_elsewhere() {
    let shop = Shop::new().await;
    let components = json!([{ "type": "BODY", "text": "Made elsewhere." }]);
    shop.graph.add_template(json!({
        "id": "555", "name": "elsewhere", "language": "pt_BR", "status": "APPROVED", "category": "UTILITY", "components": components,
    }));
    for _ in 0..2 {
        let mut tx = shop.app.begin().await;
        news::sync(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        shop.drain().await;
    }
    let page = PageRequest { limit: 10, after: None };
    let found = service::list(&mut shop.app.begin().await, &TemplateFilter::default(), page).await.unwrap();
    assert_eq!(found.data.len(), 1);
    let found = &found.data[0].template;
    assert_eq!((found.name.as_str(), found.status.as_str()), ("elsewhere", "APPROVED"));
    assert_eq!(shop.app.count("select count(*) from template_events").await, 1);
}

#[tokio::test]
async fn a_preview_is_what_is_sent_and_names_what_is_missing() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    let mut tx = shop.app.begin().await;
    let contact = NewContact { name: "Ada".into(), ..NewContact::default() };
    let contact = contacts::service::create(&mut tx, &*shop.app.clock, contact).await.unwrap();
    let mut variables = BTreeMap::from([("1".to_owned(), VariableValue::Field { field: "name".into(), fallback: None })]);
    let request = |variables| PreviewRequest { variables, contact: Some(contact.id), ..PreviewRequest::default() };
    let Err(TemplateError::Invalid(errors)) = preview(&mut tx, &*shop.app.clock, id, request(variables.clone())).await else {
        panic!("it was rendered")
    };
    assert_eq!((errors.0[0].field.as_str(), errors.0[0].code), ("variables.2", "variable-missing"));
    variables.insert("2".into(), VariableValue::Text("20 %".into()));
    let shown = preview(&mut tx, &*shop.app.clock, id, request(variables)).await.unwrap();
    assert_eq!(shown.text.body, "Hello Ada, take 20 % off.");
    assert_eq!(shown.components[0]["parameters"][1]["text"], "20 %");
    assert_eq!(shown.variables, ["1", "2"]);
}
