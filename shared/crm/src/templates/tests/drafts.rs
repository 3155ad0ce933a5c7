use chrono::TimeDelta;
use kernel::{Clock, PageRequest};
use queue::Outcome;
use serde_json::json;

use super::{Shop, content, offer_of};
use crate::{
    graph_stub::refusal,
    templates::{
        Category, DraftState, TemplateError, TemplatePatch, TtlChange,
        model::status,
        service::{self, Said, Taken},
    },
};

#[tokio::test]
async fn a_change_of_an_approved_template_is_kept_apart_until_it_is_taken() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    let before = shop.read(id).await;
    let changed = shop.replace(id, content(offer_of("now take {{2}} off"))).await.unwrap();
    assert_eq!((&changed.template.components, changed.template.status.as_str()), (&before.components, status::APPROVED));
    assert_eq!(changed.draft.unwrap().components, offer_of("now take {{2}} off"));
    let submitted = shop.try_submit(id).await.unwrap();
    assert_eq!(submitted.template.status, status::APPROVED);
    assert_eq!(submitted.draft.unwrap().state, DraftState::Submitting);
    assert!(matches!(shop.replace(id, TemplatePatch::default()).await, Err(TemplateError::ChangeUnderWay)));
    shop.drain().await;
    let taken = shop.view(id).await;
    assert_eq!((taken.template.status.as_str(), taken.template.version), (status::PENDING, 2));
    assert_eq!((taken.template.components, taken.draft), (offer_of("now take {{2}} off"), None));
    shop.news("APPROVED").await;
    let mut tx = shop.app.begin().await;
    let versions = service::versions(&mut tx, id, PageRequest { limit: 1, after: None }).await.unwrap();
    assert_eq!((versions.data[0].version, versions.data[0].source.as_str()), (2, "job"));
    let versions = service::versions(&mut tx, id, PageRequest { limit: 1, after: versions.next }).await.unwrap();
    assert_eq!((&versions.data[0].components, versions.next), (&before.components, None));
    let history = service::history(&mut tx, id).await.unwrap();
    let way: Vec<_> = history.iter().map(|event| (event.kind.as_str(), event.status.as_str())).skip(3).collect();
    assert_eq!(way, [("status", "APPROVED"), ("content", "PENDING"), ("status", "PENDING"), ("status", "APPROVED")]);
    assert_eq!(history[4].details, json!({ "version": 2 }));
}

#[tokio::test]
async fn what_the_provider_does_not_change_is_fixed() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    let patch = TemplatePatch {
        name: Some("better".into()),
        language: Some("de".into()),
        category: Some(Category::Utility),
        ..TemplatePatch::default()
    };
    let Err(TemplateError::Invalid(errors)) = shop.replace(id, patch.clone()).await else { panic!("it was taken") };
    assert_eq!(
        errors.0.iter().map(|error| (error.field.as_str(), error.code)).collect::<Vec<_>>(),
        [("name", "fixed"), ("language", "fixed")]
    );
    let category = TemplatePatch { category: Some(Category::Utility), ..TemplatePatch::default() };
    let Err(TemplateError::Invalid(errors)) = shop.replace(id, category.clone()).await else { panic!("it was taken") };
    assert_eq!((errors.0[0].field.as_str(), errors.0[0].code), ("category", "fixed"));
    shop.news("PAUSED").await;
    assert_eq!(shop.replace(id, category).await.unwrap().draft.unwrap().category, Category::Utility);
    shop.news("REJECTED").await;
    assert!(matches!(shop.replace(id, patch).await, Err(TemplateError::Invalid(_))), "turned down, but the provider has it");
}

