use bytes::Bytes;
use kernel::{Clock, ImportId};
use providers::objects::{About, ObjectKey};
use queue::Outcome;

use super::{
    ContactImport, ImportState, Mapping, NewImport, Rejection,
    framing::frame,
    layout::read_header,
    model::Counts,
    rows,
    service::{self, Batch},
    store::Place,
};
use crate::arranged::Arranged;

/// A valid German mobile number for each `n` below ten million.
fn number(n: usize) -> String {
    format!("+49151{:08}", 10_000_000 + n)
}

async fn upload(app: &Arranged, file: &[u8], dry_run: bool) -> ImportId {
    let object_key = ObjectKey::fresh(app.organization, "imports", app.clock.now());
    app.files.put_bytes(&object_key, Bytes::copy_from_slice(file)).await.unwrap();
    let new = NewImport { object_key, file_name: None, size: file.len() as u64, mapping: Mapping::default(), dry_run };
    let mut tx = app.begin().await;
    let import = service::start(&mut tx, &*app.clock, new).await.unwrap();
    tx.commit().await.unwrap();
    import.id
}

async fn read(app: &Arranged, id: ImportId) -> ContactImport {
    service::get(&mut app.begin().await, id).await.unwrap()
}

async fn import(app: &Arranged, file: &str) -> ContactImport {
    let id = upload(app, file.as_bytes(), false).await;
    let ran = app.offline_worker().drain().await;
    assert!(ran.iter().all(|run| run.outcome == Outcome::Done), "{ran:?}");
    read(app, id).await
}

async fn rejected(app: &Arranged, id: ImportId) -> Vec<Rejection> {
    service::rejections(&mut app.begin().await, id, 0, 1_000).await.unwrap()
}

fn counts(created: i32, updated: i32, skipped: i32, rejected: i32) -> Counts {
    Counts { created, updated, skipped, rejected }
}

#[tokio::test]
async fn the_same_file_again_changes_nothing() {
    let app = Arranged::new().await;
    let file = format!(
        "\u{feff}phoneNumber,name,email,tags,optIn,locale,timeZone,City\r\n{},\"Ada, Countess\",ADA@example.com,vip;new|vip,optedIn,de,Europe/Berlin,Bonn\r\n\r\n{},Bob,,,optedOut,,,\r\n{},Cyd,,,,,,\r\n{},Dan again,,,,,,\r\n",
        number(1),
        number(2),
        number(3),
        number(1)
    );
    let first = import(&app, &file).await;
    assert_eq!((first.state, first.counts), (ImportState::Completed, counts(3, 0, 1, 0)));
    assert_eq!(app.count("select count(*) from contacts where name = 'Ada, Countess' and email = 'ada@example.com' and tags = '{vip,new}' and attributes = '{\"City\": \"Bonn\"}' and opt_in = 'optedIn' and time_zone = 'Europe/Berlin'").await, 1);
    assert_eq!(app.count("select count(*) from contact_exceptions").await, 1);
    app.clock.advance(chrono::TimeDelta::hours(1));
    let second = import(&app, &file).await;
    assert_eq!(second.counts, counts(0, 0, 4, 0));
    assert_eq!(app.count("select count(*) from contacts where updated_at <> created_at").await, 0);
    assert_eq!(app.count("select count(*) from contact_import_numbers").await, 0);
    assert_eq!(app.kept_files(), 0);
}

#[tokio::test]
async fn rows_add_to_contacts_and_take_nothing_away() {
    let app = Arranged::new().await;
    import(&app, &format!("phoneNumber,name,tags,optIn,City\n{},Ada,a,optedOut,Bonn\n", number(1))).await;
    let changed = import(&app, &format!("phoneNumber,name,tags,optIn,Street\n{},,b;a,optedIn,Main\n", number(1))).await;
    assert_eq!(changed.counts, counts(0, 1, 0, 0));
    let wanted = "select count(*) from contacts where name = 'Ada' and tags = '{a,b}' and opt_in = 'optedOut'
                  and attributes = '{\"City\": \"Bonn\", \"Street\": \"Main\"}'";
    assert_eq!(app.count(wanted).await, 1);
}

