use chrono::TimeDelta;
use queue::{Enqueue, Outcome};
use serde_json::json;

use super::{Shop, content, offer_of};
use crate::{
    graph_stub::{At, refusal},
    templates::{
        TemplateError,
        jobs::Submit,
        model::status,
        service::{self, Said, Settled, Taken},
    },
};

#[tokio::test]
async fn what_the_list_does_not_show_yet_is_not_created_again() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    shop.graph.cut_next_creation();
    shop.submit(id).await;
    shop.drain().await;
    shop.graph.hide_lists(3);
    shop.until(async || shop.read(id).await.status != status::SUBMITTING).await;
    let template = shop.read(id).await;
    assert_eq!((template.status.as_str(), template.provider_id.as_deref()), (status::PENDING, Some("701")));
    assert_eq!(shop.graph.writes(), (1, 0));
    assert_eq!(shop.graph.lists(), 5, "one that found nothing, three that lagged, one that shows it");
}

#[tokio::test]
async fn a_name_that_is_taken_but_never_shown_is_told_after_many_looks() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    shop.graph.add_template(json!({ "id": "555", "name": "offer", "language": "en_US", "status": "APPROVED", "components": [] }));
    shop.graph.hide_lists(1_000);
    shop.submit(id).await;
    shop.until(async || shop.read(id).await.status != status::SUBMITTING).await;
    let rejected = shop.read(id).await;
    assert_eq!(rejected.status, status::REJECTED);
    assert_eq!((rejected.problems[0].field.as_str(), rejected.problems[0].code.as_str()), ("name", "taken"));
    assert_eq!(shop.graph.lists(), 10);
    assert_eq!(shop.graph.writes(), (0, 0));
}

#[tokio::test]
async fn of_two_workers_with_the_same_job_one_creates() {
    for at in [At::Doing, At::Answering] {
        let shop = Shop::new().await;
        let id = shop.create("offer").await;
        let held = shop.graph.hold_creation(at);
        shop.submit(id).await;
        let frozen = shop.app.worker(&shop.graph.url());
        let frozen = tokio::spawn(async move { frozen.drain().await });
        shop.until_held().await;
        // Whoever asks again enqueues none beside it; its lease runs out, and another worker takes it over.
        shop.submit(id).await;
        assert_eq!(queue::testing::waiting::<Submit>(&shop.app.database).await.len(), 0);
        let mut tx = shop.app.begin().await;
        tx.enqueue(Submit::of(id)).await.unwrap();
        tx.commit().await.unwrap();
        shop.drain().await;
        let template = shop.read(id).await;
        assert_eq!((template.status.as_str(), template.provider_id.as_deref()), (status::PENDING, Some("701")));
        drop(held);
        frozen.await.unwrap();
        shop.pass_time().await;
        shop.drain().await;
        assert_eq!(shop.read(id).await.status, status::PENDING);
        assert_eq!(shop.graph.writes(), (1, 0));
    }
}

#[tokio::test]
async fn a_webhook_may_be_faster_than_the_answer() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    let held = shop.graph.hold_creation(At::Answering);
    shop.submit(id).await;
    let worker = shop.app.worker(&shop.graph.url());
    let waiting = tokio::spawn(async move { worker.drain().await });
    shop.until_held().await;
    shop.graph.review("APPROVED", "NONE");
    assert_eq!(shop.tell("701", "APPROVED", None).await, None, "only the answer tells that it is ours");
    drop(held);
    waiting.await.unwrap();
    let template = shop.read(id).await;
    assert_eq!((template.status.as_str(), template.provider_id.as_deref()), (status::APPROVED, Some("701")));
}

#[tokio::test]
async fn an_outage_of_hours_ends_in_a_submission() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    shop.submit(id).await;
    shop.graph.outage(true);
    // Fifteen attempts with the waits of the job ledger are about two hours.
    for _ in 0..15 {
        let ran = shop.drain().await;
        assert!(ran.iter().all(|run| run.outcome == Outcome::Retry), "{ran:?}");
        shop.pass_time().await;
    }
    assert_eq!(shop.read(id).await.status, status::SUBMITTING);
    shop.graph.outage(false);
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::PENDING);
}

#[tokio::test]
async fn after_the_last_attempt_it_is_a_draft_again_with_the_reason() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    shop.submit(id).await;
    shop.graph.outage(true);
    shop.until(async || shop.read(id).await.status != status::SUBMITTING).await;
    let draft = shop.read(id).await;
    assert_eq!(draft.status, status::DRAFT);
    assert!(draft.reason.unwrap().contains("no answer"));
    assert_eq!(shop.app.count("select count(*) from jobs where state = 'dead'").await, 0);
    shop.graph.outage(false);
    shop.submit(id).await;
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::PENDING);
}

#[tokio::test]
async fn too_many_calls_only_take_time() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    shop.submit(id).await;
    for method in ["GET", "POST"] {
        shop.graph.answer_next(method, Some((429, refusal(80_007, 0))));
        let ran = shop.drain().await;
        assert_eq!(ran.iter().map(|run| run.outcome).collect::<Vec<_>>(), [Outcome::Snoozed]);
        shop.pass_time().await;
    }
    assert_eq!(shop.app.count("select count(*) from template_creations").await, 0, "it was surely not created");
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::PENDING);
}

#[tokio::test]
async fn an_expired_token_gives_the_draft_back() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    shop.submit(id).await;
    shop.graph.refuse_token("EAAG-one");
    shop.drain().await;
    let draft = shop.read(id).await;
    assert_eq!(draft.status, status::DRAFT);
    assert!(draft.reason.unwrap().starts_with("190"), "the provider's code");
    shop.renew_token().await;
    shop.submit(id).await;
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::PENDING);
}

