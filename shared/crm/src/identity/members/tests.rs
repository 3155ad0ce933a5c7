mod limits;
mod withdrawing;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Clock, EmailAddress, OneTimeTokenId, SessionId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::*;
use crate::{
    arranged::{Arranged, vault},
    identity::{
        Identity, IdentityError, SessionTimes, Settings, api_keys,
        device::Device,
        one_time::Purpose,
        permissions::Permission,
        rights::{Rights, Role, RoleName},
        roles::{self, RoleDraft, RoleError, RolePatch},
    },
};

/// An organization with members, and a process that knows how they stand.
pub(in crate::identity) struct Company {
    pub(in crate::identity) arranged: Arranged,
    pub(in crate::identity) identity: Identity,
}

impl Company {
    pub(in crate::identity) async fn new() -> Self {
        let arranged = Arranged::new().await;
        let identity = process(&arranged);
        Self { arranged, identity }
    }

    pub(in crate::identity) fn now(&self) -> DateTime<Utc> {
        self.arranged.clock.now()
    }

    /// A member who has joined, with a login.
    pub(in crate::identity) async fn member(&self, role: &str) -> (UserId, SessionId) {
        let (now, organization) = (self.now(), self.arranged.organization);
        let mut owner = self.arranged.database.owner().await;
        let user = UserId::at(now);
        sqlx::query(
            "with account as (
                 insert into users (id, email, first_name, last_name, password_hash, created_at, updated_at)
                 values ($1, $1 || '@example.com', 'Ada', '', 'none', $3, $3)
             )
             insert into memberships (organization_id, user_id, role, joined_at, created_at) values ($2, $1, $4, $3, $3)",
        )
        .bind(user)
        .bind(organization)
        .bind(now)
        .bind(role)
        .execute(&mut owner)
        .await
        .unwrap();
        let mut tx = self.arranged.db.identity("test").await.unwrap();
        let login = self.identity.open_session(&mut tx, now, user, organization, &Device::default()).await.unwrap();
        tx.commit().await.unwrap();
        (user, login.access.session)
    }

    /// The authority of an admin.
    fn by(&self, user: UserId) -> Authority {
        Authority { user: Some(user), ..Authority::of_staff(self.arranged.organization) }
    }

    /// The authority of somebody with few rights.
    fn by_few(&self, rights: &[Permission]) -> Authority {
        Authority { rights: rights.iter().copied().collect(), ..Authority::of_staff(self.arranged.organization) }
    }

    async fn disable(&self, authority: Authority, user: UserId) -> Result<bool, MemberError> {
        let mut tx = self.arranged.db.identity("test").await.unwrap();
        let changed = disable(&mut tx, self.now(), authority, user).await?;
        tx.commit().await.unwrap();
        Ok(changed)
    }

    async fn set_role(&self, authority: Authority, user: UserId, role: &str) -> Result<Option<RoleName>, MemberError> {
        let mut tx = self.arranged.db.identity("test").await.unwrap();
        let before = set_role(&mut tx, self.now(), authority, user, role).await?;
        tx.commit().await.unwrap();
        Ok(before)
    }

    async fn invite(&self, authority: Authority, email: &str, role: &str) -> Result<UserId, MemberError> {
        let invitation = Invitation {
            email: EmailAddress::parse(email).unwrap(),
            first_name: "Grace".into(),
            last_name: "Hopper".into(),
            role: role.into(),
        };
        let mut tx = self.arranged.db.identity("test").await.unwrap();
        let user = invite(&mut tx, self.now(), self.identity.one_time(), authority, invitation).await?;
        tx.commit().await.unwrap();
        Ok(user)
    }

    async fn state(&self, user: UserId) -> MemberState {
        let mut tx = self.arranged.begin().await;
        show(&mut tx, self.arranged.organization, user).await.unwrap().state()
    }

    async fn role(&self, permissions: &[Permission]) -> roles::CustomRole {
        let permissions = permissions.iter().map(|permission| permission.as_str().to_owned()).collect();
        let draft = RoleDraft { name: "Front desk".into(), description: String::new(), permissions };
        let mut tx = self.arranged.begin().await;
        let role = roles::create(&mut tx, &*self.arranged.clock, Role::Admin.rights(), draft).await.unwrap();
        tx.commit().await.unwrap();
        role
    }

    /// The token in the newest mail to somebody.
    async fn token(&self, user: UserId) -> String {
        let mut owner = self.arranged.database.owner().await;
        let id: Uuid = sqlx::query_scalar("select token_id from mails where user_id = $1 and kind = 'invitation' order by id desc limit 1")
            .bind(user)
            .fetch_one(&mut owner)
            .await
            .unwrap();
        self.identity.one_time().token(OneTimeTokenId::from(id), Purpose::Invitation)
    }

    async fn accept(&self, token: &str) -> Result<crate::identity::Login, IdentityError> {
        self.identity.accept_invitation(self.now(), token, "a pass phrase of mine".into(), &Device::default()).await
    }
}