#[tokio::test]
async fn broken_rows_are_told_and_the_others_kept() {
    let app = Arranged::new().await;
    let good = number(1);
    let mut file = format!("phoneNumber,name,email,optIn\n{good},Ada,,\n+1,x,,\nnumber,x,,\n,no number,,\n").into_bytes();
    file.extend_from_slice(format!("{},\"open\n{},Eve,,\n{},bad,not an address,\n", number(2), number(3), number(4)).as_bytes());
    file.extend_from_slice(format!("{},", number(5)).as_bytes());
    file.extend_from_slice(b"\xff\xfe,,\n");
    file.extend_from_slice(format!("{},x,,,,surplus\n{},x,,perhaps\n", number(6), number(7)).as_bytes());
    file.extend_from_slice(format!("{},{},,\n{},nul\0,,\n", number(8), "x".repeat(5_000), number(9)).as_bytes());
    file.extend_from_slice(format!("{},\"last\" one,,", number(10)).as_bytes());
    let id = upload(&app, &file, false).await;
    app.offline_worker().drain().await;
    let import = read(&app, id).await;
    assert_eq!((import.state, import.counts), (ImportState::Completed, counts(2, 0, 0, 11)));
    let told: Vec<(i64, Option<String>, String)> =
        rejected(&app, id).await.into_iter().map(|row| (row.line, row.field, row.code)).collect();
    let expected = [
        (3, Some("phoneNumber"), "malformed"),
        (4, Some("phoneNumber"), "country-code-missing"),
        (5, Some("phoneNumber"), "missing"),
        (6, None, "unclosed-quote"),
        (8, Some("email"), "invalid"),
        (9, Some("name"), "invalid-utf8"),
        (10, None, "too-many-fields"),
        (11, Some("optIn"), "invalid"),
        (12, Some("name"), "field-too-long"),
        (13, Some("name"), "control-character"),
        (14, None, "text-after-quote"),
    ];
    let expected = expected.map(|(line, field, code)| (line, field.map(str::to_owned), code.to_owned()));
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_file_that_is_none_fails_with_its_reason() {
    let app = Arranged::new().await;
    for (file, reason) in [
        (&b""[..], "no-header"),
        (b"name,email\nAda,\n", "no-phone-number-column"),
        (b"PK\x03\x04\0\0\0", "not-csv"),
        (b"phoneNumber,name,name\n", "duplicate-column"),
    ] {
        let id = upload(&app, file, false).await;
        app.offline_worker().drain().await;
        let import = read(&app, id).await;
        assert_eq!(import.state, ImportState::Failed);
        assert!(import.reason.as_deref().is_some_and(|found| found.starts_with(reason)), "{:?}", import.reason);
    }
    assert_eq!(app.kept_files(), 0);
}

#[tokio::test]
async fn a_dry_run_counts_and_writes_nothing() {
    let app = Arranged::new().await;
    import(&app, &format!("phoneNumber,name\n{},Ada\n{},Bob\n", number(1), number(2))).await;
    let file =
        format!("phoneNumber,name,optIn\n{},Ada\n{},Robert\n{},Cyd,optedOut\n{},Cyd\nx,y\n", number(1), number(2), number(3), number(3));
    let id = upload(&app, file.as_bytes(), true).await;
    app.offline_worker().drain().await;
    assert_eq!(read(&app, id).await.counts, counts(1, 1, 2, 1));
    assert_eq!(app.count("select count(*) from contacts where name in ('Ada', 'Bob')").await, 2);
    assert_eq!(app.count("select count(*) from contacts").await, 2);
    assert_eq!(app.count("select count(*) from contact_exceptions").await, 0);
}

#[tokio::test]
async fn a_crash_between_batches_counts_nothing_twice() {
    let app = Arranged::new().await;
    let mut file = String::from("phoneNumber,name\n");
    for n in 0..2_500 {
        file += &(if n == 2_200 { number(7) } else { number(n) });
        file += ",Person\n";
    }
    let id = upload(&app, file.as_bytes(), false).await;
    // What a worker did before it died: header and first batch are committed, the second batch was under way.
    let header = read_header(file.as_bytes(), true, &Mapping::default()).unwrap();
    let mut tx = app.begin().await;
    service::begin(&mut tx, &*app.clock, id, &header).await.unwrap();
    tx.commit().await.unwrap();
    let mut place = (header.offset, header.line);
    for commits in [true, false] {
        let window = &file.as_bytes()[usize::try_from(place.0).unwrap()..];
        let framed = frame(window, true, b',', place.1, 1_000);
        let parsed = rows::parse(window, &framed.records, &header.layout);
        let behind = (place.0 + framed.consumed as u64, framed.next_line);
        let batch = Batch { from: place.0, to: Place { offset: behind.0, line: behind.1 }, parsed };
        let mut tx = app.begin().await;
        let import = service::get(&mut tx, id).await.unwrap();
        assert_eq!(service::apply(&mut tx, &*app.clock, &import, batch).await.unwrap().unwrap().total(), 1_000);
        if commits {
            tx.commit().await.unwrap();
            place = behind;
        } else {
            tx.rollback().await.unwrap();
        }
    }
    assert_eq!(read(&app, id).await.counts, counts(1_000, 0, 0, 0));
    app.offline_worker().drain().await;
    let import = read(&app, id).await;
    assert_eq!((import.state, import.counts), (ImportState::Completed, counts(2_499, 0, 1, 0)));
    assert_eq!(app.count("select count(*) from contacts").await, 2_499);
}

#[tokio::test]
async fn a_batch_that_another_run_committed_is_not_written() {
    let app = Arranged::new().await;
    let file = format!("phoneNumber\n{}\n", number(1));
    let id = upload(&app, file.as_bytes(), false).await;
    let header = read_header(file.as_bytes(), true, &Mapping::default()).unwrap();
    let mut tx = app.begin().await;
    service::begin(&mut tx, &*app.clock, id, &header).await.unwrap();
    let import = service::get(&mut tx, id).await.unwrap();
    let batch = || Batch { from: header.offset, to: Place { offset: import.size, line: 3 }, parsed: rows::ParsedRows::default() };
    assert!(service::apply(&mut tx, &*app.clock, &import, batch()).await.unwrap().is_some());
    assert!(service::apply(&mut tx, &*app.clock, &import, batch()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_hundred_thousand_rows_take_no_more_memory_than_a_thousand() {
    let app = Arranged::new().await;
    let worker = app.offline_worker();
    // Whatever is allocated once and kept is allocated now.
    import(&app, &format!("phoneNumber\n{}\n", number(0))).await;
    let object_key = ObjectKey::fresh(app.organization, "imports", app.clock.now());
    let chunk = |n: usize| {
        let rows = (n * 1_000..(n + 1) * 1_000).map(|n| format!("{},Person {n},a;b,Town {}\n", number(n), n % 100));
        let rows: String = rows.collect();
        Ok::<_, std::io::Error>(Bytes::from(if n == 0 { format!("phoneNumber,name,tags,City\n{rows}") } else { rows }))
    };
    let about = About { content_type: "text/csv", original_name: "", uploaded_at: app.clock.now() };
    let size = app.files.put(&object_key, about, futures::stream::iter((0..100).map(chunk)), u64::MAX).await.unwrap();
    let new = NewImport { object_key, file_name: None, size, mapping: Mapping::default(), dry_run: false };
    let mut tx = app.begin().await;
    let id = service::start(&mut tx, &*app.clock, new).await.unwrap().id;
    tx.commit().await.unwrap();
    let before = peak_memory_kb();
    worker.drain().await;
    let grown = peak_memory_kb() - before;
    let import = read(&app, id).await;
    assert_eq!((import.state, import.counts), (ImportState::Completed, counts(99_999, 1, 0, 0)));
    assert!(grown < 100_000, "{grown} kB");
}

/// The most memory this process ever held, in kB; 0 where nobody tells.
fn peak_memory_kb() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
