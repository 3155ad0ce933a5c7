//! Signing in, links and jobs over a real database.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version, password_hash::PasswordHasher};
use chrono::{DateTime, TimeDelta, Utc};
use db::testing::TestDatabase;
use futures::future::join_all;
use kernel::{Clock, EmailAddress, ManualClock, OrganizationId, SessionId, UserId};
use queue::{Registry, Resources, testing::TestWorker};
use secrecy::ExposeSecret;
use sqlx::Connection;

use super::{
    Credentials, Device, Identity, IdentityError, Login, OneTimeKeys, OwnWords, Password, Registration, SessionTimes, Settings,
    TwoStepStatus,
    jobs::{Purge, RequestPasswordReset},
    one_time::{self, Purpose},
};
use crate::arranged;

const SECRET: &str = "a secret of the accounts under test";
const PASSWORD: &str = "correct horse battery";
const EMAIL: &str = "ada@example.com";

/// Accounts with one registered member, Ada, who signed up from 192.0.2.0/24.
struct Accounts {
    database: TestDatabase,
    clock: Arc<ManualClock>,
    identity: Identity,
    organization: OrganizationId,
    ada: UserId,
}

fn chosen(password: &str) -> Password {
    Password::choose(password.into(), &OwnWords::default()).unwrap()
}

fn from(address: &str) -> Device {
    Device::new(Some(address.parse().unwrap()), Some("tests"))
}

impl Accounts {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let clock = Arc::new(ManualClock::new("2026-03-01T10:00:00Z".parse().unwrap()));
        let settings = Settings {
            jwt_secret: SECRET.into(),
            access_ttl: TimeDelta::minutes(15),
            times: SessionTimes { idle: TimeDelta::days(7), absolute: TimeDelta::days(30) },
            terms_version: "2026-02-28".into(),
        };
        let identity = Identity::new(database.db(), arranged::vault(), &settings);
        let registration = Registration {
            first_name: "Ada".into(),
            last_name: "Lovelace".into(),
            business_name: "Engines".into(),
            email: EmailAddress::parse(EMAIL).unwrap(),
            phone_number: None,
            password: chosen(PASSWORD),
        };
        let (_, user, organization) = identity.register(clock.now(), registration, &from("192.0.2.1")).await.unwrap();
        Self { database, clock, identity, organization: organization.id, ada: user.id }
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    async fn login_as(&self, name: &str, password: &str, code: Option<&str>, address: &str) -> Result<Login, IdentityError> {
        let credentials = Credentials { name: name.into(), password: Password::claim(password.into()), code: code.map(Into::into) };
        self.identity.login(self.now(), credentials, &from(address)).await
    }

    async fn login(&self, password: &str, address: &str) -> Result<Login, IdentityError> {
        self.login_as(EMAIL, password, None, address).await
    }

    async fn owner(&self, statement: &str) {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut self.database.owner().await).await.unwrap();
    }

    async fn count(&self, query: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&mut self.database.owner().await).await.unwrap()
    }

    fn worker(&self) -> TestWorker {
        let registry = Registry::default().register::<RequestPasswordReset>().register::<Purge>();
        let resources = Resources::default().with(OneTimeKeys::new(&SECRET.into()));
        TestWorker::new(&self.database, self.database.db(), self.clock.clone(), registry, resources)
    }
}