/// Another process over the same database.
pub(in crate::identity) fn process(arranged: &Arranged) -> Identity {
    let settings = Settings {
        jwt_secret: "0123456789abcdef0123456789abcdef".into(),
        access_ttl: TimeDelta::minutes(15),
        times: SessionTimes { idle: TimeDelta::days(7), absolute: TimeDelta::days(30) },
        terms_version: "2".into(),
    };
    Identity::new(arranged.db.clone(), vault(), &settings)
}

async fn grant_super_admin(owner: &mut PgConnection, user: UserId) {
    sqlx::query("update users set super_admin = true where id = $1").bind(user).execute(owner).await.unwrap();
}

#[tokio::test]
async fn the_last_active_admin_stays_one() {
    let company = Company::new().await;
    let (ada, _) = company.member("admin").await;
    let (grace, _) = company.member("admin").await;
    let staff = Authority::of_staff(company.arranged.organization);
    assert!(company.disable(company.by(ada), grace).await.unwrap());
    // Grace is an admin still, but not an active one; nor does somebody count who was only invited.
    company.invite(staff, "joan@example.com", "admin").await.unwrap();
    assert!(matches!(company.disable(staff, ada).await, Err(MemberError::LastAdmin)));
    assert!(matches!(company.set_role(staff, ada, "viewer").await, Err(MemberError::LastAdmin)));
    assert_eq!(company.state(ada).await, MemberState::Active);
}

#[tokio::test]
async fn of_two_admins_who_disable_each_other_at_once_one_is_left() {
    let company = Company::new().await;
    for _ in 0..10 {
        let (ada, _) = company.member("admin").await;
        let (grace, _) = company.member("admin").await;
        let (one, other) = tokio::join!(company.disable(company.by(ada), grace), company.set_role(company.by(grace), ada, "agent"));
        let outcomes = [one.is_ok(), other.is_ok()];
        assert_eq!(outcomes.iter().filter(|done| **done).count(), 1, "{one:?} {other:?}");
        // The next round begins with one admin too many: take the winner out past the rules.
        let mut owner = company.arranged.database.owner().await;
        sqlx::query("update memberships set disabled_at = now()").execute(&mut owner).await.unwrap();
    }
}

#[tokio::test]
async fn nobody_changes_how_they_stand_themselves() {
    let company = Company::new().await;
    let (ada, _) = company.member("admin").await;
    company.member("admin").await;
    assert!(matches!(company.disable(company.by(ada), ada).await, Err(MemberError::Own)));
    assert!(matches!(company.set_role(company.by(ada), ada, "agent").await, Err(MemberError::Own)));
    // Saying what holds already changes nothing.
    assert_eq!(company.set_role(company.by(ada), ada, "admin").await.unwrap(), None);
}

#[tokio::test]
async fn nobody_gives_or_takes_rights_that_they_do_not_have() {
    let company = Company::new().await;
    let (admin, _) = company.member("admin").await;
    company.member("admin").await;
    let (investor, _) = company.member("investor").await;
    let few = company.by_few(&[Permission::UsersManage, Permission::CampaignsRead, Permission::ChannelsRead, Permission::TemplatesRead]);
    for outcome in [
        company.invite(few, "joan@example.com", "admin").await.map(|_| ()),
        company.set_role(few, investor, "viewer").await.map(|_| ()),
        company.set_role(few, admin, "investor").await.map(|_| ()),
        company.disable(few, admin).await.map(|_| ()),
    ] {
        assert!(matches!(outcome, Err(MemberError::RightsExceeded)), "{outcome:?}");
    }
    company.invite(few, "joan@example.com", "investor").await.unwrap();
    company.disable(few, investor).await.unwrap();
    // Nor does an admin touch the installation's staff.
    let (staff, _) = company.member("viewer").await;
    grant_super_admin(&mut company.arranged.database.owner().await, staff).await;
    assert!(matches!(company.disable(company.by(admin), staff).await, Err(MemberError::RightsExceeded)));
}

