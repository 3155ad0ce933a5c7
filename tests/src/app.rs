//! The API as clients meet it: the real router on a port of its own, over a database of its own.

use std::{net::SocketAddr, sync::Arc};

use api::AppState;
use crm::identity::one_time::Purpose;
use db::testing::TestDatabase;
use kernel::{OrganizationId, UserId};
use reqwest::{
    Method, StatusCode,
    header::HeaderMap,
    multipart::{Form, Part},
};
use runtime::Config;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::clock::JumpingClock;

/// What every member of a test signs in with.
pub const PASSWORD: &str = "correct horse battery";

/// A running API with one registered organization, whose admin asks unless another client is used.
#[derive(Debug)]
pub struct TestApp {
    /// Its database.
    pub database: TestDatabase,
    /// What its handlers work with.
    pub state: AppState,
    /// Its clock.
    pub clock: Arc<JumpingClock>,
    /// The admin of the registered organization.
    pub admin: Member,
    anybody: Client,
    _files: tempfile::TempDir,
    _running: DropGuard,
}

/// Asks the API, with or without an access token. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    key: Option<String>,
}

/// A signed-in member of an organization.
#[derive(Clone, Debug)]
pub struct Member {
    /// Asks with the member's access token.
    pub client: Client,
    /// The member.
    pub user: UserId,
    /// The member's organization.
    pub organization: OrganizationId,
    /// The address to sign in with.
    pub email: String,
    /// `refreshToken=…`, as a browser sends it.
    pub cookie: String,
}

/// What the API answered.
#[derive(Debug)]
pub struct Answer {
    /// What was asked, for messages.
    pub asked: String,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl TestApp {
    /// Starts an API with generous limits.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts an API whose settings `change` has changed.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(async |config| change(config)).await
    }

    /// Starts an API whose settings `change` has changed, which may first start what they name.
    pub async fn start_on(change: impl AsyncFnOnce(&mut Config)) -> Self {
        runtime::tls::install();
        let database = TestDatabase::create().await;
        let files = tempfile::tempdir().expect("a folder");
        let mut config = Config::default();
        config.database.url = database.app_url();
        config.storage.dir = files.path().join("storage");
        config.mail.dir = files.path().join("mail");
        config.limits.registrations_per_hour = 1_000;
        config.limits.logins_per_minute = 1_000;
        config.limits.password_resets_per_hour = 1_000;
        config.limits.password_resets_per_email_per_hour = 1_000;
        config.limits.invitations_per_hour = 1_000;
        config.limits.requests_per_second = 10_000;
        config.limits.writes_per_minute = 100_000;
        config.limits.uploads_per_hour = 1_000;
        config.limits.exports_per_hour = 1_000;
        change(&mut config).await;
        let clock = Arc::new(JumpingClock::default());
        let state = AppState::open(config, clock.clone()).expect("the settings are good");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let stopping = CancellationToken::new();
        tokio::spawn(api::serve_on(listener, state.clone(), stopping.clone()));
        let anybody = Client::new(address);
        let admin = anybody.register().await;
        Self { database, state, clock, admin, anybody, _files: files, _running: stopping.drop_guard() }
    }

    /// Asks without an access token.
    pub fn anybody(&self) -> &Client {
        &self.anybody
    }

    /// The admin of another organization.
    pub async fn stranger(&self) -> Member {
        self.anybody.register().await
    }

    /// Another member of the admin's organization: invited, and joined by the link of the mail. `role` is a built-in one, or the key of
    /// one of the organization's own.
    pub async fn colleague(&self, role: &str) -> Member {
        let email = format!("grace-{:016x}@example.com", rand::random::<u64>());
        let user = self.invite(&email, role).await;
        let token = self.invitation(user).await;
        let answer = self.anybody.accept_invitation(&token).await.expect(StatusCode::OK);
        let told = answer.json::<Value>();
        Member {
            client: self.anybody.with_token(told["accessToken"].as_str().expect("a token")),
            user,
            organization: self.admin.organization,
            email,
            cookie: answer.cookie(),
        }
    }

    /// Invites somebody as the admin.
    pub async fn invite(&self, email: &str, role: &str) -> UserId {
        let body = json!({ "email": email, "firstName": "Grace", "lastName": "Hopper", "role": role });
        let answer = self.post_json("/api/users", body).await.expect(StatusCode::CREATED);
        answer.json::<Value>()["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
    }

    /// The token of the link in the newest invitation that somebody got.
    pub async fn invitation(&self, user: UserId) -> String {
        let id: uuid::Uuid =
            sqlx::query_scalar("select token_id from mails where user_id = $1 and kind = 'invitation' order by id desc limit 1")
                .bind(user.uuid())
                .fetch_one(&mut self.database.owner().await)
                .await
                .expect("a mail was queued");
        self.state.identity.one_time().token(id.into(), Purpose::Invitation)
    }

    /// `GET` as the admin.
    pub async fn get(&self, path: &str) -> Answer {
        self.admin.client.get(path).await
    }

    /// `POST` without a body, as the admin.
    pub async fn post(&self, path: &str) -> Answer {
        self.admin.client.post(path).await
    }

    /// `POST` of JSON, as the admin.
    pub async fn post_json(&self, path: &str, body: Value) -> Answer {
        self.admin.client.post_json(path, body).await
    }

    /// `PUT` of JSON, as the admin.
    pub async fn put_json(&self, path: &str, body: Value) -> Answer {
        self.admin.client.put_json(path, body).await
    }

    /// `PATCH` of JSON, as the admin.
    pub async fn patch_json(&self, path: &str, body: Value) -> Answer {
        self.admin.client.patch_json(path, body).await
    }

    /// `DELETE` as the admin.
    pub async fn delete(&self, path: &str) -> Answer {
        self.admin.client.delete(path).await
    }
}

impl Client {
    fn new(address: SocketAddr) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { http, base: format!("http://{address}"), token: None, key: None }
    }

