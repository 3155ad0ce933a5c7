//! Whether the service says how it is.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::app::TestApp;

#[tokio::test]
async fn a_well_service_says_so() {
    let app = TestApp::start().await;
    let mut health = app.anybody().get("/api/health").await.expect(StatusCode::OK).json::<Value>();
    // The mail to whoever registered waits for a worker.
    let oldest = health["queue"]["oldestPendingSeconds"].take();
    assert!(oldest.as_f64().is_some_and(|seconds| (0.0..60.0).contains(&seconds)), "{oldest}");
    assert_eq!(
        health,
        json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "database": "up",
            "redis": "absent",
            "auth": "up",
            "storage": "up",
            "migrations": "current",
            "queue": { "oldestPendingSeconds": null },
        })
    );
    let _ = app.anybody().get("/livez").await.expect(StatusCode::OK);
    let _ = app.anybody().get("/readyz").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_service_whose_database_went_away_is_alive_but_not_ready() {
    let app = TestApp::start().await;
    app.state.db.close().await;
    let health = app.anybody().get("/api/health").await.expect(StatusCode::SERVICE_UNAVAILABLE).json::<Value>();
    assert_eq!((&health["status"], &health["database"]), (&json!("down"), &json!("down")));
    let _ = app.anybody().get("/livez").await.expect(StatusCode::OK);
    let answer = app.anybody().get("/readyz").await;
    assert!(answer.header("retry-after").is_some());
    answer.problem(StatusCode::SERVICE_UNAVAILABLE, "database-unavailable");
    app.get("/api/auth/me").await.problem(StatusCode::SERVICE_UNAVAILABLE, "database-unavailable");
}

#[tokio::test]
async fn a_redis_that_does_not_answer_only_degrades() {
    let app = TestApp::start_with(|config| config.redis.url = Some("redis://127.0.0.1:1".into())).await;
    let health = app.anybody().get("/api/health").await.expect(StatusCode::OK).json::<Value>();
    assert_eq!((&health["status"], &health["redis"]), (&json!("degraded"), &json!("down")));
}