#[tokio::test]
async fn a_channel_that_is_disconnected_meanwhile_gives_the_draft_back() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    shop.submit(id).await;
    let mut owner = shop.app.database.owner().await;
    sqlx::query("update channels set state = 'disconnected'").execute(&mut owner).await.unwrap();
    shop.drain().await;
    let draft = shop.read(id).await;
    assert_eq!((draft.status.as_str(), draft.version), (status::DRAFT, 1));
    assert!(matches!(shop.try_submit(id).await, Err(TemplateError::ChannelNotConnected)));
    assert_eq!(shop.graph.writes(), (0, 0));
}

#[tokio::test]
async fn a_draft_given_back_after_a_lost_creation_is_still_ours() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    shop.graph.cut_next_creation();
    shop.submit(id).await;
    shop.drain().await;
    shop.graph.refuse_token("EAAG-one");
    shop.pass_time().await;
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::DRAFT);
    shop.replace(id, content(offer_of("now take {{2}} off"))).await.unwrap();
    shop.renew_token().await;
    shop.submit(id).await;
    shop.drain().await;
    let template = shop.read(id).await;
    assert_eq!((template.status.as_str(), template.provider_id.as_deref()), (status::PENDING, Some("701")));
    assert_eq!(shop.graph.writes(), (1, 1));
}

#[tokio::test]
async fn a_refusal_is_shown_at_the_field() {
    let shop = Shop::new().await;
    let id = shop.create("refused").await;
    shop.submit(id).await;
    shop.drain().await;
    let rejected = shop.read(id).await;
    assert_eq!((rejected.problems[0].field.as_str(), rejected.problems[0].code.as_str()), ("components[0].text", "too-many-variables"));
    let mut better = content(offer_of("take {{2}} off"));
    better.name = Some("better".into());
    let draft = shop.replace(id, better).await.unwrap().template;
    assert!(draft.problems.is_empty() && draft.reason.is_none(), "{draft:?}");
}

#[tokio::test]
async fn a_late_refusal_does_not_touch_a_later_submission() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    shop.submit(id).await;
    let mut tx = shop.app.begin().await;
    let former = service::offer(&mut tx, id).await.unwrap().unwrap();
    let refused = || Said::Refused { reason: "not like this".into(), problems: Vec::new() };
    service::settle(&mut tx, &*shop.app.clock, &former, refused()).await.unwrap();
    tx.commit().await.unwrap();
    shop.app.clock.advance(TimeDelta::seconds(1));
    shop.submit(id).await;
    let mut tx = shop.app.begin().await;
    for said in [refused(), Said::GivenBack("the token is expired".into())] {
        assert_eq!(service::settle(&mut tx, &*shop.app.clock, &former, said).await.unwrap(), Settled::Done);
    }
    let template = service::get(&mut tx, id).await.unwrap();
    assert_eq!((template.status.as_str(), template.reason), (status::SUBMITTING, None));
    let taken = Taken { provider_id: "701".into(), status: "REJECTED".into(), reason: None, category: None };
    service::settle(&mut tx, &*shop.app.clock, &former, Said::Taken(taken)).await.unwrap();
    let template = service::get(&mut tx, id).await.unwrap();
    assert_eq!(template.status, status::SUBMITTING, "its content is another one by now");
    assert_eq!(template.provider_id.as_deref(), Some("701"), "that it is there is true whoever tells it");
}

#[tokio::test]
async fn who_asks_again_wakes_a_job_that_was_given_up() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    shop.submit(id).await;
    shop.submit(id).await;
    assert_eq!(queue::testing::waiting::<Submit>(&shop.app.database).await.len(), 1);
    let mut owner = shop.app.database.owner().await;
    sqlx::query("update jobs set state = 'dead'").execute(&mut owner).await.unwrap();
    shop.submit(id).await;
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::PENDING);
}

#[tokio::test]
async fn another_number_of_the_account_may_submit() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    shop.submit(id).await;
    let mut owner = shop.app.database.owner().await;
    sqlx::query("update channels set state = 'disconnected'").execute(&mut owner).await.unwrap();
    shop.another_number().await;
    shop.until(async || shop.read(id).await.status != status::SUBMITTING).await;
    assert_eq!(shop.read(id).await.status, status::PENDING);
}

#[tokio::test]
async fn a_draft_that_merely_once_said_the_same_is_not_ours_at_the_provider() {
    let shop = Shop::new().await;
    let foreign =
        json!({ "id": "555", "name": "offer", "language": "en_US", "status": "APPROVED", "components": offer_of("take {{2}} off") });
    shop.graph.add_template(foreign);
    let id = shop.create("offer").await;
    shop.replace(id, content(offer_of("now take {{2}} off"))).await.unwrap();
    shop.submit(id).await;
    shop.drain().await;
    let rejected = shop.read(id).await;
    assert_eq!((rejected.status.as_str(), rejected.provider_id), (status::REJECTED, None));
    assert_eq!(rejected.problems[0].code, "taken");
    assert_eq!(shop.graph.writes(), (0, 0));
}

#[tokio::test]
async fn a_submission_that_never_reached_the_provider_offered_nothing() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    shop.submit(id).await;
    shop.graph.refuse_token("EAAG-one");
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::DRAFT);
    assert_eq!(shop.app.count("select count(*) from template_versions where submitted_at is not null").await, 0);
    shop.renew_token().await;
    shop.submit(id).await;
    shop.drain().await;
    assert_eq!(shop.app.count("select count(*) from template_versions where submitted_at is not null").await, 1);
}
