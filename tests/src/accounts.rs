//! Helps tests of accounts: the links of mails, codes of two-step logins, and the jobs in between.

use chrono::{DateTime, Utc};
use crm::identity::{
    OneTimeKeys,
    jobs::{Purge, RequestPasswordReset},
    one_time::Purpose,
};
use kernel::{Clock, OneTimeTokenId, UserId};
use queue::{Registry, Resources, testing::TestWorker};
use reqwest::StatusCode;
use serde_json::{Value, json};
use totp_rs::{Algorithm, Builder, Secret};
use uuid::Uuid;

use crate::app::{Client, TestApp};

/// An account's two-step login.
#[derive(Clone, Debug)]
pub struct TwoStep {
    /// The app's secret, in base32.
    pub secret: String,
    /// Each good once.
    pub recovery_codes: Vec<String>,
}

/// The code that an app shows at an instant; `secret` is base32.
///
/// # Panics
/// When the secret is none.
pub fn totp(secret: &str, at: DateTime<Utc>) -> String {
    let secret = Secret::try_from_base32(secret).expect("base32");
    let totp =
        Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_step_duration(30).with_secret(secret).build_noncompliant();
    totp.generate(u64::try_from(at.timestamp()).expect("an instant after 1970")).to_string()
}

impl TwoStep {
    /// The code that the app shows now.
    pub fn code(&self, app: &TestApp) -> String {
        totp(&self.secret, app.clock.now())
    }
}

impl TestApp {
    /// Switches two-step login on for whoever asks by `client`. The code that this took is used up: move the clock by 30 s for the next.
    pub async fn two_step(&self, client: &Client) -> TwoStep {
        let begun: Value = client.post("/api/auth/two-step").await.expect(StatusCode::OK).json();
        let secret = begun["secret"].as_str().expect("a secret").to_owned();
        let body = json!({ "code": totp(&secret, self.clock.now()) });
        let told: Value = client.post_json("/api/auth/two-step/confirm", body).await.expect(StatusCode::OK).json();
        let recovery_codes = serde_json::from_value(told["recoveryCodes"].clone()).expect("a list of texts");
        TwoStep { secret, recovery_codes }
    }

    /// The token of the newest link for an account, used or not, as its mail has it.
    pub async fn newest_link(&self, user: UserId, purpose: Purpose) -> Option<String> {
        let id: Option<Uuid> = sqlx::query_scalar(
            "select id from one_time_tokens where user_id = $1 and purpose = $2 order by created_at desc, id desc limit 1",
        )
        .bind(user.uuid())
        .bind(purpose.as_str())
        .fetch_optional(&mut self.database.owner().await)
        .await
        .expect("the links can be read");
        let keys = OneTimeKeys::new(&self.state.config.auth.jwt_secret);
        id.map(|id| keys.token(OneTimeTokenId::from(id), purpose))
    }

    /// Runs the waiting jobs of identity; the mails that they queue stay queued. Answers how many ran.
    pub async fn run_identity_jobs(&self) -> usize {
        let registry = Registry::default().register::<RequestPasswordReset>().register::<Purge>();
        let resources = Resources::default().with(OneTimeKeys::new(&self.state.config.auth.jwt_secret));
        let worker = TestWorker::new(&self.database, self.state.db.clone(), self.clock.clone(), registry, resources);
        worker.drain().await.len()
    }

    /// The kinds of the mails to an address, the oldest first.
    pub async fn mails_to(&self, email: &str) -> Vec<String> {
        sqlx::query_scalar("select kind from mails where to_address = $1 order by created_at, id")
            .bind(email)
            .fetch_all(&mut self.database.owner().await)
            .await
            .expect("the mails can be read")
    }

    /// The actions in the audit log of an organization, the oldest first.
    pub async fn acts_of(&self, organization: kernel::OrganizationId) -> Vec<String> {
        sqlx::query_scalar("select action from audit_events where organization_id = $1 order by seq")
            .bind(organization.uuid())
            .fetch_all(&mut self.database.owner().await)
            .await
            .expect("the audit log can be read")
    }
}
