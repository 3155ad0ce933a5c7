use chrono::TimeDelta;
use kernel::Clock;
use queue::Outcome;

use serde_json::json;

use super::Shop;
use crate::{
    files,
    templates::{
        NewTemplate,
        creations::{CREATIONS_PER_HOUR, Turn, take_at},
        media::{self, MediaType},
        model::status,
        service,
    },
};

/// Has so many creations of the account take place within the last hour, whoever asked for them.
async fn fill(shop: &Shop, account: &str, places: i64) {
    let mut owner = shop.app.database.owner().await;
    sqlx::query(
        "insert into template_creations (business_account_id, created_at, id)
         select $1, $2 - n * interval '30 seconds', gen_random_uuid() from generate_series(1, $3) n",
    )
    .bind(account)
    .bind(shop.app.clock.now())
    .bind(places)
    .execute(&mut owner)
    .await
    .unwrap();
}

#[tokio::test]
async fn the_hundred_and_first_creation_waits_until_the_first_is_an_hour_ago() {
    let shop = Shop::new().await;
    fill(&shop, "9001", CREATIONS_PER_HOUR).await;
    fill(&shop, "another", 3).await;
    let id = shop.create("offer").await;
    shop.submit(id).await;
    let ran = shop.drain().await;
    assert_eq!(ran.iter().map(|run| run.outcome).collect::<Vec<_>>(), [Outcome::Snoozed]);
    // The oldest was 50 minutes ago.
    let waits = shop.app.count("select extract(epoch from run_at - now())::bigint from jobs where state = 'waiting'").await;
    assert!((590..=635).contains(&waits), "{waits}");
    assert_eq!((shop.read(id).await.status.as_str(), shop.graph.writes()), (status::SUBMITTING, (0, 0)));
    shop.app.clock.advance(TimeDelta::minutes(10));
    shop.pass_time().await;
    shop.drain().await;
    assert_eq!((shop.read(id).await.status.as_str(), shop.graph.writes()), (status::PENDING, (1, 0)));
    assert_eq!(shop.app.count("select count(*) from template_creations where business_account_id = '9001'").await, 100);
}

#[tokio::test]
async fn of_many_at_once_as_many_are_let_through_as_there_are_places() {
    let shop = Shop::new().await;
    fill(&shop, "9001", CREATIONS_PER_HOUR - 3).await;
    let tries = (0..20).map(|_| {
        let (db, now) = (shop.app.db.clone(), shop.app.clock.now());
        tokio::spawn(async move {
            let mut tx = db.system("a test").await.unwrap();
            let turn = take_at(&mut tx, "9001", now).await.unwrap();
            tx.commit().await.unwrap();
            matches!(turn, Turn::Now(_))
        })
    });
    let mut through = 0;
    for attempt in tries.collect::<Vec<_>>() {
        through += usize::from(attempt.await.unwrap());
    }
    assert_eq!(through, 3);
}

#[tokio::test]
async fn a_refusal_gives_the_place_back_and_a_lost_answer_does_not() {
    let shop = Shop::new().await;
    let places = async || shop.app.count("select count(*) from template_creations").await;
    let refused = shop.create("refused").await;
    shop.submit(refused).await;
    shop.drain().await;
    assert_eq!((shop.read(refused).await.status.as_str(), places().await), (status::REJECTED, 0));
    let lost = shop.create("offer").await;
    shop.graph.cut_next_creation();
    shop.submit(lost).await;
    shop.drain().await;
    assert_eq!((shop.read(lost).await.status.as_str(), places().await), (status::SUBMITTING, 1));
    shop.pass_time().await;
    shop.drain().await;
    assert_eq!((shop.read(lost).await.status.as_str(), places().await), (status::PENDING, 1), "what is found takes none");
}

#[tokio::test]
async fn samples_are_not_uploaded_for_a_creation_that_has_to_wait() {
    let shop = Shop::new().await;
    fill(&shop, "9001", CREATIONS_PER_HOUR).await;
    let mut tx = shop.app.begin().await;
    let file = files::service::reserve(&mut tx, shop.app.clock.now(), media::new_file(MediaType::Png, None, None)).await.unwrap();
    // An upload of it would fail: there is no content.
    let file = files::service::complete(&mut tx, shop.app.clock.now(), file, 1).await.unwrap();
    let header = json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": [format!("file:{}", file.id)] } });
    let input = NewTemplate { components: json!([header, { "type": "BODY", "text": "Hello there." }]), ..shop.input("offer") };
    let id = service::create(&mut tx, &*shop.app.clock, input).await.unwrap().id;
    tx.commit().await.unwrap();
    shop.submit(id).await;
    let ran = shop.drain().await;
    assert_eq!(ran.iter().map(|run| run.outcome).collect::<Vec<_>>(), [Outcome::Snoozed]);
    assert_eq!(shop.read(id).await.status, status::SUBMITTING);
}
