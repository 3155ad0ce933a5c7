use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path as FilePath, PathBuf},
};

use futures::{Stream, StreamExt, TryStreamExt, stream};
use kernel::OrganizationId;
use tokio::{net::TcpListener, task::JoinHandle};

use super::*;

#[path = "../../examples/s3_server/server.rs"]
mod server;

const LIMIT: u64 = 10 * 1024 * 1024;
/// Longer than a test takes.
const WHILE: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

/// A store over a folder that ends with the test.
struct Arranged {
    store: ObjectStore,
    folder: tempfile::TempDir,
    server: Option<(SocketAddr, JoinHandle<()>)>,
}

impl Arranged {
    async fn folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = ObjectStore::open(&StoreOptions::Folder(folder.path().join("new"))).unwrap();
        store.prepare().await.unwrap();
        Self { store, folder, server: None }
    }

    /// A bucket of a running S3 server, not made yet.
    async fn empty_service() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let store = ObjectStore::open(&bucket(address)).unwrap();
        let server = serve(listener, folder.path());
        Self { store, folder, server: Some((address, server)) }
    }

    async fn bucket() -> Self {
        let arranged = Self::empty_service().await;
        arranged.store.prepare().await.unwrap();
        arranged
    }

    /// One of each kind.
    async fn each() -> [Self; 2] {
        [Self::folder().await, Self::bucket().await]
    }
}

fn serve(listener: TcpListener, folder: &FilePath) -> JoinHandle<()> {
    let folder = folder.to_owned();
    tokio::spawn(async move { server::serve(listener, &folder).await })
}

fn bucket(address: SocketAddr) -> StoreOptions {
    crate::http::install_crypto_provider();
    StoreOptions::Bucket(BucketOptions {
        endpoint: Some(format!("http://{address}/")),
        region: "eu-central-1".into(),
        bucket: "heliograph".into(),
        access_key_id: server::ACCESS_KEY_ID.into(),
        secret_access_key: server::SECRET_ACCESS_KEY.into(),
        path_style: true,
        allow_http: true,
    })
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_000, 0).unwrap()
}

fn key() -> ObjectKey {
    ObjectKey::fresh(OrganizationId::at(now()), "imports", now())
}

fn about() -> About<'static> {
    About { content_type: "text/csv", original_name: "Kündinnen & Kunden.csv", uploaded_at: now() }
}

fn chunks(count: usize, length: usize) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    stream::iter((0..count).map(move |at| Ok(Bytes::from(vec![u8::try_from(at % 251).unwrap(); length]))))
}

async fn read(store: &ObjectStore, key: &ObjectKey, offset: u64) -> Vec<u8> {
    let object = store.get(key, offset).await.unwrap();
    object.bytes.try_collect::<Vec<Bytes>>().await.unwrap().concat()
}

/// The files below a folder.
fn files(folder: &FilePath) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn a_file_comes_back_whole_and_from_any_offset() {
    for arranged in Arranged::each().await {
        let (store, key) = (&arranged.store, key());
        // Three parts of a multipart upload.
        let length = 1_200 * 10_007;
        assert_eq!(store.put(&key, about(), chunks(1_200, 10_007), 2 * LIMIT).await.unwrap(), length);
        let whole = read(store, &key, 0).await;
        assert_eq!(whole.len() as u64, length);
        assert!(whole.chunks(10_007).enumerate().all(|(at, chunk)| chunk.iter().all(|byte| usize::from(*byte) == at % 251)));
        assert_eq!(store.size(&key).await.unwrap(), length);
        for offset in [1, 10_007, length - 1, length] {
            assert!(read(store, &key, offset).await == whole[usize::try_from(offset).unwrap()..], "{store:?} from {offset}");
        }
        assert!(matches!(store.get(&key, length + 1).await, Err(ObjectError::BehindEnd { .. })), "{store:?}");
    }
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    for arranged in Arranged::each().await {
        let (store, key) = (&arranged.store, key());
        assert_eq!(store.put(&key, about(), chunks(0, 0), LIMIT).await.unwrap(), 0);
        assert!(read(store, &key, 0).await.is_empty());
        store.put_bytes(&key, Bytes::from_static(b"now more")).await.unwrap();
        assert_eq!(read(store, &key, 4).await, b"more");
    }
}

