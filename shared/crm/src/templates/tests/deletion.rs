use chrono::TimeDelta;
use kernel::{Clock, PageRequest, TemplateId};
use queue::Outcome;
use serde_json::json;

use super::{Shop, content, offer_of};
use crate::{
    graph_stub::{At, refusal},
    templates::{
        TemplateError, TemplateFilter,
        model::status,
        service::{self, Deletion, NameInAccount},
    },
};

async fn listed(shop: &Shop, status: Option<&str>) -> Vec<TemplateId> {
    let filter = TemplateFilter { status: status.map(str::to_owned), ..TemplateFilter::default() };
    let page = PageRequest { limit: 10, after: None };
    let found = service::list(&mut shop.app.begin().await, &filter, page).await.unwrap();
    found.data.into_iter().map(|view| view.template.id).collect()
}

#[tokio::test]
async fn what_the_provider_never_had_is_gone_at_once() {
    let shop = Shop::new().await;
    let id = shop.create("offer").await;
    assert!(matches!(shop.delete(id).await.unwrap(), Deletion::Done));
    assert!(matches!(service::get(&mut shop.app.begin().await, id).await, Err(TemplateError::NotFound(_))));
    shop.create("offer").await;
}

#[tokio::test]
async fn what_the_provider_has_is_deleted_there_and_its_name_is_blocked_for_a_month() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    shop.replace(id, content(offer_of("now take {{2}} off"))).await.unwrap();
    let Deletion::Begun(begun) = shop.delete(id).await.unwrap() else { panic!("it was not begun") };
    assert_eq!(begun[0].template.status, status::DELETING);
    assert!(matches!(shop.delete(id).await.unwrap(), Deletion::Begun(_)), "asking again changes nothing");
    shop.drain().await;
    let deleted = shop.view(id).await;
    assert_eq!((deleted.template.status.as_str(), deleted.template.deleted_at), (status::DELETED, Some(shop.app.clock.now())));
    assert_eq!(deleted.draft, None);
    assert_eq!(shop.graph.left(), (0, 1));
    assert!(matches!(shop.delete(id).await.unwrap(), Deletion::Done));
    assert_eq!((listed(&shop, None).await, listed(&shop, Some(status::DELETED)).await), (vec![], vec![id]));
    let again = async || service::create(&mut shop.app.begin().await, &*shop.app.clock, shop.input("offer")).await;
    let Err(TemplateError::Invalid(errors)) = again().await else { panic!("the name is free") };
    assert_eq!((errors.0[0].field.as_str(), errors.0[0].code), ("name", "blocked"));
    assert!(errors.0[0].message.ends_with("2026-03-31T10:00:10Z"), "{}", errors.0[0].message);
    let other = crate::templates::NewTemplate { language: "de".into(), ..shop.input("offer") };
    service::create(&mut shop.app.begin().await, &*shop.app.clock, other).await.unwrap();
    shop.app.clock.advance(TimeDelta::days(30));
    again().await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_to_a_deletion_and_what_is_gone_already_count_as_done() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    shop.delete(id).await.unwrap();
    shop.graph.cut_next("DELETE");
    let ran = shop.drain().await;
    assert_eq!(ran.iter().map(|run| run.outcome).collect::<Vec<_>>(), [Outcome::Retry]);
    assert_eq!(shop.read(id).await.status, status::DELETING);
    shop.pass_time().await;
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::DELETED);
    let other = shop.approved("other").await;
    shop.delete(other).await.unwrap();
    // It is there when it is looked at, and gone when it is deleted.
    shop.graph.answer_next("DELETE", Some((400, refusal(100, 2_593_002))));
    shop.graph.deleted_becomes(Some("DELETED"));
    shop.until(async || shop.read(other).await.status == status::DELETED).await;
}

#[tokio::test]
async fn a_template_whose_messages_are_on_their_way_waits() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    shop.delete(id).await.unwrap();
    shop.graph.deleted_becomes(Some("PENDING_DELETION"));
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::PENDING_DELETION);
    assert_eq!(shop.graph.left(), (1, 1));
    shop.news("DELETED").await;
    assert!(shop.read(id).await.deleted_at.is_some());
}

