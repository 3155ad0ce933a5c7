//! Which samples stay, and which go.

use std::time::{Duration, SystemTime};

use kernel::{ChannelId, TemplateId};
use queue::{Registry, Resources, testing::TestWorker};
use serde_json::json;

use super::*;
use crate::files::{FileError, jobs::SweepOrphans};

fn header(format: &str, handle: &str) -> Value {
    json!([{ "type": "HEADER", "format": format, "example": { "header_handle": [handle] } }, { "type": "BODY", "text": "Hello" }])
}

async fn attached(app: &Arranged, components: &Value) -> Result<(), TemplateError> {
    let mut tx = app.begin().await;
    attach(&mut tx, app.clock.now(), components).await?;
    tx.commit().await.unwrap();
    Ok(())
}

/// What attaching is refused for.
async fn refused(app: &Arranged, components: &Value) -> Vec<(String, &'static str)> {
    match attached(app, components).await {
        Err(TemplateError::Invalid(errors)) => errors.0.into_iter().map(|error| (error.field, error.code)).collect(),
        other => panic!("{other:?}"),
    }
}

async fn state(app: &Arranged, file: FileId) -> Option<String> {
    let mut owner = app.database.owner().await;
    sqlx::query_scalar("select state from files where id = $1").bind(file.uuid()).fetch_optional(&mut owner).await.unwrap()
}

#[tokio::test]
async fn a_sample_that_is_named_is_kept() {
    let app = Arranged::new().await;
    let file = uploaded(&app, MediaType::Png, Bytes::from_static(PNG)).await;
    assert_eq!((file.size, state(&app, file.id).await.as_deref()), (PNG.len() as u64, Some("pending")));
    assert_eq!(file.object_key.as_str(), format!("documents/{}/{}.png", app.organization, file.id));
    let mut tx = app.begin().await;
    assert_eq!(service::get(&mut tx, file.id).await.unwrap().size, file.size, "it can be looked at before it is used");
    tx.rollback().await.unwrap();
    let components = header("IMAGE", &handle(file.id));
    attached(&app, &components).await.unwrap();
    attached(&app, &components).await.unwrap();
    assert_eq!(state(&app, file.id).await.as_deref(), Some("live"));
    let foreign = header("IMAGE", "4::aW1hZ2UvcG5n:handle");
    attached(&app, &foreign).await.unwrap();
}

