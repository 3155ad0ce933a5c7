//! What operators see and do with background jobs.

use kernel::{Clock, JobId, OrganizationId};
use reqwest::StatusCode;
use serde_json::Value;
use tests::app::TestApp;

async fn a_job(app: &TestApp, organization: OrganizationId, state: &str) -> JobId {
    let id = JobId::at(app.clock.now());
    sqlx::query("insert into jobs (id, organization_id, kind, queue, payload, state) values ($1, $2, 'tests.nothing', 'bulk', '{}', $3)")
        .bind(id.uuid())
        .bind(organization.uuid())
        .bind(state)
        .execute(&mut app.database.owner().await)
        .await
        .expect("a job");
    id
}

#[tokio::test]
async fn an_operator_sees_the_organizations_jobs_and_no_others() {
    let app = TestApp::start().await;
    let stranger = app.stranger().await;
    let ours = a_job(&app, app.admin.organization, "dead").await;
    let waiting = a_job(&app, app.admin.organization, "waiting").await;
    let theirs = a_job(&app, stranger.organization, "dead").await;

    let ids = |page: Value| page["data"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let all = app.get("/api/jobs?kind=tests.nothing").await.expect(StatusCode::OK).json();
    assert_eq!(ids(all), [waiting.to_string(), ours.to_string()]);
    let dead = app.get("/api/jobs?state=dead&kind=tests.nothing").await.expect(StatusCode::OK).json();
    assert_eq!(ids(dead), [ours.to_string()]);
    app.post(&format!("/api/jobs/{theirs}/retry")).await.problem(StatusCode::NOT_FOUND, "job-not-found");
    app.post(&format!("/api/jobs/{theirs}/discard")).await.problem(StatusCode::NOT_FOUND, "job-not-found");
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let app = TestApp::start().await;
    let mut wanted = Vec::new();
    for _ in 0..5 {
        wanted.insert(0, a_job(&app, app.admin.organization, "waiting").await.to_string());
    }
    let mut found = Vec::new();
    let mut path = "/api/jobs?kind=tests.nothing&limit=2".to_owned();
    loop {
        let page: Value = app.get(&path).await.expect(StatusCode::OK).json();
        found.extend(page["data"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/api/jobs?kind=tests.nothing&limit=2&cursor={cursor}");
    }
    wanted.sort_unstable();
    wanted.reverse();
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn a_dead_job_is_retried_or_given_up_once() {
    let app = TestApp::start().await;
    let job = a_job(&app, app.admin.organization, "dead").await;
    let told: Value = app.post(&format!("/api/jobs/{job}/retry")).await.expect(StatusCode::OK).json();
    assert_eq!((&told["state"], &told["attempts"]), (&"waiting".into(), &0.into()));
    let told: Value = app.post(&format!("/api/jobs/{job}/discard")).await.expect(StatusCode::OK).json();
    assert_eq!(told["state"], "discarded");
    app.post(&format!("/api/jobs/{job}/discard")).await.problem(StatusCode::CONFLICT, "job-state");
}

#[tokio::test]
async fn only_an_admin_sees_jobs() {
    let app = TestApp::start().await;
    let agent = app.colleague("agent").await;
    agent.client.get("/api/jobs").await.problem(StatusCode::FORBIDDEN, "right-missing");
}