#[tokio::test]
async fn a_change_back_leaves_none_and_one_can_be_thrown_away() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    let throw_away = async || service::throw_away(&mut shop.app.begin().await, id).await;
    assert!(matches!(throw_away().await, Err(TemplateError::NoDraft(_))));
    assert!(matches!(shop.try_submit(id).await, Err(TemplateError::NotSubmittable(_))));
    shop.replace(id, content(offer_of("now take {{2}} off"))).await.unwrap();
    throw_away().await.unwrap();
    assert_eq!(shop.replace(id, content(offer_of("take {{2}} off"))).await.unwrap().draft, None);
    shop.replace(id, content(offer_of("now take {{2}} off"))).await.unwrap();
    shop.submit(id).await;
    assert!(matches!(throw_away().await, Err(TemplateError::ChangeUnderWay)));
}

#[tokio::test]
async fn an_approved_template_is_changed_once_in_a_day_and_ten_times_in_a_month() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    let start = shop.app.clock.now();
    for n in 1..=10 {
        shop.replace(id, content(offer_of(&format!("take {n} of {{{{2}}}}")))).await.unwrap();
        shop.submit(id).await;
        shop.drain().await;
        let day_later = shop.app.clock.now() + TimeDelta::hours(24);
        shop.news("APPROVED").await;
        shop.replace(id, content(offer_of("take all of {{2}}"))).await.unwrap();
        let Err(TemplateError::EditLimit(free)) = shop.try_submit(id).await else { panic!("edit {n} was not the last of its day") };
        assert_eq!(free, if n < 10 { day_later } else { start + TimeDelta::days(30) }, "{n}");
        shop.app.clock.advance(TimeDelta::hours(24));
    }
    shop.app.clock.advance(start + TimeDelta::days(30) - shop.app.clock.now() - TimeDelta::seconds(1));
    assert!(matches!(shop.try_submit(id).await, Err(TemplateError::EditLimit(_))));
    shop.app.clock.advance(TimeDelta::seconds(1));
    shop.try_submit(id).await.unwrap();
}

#[tokio::test]
async fn a_paused_template_is_changed_as_often_as_one_likes() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    for n in 1..=3 {
        shop.news("PAUSED").await;
        shop.replace(id, content(offer_of(&format!("take {n} of {{{{2}}}}")))).await.unwrap();
        shop.submit(id).await;
        shop.drain().await;
        assert_eq!((shop.read(id).await.status.as_str(), shop.graph.writes()), (status::PENDING, (1, n)));
    }
}

#[tokio::test]
async fn a_change_is_not_submitted_while_campaigns_are_under_way() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    shop.replace(id, content(offer_of("now take {{2}} off"))).await.unwrap();
    shop.campaign(id, "completed").await;
    for state in ["preparing", "running", "paused", "finishing"] {
        shop.campaign(id, state).await;
        assert!(matches!(shop.try_submit(id).await, Err(TemplateError::InUse)), "{state}");
        assert_eq!(shop.view(id).await.campaigns_under_way, 1);
        let mut owner = shop.app.database.owner().await;
        sqlx::query("update campaigns set state = 'cancelled'").execute(&mut owner).await.unwrap();
    }
    shop.try_submit(id).await.unwrap();
}

#[tokio::test]
async fn a_change_that_is_refused_leaves_the_template_as_it_was() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    shop.replace(id, content(offer_of("now take {{2}} off"))).await.unwrap();
    shop.submit(id).await;
    shop.graph.answer_next("POST", Some((400, refusal(100, 2_388_299))));
    shop.drain().await;
    let view = shop.view(id).await;
    assert_eq!((view.template.status.as_str(), view.template.version), (status::APPROVED, 1));
    let draft = view.draft.unwrap();
    assert_eq!(
        (draft.state, draft.problems[0].field.as_str(), draft.problems[0].code.as_str()),
        (DraftState::Draft, "components[0].text", "edge-variable")
    );
    shop.submit(id).await;
    shop.graph.refuse_token("EAAG-one");
    shop.drain().await;
    let draft = shop.view(id).await.draft.unwrap();
    assert_eq!((draft.state, draft.problems[0].code.as_str()), (DraftState::Draft, "not-submitted"));
    shop.graph.accept_tokens();
    shop.submit(id).await;
    shop.drain().await;
    assert_eq!(shop.read(id).await.status, status::PENDING, "what was not taken does not count against the limits");
}