#[tokio::test]
async fn each_name_must_lead_to_a_whole_file_of_its_kind() {
    let app = Arranged::new().await;
    let (picture, film) =
        (uploaded(&app, MediaType::Png, Bytes::from_static(PNG)).await, uploaded(&app, MediaType::Mp4, Bytes::from_static(MP4)).await);
    let at = |code| vec![("components[0].example.header_handle[0]".to_owned(), code)];
    assert_eq!(refused(&app, &header("VIDEO", &handle(picture.id))).await, at("media-type"));
    assert_eq!(refused(&app, &header("IMAGE", &handle(FileId::at(app.clock.now())))).await, at("not-found"));
    assert_eq!(refused(&app, &header("IMAGE", "file:../../etc/passwd")).await, at("not-found"));
    let mut tx = app.begin().await;
    let begun = service::reserve(&mut tx, app.clock.now(), new_file(MediaType::Png, None, None)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(refused(&app, &header("IMAGE", &handle(begun.id))).await, at("not-found"), "its upload did not end");
    let mut tx = app.begin().await;
    assert!(matches!(service::get(&mut tx, begun.id).await, Err(FileError::NotFound)));
    tx.rollback().await.unwrap();
    let mut tx = app.db.tenant(app.other).await.unwrap();
    assert!(attach(&mut tx, app.clock.now(), &header("IMAGE", &handle(picture.id))).await.is_err(), "it is another organization's");
    tx.rollback().await.unwrap();

    let card = |format: &str, id: FileId| json!({ "components": header(format, &handle(id)) });
    let cards =
        json!([{ "type": "BODY", "text": "Hello" }, { "type": "CAROUSEL", "cards": [card("IMAGE", picture.id), card("IMAGE", film.id)] }]);
    let second = "components[1].cards[1].components[0].example.header_handle[0]".to_owned();
    assert_eq!(refused(&app, &cards).await, [(second, "media-type")]);
    assert_eq!(state(&app, picture.id).await.as_deref(), Some("pending"), "what is refused keeps nothing");
}

/// More than a day later, by our clock and for the objects that are there now; then a sweep, which ends well.
async fn swept_a_day_later(app: &Arranged) {
    let ran = swept(app).await;
    assert_eq!(ran.len(), 1, "{ran:?}");
    assert_eq!(app.count("select count(*) from jobs where state <> 'done'").await, 0);
}

async fn swept(app: &Arranged) -> Vec<queue::testing::Ran> {
    app.clock.advance(chrono::TimeDelta::hours(25));
    let earlier = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for path in app.kept_paths() {
        std::fs::File::options().write(true).open(path).unwrap().set_modified(earlier).unwrap();
    }
    let mut tx = app.db.system("sweep").await.unwrap();
    queue::Enqueue::enqueue(&mut tx, SweepOrphans {}).await.unwrap();
    tx.commit().await.unwrap();
    let registry = Registry::default().register::<SweepOrphans>();
    let resources = Resources::default().with(app.files.clone());
    TestWorker::new(&app.database, app.db.clone(), app.clock.clone(), registry, resources).drain().await
}

/// Writes a template with these components, past everything.
async fn a_template(app: &Arranged, components: &Value) -> TemplateId {
    let (channel, id) = (ChannelId::at(app.clock.now()), TemplateId::at(app.clock.now()));
    let mut owner = app.database.owner().await;
    sqlx::query(
        "with c as (
             insert into channels (organization_id, id, kind, display_name, phone_number_id, business_account_id, state, access_token,
                                   messages_per_second, created_at, updated_at)
             values ($1, $2, 'cloudApi', 'Main', '1001', '9001', 'connected', '', 80, now(), now())
             returning organization_id, id, business_account_id)
         insert into templates (organization_id, id, channel_id, business_account_id, name, language, category, parameter_format, components,
                                status, created_at, updated_at)
         select organization_id, $3, id, business_account_id, 'n', 'en', 'MARKETING', 'POSITIONAL', $4, 'APPROVED', now(), now() from c",
    )
    .bind(app.organization)
    .bind(channel)
    .bind(id)
    .bind(components)
    .execute(&mut owner)
    .await
    .unwrap();
    id
}

#[tokio::test]
async fn samples_that_nothing_names_go_and_all_others_stay() {
    let app = Arranged::new().await;
    let mut files = Vec::new();
    for _ in 0..5 {
        files.push(uploaded(&app, MediaType::Png, Bytes::from_static(PNG)).await);
    }
    let named = |at: usize| header("IMAGE", &handle(files[at].id));
    let [in_template, in_change, in_version, unnamed, unused] = [0, 1, 2, 3, 4];
    for at in [in_template, in_change, in_version, unnamed] {
        attached(&app, &named(at)).await.unwrap();
    }
    let template = a_template(&app, &named(in_template)).await;
    let mut owner = app.database.owner().await;
    sqlx::query(
        "insert into template_drafts (organization_id, template_id, category, components, created_at, updated_at)
         values ($1, $2, 'MARKETING', $3, now(), now())",
    )
    .bind(app.organization)
    .bind(template)
    .bind(named(in_change))
    .execute(&mut owner)
    .await
    .unwrap();
    sqlx::query(
        "insert into template_versions (organization_id, template_id, version, category, components, source, created_at)
         values ($1, $2, 7, 'MARKETING', $3, 'user', now())",
    )
    .bind(app.organization)
    .bind(template)
    .bind(named(in_version))
    .execute(&mut owner)
    .await
    .unwrap();

    swept_a_day_later(&app).await;
    let mut states = Vec::new();
    for file in &files {
        states.push(state(&app, file.id).await);
    }
    let live = Some("live".to_owned());
    assert_eq!(states, [live.clone(), live.clone(), live.clone(), Some("replaced".to_owned()), None]);
    assert!(matches!(app.files.size(&files[unused].object_key).await, Err(providers::objects::ObjectError::NotFound)));

    // Somebody takes it up again before it goes.
    attached(&app, &named(unnamed)).await.unwrap();
    assert_eq!(state(&app, files[unnamed].id).await, live);
    swept_a_day_later(&app).await;
    assert_eq!(state(&app, files[unnamed].id).await.as_deref(), Some("replaced"), "and again nothing names it");
    app.clock.advance(chrono::TimeDelta::hours(24));
    assert_eq!(refused(&app, &named(unnamed)).await[0].1, "not-found", "the sweep may be about to remove it");
    swept_a_day_later(&app).await;
    assert_eq!(state(&app, files[unnamed].id).await, None);
    assert_eq!(app.kept_files(), 3 + 1, "and the store's clock");
}