#[tokio::test]
async fn an_invitation_is_accepted_once() {
    let company = Company::new().await;
    let staff = Authority::of_staff(company.arranged.organization);
    let grace = company.invite(staff, "Grace@Example.com", "caller").await.unwrap();
    assert_eq!(company.state(grace).await, MemberState::Invited);
    assert!(matches!(company.invite(staff, "grace@example.com", "viewer").await, Err(MemberError::EmailTaken)));
    let token = company.token(grace).await;

    let weak = company.identity.accept_invitation(company.now(), &token, "short".into(), &Device::default()).await;
    assert!(matches!(weak, Err(IdentityError::Password(_))), "{weak:?}");
    let (one, other) = tokio::join!(company.accept(&token), company.accept(&token));
    let (login, late) = if one.is_ok() { (one, other) } else { (other, one) };
    assert!(matches!(late, Err(IdentityError::LinkInvalid)), "{late:?}");

    let standing = company.identity.standing(company.now(), login.unwrap().access.session).await.unwrap().unwrap();
    assert_eq!((standing.user, standing.rights), (grace, Role::Caller.rights()));
    let mut owner = company.arranged.database.owner().await;
    let (version, verified): (String, bool) =
        sqlx::query_as("select terms_version, email_verified_at is not null from users where id = $1")
            .bind(grace)
            .fetch_one(&mut owner)
            .await
            .unwrap();
    assert_eq!((version.as_str(), verified), ("2", true));
    assert_eq!(company.state(grace).await, MemberState::Active);
}

#[tokio::test]
async fn an_invitation_ends_when_it_is_old_replaced_or_taken_back() {
    let company = Company::new().await;
    let staff = Authority::of_staff(company.arranged.organization);
    let (ada, _) = company.member("admin").await;

    let grace = company.invite(staff, "grace@example.com", "caller").await.unwrap();
    let first = company.token(grace).await;
    let mut tx = company.arranged.db.identity("test").await.unwrap();
    resend_invitation(&mut tx, company.now(), company.identity.one_time(), company.by(ada), grace).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(company.accept(&first).await, Err(IdentityError::LinkInvalid)));

    let second = company.token(grace).await;
    company.disable(company.by(ada), grace).await.unwrap();
    assert!(matches!(company.accept(&second).await, Err(IdentityError::LinkInvalid)));

    let joan = company.invite(staff, "joan@example.com", "caller").await.unwrap();
    let token = company.token(joan).await;
    company.arranged.clock.advance(TimeDelta::days(7));
    assert!(matches!(company.accept(&token).await, Err(IdentityError::LinkInvalid)));
}

#[tokio::test]
async fn a_role_that_somebody_has_cannot_be_deleted() {
    let company = Company::new().await;
    let (ada, _) = company.member("admin").await;
    let (grace, session) = company.member("viewer").await;
    let role = company.role(&[Permission::ContactsRead]).await;
    company.set_role(company.by(ada), grace, &role.key).await.unwrap();
    let standing = company.identity.standing(company.now(), session).await.unwrap().unwrap();
    assert_eq!(standing.role, RoleName::Custom { id: role.id, key: "front-desk".into() });
    assert_eq!(standing.rights, Rights::NONE.with(Permission::ContactsRead));

    let mut tx = company.arranged.begin().await;
    let refused = roles::delete(&mut tx, Role::Admin.rights(), role.id).await;
    assert!(matches!(refused, Err(RoleError::InUse)), "{refused:?}");
    drop(tx);
    company.set_role(company.by(ada), grace, "viewer").await.unwrap();
    let mut tx = company.arranged.begin().await;
    roles::delete(&mut tx, Role::Admin.rights(), role.id).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_role_is_changed_only_by_those_who_have_its_rights() {
    let company = Company::new().await;
    let role = company.role(&[Permission::ContactsRead, Permission::JobsManage]).await;
    let few = Rights::NONE.with(Permission::RolesManage).with(Permission::ContactsRead);
    let clock = &*company.arranged.clock;
    let mut tx = company.arranged.begin().await;
    let taken = RolePatch { permissions: Some(vec!["contacts.read".into()]), ..RolePatch::default() };
    assert!(matches!(roles::patch(&mut tx, clock, few, role.id, taken).await, Err(RoleError::RightsExceeded)));
    let draft = RoleDraft { name: "More".into(), description: String::new(), permissions: vec!["jobs.manage".into()] };
    assert!(matches!(roles::create(&mut tx, clock, few, draft).await, Err(RoleError::RightsExceeded)));
    for name in ["Front, desk", "Admin", "custom"] {
        let draft = RoleDraft { name: name.into(), description: String::new(), permissions: Vec::new() };
        let outcome = roles::create(&mut company.arranged.begin().await, clock, few, draft).await;
        assert!(matches!(outcome, Err(RoleError::NameTaken)), "{name}: {outcome:?}");
    }
    let draft = api_keys::ApiKeyDraft { name: "Key".into(), permissions: vec!["jobs.manage".into()], expires_at: None };
    let maker = api_keys::Maker { user: UserId::at(company.now()), rights: few };
    let outcome = api_keys::create(&mut tx, clock, maker, &draft).await;
    assert!(matches!(outcome, Err(api_keys::ApiKeyError::RightsExceeded)), "{outcome:?}");
}