#[tokio::test]
async fn a_lost_answer_edits_nothing_twice() {
    // What the listing shows, and what it does not.
    let invisible = json!([{ "type": "BODY", "text": "Hello {{1}}, take {{2}} off.", "example": { "body_text": [["Grace", "5 %"]] } }]);
    for components in [offer_of("now take {{2}} off"), invisible] {
        let shop = Shop::new().await;
        let id = shop.approved("offer").await;
        shop.replace(id, content(components.clone())).await.unwrap();
        shop.submit(id).await;
        shop.graph.cut_next("POST");
        let ran = shop.drain().await;
        assert_eq!(ran.iter().map(|run| run.outcome).collect::<Vec<_>>(), [Outcome::Retry]);
        // The review began, and its news are faster than the next look.
        shop.tell("701", "PENDING", None).await;
        shop.pass_time().await;
        shop.drain().await;
        let template = shop.read(id).await;
        assert_eq!((template.status.as_str(), template.version, template.components), (status::PENDING, 2, components));
        assert_eq!(shop.graph.writes(), (1, 1));
        assert_eq!(shop.app.count("select count(*) from template_edits").await, 1);
    }
}

#[tokio::test]
async fn the_time_for_which_messages_are_tried_changes_without_a_review() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    let time = |seconds| TemplatePatch { message_ttl_seconds: TtlChange::Set(seconds), ..TemplatePatch::default() };
    for seconds in [43_200, 86_400] {
        let changed = shop.replace(id, time(Some(seconds))).await.unwrap();
        assert_eq!(changed.draft.unwrap().message_ttl_seconds, Some(seconds));
        shop.submit(id).await;
        shop.graph.cut_next("POST");
        shop.drain().await;
        shop.pass_time().await;
        shop.drain().await;
        assert_eq!(shop.graph.edit(), json!({ "message_send_ttl_seconds": seconds }));
        let template = shop.read(id).await;
        assert_eq!((template.message_ttl_seconds, template.status.as_str()), (Some(seconds), status::APPROVED));
    }
    assert_eq!((shop.graph.writes(), shop.app.count("select count(*) from template_edits").await), ((1, 2), 0));
    let both = TemplatePatch { components: Some(offer_of("now take {{2}} off")), ..time(Some(-1)) };
    shop.replace(id, both).await.unwrap();
    shop.submit(id).await;
    shop.drain().await;
    assert_eq!((&shop.graph.edit()["message_send_ttl_seconds"], shop.graph.edit().get("category")), (&json!(-1), None));
    assert_eq!(shop.read(id).await.status, status::PENDING);
}

#[tokio::test]
async fn a_change_outlives_that_the_template_is_turned_down() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    shop.replace(id, content(offer_of("now take {{2}} off"))).await.unwrap();
    shop.news("REJECTED").await;
    shop.submit(id).await;
    shop.drain().await;
    let view = shop.view(id).await;
    assert_eq!((view.template.components, view.template.version, view.draft), (offer_of("now take {{2}} off"), 2, None));
    assert_eq!((view.template.status.as_str(), shop.graph.writes()), (status::PENDING, (1, 1)));
}

#[tokio::test]
async fn a_change_and_a_submission_at_once_come_one_after_the_other() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    shop.replace(id, content(offer_of("now take {{2}} off"))).await.unwrap();
    let mut first = shop.app.begin().await;
    service::submit(&mut first, &*shop.app.clock, id).await.unwrap();
    let (db, clock, organization) = (shop.app.db.clone(), shop.app.clock.clone(), shop.app.organization);
    let second = tokio::spawn(async move {
        let mut tx = db.tenant(organization).await.unwrap();
        service::replace(&mut tx, &*clock, id, content(offer_of("take {{2}} or more off"))).await
    });
    shop.app.database.until_blocked(1).await;
    first.commit().await.unwrap();
    assert!(matches!(second.await.unwrap(), Err(TemplateError::ChangeUnderWay)));
    assert_eq!(shop.view(id).await.draft.unwrap().components, offer_of("now take {{2}} off"));
}

