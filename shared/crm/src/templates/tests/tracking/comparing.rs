//! The comparison of all templates with the provider.

use chrono::TimeDelta;
use db::Tx;
use kernel::{Clock, OrganizationId, SystemClock};
use serde_json::json;

use crate::templates::{
    jobs::Sync,
    model::status,
    news,
    tests::{Shop, number, offer_of},
};

#[tokio::test]
async fn a_template_is_believed_gone_only_when_it_cannot_be_read_either() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    shop.graph.hide_lists(1);
    shop.compare().await;
    assert_eq!(shop.read(id).await.status, status::APPROVED, "it was not listed, and is there");
    shop.app.clock.advance(TimeDelta::minutes(15));
    // A token that lost its rights is told that the template is unknown, and cannot list the account.
    shop.graph.change("701", &json!({ "id": "hidden" }));
    shop.graph.refuse_token("EAAG-one");
    shop.compare().await;
    assert_eq!(shop.read(id).await.status, status::APPROVED);
    shop.graph.accept_tokens();
    shop.graph.remove("hidden");
    shop.compare().await;
    assert_eq!(shop.read(id).await.status, status::DELETED);
}

#[tokio::test]
async fn a_template_deleted_by_mistake_comes_back_but_not_one_that_is_listed_for_a_while_yet() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    let listed = json!({
        "id": "701", "name": "offer", "language": "en_US", "status": "APPROVED", "category": "MARKETING",
        "components": offer_of("take {{2}} off"),
    });
    shop.app.clock.advance(TimeDelta::minutes(15));
    shop.graph.remove("701");
    shop.compare().await;
    shop.graph.add_template(listed);
    shop.compare().await;
    assert_eq!(shop.read(id).await.status, status::DELETED);
    shop.app.clock.advance(TimeDelta::hours(2));
    shop.compare().await;
    let back = shop.read(id).await;
    assert_eq!((back.status.as_str(), back.deleted_at), ("APPROVED", None));
}

#[tokio::test]
async fn a_template_that_was_just_submitted_may_be_missing_for_a_while() {
    let shop = Shop::new().await;
    // Jobs wait by the database's clock.
    shop.app.clock.advance(SystemClock.now() - shop.app.clock.now());
    let young = shop.create("offer").await;
    shop.submit(young).await;
    shop.drain().await;
    let there = shop.graph.take("701");
    for _ in 0..3 {
        shop.pass_time().await;
        shop.drain().await;
        assert_eq!(shop.read(young).await.status, status::PENDING, "the look at a review");
    }
    let mut tx = shop.app.begin().await;
    news::refresh(&mut tx, young).await.unwrap();
    tx.commit().await.unwrap();
    shop.drain().await;
    assert_eq!(shop.read(young).await.status, status::PENDING, "a look that somebody asked for");
    shop.compare().await;
    assert_eq!(shop.read(young).await.status, status::PENDING, "the comparison");
    shop.graph.add_template(there);
    shop.graph.review("APPROVED", "NONE");
    shop.pass_time().await;
    shop.drain().await;
    assert_eq!(shop.read(young).await.status, status::APPROVED);

    shop.graph.remove("701");
    shop.app.clock.advance(TimeDelta::minutes(15));
    shop.compare().await;
    assert_eq!(shop.read(young).await.status, status::DELETED);
}

#[tokio::test]
async fn a_submission_that_waited_for_its_turn_is_young_when_it_was_taken() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    shop.submit(id).await;
    shop.graph.outage(true);
    shop.drain().await;
    shop.app.clock.advance(TimeDelta::hours(1));
    shop.graph.outage(false);
    shop.pass_time().await;
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::PENDING);
    shop.graph.remove("701");
    shop.compare().await;
    assert_eq!(shop.read(id).await.status, status::PENDING);
    shop.app.clock.advance(TimeDelta::minutes(15));
    shop.compare().await;
    assert_eq!(shop.read(id).await.status, status::DELETED);
}

#[tokio::test]
async fn one_template_that_cannot_be_asked_for_keeps_nothing_else_from_being_seen() {
    let shop = Shop::new().await;
    let (odd, gone) = (shop.approved("offer").await, shop.approved("second").await);
    shop.app.clock.advance(TimeDelta::hours(1));
    shop.graph.remove("701");
    shop.graph.remove("702");
    shop.graph.refuse_asking("701");
    shop.graph.add_template(json!({
        "id": "555", "name": "elsewhere", "language": "pt_BR", "status": "APPROVED", "category": "UTILITY",
        "components": [{ "type": "BODY", "text": "Made elsewhere." }],
    }));
    shop.compare().await;
    assert_eq!(shop.read(odd).await.status, status::APPROVED);
    assert_eq!(shop.read(gone).await.status, status::DELETED);
    assert_eq!(shop.app.count("select count(*) from templates where name = 'elsewhere'").await, 1);
}

#[tokio::test]
async fn one_broken_token_does_not_keep_other_accounts_from_being_read() {
    let shop = Shop::new().await;
    let mut owner = shop.app.database.owner().await;
    // The first account cannot be read any more; the second is read with a token of its own.
    let other = number(&shop.app, "1002").await;
    shop.drain().await;
    sqlx::query("update channels set business_account_id = '9002' where id = $1").bind(other).execute(&mut owner).await.unwrap();
    shop.renew_token().await;
    shop.graph.refuse_token("EAAG-two");
    shop.graph.add_template(json!({
        "id": "555", "name": "elsewhere", "language": "pt_BR", "status": "APPROVED", "category": "UTILITY",
        "components": [{ "type": "BODY", "text": "Made elsewhere." }],
    }));
    shop.compare().await;
    let accounts: Vec<String> = sqlx::query_scalar("select business_account_id from templates").fetch_all(&mut owner).await.unwrap();
    assert_eq!(accounts, ["9002"]);
}

#[tokio::test]
async fn many_templates_are_taken_over_in_few_transactions_and_then_left_alone() {
    let shop = Shop::new().await;
    for index in 0..250 {
        shop.graph.add_template(json!({
            "id": (5_000 + index).to_string(), "name": format!("made_{index:03}"), "language": "en_US", "status": "APPROVED",
            "category": "UTILITY", "components": [{ "type": "BODY", "text": "Made elsewhere." }],
        }));
    }
    shop.compare().await;
    let written = shop.written_by().await;
    assert_eq!(written.len(), 250);
    let transactions: std::collections::BTreeSet<&String> = written.iter().collect();
    assert_eq!(transactions.len(), 3);
    shop.graph.change("5007", &json!({ "status": "PAUSED" }));
    shop.compare().await;
    let touched = shop.written_by().await.iter().zip(&written).filter(|(now, before)| now != before).count();
    assert_eq!(touched, 1);
    assert_eq!(shop.app.count("select count(*) from template_events where source = 'reconcile'").await, 251);
}

#[tokio::test]
async fn every_organization_with_a_connected_number_is_compared() {
    let shop = Shop::new().await;
    let mut tx = shop.app.db.system("test").await.unwrap();
    for _ in 0..2 {
        let last = news::sync_next(&mut tx, None).await.unwrap();
        assert_eq!(last, Some(shop.app.organization));
        assert_eq!(news::sync_next(&mut tx, last).await.unwrap(), None::<OrganizationId>);
    }
    assert!(tx.organization_scope().is_none());
    tx.commit().await.unwrap();
    assert_eq!(queue::testing::waiting::<Sync>(&shop.app.database).await.len(), 1, "one comparison waits for each");
}