fn told(result: &Result<Login, IdentityError>) -> &'static str {
    match result {
        Ok(_) => "signed in",
        Err(IdentityError::WrongCredentials) => "wrong",
        Err(IdentityError::TooManyFailures(_)) => "wait",
        Err(IdentityError::TwoStepRequired) => "code needed",
        Err(IdentityError::WrongCode) => "wrong code",
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_link_is_good_once_and_a_newer_one_voids_it() {
    let app = Accounts::new().await;
    let keys = app.identity.one_time();
    let make = async || {
        let mut tx = app.database.db().identity("test").await.unwrap();
        let id = keys.create(&mut tx, app.now(), app.organization, app.ada, Purpose::PasswordReset).await.unwrap();
        tx.commit().await.unwrap();
        keys.token(id, Purpose::PasswordReset)
    };
    let take = async |purpose, token: &str| {
        let mut tx = app.database.db().identity("test").await.unwrap();
        let taken = one_time::take(&mut tx, app.now(), purpose, token).await.unwrap();
        tx.commit().await.unwrap();
        taken.map(|taken| taken.user)
    };
    let (first, second) = (make().await, make().await);
    assert_eq!(take(Purpose::PasswordReset, &first).await, None, "voided by the second one");
    assert_eq!(take(Purpose::Invitation, &second).await, None, "made for something else");
    let both = join_all((0..4).map(|_| take(Purpose::PasswordReset, &second))).await;
    assert_eq!(both.into_iter().flatten().collect::<Vec<_>>(), [app.ada], "of several that come at once one gets it");

    let third = make().await;
    app.clock.advance(TimeDelta::minutes(30));
    assert_eq!(take(Purpose::PasswordReset, &third).await, None, "too old");
    assert_eq!(take(Purpose::PasswordReset, "").await, None);
}

#[tokio::test]
async fn after_five_failures_each_try_waits_longer_also_with_the_right_password() {
    let app = Accounts::new().await;
    for _ in 0..5 {
        assert_eq!(told(&app.login("wrong password", "198.51.100.1").await), "wrong");
    }
    for seconds in [1, 2, 4] {
        let Err(IdentityError::TooManyFailures(wait)) = app.login(PASSWORD, "198.51.100.77").await else { panic!("must wait {seconds} s") };
        assert_eq!(wait, TimeDelta::seconds(seconds));
        app.clock.advance(wait);
        assert_eq!(told(&app.login("wrong password", "198.51.100.1").await), "wrong");
    }
    // Elsewhere nothing is locked, and what succeeds there does not wait for what failed here.
    assert_eq!(told(&app.login(PASSWORD, "203.0.113.1").await), "signed in");
    app.clock.advance(TimeDelta::seconds(8));
    assert_eq!(told(&app.login(PASSWORD, "198.51.100.1").await), "signed in");
    assert_eq!(told(&app.login("wrong password", "198.51.100.1").await), "wrong", "success forgot the failures");
}

#[tokio::test]
async fn many_tries_at_once_are_no_more_than_many_in_turn() {
    let app = Accounts::new().await;
    let all = join_all((0..12).map(|_| app.login("wrong password", "198.51.100.1"))).await;
    let wrong = all.iter().filter(|result| told(result) == "wrong").count();
    assert_eq!(wrong, 5, "{:?}", all.iter().map(told).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_guesser_with_many_networks_is_slowed_down_and_the_owner_is_not() {
    let app = Accounts::new().await;
    for network in 0..20 {
        assert_eq!(told(&app.login("wrong password", &format!("198.51.{network}.1")).await), "wrong");
    }
    assert_eq!(told(&app.login("wrong password", "203.0.113.1").await), "wait");
    // From where Ada has signed in lately she still can.
    assert_eq!(told(&app.login(PASSWORD, "192.0.2.200").await), "signed in");
}

#[tokio::test]
async fn an_unknown_name_is_treated_like_a_known_one() {
    let app = Accounts::new().await;
    let mut answers = Vec::new();
    for name in [EMAIL, "nobody@example.com", "nobody"] {
        let mut told_of = Vec::new();
        for _ in 0..7 {
            told_of.push(told(&app.login_as(name, "wrong password", None, "198.51.100.1").await));
        }
        answers.push(told_of);
    }
    assert_eq!(answers[0], ["wrong", "wrong", "wrong", "wrong", "wrong", "wait", "wait"]);
    assert!(answers.iter().all(|told| *told == answers[0]), "{answers:?}");
    let readable = app.count("select count(*) from login_failures where position('example' in encode(key, 'escape')) > 0").await;
    assert_eq!(readable, 0, "the counters name nobody");
}

#[tokio::test]
async fn who_may_not_sign_in_learns_nothing_by_the_right_password() {
    let app = Accounts::new().await;
    for (change, back) in [
        ("update memberships set disabled_at = now()", "update memberships set disabled_at = null"),
        ("update organizations set deactivated_at = now()", "update organizations set deactivated_at = null"),
        ("update memberships set joined_at = null", "update memberships set joined_at = now()"),
    ] {
        app.owner(change).await;
        assert_eq!(told(&app.login(PASSWORD, "192.0.2.1").await), "wrong", "{change}");
        app.owner(back).await;
        assert_eq!(told(&app.login(PASSWORD, "192.0.2.1").await), "signed in", "{back}");
    }
}

/// Does `work` while a change by `statement` is under way, which is committed as soon as the password of `work` is being looked at.
async fn overtaken<T>(app: &Accounts, statement: &str, work: impl Future<Output = T>) -> T {
    let mut owner = app.database.owner().await;
    let mut change = owner.begin().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *change).await.unwrap();
    let commit = async {
        // Counted before the password is looked at, with the account as it was.
        while app.count("select count(*) from login_failures where failures > 0").await == 0 {
            tokio::task::yield_now().await;
        }
        change.commit().await.unwrap();
    };
    tokio::join!(work, commit).0
}

#[tokio::test]
async fn a_login_that_was_overtaken_by_a_new_password_or_a_disabled_member_is_none() {
    for statement in ["update users set password_hash = 'of another one'", "update memberships set disabled_at = now()"] {
        let app = Accounts::new().await;
        let login = overtaken(&app, statement, Box::pin(app.login(PASSWORD, "192.0.2.1"))).await;
        assert_eq!(told(&login), "wrong", "{statement}");
        assert_eq!(app.count("select count(*) from sessions").await, 1, "only that of the registration: {statement}");
    }
}

#[tokio::test]
async fn an_old_password_changes_nothing_after_a_new_one_was_chosen() {
    let app = Accounts::new().await;
    let session = app.login(PASSWORD, "192.0.2.1").await.unwrap().access.session;
    let passwords = (Password::claim(PASSWORD.into()), "wonderful new horse".to_owned());
    let device = from("192.0.2.1");
    let change = app.identity.change_password(app.now(), (app.organization, app.ada), session, passwords, &device);
    let changed = overtaken(&app, "update users set password_hash = 'of another one'", Box::pin(change)).await;
    assert!(matches!(changed, Err(IdentityError::WrongPassword)), "{changed:?}");
    assert_eq!(app.count("select count(*) from users where password_hash = 'of another one'").await, 1);
}

#[tokio::test]
async fn an_outdated_hash_is_made_anew_at_the_next_login() {
    let app = Accounts::new().await;
    let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19_456, 2, 1, None).unwrap());
    let hash = old.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
    app.owner(&format!("update users set password_hash = '{hash}'")).await;
    assert_eq!(told(&app.login("wrong password", "192.0.2.1").await), "wrong");
    assert_eq!(app.count("select count(*) from users where password_hash like '%m=19456,t=2%'").await, 1);
    for _ in 0..2 {
        assert_eq!(told(&app.login(PASSWORD, "192.0.2.1").await), "signed in");
    }
    assert_eq!(app.count("select count(*) from users where password_hash like '$argon2id$v=19$m=47104,t=1,p=1$%'").await, 1);
}