#[tokio::test]
async fn a_taken_change_is_written_down_though_another_run_was_refused() {
    // The person may have gone on writing meanwhile.
    for rewritten in [false, true] {
        let shop = Shop::new().await;
        let id = shop.approved("offer").await;
        shop.replace(id, content(offer_of("now take {{2}} off"))).await.unwrap();
        shop.submit(id).await;
        let mut tx = shop.app.begin().await;
        let offer = service::offer(&mut tx, id).await.unwrap().unwrap();
        let refused = Said::Refused { reason: "it is under review".into(), problems: Vec::new() };
        service::settle(&mut tx, &*shop.app.clock, &offer, refused).await.unwrap();
        tx.commit().await.unwrap();
        if rewritten {
            shop.replace(id, content(offer_of("take more than {{2}} off"))).await.unwrap();
        }
        let taken = || Said::Taken(Taken { provider_id: "701".into(), status: "PENDING".into(), reason: None, category: None });
        for _ in 0..2 {
            let mut tx = shop.app.begin().await;
            service::settle(&mut tx, &*shop.app.clock, &offer, taken()).await.unwrap();
            tx.commit().await.unwrap();
        }
        let view = shop.view(id).await;
        assert_eq!((view.template.status.as_str(), view.template.version), (status::PENDING, 2));
        assert_eq!(view.template.components, offer_of("now take {{2}} off"));
        assert_eq!(view.draft.map(|draft| draft.components), rewritten.then(|| offer_of("take more than {{2}} off")));
        assert_eq!(shop.app.count("select count(*) from template_edits").await, 1);
    }
}

#[tokio::test]
async fn a_refused_change_that_the_provider_has_is_taken() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    shop.replace(id, content(offer_of("now take {{2}} off"))).await.unwrap();
    shop.submit(id).await;
    // This run looks, another edits, and this one is refused.
    let before =
        json!({ "id": "701", "name": "offer", "language": "en_US", "status": "APPROVED", "components": offer_of("take {{2}} off") });
    shop.graph.answer_next("GET", Some((200, before)));
    shop.graph.change("701", &json!({ "status": "PENDING", "components": offer_of("now take {{2}} off") }));
    shop.graph.answer_next("POST", Some((400, refusal(100, 2_388_299))));
    shop.drain().await;
    let view = shop.view(id).await;
    assert_eq!((view.template.status.as_str(), view.template.version, view.draft), (status::PENDING, 2, None));
    assert_eq!(view.template.components, offer_of("now take {{2}} off"));
}

#[tokio::test]
async fn the_time_for_which_messages_are_tried_is_not_taken_back() {
    let shop = Shop::new().await;
    let id = shop.approved("offer").await;
    let time = |seconds| TemplatePatch { message_ttl_seconds: TtlChange::Set(seconds), ..TemplatePatch::default() };
    let refused = async || {
        let Err(TemplateError::Invalid(errors)) = shop.replace(id, time(None)).await else { panic!("it was taken") };
        assert_eq!(
            errors.0.iter().map(|error| (error.field.as_str(), error.code)).collect::<Vec<_>>(),
            [("messageSendTtlSeconds", "fixed")]
        );
    };
    assert_eq!(shop.replace(id, time(None)).await.unwrap().draft, None, "it has none");
    shop.replace(id, time(Some(43_200))).await.unwrap();
    assert_eq!(shop.replace(id, time(None)).await.unwrap().draft, None, "the provider does not have it yet");
    shop.replace(id, time(Some(43_200))).await.unwrap();
    shop.submit(id).await;
    shop.drain().await;
    assert_eq!(shop.read(id).await.message_ttl_seconds, Some(43_200));
    refused().await;
    shop.news("REJECTED").await;
    refused().await;
    shop.replace(id, time(Some(86_400))).await.unwrap();
    refused().await;
}