#[tokio::test]
async fn what_is_used_or_disabled_is_not_deleted() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    shop.campaign(id, "paused").await;
    assert!(matches!(shop.delete(id).await, Err(TemplateError::InUse)));
    let mut owner = shop.app.database.owner().await;
    sqlx::query("update campaigns set state = 'cancelled'").execute(&mut owner).await.unwrap();
    shop.news("DISABLED").await;
    assert!(matches!(shop.delete(id).await, Err(TemplateError::NotDeletable(_))));
    let draft = shop.create("other").await;
    shop.campaign(draft, "draft").await;
    assert!(matches!(shop.delete(draft).await, Err(TemplateError::InUse)));
}

#[tokio::test]
async fn a_deletion_that_is_refused_leaves_the_template_as_it_was() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    shop.delete(id).await.unwrap();
    shop.graph.refuse_token("EAAG-one");
    shop.drain().await;
    let kept = shop.read(id).await;
    assert_eq!(kept.status, status::APPROVED);
    assert!(kept.reason.unwrap().starts_with("not deleted: 190"));
    shop.graph.accept_tokens();
    shop.delete(id).await.unwrap();
    shop.graph.answer_next("DELETE", Some((429, refusal(80_007, 0))));
    let ran = shop.drain().await;
    assert_eq!(ran.iter().map(|run| run.outcome).collect::<Vec<_>>(), [Outcome::Snoozed]);
    shop.pass_time().await;
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::DELETED);
}

#[tokio::test]
async fn all_languages_of_a_name_go_with_one_call() {
    let shop = Shop::new().await;
    let approved = shop.approved("offer").await;
    let mut drafts = Vec::new();
    for (name, language) in [("offer", "de"), ("offer", "fr"), ("offer_two", "de")] {
        let input = crate::templates::NewTemplate { language: language.into(), ..shop.input(name) };
        let mut tx = shop.app.begin().await;
        drafts.push(service::create(&mut tx, &*shop.app.clock, input).await.unwrap().id);
        tx.commit().await.unwrap();
    }
    shop.submit(drafts[0]).await;
    shop.drain().await;
    // One that is not known here.
    let elsewhere = json!({ "id": "555", "name": "offer", "language": "pt_BR", "status": "APPROVED", "components": [] });
    shop.graph.add_template(elsewhere);
    let named = |name: &str| NameInAccount { channel: Some(shop.channel), business_account_id: None, name: name.into() };
    let mut tx = shop.app.begin().await;
    assert!(matches!(service::delete_name(&mut tx, &*shop.app.clock, named("nothing")).await, Err(TemplateError::NoSuchName)));
    let deletion = service::delete_name(&mut tx, &*shop.app.clock, named("offer")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((deletion.business_account_id.as_str(), deletion.removed), ("9001", vec![drafts[1]]));
    assert_eq!(deletion.begun.iter().map(|view| view.template.id).collect::<Vec<_>>(), [approved, drafts[0]]);
    shop.drain().await;
    for id in [approved, drafts[0]] {
        assert_eq!(shop.read(id).await.status, status::DELETED);
    }
    assert_eq!((listed(&shop, None).await, shop.graph.left()), (vec![drafts[2]], (0, 1)));
}

#[tokio::test]
async fn what_is_deleted_while_it_is_created_does_not_stay_at_the_provider() {
    // The creation ends before the deletion believes that there is none; or the worker was frozen for longer.
    for frozen_for in [TimeDelta::zero(), TimeDelta::minutes(10)] {
        let shop = Shop::new().await;
        let id = shop.create("offer").await;
        let held = shop.graph.hold_creation(At::Doing);
        shop.submit(id).await;
        let worker = shop.app.worker(&shop.graph.url());
        let creating = tokio::spawn(async move { worker.drain().await });
        shop.until_held().await;
        assert!(matches!(shop.delete(id).await.unwrap(), Deletion::Begun(_)));
        let ran = shop.drain().await;
        assert_eq!(ran.iter().map(|run| run.outcome).collect::<Vec<_>>(), [Outcome::Snoozed], "it may come yet");
        shop.app.clock.advance(frozen_for);
        shop.pass_time().await;
        shop.drain().await;
        drop(held);
        creating.await.unwrap();
        shop.until(async || shop.read(id).await.status == status::DELETED).await;
        assert_eq!((shop.graph.left().0, shop.graph.writes()), (0, (1, 0)));
    }
}

#[tokio::test]
async fn what_the_provider_still_shows_after_its_deletion_is_looked_at_again() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    shop.delete(id).await.unwrap();
    // It says so, and goes on showing it.
    shop.graph.answer_next("DELETE", Some((200, json!({ "success": true }))));
    let ran = shop.drain().await;
    assert_eq!(ran.iter().map(|run| run.outcome).collect::<Vec<_>>(), [Outcome::Retry]);
    assert_eq!(shop.read(id).await.status, status::DELETING);
    shop.pass_time().await;
    shop.drain().await;
    assert_eq!((shop.read(id).await.status.as_str(), shop.graph.left()), (status::DELETED, (0, 1)));
}

