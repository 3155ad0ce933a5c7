use super::Company;
use crate::identity::{
    api_keys::{self, ApiKeyDraft, ApiKeyError, Maker},
    rights::Role,
    roles::{self, RoleDraft, RoleError},
};

#[tokio::test]
async fn of_two_hundredth_roles_at_once_one_is_made() {
    let company = Company::new().await;
    let mut owner = company.arranged.database.owner().await;
    let fill = "insert into roles (organization_id, id, key, name, permissions, created_at, updated_at)
                select $1, gen_random_uuid(), 'role-' || n, 'Role', '{}', now(), now() from generate_series(1, 99) as n";
    sqlx::query(fill).bind(company.arranged.organization).execute(&mut owner).await.unwrap();
    let clock = &*company.arranged.clock;
    let draft = |name: &str| RoleDraft { name: name.into(), description: String::new(), permissions: Vec::new() };
    let (mut first, mut second) = (company.arranged.begin().await, company.arranged.begin().await);
    roles::create(&mut first, clock, Role::Admin.rights(), draft("One")).await.unwrap();
    let (outcome, ()) = tokio::join!(roles::create(&mut second, clock, Role::Admin.rights(), draft("Another")), async {
        company.arranged.database.until_blocked(1).await;
        first.commit().await.unwrap();
    });
    assert!(matches!(outcome, Err(RoleError::TooMany(100))), "{outcome:?}");
}

#[tokio::test]
async fn of_two_hundredth_keys_at_once_one_is_made() {
    let company = Company::new().await;
    let (ada, _) = company.member("admin").await;
    let mut owner = company.arranged.database.owner().await;
    let fill = "insert into api_keys (organization_id, id, name, prefix, key_hash, permissions, created_at)
                select $1, gen_random_uuid(), 'Key', 'hg', sha256(n::text::bytea), '{contacts.read}', now() from generate_series(1, 99) as n";
    sqlx::query(fill).bind(company.arranged.organization).execute(&mut owner).await.unwrap();
    let clock = &*company.arranged.clock;
    let maker = || Maker { user: ada, rights: Role::Admin.rights() };
    let draft = ApiKeyDraft { name: "Shop".into(), permissions: vec!["contacts.read".into()], expires_at: None };
    let (mut first, mut second) = (company.arranged.begin().await, company.arranged.begin().await);
    api_keys::create(&mut first, clock, maker(), &draft).await.unwrap();
    let (outcome, ()) = tokio::join!(api_keys::create(&mut second, clock, maker(), &draft), async {
        company.arranged.database.until_blocked(1).await;
        first.commit().await.unwrap();
    });
    assert!(matches!(outcome, Err(ApiKeyError::TooMany(100))), "{:?}", outcome.map(|_| ()));
}
