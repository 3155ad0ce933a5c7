//! The profile, the checklist and clients, on a database.

use kernel::{Clock, FileId, OrganizationId, PageRequest, UserId};
use queue::testing::waiting;
use serde_json::{Value, json};

use super::{
    ClientError, ClientFilter, ClientPatch, NewClient, ProfilePatch, StepKey,
    clients::{self, Activity, Staff},
    onboarding, service,
};
use crate::{arranged::Arranged, audit::Actor, campaigns::jobs::PauseDeactivated, fields::Change, identity::OneTimeKeys};

fn to(text: &str) -> Change {
    Change::Set(Some(text.into()))
}

/// What the log says of an organization: actions and details, in order.
async fn events(arranged: &Arranged, organization: OrganizationId) -> Vec<(String, Value)> {
    let mut owner = arranged.database.owner().await;
    let rows: Vec<(String, String)> = sqlx::query_as("select action, details from audit_events where organization_id = $1 order by seq")
        .bind(organization)
        .fetch_all(&mut owner)
        .await
        .unwrap();
    rows.into_iter().map(|(action, details)| (action, serde_json::from_str(&details).unwrap())).collect()
}

async fn execute(arranged: &Arranged, statement: &'static str) {
    sqlx::query(statement).bind(arranged.organization).execute(&mut arranged.database.owner().await).await.unwrap();
}

fn staff(arranged: &Arranged) -> Staff {
    Staff { user: UserId::at(arranged.clock.now()), organization: arranged.other }
}

fn links() -> OneTimeKeys {
    OneTimeKeys::new(&"a secret of the test, and a long one".into())
}

