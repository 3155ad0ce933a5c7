use std::time::{Duration, SystemTime};

use bytes::Bytes;
use kernel::{Clock, FileId};
use providers::objects::{Folder, ObjectError, ObjectKey};
use queue::{Registry, Resources, testing::TestWorker};

use super::{jobs::SweepOrphans, *};
use crate::arranged::Arranged;

fn new() -> NewFile {
    NewFile {
        kind: FileKind::Logo,
        original_name: Some("../../My \u{7}logo.png".into()),
        content_type: "image/webp",
        ending: "webp",
        size: 3,
        created_by: None,
    }
}

/// A file whose row is pending and whose object is written.
async fn written(app: &Arranged) -> File {
    let mut tx = app.begin().await;
    let file = service::reserve(&mut tx, app.clock.now(), new()).await.unwrap();
    tx.commit().await.unwrap();
    service::write(&app.files, &file, Bytes::from_static(b"abc")).await.unwrap();
    file
}

async fn attach(app: &Arranged, file: FileId) -> Result<Option<File>, FileError> {
    let mut tx = app.begin().await;
    let replaced = service::attach_logo(&mut tx, app.clock.now(), file).await?;
    tx.commit().await.unwrap();
    Ok(replaced)
}

async fn logo(app: &Arranged) -> Option<FileId> {
    let mut tx = app.begin().await;
    service::logo(&mut tx).await.unwrap().map(|file| file.id)
}

async fn exists(app: &Arranged, key: &ObjectKey) -> bool {
    match app.files.size(key).await {
        Ok(_) => true,
        Err(ObjectError::NotFound) => false,
        Err(error) => panic!("{error}"),
    }
}

async fn states(app: &Arranged) -> Vec<String> {
    let mut owner = app.database.owner().await;
    sqlx::query_scalar("select state from files order by state").fetch_all(&mut owner).await.unwrap()
}

/// More than a day later, by our clock and for the objects that are there now.
fn a_day_later(app: &Arranged) {
    app.clock.advance(chrono::TimeDelta::hours(25));
    let earlier = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for path in app.kept_paths() {
        std::fs::File::options().write(true).open(path).unwrap().set_modified(earlier).unwrap();
    }
}

async fn sweep(app: &Arranged) {
    let mut tx = app.db.system("sweep").await.unwrap();
    queue::Enqueue::enqueue(&mut tx, SweepOrphans {}).await.unwrap();
    tx.commit().await.unwrap();
    let resources = Resources::default().with(app.files.clone());
    let worker =
        TestWorker::new(&app.database, app.db.clone(), app.clock.clone(), Registry::default().register::<SweepOrphans>(), resources);
    let ran = worker.drain().await;
    assert_eq!(ran.len(), 1, "{ran:?}");
    assert_eq!(app.count("select count(*) from jobs where state = 'done'").await, 1);
    let mut owner = app.database.owner().await;
    sqlx::query("delete from jobs").execute(&mut owner).await.unwrap();
}

#[tokio::test]
async fn a_logo_replaces_the_one_before_it_and_the_old_object_goes_last() {
    let app = Arranged::new().await;
    let first = written(&app).await;
    assert_eq!(first.original_name, "My logo.png");
    assert_eq!(first.object_key.as_str(), format!("images/{}/{}.webp", app.organization, first.id));
    assert!(attach(&app, first.id).await.unwrap().is_none());
    let second = written(&app).await;
    let replaced = attach(&app, second.id).await.unwrap().expect("the first");
    assert_eq!((replaced.id, logo(&app).await), (first.id, Some(second.id)));
    assert!(exists(&app, &first.object_key).await, "until the commit is known nothing is deleted");
    assert_eq!(states(&app).await, ["live", "replaced"]);
    service::discard(&app.db, &app.files, &replaced).await;
    assert_eq!((exists(&app, &first.object_key).await, exists(&app, &second.object_key).await), (false, true));
    assert_eq!(states(&app).await, ["live"]);
}

#[tokio::test]
async fn a_replacement_that_is_rolled_back_changes_nothing() {
    let app = Arranged::new().await;
    let first = written(&app).await;
    attach(&app, first.id).await.unwrap();
    let second = written(&app).await;
    let mut tx = app.begin().await;
    service::attach_logo(&mut tx, app.clock.now(), second.id).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!((logo(&app).await, states(&app).await), (Some(first.id), vec!["live".to_owned(), "pending".to_owned()]));
}