    /// The same, asking with `token`.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same, asking with an API key and nothing else.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { token: None, key: Some(key.to_owned()), ..self.clone() }
    }

    /// The access token.
    pub fn token(&self) -> &str {
        self.token.as_deref().expect("a signed-in client")
    }

    /// `http://host:port`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request, to be completed and given to [`Client::send`].
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let request = match &self.key {
            Some(key) => request.header("x-api-key", key),
            None => request,
        };
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let request = request.build().expect("a request");
        let asked = format!("{} {}", request.method(), request.url().path());
        let response = self.http.execute(request).await.unwrap_or_else(|error| panic!("{asked}: {error:?}"));
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.unwrap_or_else(|error| panic!("{asked}: {error:?}")).to_vec();
        Answer { asked, status, headers, body }
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// `POST` without a body.
    pub async fn post(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path)).await
    }

    /// `POST` of JSON.
    pub async fn post_json(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    /// `POST` of a form whose one part is a file.
    pub async fn post_file(&self, path: &str, content_type: &str, bytes: Vec<u8>) -> Answer {
        let part = Part::bytes(bytes).file_name("upload").mime_str(content_type).expect("a media type");
        self.send(self.request(Method::POST, path).multipart(Form::new().part("file", part))).await
    }

    /// `PUT` of JSON.
    pub async fn put_json(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    /// `PATCH` of JSON.
    pub async fn patch_json(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// `POST` with nothing but a cookie.
    pub async fn post_cookie(&self, path: &str, cookie: &str) -> Answer {
        self.send(self.request(Method::POST, path).header("cookie", cookie)).await
    }

    /// Registers a new organization.
    pub async fn register(&self) -> Member {
        self.register_with(registration()).await
    }

    /// Registers a new organization with a body like that of [`registration`].
    pub async fn register_with(&self, body: Value) -> Member {
        let email = body["email"].as_str().expect("a text").to_owned();
        let answer = self.post_json("/api/auth/register", body).await.expect(StatusCode::CREATED);
        let cookie = answer.cookie();
        let told = answer.json::<Value>();
        let id = |pointer: &str| told.pointer(pointer).and_then(Value::as_str).and_then(|id| id.parse::<uuid::Uuid>().ok()).expect("an id");
        Member {
            client: self.with_token(told["accessToken"].as_str().expect("a token")),
            user: id("/user/id").into(),
            organization: id("/organization/id").into(),
            email,
            cookie,
        }
    }

    /// Joins by the token of an invitation, with [`PASSWORD`].
    pub async fn accept_invitation(&self, token: &str) -> Answer {
        let body = json!({ "token": token, "password": PASSWORD, "confirmPassword": PASSWORD, "agreeToTerms": true });
        self.post_json("/api/auth/accept-invitation", body).await
    }

    /// Signs in with [`PASSWORD`].
    pub async fn login(&self, email: &str) -> Self {
        let answer = self.post_json("/api/auth/login", json!({ "email": email, "password": PASSWORD })).await.expect(StatusCode::OK);
        self.with_token(answer.json::<Value>()["accessToken"].as_str().expect("a token"))
    }
}

/// What a new organization registers with; the e-mail address is a new one each time.
pub fn registration() -> Value {
    json!({
        "firstName": "Ada",
        "lastName": "Lovelace",
        "businessName": "Analytical Engines",
        "email": format!("ada-{:016x}@example.com", rand::random::<u64>()),
        "phoneNumber": "+4915123456789",
        "password": PASSWORD,
        "confirmPassword": PASSWORD,
        "agreeToTerms": true,
    })
}

impl Answer {
    /// Fails the test unless the status is `status`.
    #[expect(clippy::return_self_not_must_use, reason = "often the status is all that matters")]
    #[track_caller]
    pub fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        self
    }

    /// Fails the test unless the answer is a problem document of this status and kind; returns the document.
    #[track_caller]
    pub fn problem(self, status: StatusCode, slug: &str) -> Value {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.asked);
        let document: Value = answer.json();
        assert_eq!(document["type"], format!("/problems/{slug}"), "{}: {document}", answer.asked);
        assert_eq!(document["status"], status.as_u16(), "{}: {document}", answer.asked);
        assert_eq!(document["requestId"].as_str(), answer.header("x-request-id"), "{}: {document}", answer.asked);
        document
    }

    /// Fails the test unless the answer is the problem of one or more fields, `field` being the first.
    #[track_caller]
    pub fn field_problem(self, field: &str, code: &str) {
        let document = self.problem(StatusCode::BAD_REQUEST, "invalid-input");
        assert_eq!(
            (document["errors"][0]["field"].as_str(), document["errors"][0]["code"].as_str()),
            (Some(field), Some(code)),
            "{document}"
        );
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{}: {error}: {}", self.asked, self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// `name=value` of the one cookie that was set.
    #[track_caller]
    pub fn cookie(&self) -> String {
        let cookies: Vec<_> = self.headers.get_all("set-cookie").iter().collect();
        let [cookie] = cookies[..] else { panic!("{}: {} cookies", self.asked, cookies.len()) };
        cookie.to_str().expect("a text").split(';').next().expect("a cookie").to_owned()
    }
}
