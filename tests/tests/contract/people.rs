//! Those who ask: every kind of member, key and stranger.

use kernel::OrganizationId;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;
use sqlx::PgConnection;
use tests::app::{Answer, Client, Member, TestApp, registration};

use super::{
    document::Operation,
    records::{CANARY, Watch, records_of},
    request::{Draft, Records},
};

/// Two organizations with records of every kind: the admin's, and another whose texts all contain the canary.
pub(crate) struct Ground {
    pub(crate) app: TestApp,
    pub(crate) own: Records,
    pub(crate) foreign: Records,
    watch: tokio::sync::Mutex<Watch>,
    before: String,
}

impl Ground {
    pub(crate) async fn prepare() -> Self {
        let app = TestApp::start().await;
        let mut body = registration();
        body["businessName"] = format!("{CANARY} Ltd").into();
        body["email"] = format!("{CANARY}-{:08x}@example.com", rand::random::<u32>()).into();
        let stranger = app.anybody().register_with(body).await;
        let mut owner = app.database.owner().await;
        let own = records_of(app.admin.organization, app.admin.user, "own", &mut owner).await;
        let foreign = records_of(stranger.organization, stranger.user, CANARY, &mut owner).await;
        let mut watch = Watch::over(stranger.organization, owner).await;
        let before = watch.look().await;
        Self { app, own, foreign, watch: watch.into(), before }
    }

    /// Fresh records of the admin's organization.
    pub(crate) async fn fresh_records(&self, owner: &mut PgConnection) -> Records {
        records_of(self.app.admin.organization, self.app.admin.user, "own", owner).await
    }

    /// Fails the test when anything of the other organization changed.
    pub(crate) async fn unchanged(&self, caller: &str, answer: &Answer) {
        let after = self.watch.lock().await.look().await;
        let changed = super::records::changed(&self.before, &after);
        assert!(changed.is_empty(), "{caller}: {} changed {changed:?} of another organization", answer.asked);
    }

    /// Fails the test when anything of the other organization changed, or shows in the answer. `asked` are ids that the request named.
    pub(crate) async fn untouched(&self, caller: &str, answer: &Answer, asked: &[&str]) {
        self.unchanged(caller, answer).await;
        let told = format!("{:?} {}", answer.headers, answer.text());
        let shown = self.foreign.iter().map(|(kind, id)| (*kind, id.as_str())).chain([("canary", CANARY)]);
        // What the request named may be named in the answer; a bare number may stand there by chance.
        for (kind, word) in shown.filter(|(kind, word)| *kind != "BusinessAccountId" && !asked.contains(word)) {
            assert!(!told.contains(word), "{caller}: {} shows the {kind} of another organization: {told}", answer.asked);
        }
    }
}

/// Somebody who asks.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) name: String,
    pub(crate) client: Client,
    /// The rights that it has, as the API calls them.
    pub(crate) rights: Vec<String>,
    /// An API key, sent instead of a token.
    pub(crate) key: Option<String>,
    /// The address to sign in with again.
    email: Option<String>,
}

impl Caller {
    /// A member, with the rights that the API says it has.
    pub(crate) async fn member(name: impl Into<String>, member: &Member) -> Self {
        let me = member.client.get("/api/auth/me").await.expect(StatusCode::OK).json::<Value>();
        let rights = me["permissions"].as_array().expect("a list").iter().map(|right| right.as_str().expect("a word").to_owned());
        Self { name: name.into(), client: member.client.clone(), rights: rights.collect(), key: None, email: Some(member.email.clone()) }
    }

    /// A key with these rights.
    pub(crate) fn key(name: impl Into<String>, app: &TestApp, key: &str, rights: &[&str]) -> Self {
        let rights = rights.iter().map(|right| (*right).to_owned()).collect();
        Self { name: name.into(), client: app.anybody().clone(), rights, key: Some(key.to_owned()), email: None }
    }

    pub(crate) fn may(&self, right: &str) -> bool {
        self.rights.iter().any(|had| had == right)
    }

    pub(crate) async fn call(&self, operation: &Operation, draft: &Draft) -> Answer {
        let key = self.key.clone();
        let complete = move |request: RequestBuilder| match key {
            Some(key) => request.header("x-api-key", key),
            None => request,
        };
        draft.send(&self.client, operation, complete).await
    }

    /// The same; a member whose login an earlier call has ended signs in again first.
    pub(crate) async fn call_signed_in(&mut self, operation: &Operation, draft: &Draft) -> Answer {
        let answer = self.call(operation, draft).await;
        if let Some(email) = &self.email
            && answer.status == StatusCode::UNAUTHORIZED
            && answer.text().contains("/problems/session-ended")
        {
            self.client = self.client.login(email).await;
            return self.call(operation, draft).await;
        }
        answer
    }
}

/// Makes a key by the API, as an admin.
pub(crate) async fn new_key(admin: &Client, rights: &[&str]) -> (String, String) {
    let body = serde_json::json!({ "name": "of a test", "permissions": rights });
    let told = admin.post_json("/api/api-keys", body).await.expect(StatusCode::CREATED).json::<Value>();
    let word = |field: &str| told[field].as_str().unwrap_or_else(|| panic!("{field} of {told}")).to_owned();
    (word("id"), word("key"))
}

/// Switches an organization off, or on again, past the API.
pub(crate) async fn deactivate(organization: OrganizationId, owner: &mut PgConnection) {
    sqlx::query("update organizations set deactivated_at = now() where id = $1")
        .bind(organization.uuid())
        .execute(owner)
        .await
        .expect("the organization is switched off");
}