#[tokio::test]
async fn a_foreign_template_of_the_name_outlives_the_deletion_of_ours() {
    let foreign = |components| json!({ "id": "555", "name": "offer", "language": "en_US", "status": "APPROVED", "components": components });
    let elsewhere = json!({ "id": "556", "name": "offer", "language": "de", "status": "APPROVED", "components": [] });
    for whole_name in [false, true] {
        // Its words are those of a draft that the provider was never asked to take, or others.
        for (words, offered) in [("take {{2}} off", false), ("something else {{2}}", true)] {
            let shop = Shop::new().await;
            let id = shop.create("offer").await;
            shop.submit(id).await;
            if offered {
                shop.graph.answer_next("POST", None);
            } else {
                shop.graph.outage(true);
            }
            shop.drain().await;
            shop.graph.outage(false);
            shop.graph.add_template(foreign(offer_of(words)));
            shop.graph.add_template(elsewhere.clone());
            assert_eq!(shop.read(id).await.status, status::SUBMITTING);
            if whole_name {
                shop.delete_name("offer").await.unwrap();
            } else {
                shop.delete(id).await.unwrap();
            }
            shop.app.clock.advance(TimeDelta::minutes(5));
            shop.pass_time().await;
            shop.drain().await;
            assert_eq!(shop.read(id).await.status, status::DELETED, "{whole_name} {words}");
            assert_eq!(shop.graph.left(), (2, 0), "{whole_name} {words}");
        }
    }
}

#[tokio::test]
async fn a_late_deletion_of_a_name_spares_what_was_created_since() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    shop.graph.add_template(json!({ "id": "555", "name": "offer", "language": "pt_BR", "status": "APPROVED", "components": [] }));
    shop.delete_name("offer").await.unwrap();
    shop.graph.answer_next("DELETE", Some((429, refusal(80_007, 0))));
    let ran = shop.drain().await;
    assert_eq!(ran.iter().map(|run| run.outcome).collect::<Vec<_>>(), [Outcome::Snoozed]);
    let mut tx = shop.app.begin().await;
    let input = crate::templates::NewTemplate { language: "de".into(), ..shop.input("offer") };
    let since = service::create(&mut tx, &*shop.app.clock, input).await.unwrap().id;
    tx.commit().await.unwrap();
    shop.submit(since).await;
    shop.drain().await;
    assert_eq!(shop.read(since).await.status, status::APPROVED);
    shop.pass_time().await;
    shop.drain().await;
    assert_eq!((shop.read(id).await.status.as_str(), shop.read(since).await.status.as_str()), (status::DELETED, status::APPROVED));
    assert_eq!(shop.graph.left().0, 2, "that one, and the one that is not known here");
}

#[tokio::test]
async fn only_the_first_attempt_deletes_by_the_name_alone() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    let elsewhere =
        |id: &str, language: &str| json!({ "id": id, "name": "offer", "language": language, "status": "APPROVED", "components": [] });
    shop.graph.add_template(elsewhere("555", "fr"));
    shop.delete_name("offer").await.unwrap();
    shop.graph.cut_next("DELETE");
    let ran = shop.drain().await;
    assert_eq!(ran.iter().map(|run| run.outcome).collect::<Vec<_>>(), [Outcome::Retry]);
    assert_eq!(shop.graph.left(), (0, 1));
    shop.graph.add_template(elsewhere("556", "pt_BR"));
    shop.pass_time().await;
    shop.drain().await;
    assert_eq!((shop.read(id).await.status.as_str(), shop.graph.left()), (status::DELETED, (1, 1)));
}

#[tokio::test]
async fn who_asks_again_to_delete_a_name_wakes_a_job_that_was_given_up() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    shop.delete_name("offer").await.unwrap();
    let mut owner = shop.app.database.owner().await;
    sqlx::query("update jobs set state = 'dead' where state = 'waiting'").execute(&mut owner).await.unwrap();
    assert_eq!(shop.delete_name("offer").await.unwrap().begun.len(), 1);
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::DELETED);
}