#[tokio::test]
async fn many_samples_and_many_contents_are_swept_by_reading_each_content_once() {
    let app = Arranged::new().await;
    let mut owner = app.database.owner().await;
    let file = uploaded(&app, MediaType::Png, Bytes::from_static(PNG)).await;
    let template = a_template(&app, &header("IMAGE", &handle(file.id))).await;
    // A thousand contents of 64 kB name a sample each, the last ones in capitals; two hundred more samples are named by none.
    sqlx::query(
        "with sample as (
             insert into files (organization_id, id, object_key, kind, original_name, content_type, size, state, created_at, updated_at)
             select $1, gen_random_uuid(), 'documents/' || $1::text || '/' || n || '.png', 'templateMedia', 's', 'image/png', 1, 'live', now(), $3
             from generate_series(1, 1200) n
             returning organization_id, id),
         numbered as (select *, row_number() over (order by id) as n from sample)
         insert into template_versions (organization_id, template_id, version, category, components, source, created_at)
         select organization_id, $2, 1000 + n, 'MARKETING',
                jsonb_build_array(jsonb_build_object('text', repeat('lorem ipsum ', 5000)),
                                  jsonb_build_object('handle', 'file:' || case when n > 900 then upper(id::text) else id::text end)),
                'user', now()
         from numbered
         where n <= 1000",
    )
    .bind(app.organization)
    .bind(template)
    .bind(app.clock.now())
    .execute(&mut owner)
    .await
    .unwrap();
    swept_a_day_later(&app).await;
    let live = app.count("select count(*) from files where state = 'live'").await;
    let replaced = app.count("select count(*) from files where state = 'replaced'").await;
    assert_eq!((live, replaced), (1_000, 200));
}

#[tokio::test]
async fn what_hinders_the_look_for_names_hinders_no_other_sweep() {
    let app = Arranged::new().await;
    let named = uploaded(&app, MediaType::Png, Bytes::from_static(PNG)).await;
    attached(&app, &header("IMAGE", &handle(named.id))).await.unwrap();
    let unused = uploaded(&app, MediaType::Png, Bytes::from_static(PNG)).await;
    let mut owner = app.database.owner().await;
    sqlx::query("alter table template_versions rename to hidden").execute(&mut owner).await.unwrap();
    let ran = swept(&app).await;
    assert!(matches!(ran[0].outcome, queue::Outcome::Retry), "{ran:?}");
    assert_eq!(state(&app, unused.id).await, None);
    assert!(matches!(app.files.size(&unused.object_key).await, Err(providers::objects::ObjectError::NotFound)));
    assert_eq!(state(&app, named.id).await.as_deref(), Some("live"), "nobody knows");
}