#[tokio::test]
async fn a_change_of_the_profile_is_recorded_by_the_names_of_its_fields() {
    let arranged = Arranged::new().await;
    let user = Actor::User(UserId::at(arranged.clock.now()));
    let patch =
        || ProfilePatch { name: to("Acme & Sons"), city: to("Rome"), whatsapp_number: to("+39 06 6982 0000"), ..ProfilePatch::default() };
    let mut tx = arranged.begin().await;
    let changed = service::patch(&mut tx, &*arranged.clock, user, patch()).await.unwrap();
    let again = service::patch(&mut tx, &*arranged.clock, user, patch()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((changed.name.as_str(), changed.updated_at), ("Acme & Sons", arranged.clock.now()));
    assert_eq!(again.city, "Rome");
    let told = events(&arranged, arranged.organization).await;
    assert_eq!(told, [("organizations.update".to_owned(), json!({ "fields": ["name", "city", "whatsappNumber"] }))]);
    assert!(!told[0].1.to_string().contains("Rome"));
    assert_eq!(events(&arranged, arranged.other).await, []);
}

#[tokio::test]
async fn a_broken_rule_changes_nothing() {
    let arranged = Arranged::new().await;
    let mut tx = arranged.begin().await;
    let patch = ProfilePatch { city: to("Rome"), currency: to("EURO"), ..ProfilePatch::default() };
    service::patch(&mut tx, &*arranged.clock, Actor::Nobody, patch).await.unwrap_err();
    tx.commit().await.unwrap();
    let mut tx = arranged.begin().await;
    assert_eq!(service::current(&mut tx).await.unwrap().city, "");
    assert_eq!(events(&arranged, arranged.organization).await, []);
}

#[tokio::test]
async fn a_profile_survives_the_way_to_the_database_and_back() {
    let arranged = Arranged::new().await;
    let patch = ProfilePatch {
        name: to("Ünïcode 日本"),
        description: to("One\nTwo"),
        address: to("1 Main St\nFloor 2"),
        city: to("Paris"),
        state: to("Île-de-France"),
        zip_code: to("75001"),
        country: to("fr"),
        currency: to("eur"),
        timezone: to("Europe/Paris"),
        whatsapp_number: to("+33 1 42 68 53 00"),
        business_category: to("Retail"),
    };
    let mut tx = arranged.begin().await;
    let told = service::patch(&mut tx, &*arranged.clock, Actor::Nobody, patch).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = arranged.begin().await;
    let found = service::current(&mut tx).await.unwrap();
    assert_eq!(format!("{found:?}"), format!("{told:?}"));
    assert_eq!((found.country.unwrap().alpha2(), found.currency.code(), found.timezone.name()), ("FR", "EUR", "Europe/Paris"));
}

#[tokio::test]
async fn the_checklist_follows_the_records_of_its_own_organization() {
    let arranged = Arranged::new().await;
    let user = UserId::at(arranged.clock.now());
    let done = async |user| {
        let mut tx = arranged.begin().await;
        let onboarding = onboarding::read(&mut tx, user).await.unwrap();
        assert_eq!(onboarding.steps.len(), 9);
        onboarding.steps.into_iter().filter(|step| step.done).map(|step| step.key).collect::<Vec<_>>()
    };
    assert_eq!(done(Some(user)).await, []);

    let mut owner = arranged.database.owner().await;
    for (id, verified) in [(user, true), (UserId::at(arranged.clock.now()), false)] {
        sqlx::query(
            "with u as (
                 insert into users (id, email, first_name, last_name, email_verified_at, created_at, updated_at)
                 values ($1, $1::text || '@example.com', 'Ada', '', case when $3 then now() end, now(), now()) returning id
             )
             insert into memberships (organization_id, user_id, role, created_at) select $2, id, 'admin', now() from u",
        )
        .bind(id)
        .bind(arranged.organization)
        .bind(verified)
        .execute(&mut owner)
        .await
        .unwrap();
        if !verified {
            assert!(!done(Some(id)).await.contains(&StepKey::EmailVerified), "of whoever asks");
        }
    }
    assert_eq!(done(Some(user)).await, [StepKey::EmailVerified, StepKey::ColleagueInvited]);
    assert_eq!(done(None).await, [StepKey::EmailVerified, StepKey::ColleagueInvited]);

    let logo = FileId::at(arranged.clock.now());
    sqlx::query(
        "insert into files (organization_id, id, object_key, kind, content_type, size, state, created_at, updated_at)
         values ($1, $2, 'logo', 'logo', 'image/webp', 1, 'live', now(), now())",
    )
    .bind(arranged.organization)
    .bind(logo)
    .execute(&mut owner)
    .await
    .unwrap();
    sqlx::query(
        "update organizations set logo_file_id = $2, business_category = 'x', address = 'x', city = 'x', country = 'FR' where id = $1",
    )
    .bind(arranged.organization)
    .bind(logo)
    .execute(&mut owner)
    .await
    .unwrap();
    execute(
        &arranged,
        "insert into channels (organization_id, id, kind, display_name, phone_number_id, business_account_id, state, access_token,
                               messages_per_second, created_at, updated_at)
         values ($1, gen_random_uuid(), 'cloudApi', 'Main', '1', '2', 'connected', '', 80, now(), now())",
    )
    .await;
    execute(
        &arranged,
        "insert into contacts (organization_id, id, phone_number, name, opt_in, created_at, updated_at)
         values ($1, gen_random_uuid(), '+12025550100', 'Ada', 'optedIn', now(), now())",
    )
    .await;
    assert_eq!(
        done(Some(user)).await,
        [
            StepKey::EmailVerified,
            StepKey::ProfileCompleted,
            StepKey::LogoUploaded,
            StepKey::ChannelConnected,
            StepKey::ContactsAdded,
            StepKey::ColleagueInvited
        ]
    );
    execute(
        &arranged,
        "insert into templates (organization_id, id, channel_id, business_account_id, name, language, category, parameter_format, components,
                                status, created_at, updated_at)
         select $1, gen_random_uuid(), id, '2', 'offer', 'en_US', 'MARKETING', 'POSITIONAL', '[]', 'APPROVED', now(), now() from channels",
    )
    .await;
    execute(
        &arranged,
        "insert into campaigns (organization_id, id, name, channel_id, template_id, audience, variables, unknown_policy, state, created_at,
                                updated_at, launched_at)
         select $1, gen_random_uuid(), 'Spring', channel_id, id, '{}', '{}', 'giveUp', 'preparing', now(), now(), now() from templates",
    )
    .await;
    execute(&arranged, "update organizations set whatsapp_number = '+12025550100' where id = $1").await;
    assert_eq!(done(Some(user)).await.len(), 9);
    let mut tx = arranged.db.tenant(arranged.other).await.unwrap();
    assert_eq!(onboarding::read(&mut tx, None).await.unwrap().done(), 0, "another organization has done nothing");
}

