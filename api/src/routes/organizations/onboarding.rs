//! `GET /api/organizations/current/onboarding`, `POST …/dismiss` and `…/restore`

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use crm::{
    identity::permissions::OrganizationManage,
    organizations::{Onboarding, Step, StepKey, onboarding},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    extract::{Allowed, Json, Tenant},
    problem::Problem,
};

/// What a new organization may do first. Nothing on it is demanded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Onboarding)]
pub(super) struct OnboardingBody {
    /// In the order in which they make sense.
    steps: Vec<StepBody>,
    /// How many are done.
    done: usize,
    /// How many there are.
    total: usize,
    /// When somebody put the list away.
    dismissed_at: Option<DateTime<Utc>>,
}

/// A line of the list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OnboardingStep)]
struct StepBody {
    key: StepKey,
    done: bool,
    /// Fields of the profile that are still empty, for `profileCompleted`.
    missing: Vec<&'static str>,
}

impl From<Onboarding> for OnboardingBody {
    fn from(onboarding: Onboarding) -> Self {
        Self {
            done: onboarding.done(),
            total: onboarding.steps.len(),
            steps: onboarding.steps.into_iter().map(StepBody::from).collect(),
            dismissed_at: onboarding.dismissed_at,
        }
    }
}

impl From<Step> for StepBody {
    fn from(Step { key, done, missing }: Step) -> Self {
        Self { key, done, missing }
    }
}

/// Tells what was done already and what is missing. The e-mail address is that of whoever asks.
#[utoipa::path(get, path = "/api/organizations/current/onboarding", tag = "organizations", responses(
    (status = 200, description = "The list", body = OnboardingBody),
))]
pub(super) async fn show(tenant: Tenant) -> Result<Json<OnboardingBody>, Problem> {
    let mut tx = tenant.begin().await?;
    let onboarding = onboarding::read(&mut tx, tenant.user()).await?;
    tx.commit().await?;
    Ok(Json(onboarding.into()))
}

/// Puts the list away, for all members.
#[utoipa::path(post, path = "/api/organizations/current/onboarding/dismiss", tag = "organizations",
    extensions(("x-permission" = json!("organization.manage"))), responses(
    (status = 204, description = "It is away"),
))]
pub(super) async fn dismiss(tenant: Allowed<OrganizationManage>) -> Result<StatusCode, Problem> {
    let mut tx = tenant.begin().await?;
    onboarding::dismiss(&mut tx, tenant.clock(), tenant.actor()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the list out again.
#[utoipa::path(post, path = "/api/organizations/current/onboarding/restore", tag = "organizations",
    extensions(("x-permission" = json!("organization.manage"))), responses(
    (status = 204, description = "It is back"),
))]
pub(super) async fn restore(tenant: Allowed<OrganizationManage>) -> Result<StatusCode, Problem> {
    let mut tx = tenant.begin().await?;
    onboarding::restore(&mut tx, tenant.clock(), tenant.actor()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
