use chrono::TimeDelta;
use db::DbError;
use kernel::{Clock, OrganizationId};
use queue::{Enqueue, Registry, Resources, testing::TestWorker};

use super::{Answer, Beginning, IdempotencyError, IdempotencyKey, KEPT_FOR, LEASE, Purge, Sender, Turn, begin, give_back, guard, keep};
use crate::arranged::{Arranged, vault};

const HASH: [u8; 32] = [1; 32];

fn answer() -> Answer {
    Answer { status: 201, headers: vec![("content-type".into(), "application/json".into())], body: vec![0, 159, 146, 150] }
}

async fn begin_as(app: &Arranged, organization: OrganizationId, actor: &str, hash: [u8; 32]) -> Result<Beginning, IdempotencyError> {
    let sender = Sender { organization, actor: actor.into() };
    begin(&app.db, &vault(), app.clock.now(), (sender, IdempotencyKey::parse("k-1").unwrap()), hash).await
}

async fn again(app: &Arranged) -> Result<Beginning, IdempotencyError> {
    begin_as(app, app.organization, "user:1", HASH).await
}

async fn turn(app: &Arranged) -> Turn {
    match again(app).await.unwrap() {
        Beginning::Turn(turn) => turn,
        Beginning::Answered(answer) => panic!("answered before: {answer:?}"),
    }
}

/// Makes a change as the request of that turn would.
async fn take_effect(app: &Arranged, turn: &Turn) -> Result<(), DbError> {
    db::guarded(guard(turn), async {
        let mut tx = app.begin().await;
        sqlx::query("update organizations set name = name || '!'").execute(tx.conn()).await?;
        tx.commit().await
    })
    .await
}

async fn effects(app: &Arranged) -> i64 {
    app.count("select sum(length(name) - 4)::bigint from organizations").await
}

#[test]
fn a_key_is_visible_text_of_bounded_length() {
    for good in ["a", "\"quoted\"", "8e03978e-40d5-43e8-bc93-6894a57f9324", &"x".repeat(255)] {
        assert!(IdempotencyKey::parse(good).is_ok(), "{good}");
    }
    for bad in ["", "a b", "ü", "a\tb", &"x".repeat(256)] {
        assert!(IdempotencyKey::parse(bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn an_answer_is_given_again_to_its_sender_for_a_day() {
    let app = Arranged::new().await;
    let turn = turn(&app).await;
    take_effect(&app, &turn).await.unwrap();
    keep(&app.db, &vault(), &turn, &answer()).await.unwrap();
    assert!(matches!(again(&app).await, Ok(Beginning::Answered(kept)) if kept == answer()));
    assert_eq!(app.count("select count(*) from idempotency_keys where position('\\x9f9296'::bytea in answer) > 0").await, 0);
    assert!(matches!(begin_as(&app, app.organization, "user:1", [2; 32]).await, Err(IdempotencyError::Reused)));
    for (organization, actor) in [(app.other, "user:1"), (app.organization, "apiKey:1")] {
        assert!(matches!(begin_as(&app, organization, actor, [3; 32]).await, Ok(Beginning::Turn(_))));
    }
    app.clock.advance(KEPT_FOR - TimeDelta::seconds(1));
    assert!(matches!(again(&app).await, Ok(Beginning::Answered(_))));
    app.clock.advance(TimeDelta::seconds(1));
    assert!(matches!(again(&app).await, Ok(Beginning::Turn(_))));
}

#[tokio::test]
async fn a_repetition_waits_and_then_takes_the_turn_of_who_died() {
    let app = Arranged::new().await;
    let first = turn(&app).await;
    assert!(matches!(again(&app).await, Err(IdempotencyError::InFlight)));
    app.clock.advance(LEASE);
    let second = turn(&app).await;
    // The first one lives after all: it cannot commit, nor keep an answer, nor give the turn away.
    assert!(matches!(take_effect(&app, &first).await, Err(DbError::Superseded)));
    keep(&app.db, &vault(), &first, &answer()).await.unwrap();
    give_back(&app.db, &first).await.unwrap();
    assert_eq!(effects(&app).await, 0);
    take_effect(&app, &second).await.unwrap();
    assert_eq!(effects(&app).await, 1);
    assert!(matches!(again(&app).await, Err(IdempotencyError::InFlight)));
}

#[tokio::test]
async fn what_took_effect_is_not_done_again_when_its_answer_is_lost() {
    let app = Arranged::new().await;
    let turn = turn(&app).await;
    take_effect(&app, &turn).await.unwrap();
    give_back(&app.db, &turn).await.unwrap();
    app.clock.advance(LEASE);
    assert!(matches!(again(&app).await, Err(IdempotencyError::AnswerLost)));
    assert_eq!(effects(&app).await, 1);
}

#[tokio::test]
async fn a_second_commit_of_the_same_request_is_allowed_and_a_look_is_no_effect() {
    let app = Arranged::new().await;
    let turn = turn(&app).await;
    let look = db::guarded(guard(&turn), async {
        let mut tx = app.begin().await;
        let _: i64 = sqlx::query_scalar("select count(*) from organizations").fetch_one(tx.conn()).await?;
        tx.commit().await
    });
    look.await.unwrap();
    assert_eq!(app.count("select count(*) from idempotency_keys where state = 'running'").await, 1);
    take_effect(&app, &turn).await.unwrap();
    take_effect(&app, &turn).await.unwrap();
    assert_eq!(effects(&app).await, 2);
}

#[tokio::test]
async fn a_commit_of_any_kind_of_transaction_says_that_the_request_took_effect() {
    let app = Arranged::new().await;
    let turn = turn(&app).await;
    let work = db::guarded(guard(&turn), async {
        let mut tx = app.db.system("a test").await?;
        sqlx::query("insert into jobs (id, kind, queue, payload) values (gen_random_uuid(), 'tests.nothing', 'bulk', '{}')")
            .execute(tx.conn())
            .await?;
        tx.commit().await
    });
    work.await.unwrap();
    assert_eq!(app.count("select count(*) from idempotency_keys where state = 'executed'").await, 1);
}

#[tokio::test]
async fn who_is_given_back_begins_anew() {
    let app = Arranged::new().await;
    let first = turn(&app).await;
    give_back(&app.db, &first).await.unwrap();
    assert!(matches!(begin_as(&app, app.organization, "user:1", [2; 32]).await, Ok(Beginning::Turn(_))));
}

#[tokio::test]
async fn one_of_many_at_once_gets_the_turn() {
    let app = Arranged::new().await;
    let all = futures::future::join_all((0..8).map(|_| again(&app))).await;
    assert_eq!(all.iter().filter(|beginning| matches!(beginning, Ok(Beginning::Turn(_)))).count(), 1);
    assert_eq!(all.iter().filter(|beginning| matches!(beginning, Err(IdempotencyError::InFlight))).count(), 7);
}

#[tokio::test]
async fn old_keys_are_purged_and_young_ones_stay() {
    let app = Arranged::new().await;
    turn(&app).await;
    app.clock.advance(KEPT_FOR + TimeDelta::seconds(1));
    assert!(matches!(begin_as(&app, app.organization, "user:2", HASH).await, Ok(Beginning::Turn(_))));
    let worker =
        TestWorker::new(&app.database, app.db.clone(), app.clock.clone(), Registry::default().register::<Purge>(), Resources::default());
    let mut tx = app.db.system("a test").await.unwrap();
    tx.enqueue(Purge {}).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(worker.drain().await.len(), 1);
    assert_eq!(app.count("select count(*) from idempotency_keys").await, 1);
}