#[tokio::test]
async fn a_failed_upload_leaves_nothing() {
    for arranged in Arranged::each().await {
        let (store, large, broken) = (&arranged.store, key(), key());
        let failed = store.put(&large, about(), chunks(11, 1024 * 1024), LIMIT).await;
        assert!(matches!(failed, Err(ObjectError::TooLarge { limit: LIMIT })), "{failed:?}");
        let source = chunks(3, 1024 * 1024).map_err(|never| match never {}).chain(stream::iter([Err(io::Error::other("gone"))]));
        assert!(matches!(store.put(&broken, about(), source, LIMIT).await, Err(ObjectError::Source(_))));
        for key in [large, broken] {
            assert!(matches!(store.get(&key, 0).await, Err(ObjectError::NotFound)));
            assert!(matches!(store.get(&key, 5).await, Err(ObjectError::NotFound)));
        }
        assert_eq!(store.list().try_collect::<Vec<_>>().await.unwrap().len(), 0, "{store:?}");
    }
    let arranged = Arranged::folder().await;
    let _ = arranged.store.put(&key(), about(), chunks(11, 1024 * 1024), LIMIT).await;
    assert_eq!(files(arranged.folder.path()), Vec::<PathBuf>::new(), "no part is left over either");
}

#[tokio::test]
async fn a_file_of_exactly_the_limit_is_kept() {
    for arranged in Arranged::each().await {
        assert_eq!(arranged.store.put(&key(), about(), chunks(10, 1024 * 1024), LIMIT).await.unwrap(), LIMIT);
    }
}

#[tokio::test]
async fn deleting_twice_is_no_error() {
    for arranged in Arranged::each().await {
        let (store, key) = (&arranged.store, key());
        store.put_bytes(&key, Bytes::from_static(b"x")).await.unwrap();
        store.delete(&key).await.unwrap();
        store.delete(&key).await.unwrap();
        assert!(matches!(store.size(&key).await, Err(ObjectError::NotFound)));
    }
}

#[tokio::test]
async fn everything_is_listed_with_the_stores_own_time() {
    for arranged in Arranged::each().await {
        let store = &arranged.store;
        let organization = OrganizationId::at(now());
        let picture = ObjectKey::of_file(Folder::Images, organization, kernel::FileId::at(now()), "webp");
        let upload = ObjectKey::fresh(organization, "imports", now());
        store.put_described(&picture, About { content_type: "image/webp", ..about() }, Bytes::from_static(b"abc")).await.unwrap();
        store.put_bytes(&upload, Bytes::from_static(b"x")).await.unwrap();
        let clock = store.now().await.unwrap();
        let mut listed: Vec<Listed> = store.list().try_collect().await.unwrap();
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        let mut names = [(upload.as_str(), 1), ("clock/now", 22), (picture.as_str(), 3)];
        names.sort_unstable();
        let found: Vec<(&str, u64)> = listed.iter().map(|listed| (listed.name.as_str(), listed.size)).collect();
        assert_eq!(found, names, "{store:?}");
        // Some stores tell the time of a listing more precisely than that of one object.
        let clock = clock + chrono::TimeDelta::seconds(1);
        assert!(listed.iter().all(|listed| listed.written_at <= clock && listed.written_at >= clock - WHILE), "{store:?}");
    }
}

#[tokio::test]
async fn a_bucket_is_made_once_and_keeps_what_is_told_about_an_object() {
    let arranged = Arranged::empty_service().await;
    let store = &arranged.store;
    assert!(store.check().await.is_err(), "there is no bucket yet");
    store.prepare().await.unwrap();
    store.check().await.unwrap();
    let Backend::Bucket(bucket) = &*store.0 else { panic!("a bucket") };
    bucket.make().await.expect("one that exists is as good");
    let key = key();
    store.put(&key, about(), chunks(1, 10), LIMIT).await.unwrap();
    let found = bucket.store().get_opts(&key.path(), GetOptions::default()).await.unwrap();
    let metadata = |name: &'static str| found.attributes.get(&Attribute::Metadata(name.into())).map(|value| value.to_string());
    assert_eq!(found.attributes.get(&Attribute::ContentType).map(|value| value.to_string()).as_deref(), Some("text/csv"));
    assert_eq!(metadata("original-name").as_deref(), Some("K%C3%BCndinnen+%26+Kunden.csv"));
    assert_eq!(metadata("organization"), key.organization().map(|id| id.to_string()));
    assert_eq!(metadata("uploaded-at").as_deref(), Some("2025-06-15T15:06:40+00:00"));
}

