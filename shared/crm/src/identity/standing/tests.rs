use chrono::{DateTime, TimeDelta, Utc};
use kernel::{ApiKeyId, UserId};
use secrecy::ExposeSecret;

use super::*;
use crate::identity::{
    api_keys::{self, ApiKeyDraft, Maker},
    members::tests::{Company, process},
    permissions::Permission,
    rights::Role,
};

impl Company {
    async fn key(&self, maker: UserId, expires_at: Option<DateTime<Utc>>) -> (ApiKeyId, PresentedKey) {
        let draft = ApiKeyDraft { name: "Shop".into(), permissions: vec!["contacts.read".into()], expires_at };
        let mut tx = self.arranged.begin().await;
        let maker = Maker { user: maker, rights: Role::Admin.rights() };
        let (key, text) = api_keys::create(&mut tx, &*self.arranged.clock, maker, &draft).await.unwrap();
        tx.commit().await.unwrap();
        (key.id, PresentedKey::parse(text.secret.expose_secret()).unwrap())
    }

    async fn execute(&self, statement: &'static str) {
        sqlx::query(statement).execute(&mut self.arranged.database.owner().await).await.unwrap();
    }

    async fn last_use(&self) -> Option<DateTime<Utc>> {
        sqlx::query_scalar("select last_used_at from api_keys").fetch_one(&mut self.arranged.database.owner().await).await.unwrap()
    }
}

#[tokio::test]
async fn whatever_ends_a_login_counts_elsewhere_within_five_seconds() {
    let company = Company::new().await;
    for (end, again) in [
        ("update memberships set disabled_at = now()", "update memberships set disabled_at = null"),
        ("update memberships set joined_at = null", "update memberships set joined_at = now()"),
        ("update organizations set deactivated_at = now()", "update organizations set deactivated_at = null"),
        ("update sessions set revoked_at = now()", "update sessions set revoked_at = null"),
    ] {
        let (user, session) = company.member("agent").await;
        let elsewhere = process(&company.arranged);
        let standing = elsewhere.standing(company.now(), session).await.unwrap().unwrap();
        assert_eq!((standing.user, standing.rights), (user, Role::Agent.rights()));
        company.execute(end).await;
        assert!(elsewhere.standing(company.now() + TimeDelta::milliseconds(4_999), session).await.unwrap().is_some(), "{end}");
        assert_eq!(elsewhere.standing(company.now() + STANDING_TTL, session).await.unwrap(), None, "{end}");
        company.execute(again).await;
    }
}

#[tokio::test]
async fn a_changed_role_counts_at_once_where_it_was_changed_and_elsewhere_within_five_seconds() {
    let company = Company::new().await;
    let (user, session) = company.member("agent").await;
    let (here, elsewhere) = (&company.identity, process(&company.arranged));
    for process in [here, &elsewhere] {
        assert_eq!(process.standing(company.now(), session).await.unwrap().unwrap().rights, Role::Agent.rights());
    }
    company.execute("update memberships set role = 'viewer'").await;
    here.forget_member(company.arranged.organization, user);
    assert_eq!(here.standing(company.now(), session).await.unwrap().unwrap().rights, Role::Viewer.rights());
    assert_eq!(elsewhere.standing(company.now() + STANDING_TTL, session).await.unwrap().unwrap().rights, Role::Viewer.rights());
}

#[tokio::test]
async fn staff_reaches_beyond_the_organization_and_no_role_or_key_does() {
    let company = Company::new().await;
    let (user, session) = company.member("admin").await;
    company
        .execute(
            "insert into roles (organization_id, id, key, name, permissions, created_at, updated_at)
                     select organization_id, user_id, 'forged', 'Forged', '{clients.manage,contacts.read}', now(), now() from memberships",
        )
        .await;
    company.execute("update memberships set role = 'custom', custom_role_id = user_id").await;
    let standing = company.identity.standing(company.now(), session).await.unwrap().unwrap();
    assert_eq!(standing.rights.words(), ["contacts.read"]);

    let (_, key) = company.key(user, None).await;
    company.execute("update api_keys set permissions = '{clients.manage}'").await;
    assert_eq!(company.identity.api_key(company.now(), &key).await.unwrap().unwrap().rights, Rights::NONE);

    company.execute("update users set super_admin = true").await;
    company.identity.forget_user(user);
    let standing = company.identity.standing(company.now(), session).await.unwrap().unwrap();
    assert!(standing.rights.contains(Permission::ClientsManage));
}

#[tokio::test]
async fn a_key_stands_until_it_ends() {
    let company = Company::new().await;
    let (user, _) = company.member("admin").await;
    let (id, key) = company.key(user, Some(company.now() + TimeDelta::seconds(3))).await;
    let identity = &company.identity;
    assert_eq!(identity.api_key(company.now(), &key).await.unwrap().unwrap().key, id);
    // Its end counts at once, although what was read is fresh.
    assert_eq!(identity.api_key(company.now() + TimeDelta::seconds(3), &key).await.unwrap(), None);

    for (end, again) in [
        ("update api_keys set revoked_at = now()", "update api_keys set revoked_at = null"),
        ("update organizations set deactivated_at = now()", "update organizations set deactivated_at = null"),
    ] {
        let (id, key) = company.key(user, None).await;
        assert!(identity.api_key(company.now(), &key).await.unwrap().is_some());
        company.execute(end).await;
        assert!(identity.api_key(company.now() + TimeDelta::milliseconds(4_999), &key).await.unwrap().is_some(), "{end}");
        assert_eq!(identity.api_key(company.now() + STANDING_TTL, &key).await.unwrap(), None, "{end}");
        company.execute(again).await;
        assert!(identity.api_key(company.now(), &key).await.unwrap().is_some(), "what is no key is not remembered");
        company.execute(end).await;
        identity.forget_key(id);
        assert_eq!(identity.api_key(company.now(), &key).await.unwrap(), None, "{end}");
        company.execute(again).await;
    }
}

#[tokio::test]
async fn the_last_use_of_a_key_is_written_once_a_minute() {
    let company = Company::new().await;
    let (user, _) = company.member("admin").await;
    let (_, key) = company.key(user, None).await;
    let start = company.now();
    assert_eq!(company.last_use().await, None);
    for (second, expected) in [(0, 0), (10, 0), (54, 0), (60, 60), (70, 60)] {
        company.identity.api_key(start + TimeDelta::seconds(second), &key).await.unwrap();
        assert_eq!(company.last_use().await, Some(start + TimeDelta::seconds(expected)), "after {second} s");
    }
}