#[tokio::test]
async fn only_a_pending_file_of_the_organization_becomes_its_logo() {
    let app = Arranged::new().await;
    let file = written(&app).await;
    attach(&app, file.id).await.unwrap();
    assert!(matches!(attach(&app, file.id).await, Err(FileError::GivenUp)), "it is live already");
    assert!(matches!(attach(&app, FileId::at(app.clock.now())).await, Err(FileError::GivenUp)));
    let pending = written(&app).await;
    let mut tx = app.db.tenant(app.other).await.unwrap();
    assert!(matches!(service::attach_logo(&mut tx, app.clock.now(), pending.id).await, Err(FileError::GivenUp)));
    assert!(matches!(service::get(&mut tx, file.id).await, Err(FileError::NotFound)));
    assert!(service::logo(&mut tx).await.unwrap().is_none());
    assert!(matches!(service::detach_logo(&mut tx, app.clock.now()).await, Err(FileError::NoLogo)));
}

#[tokio::test]
async fn a_logo_that_is_taken_away_is_gone() {
    let app = Arranged::new().await;
    let file = written(&app).await;
    attach(&app, file.id).await.unwrap();
    let mut tx = app.begin().await;
    let former = service::detach_logo(&mut tx, app.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    service::discard(&app.db, &app.files, &former).await;
    assert_eq!((logo(&app).await, app.kept_files(), states(&app).await.len()), (None, 0, 0));
}

#[tokio::test]
async fn a_live_file_is_never_discarded() {
    let app = Arranged::new().await;
    let file = written(&app).await;
    attach(&app, file.id).await.unwrap();
    let mut tx = app.begin().await;
    store::forget(&mut tx, file.id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(states(&app).await, ["live"]);
}

#[tokio::test]
async fn the_sweep_removes_orphans_that_are_a_day_old_and_nothing_else() {
    let app = Arranged::new().await;
    let live = written(&app).await;
    attach(&app, live.id).await.unwrap();
    let (given_up, replaced) = (written(&app).await, written(&app).await);
    let mut owner = app.database.owner().await;
    sqlx::query("update files set state = 'replaced' where id = $1").bind(replaced.id.uuid()).execute(&mut owner).await.unwrap();
    // A row whose object was never written.
    let mut tx = app.begin().await;
    service::reserve(&mut tx, app.clock.now(), new()).await.unwrap();
    tx.commit().await.unwrap();

    let now = app.clock.now();
    let put = async |key: &ObjectKey| app.files.put_bytes(key, Bytes::from_static(b"x")).await.unwrap();
    let rowless = ObjectKey::of_file(Folder::Images, app.organization, FileId::at(now), "webp");
    let [queued, finished, forgotten] = std::array::from_fn(|_| ObjectKey::fresh(app.organization, "imports", now));
    let foreign = ObjectKey::of_installation("guard/ledger.json");
    let unknown_kind = ObjectKey::fresh(app.organization, "media", now);
    for key in [&rowless, &queued, &finished, &forgotten, &foreign, &unknown_kind] {
        put(key).await;
    }
    for (key, state) in [(&queued, "queued"), (&finished, "completed")] {
        sqlx::query(
            "insert into contact_imports (organization_id, id, state, object_key, size, mapping, dry_run, created_at, updated_at)
             values ($1, gen_random_uuid(), $2, $3, 1, '{}', false, now(), now())",
        )
        .bind(app.organization.uuid())
        .bind(state)
        .bind(key.as_str())
        .execute(&mut owner)
        .await
        .unwrap();
    }

    sweep(&app).await;
    assert_eq!(states(&app).await.len(), 4, "nothing is a day old yet");
    for key in [&rowless, &finished, &forgotten, &given_up.object_key, &replaced.object_key] {
        assert!(exists(&app, key).await, "{key} is young");
    }
    a_day_later(&app);
    let young = ObjectKey::of_file(Folder::Images, app.organization, FileId::at(now), "webp");
    put(&young).await;
    sweep(&app).await;
    assert_eq!(states(&app).await, ["live"]);
    for key in [&live.object_key, &queued, &foreign, &unknown_kind, &young] {
        assert!(exists(&app, key).await, "{key} is needed, young or not ours to judge");
    }
    for key in [&rowless, &finished, &forgotten, &given_up.object_key, &replaced.object_key] {
        assert!(!exists(&app, key).await, "{key} is an orphan");
    }
    sweep(&app).await;
    assert_eq!((states(&app).await.len(), logo(&app).await), (1, Some(live.id)));
}