#[tokio::test]
async fn the_checklist_is_put_away_once_and_taken_out_once() {
    let arranged = Arranged::new().await;
    let mut tx = arranged.begin().await;
    for _ in 0..2 {
        onboarding::dismiss(&mut tx, &*arranged.clock, Actor::Nobody).await.unwrap();
    }
    assert_eq!(onboarding::read(&mut tx, None).await.unwrap().dismissed_at, Some(arranged.clock.now()));
    for _ in 0..2 {
        onboarding::restore(&mut tx, &*arranged.clock, Actor::Nobody).await.unwrap();
    }
    assert_eq!(onboarding::read(&mut tx, None).await.unwrap().dismissed_at, None);
    tx.commit().await.unwrap();
    let actions: Vec<_> = events(&arranged, arranged.organization).await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["organizations.dismissOnboarding", "organizations.restoreOnboarding"]);
}

#[tokio::test]
async fn a_client_is_switched_off_and_on_once_each() {
    let arranged = Arranged::new().await;
    let staff = staff(&arranged);
    let switch = async |activity| {
        let mut tx = arranged.db.identity("test").await.unwrap();
        let patch = ClientPatch { activity: Some(activity), ..ClientPatch::default() };
        let client = clients::patch(&mut tx, &*arranged.clock, staff, arranged.organization, patch).await.unwrap();
        tx.commit().await.unwrap();
        client
    };
    for _ in 0..2 {
        assert_eq!(switch(Activity::Deactivated).await.organization.deactivated_at, Some(arranged.clock.now()));
    }
    assert_eq!(waiting::<PauseDeactivated>(&arranged.database).await, [json!({ "since": arranged.clock.now() })]);
    let mut tx = arranged.begin().await;
    assert!(!service::may_send(&mut tx).await.unwrap());
    drop(tx);
    for _ in 0..2 {
        assert!(switch(Activity::Active).await.organization.is_active());
    }
    let told = events(&arranged, arranged.organization).await;
    assert_eq!(told.iter().map(|(action, _)| action.as_str()).collect::<Vec<_>>(), ["clients.deactivate", "clients.reactivate"]);
    assert_eq!(
        arranged.count("select count(*) from audit_events where actor_kind = 'user' and target_kind = 'organizations'").await,
        2,
        "in the client's own chain, by the person of the staff"
    );
}

#[tokio::test]
async fn staff_cannot_lock_itself_out() {
    let arranged = Arranged::new().await;
    let mut tx = arranged.db.identity("test").await.unwrap();
    let patch = ClientPatch { activity: Some(Activity::Deactivated), ..ClientPatch::default() };
    let refused = clients::patch(&mut tx, &*arranged.clock, staff(&arranged), arranged.other, patch).await.unwrap_err();
    assert!(matches!(refused, ClientError::Own), "{refused}");
}

#[tokio::test]
async fn clients_are_listed_by_name_and_activity() {
    let arranged = Arranged::new().await;
    let mut tx = arranged.db.identity("test").await.unwrap();
    for (name, activity) in [("50% Off_Ltd", None), ("Off Shore", Some(Activity::Deactivated)), ("Off Shore", None)] {
        let profile = ClientPatch { company_name: to(name), timezone: to("Asia/Tokyo"), activity, ..ClientPatch::default() };
        let new = NewClient { profile, admin: None };
        let client = clients::create(&mut tx, &*arranged.clock, &links(), staff(&arranged), new).await.unwrap();
        assert_eq!(client.organization.is_active(), activity.is_none());
        let found = clients::find(&mut tx, client.organization.id).await.unwrap();
        assert_eq!(format!("{found:?}"), format!("{client:?}"));
    }
    let page = PageRequest { limit: 10, after: None };
    let names = async |tx: &mut db::IdentityTx, text: &str, active| {
        let filter = ClientFilter { text: Some(text.into()), active };
        let mut names: Vec<_> =
            clients::list(tx, &filter, page).await.unwrap().data.into_iter().map(|client| client.organization.slug).collect();
        names.sort_by_key(String::len);
        names
    };
    assert_eq!(names(&mut tx, "OFF SH", Some(false)).await, ["off-shore"]);
    let active = names(&mut tx, "off sh", Some(true)).await;
    assert!(active.len() == 1 && active[0].starts_with("off-shore-"), "two of one name have slugs of their own: {active:?}");
    assert_eq!(names(&mut tx, "% off_", None).await, ["50-off-ltd"], "signs of patterns are letters");
    assert_eq!(names(&mut tx, "nobody", None).await, Vec::<String>::new());
    let first = clients::list(&mut tx, &ClientFilter::default(), PageRequest { limit: 2, after: None }).await.unwrap();
    let rest = clients::list(&mut tx, &ClientFilter::default(), PageRequest { limit: 10, after: first.next }).await.unwrap();
    assert_eq!((first.data.len(), rest.data.len(), rest.next.is_none()), (2, 3, true));
}