#[tokio::test]
async fn a_code_of_the_second_step_counts_once_even_twice_at_once() {
    let app = Accounts::new().await;
    let enrolment = app.identity.begin_two_step(app.now(), app.ada).await.unwrap();
    assert_eq!(told(&app.login(PASSWORD, "192.0.2.1").await), "signed in", "begun is not on");
    let code = |shift: i64| {
        let secret = totp_rs::Secret::try_from_base32(enrolment.secret.expose_secret()).unwrap();
        let totp = totp_rs::Builder::new().with_secret(secret).build_noncompliant();
        totp.generate((app.now().timestamp() + shift).unsigned_abs()).to_string()
    };
    let first = code(0);
    let recovery = app.identity.confirm_two_step(app.now(), (app.organization, app.ada), SessionId::at(app.now()), &first).await.unwrap();
    assert_eq!(told(&app.login(PASSWORD, "192.0.2.1").await), "code needed");
    assert_eq!(told(&app.login_as(EMAIL, "wrong password", Some(&code(30)), "192.0.2.1").await), "wrong", "a code without the password");
    assert_eq!(told(&app.login_as(EMAIL, PASSWORD, Some(&first), "192.0.2.1").await), "wrong code", "the code that confirmed");

    app.clock.advance(TimeDelta::seconds(30));
    let now = code(0);
    let logins = join_all((0..3).map(|_| app.login_as(EMAIL, PASSWORD, Some(&now), "192.0.2.1"))).await;
    assert_eq!(logins.iter().filter(|login| login.is_ok()).count(), 1, "{:?}", logins.iter().map(told).collect::<Vec<_>>());

    app.clock.advance(TimeDelta::minutes(5));
    let spare = recovery[3].expose_secret().to_uppercase();
    assert_eq!(told(&app.login_as(EMAIL, PASSWORD, Some(&spare), "192.0.2.1").await), "signed in");
    assert_eq!(told(&app.login_as(EMAIL, PASSWORD, Some(&spare), "192.0.2.1").await), "wrong code");
    let TwoStepStatus { confirmed_at, recovery_codes_left } = app.identity.two_step(app.ada).await.unwrap();
    assert_eq!((confirmed_at.is_some(), recovery_codes_left), (true, 9));
    let secret = enrolment.secret.expose_secret();
    assert_eq!(app.count(&format!("select count(*) from two_step where position('{secret}' in encode(secret, 'escape')) > 0")).await, 0);
}

