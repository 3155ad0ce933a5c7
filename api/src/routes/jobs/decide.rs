//! `POST /api/jobs/{id}/retry` and `…/discard`

use crm::{audit::Target, identity::permissions::JobsManage};
use db::DbError;
use kernel::JobId;
use queue::admin::{self, Change};
use serde_json::json;

use super::body::JobBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// Has a dead, discarded or waiting job run now, with all its attempts given back.
#[utoipa::path(post, path = "/api/jobs/{id}/retry", tag = "jobs", params(("id" = JobId, Path, description = "The job")),
    extensions(("x-permission" = json!("jobs.manage"))), responses(
    (status = 200, description = "The job waits to run", body = JobBody),
    (status = 404, description = "There is no such job"),
    (status = 409, description = "The job runs or is done"),
))]
pub(super) async fn retry(tenant: Allowed<JobsManage>, Path(id): Path<JobId>) -> Result<Json<JobBody>, Problem> {
    let mut tx = tenant.begin().await?;
    made(admin::retry(&mut tx, id).await, "a job that runs or is done cannot be retried")?;
    let job = admin::find(&mut tx, id).await?.ok_or_else(not_found)?;
    tenant.record(&mut tx, "jobs.retry", Some(Target::new("jobs", id)), json!({ "kind": job.kind })).await?;
    tx.commit().await?;
    Ok(Json(job.into()))
}

/// Gives a dead or waiting job up. It stays visible for a week.
#[utoipa::path(post, path = "/api/jobs/{id}/discard", tag = "jobs", params(("id" = JobId, Path, description = "The job")),
    extensions(("x-permission" = json!("jobs.manage"))), responses(
    (status = 200, description = "The job was given up", body = JobBody),
    (status = 404, description = "There is no such job"),
    (status = 409, description = "The job runs or is over"),
))]
pub(super) async fn discard(tenant: Allowed<JobsManage>, Path(id): Path<JobId>) -> Result<Json<JobBody>, Problem> {
    let mut tx = tenant.begin().await?;
    made(admin::discard(&mut tx, id).await, "a job that runs or is over cannot be discarded")?;
    let job = admin::find(&mut tx, id).await?.ok_or_else(not_found)?;
    tenant.record(&mut tx, "jobs.discard", Some(Target::new("jobs", id)), json!({ "kind": job.kind })).await?;
    tx.commit().await?;
    Ok(Json(job.into()))
}

fn made(change: Result<Change, DbError>, not_allowed: &str) -> Result<(), Problem> {
    match change? {
        Change::Made => Ok(()),
        Change::NotAllowed => Err(Problem::conflict("job-state", not_allowed)),
        Change::NotFound => Err(not_found()),
    }
}

fn not_found() -> Problem {
    Problem::not_found("job-not-found", "there is no such job")
}
