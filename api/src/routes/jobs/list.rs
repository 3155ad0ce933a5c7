//! `GET /api/jobs`

use crm::identity::permissions::JobsManage;
use queue::admin::{self, JobFilter};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::body::JobBody;
use crate::{
    extract::{Allowed, Json, PageBody, PageParams, Paging, Query},
    problem::Problem,
};

/// Which jobs to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    state: Option<JobState>,
    /// What it does, as `contacts.import`.
    kind: Option<String>,
}

/// How a job stands.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum JobState {
    Waiting,
    Running,
    Done,
    Dead,
    Discarded,
}

impl JobState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
        }
    }
}

/// Lists the organization's jobs, the newest first.
#[utoipa::path(get, path = "/api/jobs", tag = "jobs", params(PageParams), extensions(("x-permission" = json!("jobs.manage"))), responses(
    (status = 200, description = "A page of jobs", body = PageBody<JobBody>),
))]
pub(super) async fn handler(
    tenant: Allowed<JobsManage>,
    Query(filter): Query<Filter>,
    Paging(page): Paging,
) -> Result<Json<PageBody<JobBody>>, Problem> {
    let filter = JobFilter { state: filter.state.map(|state| state.as_str().to_owned()), kind: filter.kind };
    let mut tx = tenant.begin().await?;
    let jobs = admin::list(&mut tx, &filter, page).await?;
    tx.commit().await?;
    Ok(Json(PageBody::of(jobs)))
}