#[tokio::test]
async fn wrong_codes_are_failures_too() {
    let app = Accounts::new().await;
    let enrolment = app.identity.begin_two_step(app.now(), app.ada).await.unwrap();
    let secret = totp_rs::Secret::try_from_base32(enrolment.secret.expose_secret()).unwrap();
    let first = totp_rs::Builder::new().with_secret(secret).build_noncompliant().generate(app.now().timestamp().unsigned_abs()).to_string();
    app.identity.confirm_two_step(app.now(), (app.organization, app.ada), SessionId::at(app.now()), &first).await.unwrap();
    let mut answers = Vec::new();
    for guess in ["111111", "222222", "333333", "444444", "not-a-recovery-code", "555555"] {
        answers.push(told(&app.login_as(EMAIL, PASSWORD, Some(guess), "192.0.2.1").await));
    }
    assert_eq!(answers, ["wrong code", "wrong code", "wrong code", "wrong code", "wrong code", "wait"]);
}

#[tokio::test]
async fn only_who_may_sign_in_gets_a_link_for_a_forgotten_password() {
    let app = Accounts::new().await;
    let ask = async |email: &str| {
        app.identity.forgot_password(app.now(), &EmailAddress::parse(email).unwrap()).await.unwrap();
        assert_eq!(app.worker().drain().await.len(), 1, "one job for {email}");
        app.clock.advance(TimeDelta::minutes(1));
    };
    let mails = async |kind: &str| app.count(&format!("select count(*) from mails where kind = '{kind}'")).await;
    ask("nobody@example.com").await;
    assert_eq!(mails("passwordReset").await, 0);
    ask("ADA@example.com").await;
    assert_eq!(mails("passwordReset").await, 1);
    app.owner("update memberships set disabled_at = now()").await;
    ask(EMAIL).await;
    app.owner("update memberships set disabled_at = null; ").await;
    app.owner("update organizations set deactivated_at = now()").await;
    ask(EMAIL).await;
    app.owner("update organizations set deactivated_at = null").await;
    assert_eq!((mails("passwordReset").await, mails("invitation").await), (1, 0));
    app.owner("update memberships set joined_at = null").await;
    ask(EMAIL).await;
    assert_eq!((mails("passwordReset").await, mails("invitation").await), (1, 1), "who has not joined gets the invitation again");
    assert_eq!(app.count("select count(*) from password_reset_requests").await, 0, "no address stays");
}

#[tokio::test]
async fn a_forgotten_password_is_answered_once_however_often_the_job_runs() {
    let app = Accounts::new().await;
    app.identity.forgot_password(app.now(), &EmailAddress::parse(EMAIL).unwrap()).await.unwrap();
    let worker = app.worker();
    worker.drain().await;
    app.owner("update jobs set state = 'waiting', finished_at = null, run_at = now() where kind = 'identity.requestPasswordReset'").await;
    assert_eq!(worker.drain().await.len(), 1, "it ran again");
    assert_eq!(app.count("select count(*) from mails where kind = 'passwordReset'").await, 1);
    assert_eq!(app.count("select count(*) from one_time_tokens where purpose = 'passwordReset'").await, 1);
}

#[tokio::test]
async fn what_ended_long_ago_is_purged_and_the_rest_stays() {
    let app = Accounts::new().await;
    assert_eq!(told(&app.login(PASSWORD, "192.0.2.1").await), "signed in");
    assert_eq!(told(&app.login("wrong password", "198.51.100.1").await), "wrong");
    app.identity.forgot_password(app.now(), &EmailAddress::parse(EMAIL).unwrap()).await.unwrap();
    app.owner("delete from jobs").await;
    let left = async || {
        let mut left = Vec::new();
        for table in ["sessions", "one_time_tokens", "password_reset_requests", "login_failures"] {
            left.push(app.count(&format!("select count(*) from {table}")).await);
        }
        left
    };
    let purge = async || {
        let mut tx = app.database.db().system("test").await.unwrap();
        queue::Enqueue::enqueue(&mut tx, Purge {}).await.unwrap();
        tx.commit().await.unwrap();
        let runs = app.worker().drain().await;
        assert!(runs.iter().all(|run| run.outcome == queue::Outcome::Done), "{runs:?}");
    };
    let before = left().await;
    assert_eq!(&before[..3], [2, 1, 1]);
    purge().await;
    assert_eq!(left().await, before, "nothing is old yet");
    app.clock.advance(TimeDelta::days(2));
    purge().await;
    assert_eq!(left().await, [2, 1, 0, 0]);
    app.clock.advance(TimeDelta::days(7 + 30));
    purge().await;
    assert_eq!(left().await, [0, 0, 0, 0]);
}

#[tokio::test]
async fn a_registration_keeps_which_terms_were_agreed_to() {
    let app = Accounts::new().await;
    let kept =
        app.count("select count(*) from users where terms_version = '2026-02-28' and terms_accepted_at = '2026-03-01T10:00:00Z'").await;
    assert_eq!(kept, 1);
    let verification =
        "select count(*) from mails where kind = 'emailVerification' and to_address = 'ada@example.com' and token_id is not null";
    assert_eq!(app.count(verification).await, 1);
}