#[tokio::test]
async fn a_link_reads_one_object_and_ends() {
    let arranged = Arranged::bucket().await;
    let (store, one, other) = (&arranged.store, key(), key());
    for key in [&one, &other] {
        store.put_bytes(key, Bytes::from(key.to_string())).await.unwrap();
    }
    let link = store.link(&one, Duration::from_mins(15)).await.unwrap().expect("a link");
    let client = crate::http::streaming_client(Duration::from_secs(2), Duration::from_secs(5)).unwrap();
    assert_eq!(client.get(link.clone()).send().await.unwrap().text().await.unwrap(), one.to_string());
    let changed = |from: &str, to: &str| link.as_str().replace(from, to);
    for refused in [
        changed(one.as_str(), other.as_str()),
        changed("X-Amz-Expires=900", "X-Amz-Expires=90000"),
        link.as_str()[..link.as_str().len() - 4].to_owned() + "0000",
        link.as_str().split('?').next().unwrap().to_owned(),
    ] {
        assert_eq!(client.get(&refused).send().await.unwrap().status(), 403, "{refused}");
    }
    assert!(Arranged::folder().await.store.link(&one, Duration::from_mins(15)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_bucket_that_is_away_is_unavailable_and_prepared_when_it_comes() {
    let arranged = Arranged::empty_service().await;
    let (address, server) = arranged.server.expect("a server");
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
    let store = &arranged.store;
    let failed = store.check().await.unwrap_err();
    assert!(failed.is_unavailable(), "{failed:?}");
    let failed = store.put(&key(), about(), chunks(1, 10), LIMIT).await.unwrap_err();
    assert!(failed.is_unavailable(), "{failed:?}");
    store.prepare_soon();
    let listener = TcpListener::bind(address).await.unwrap();
    let _server = serve(listener, arranged.folder.path());
    let made = async {
        while store.check().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), made).await.expect("the bucket is made without a new start");
    assert_eq!(store.put(&key(), about(), chunks(1, 10), LIMIT).await.unwrap(), 10);
}

#[tokio::test]
async fn a_wrong_key_is_unavailable_and_told_apart_from_an_absent_file() {
    let arranged = Arranged::bucket().await;
    let StoreOptions::Bucket(options) = bucket(arranged.server.as_ref().unwrap().0) else { panic!("a bucket") };
    let stranger = StoreOptions::Bucket(BucketOptions { secret_access_key: "another".into(), ..options });
    let stranger = ObjectStore::open(&stranger).unwrap();
    assert!(stranger.get(&key(), 0).await.unwrap_err().is_unavailable());
    assert!(stranger.prepare().await.unwrap_err().is_unavailable());
    assert!(!arranged.store.get(&key(), 0).await.unwrap_err().is_unavailable());
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_unavailable_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let occupied = folder.path().join("storage");
    std::fs::write(&occupied, "a file where a folder should be").unwrap();
    let store = ObjectStore::open(&StoreOptions::Folder(occupied.clone())).unwrap();
    assert!(store.check().await.unwrap_err().is_unavailable());
    assert!(store.put_bytes(&key(), Bytes::new()).await.unwrap_err().is_unavailable());
    std::fs::remove_file(&occupied).unwrap();
    store.prepare().await.unwrap();
    store.check().await.unwrap();
    assert!(Folder::ALL.iter().all(|folder| occupied.join(folder.as_str()).is_dir()));
}

#[test]
fn only_our_own_keys_are_read_back() {
    let upload = key();
    let organization = OrganizationId::at(now());
    let picture = ObjectKey::of_file(Folder::Images, organization, kernel::FileId::at(now()), "webp");
    for key in [&upload, &picture] {
        assert_eq!(key.as_str().parse(), Ok(key.clone()));
    }
    assert!(upload.organization().is_some());
    assert_eq!((upload.kind(), upload.folder()), (Some("imports"), None));
    assert_eq!(picture.organization(), Some(organization));
    assert_eq!((picture.kind(), picture.folder()), (None, Some(Folder::Images)));
    let id = "0197a1b2-0000-7000-8000-000000000000";
    for text in [
        "",
        "a",
        "guard/ledger.json",
        "../../etc/passwd",
        &format!("{id}/media/../{id}"),
        &format!("{id}/Media/{id}"),
        &format!("/{id}/media/{id}"),
        &format!("{id}/media/{id}/x"),
        &format!("{id}/media/{}", id.to_uppercase()),
        &format!("images/{id}/{id}"),
        &format!("images/{id}/{id}.WEBP"),
        &format!("images/{id}/{id}.webp/x"),
        &format!("images/../{id}.webp"),
        &format!("pictures/{id}/{id}.webp"),
    ] {
        assert_eq!(text.parse::<ObjectKey>(), Err(ObjectKeyError), "{text}");
    }
}
