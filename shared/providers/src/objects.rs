//! Files: media, logos, exports, uploads. A folder by default; whatever `object_store` speaks otherwise.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use kernel::OrganizationId;
use object_store::{GetOptions, GetRange, ObjectStoreExt, PutPayload, WriteMultipart, local::LocalFileSystem, path::Path};
use uuid::Uuid;

/// Parts of this size are written while the next one is read.
const PART_BYTES: usize = 1024 * 1024;
/// Parts in flight: bounds the memory of one upload.
const PARTS_IN_FLIGHT: usize = 2;

/// Where files are kept. Cheap to clone.
#[derive(Clone)]
pub struct ObjectStore(Arc<dyn object_store::ObjectStore>);

/// Name of a file: organization, kind, and a random id, so that no two uploads ever meet. Its text form is what records keep.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ObjectKey(String);

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key of the object store")]
pub struct ObjectKeyError;

/// Why a file could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The folder cannot be made or used.
    #[error("the storage folder `{}` cannot be used", .0.display())]
    Folder(PathBuf, #[source] std::io::Error),
    /// There is no such file.
    #[error("the file does not exist")]
    NotFound,
    /// The offset lies behind the end.
    #[error("the file ends before byte {offset}")]
    BehindEnd {
        /// The offset asked for.
        offset: u64,
    },
    /// The file is longer than allowed; nothing was kept.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The source of the upload failed; nothing was kept.
    #[error("the upload broke off")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store failed.
    #[error("the object store failed")]
    Store(#[source] object_store::Error),
}

impl ObjectKey {
    /// A new name. `kind` is a word of ours such as `imports` or `media`: lower-case letters and dashes.
    pub fn fresh(organization: OrganizationId, kind: &'static str, now: DateTime<Utc>) -> Self {
        debug_assert!(is_kind(kind), "`{kind}` is no kind of file");
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        // A UUIDv7 has 74 random bits beside the time.
        let id = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.timestamp_subsec_nanos()));
        Self(format!("{organization}/{kind}/{id}"))
    }

    /// A file of the installation itself, of no organization and with a fixed name. Records never keep such a key.
    pub fn of_installation(name: &'static str) -> Self {
        Self(name.to_owned())
    }

    /// The name as records keep it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The organization the file belongs to.
    pub fn organization(&self) -> Option<OrganizationId> {
        self.0.split('/').next()?.parse().ok()
    }

    fn path(&self) -> Path {
        Path::from(self.0.as_str())
    }
}

fn is_kind(kind: &str) -> bool {
    !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

impl FromStr for ObjectKey {
    type Err = ObjectKeyError;

    /// Reads a kept name back. Only names of our own making pass, so nothing outside the folder can be reached.
    fn from_str(text: &str) -> Result<Self, ObjectKeyError> {
        let mut parts = text.split('/');
        let canonical = |part: Option<&str>| part.is_some_and(|part| part.parse::<Uuid>().is_ok_and(|id| id.to_string() == part));
        let fits = canonical(parts.next()) && parts.next().is_some_and(is_kind) && canonical(parts.next()) && parts.next().is_none();
        if fits { Ok(Self(text.to_owned())) } else { Err(ObjectKeyError) }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectKey({})", self.0)
    }
}

/// A file being read.
pub struct StoredObject {
    /// Length of the whole file in bytes.
    pub size: u64,
    /// Its bytes, from the offset asked for.
    pub bytes: BoxStream<'static, Result<Bytes, ObjectError>>,
}

impl fmt::Debug for StoredObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredObject").field("size", &self.size).finish_non_exhaustive()
    }
}

impl ObjectStore {
    /// Keeps files below `folder`, which is made when missing. All binaries of an installation must see the same folder.
    pub fn local(folder: impl Into<PathBuf>) -> Result<Self, ObjectError> {
        let folder = folder.into();
        if let Err(error) = std::fs::create_dir_all(&folder) {
            return Err(ObjectError::Folder(folder, error));
        }
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(ObjectError::Store)?;
        Ok(Self(Arc::new(store.with_automatic_cleanup(true).with_fsync(true))))
    }

    /// Stores a stream of unknown length, and answers how many bytes it had.
    ///
    /// The file appears whole at the end or not at all: when the stream fails, is longer than `limit` bytes, or this future is dropped, nothing is
    /// kept. A few MB of memory, whatever the length.
    pub async fn put<E>(&self, key: &ObjectKey, stream: impl Stream<Item = Result<Bytes, E>> + Send, limit: u64) -> Result<u64, ObjectError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let upload = self.0.put_multipart(&key.path()).await.map_err(store_error)?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        match copy(&mut writer, stream, limit).await {
            Ok(size) => {
                writer.finish().await.map_err(store_error)?;
                Ok(size)
            }
            Err(error) => {
                // The first failure is the one to tell; a part left behind has a name nobody reads.
                if let Err(abort) = writer.abort().await {
                    tracing::warn!(error = %abort, "an upload that failed could not be cleaned up");
                }
                Err(error)
            }
        }
    }

    /// Stores a file that is in memory already.
    pub async fn put_bytes(&self, key: &ObjectKey, bytes: Bytes) -> Result<(), ObjectError> {
        self.0.put(&key.path(), PutPayload::from(bytes)).await.map_err(store_error)?;
        Ok(())
    }

    /// Reads a file from byte `offset` on. An offset at the very end gives an empty stream.
    pub async fn get(&self, key: &ObjectKey, offset: u64) -> Result<StoredObject, ObjectError> {
        let path = key.path();
        if offset > 0 {
            let size = self.0.head(&path).await.map_err(store_error)?.size;
            if offset > size {
                return Err(ObjectError::BehindEnd { offset });
            }
            if offset == size {
                return Ok(StoredObject { size, bytes: futures::stream::empty().boxed() });
            }
        }
        let options = GetOptions { range: (offset > 0).then_some(GetRange::Offset(offset)), ..GetOptions::default() };
        let found = self.0.get_opts(&path, options).await.map_err(store_error)?;
        Ok(StoredObject { size: found.meta.size, bytes: found.into_stream().map_err(store_error).boxed() })
    }

    /// Length of a file in bytes.
    pub async fn size(&self, key: &ObjectKey) -> Result<u64, ObjectError> {
        Ok(self.0.head(&key.path()).await.map_err(store_error)?.size)
    }

    /// Deletes a file. One that is gone already is no error.
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        match self.0.delete(&key.path()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(ObjectError::Store(error)),
        }
    }
}

async fn copy<E>(writer: &mut WriteMultipart, stream: impl Stream<Item = Result<Bytes, E>> + Send, limit: u64) -> Result<u64, ObjectError>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut stream = std::pin::pin!(stream);
    let mut size = 0_u64;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| ObjectError::Source(error.into()))?;
        size = size.saturating_add(chunk.len() as u64);
        if size > limit {
            return Err(ObjectError::TooLarge { limit });
        }
        writer.wait_for_capacity(PARTS_IN_FLIGHT).await.map_err(store_error)?;
        writer.put(chunk);
    }
    Ok(size)
}

fn store_error(error: object_store::Error) -> ObjectError {
    match error {
        object_store::Error::NotFound { .. } => ObjectError::NotFound,
        other => ObjectError::Store(other),
    }
}

impl fmt::Debug for ObjectStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectStore({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, io};

    use futures::stream;

    use super::*;

    const LIMIT: u64 = 10 * 1024 * 1024;

    fn key() -> ObjectKey {
        let now = DateTime::from_timestamp(1_750_000_000, 0).unwrap();
        ObjectKey::fresh(OrganizationId::at(now), "imports", now)
    }

    fn chunks(count: usize, length: usize) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        stream::iter((0..count).map(move |at| Ok(Bytes::from(vec![u8::try_from(at % 251).unwrap(); length]))))
    }

    async fn read(store: &ObjectStore, key: &ObjectKey, offset: u64) -> Vec<u8> {
        let parts: Vec<Bytes> = store.get(key, offset).await.unwrap().bytes.try_collect().await.unwrap();
        parts.concat()
    }

    fn files(folder: &std::path::Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
        }
        found
    }

    #[tokio::test]
    async fn a_file_comes_back_as_it_was_stored() {
        let folder = tempfile::tempdir().unwrap();
        let store = ObjectStore::local(folder.path().join("new")).unwrap();
        let key = key();
        assert_eq!(store.put(&key, chunks(300, 10_007), LIMIT).await.unwrap(), 3_002_100);
        let whole = read(&store, &key, 0).await;
        assert_eq!(whole.len(), 3_002_100);
        assert!(whole.chunks(10_007).enumerate().all(|(at, chunk)| chunk.iter().all(|byte| usize::from(*byte) == at % 251)));
        assert_eq!(store.size(&key).await.unwrap(), 3_002_100);
        for offset in [1, 10_007, 3_002_099, 3_002_100] {
            assert_eq!(read(&store, &key, offset).await, whole[usize::try_from(offset).unwrap()..], "{offset}");
        }
        assert!(matches!(store.get(&key, 3_002_101).await, Err(ObjectError::BehindEnd { offset: 3_002_101 })));
    }

    #[tokio::test]
    async fn an_empty_file_is_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = ObjectStore::local(folder.path()).unwrap();
        let key = key();
        assert_eq!(store.put(&key, chunks(0, 0), LIMIT).await.unwrap(), 0);
        assert!(read(&store, &key, 0).await.is_empty());
        store.put_bytes(&key, Bytes::from_static(b"now more")).await.unwrap();
        assert_eq!(read(&store, &key, 4).await, b"more");
    }

    #[tokio::test]
    async fn a_failed_upload_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = ObjectStore::local(folder.path()).unwrap();
        let (large, broken) = (key(), key());
        assert!(matches!(store.put(&large, chunks(11, 1024 * 1024), LIMIT).await, Err(ObjectError::TooLarge { limit: LIMIT })));
        let source = chunks(3, 1024 * 1024).map_err(|never| match never {}).chain(stream::iter([Err(io::Error::other("gone"))]));
        assert!(matches!(store.put(&broken, source, LIMIT).await, Err(ObjectError::Source(_))));
        for key in [large, broken] {
            assert!(matches!(store.get(&key, 0).await, Err(ObjectError::NotFound)));
            assert!(matches!(store.get(&key, 5).await, Err(ObjectError::NotFound)));
        }
        assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
    }

    #[tokio::test]
    async fn a_file_of_exactly_the_limit_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = ObjectStore::local(folder.path()).unwrap();
        assert_eq!(store.put(&key(), chunks(10, 1024 * 1024), LIMIT).await.unwrap(), LIMIT);
    }

    #[tokio::test]
    async fn deleting_twice_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let store = ObjectStore::local(folder.path()).unwrap();
        let key = key();
        store.put_bytes(&key, Bytes::from_static(b"x")).await.unwrap();
        store.delete(&key).await.unwrap();
        store.delete(&key).await.unwrap();
        assert!(matches!(store.size(&key).await, Err(ObjectError::NotFound)));
    }

    #[test]
    fn only_our_own_keys_are_read_back() {
        let key = key();
        assert_eq!(key.as_str().parse(), Ok(key.clone()));
        assert!(key.organization().is_some());
        let id = "0197a1b2-0000-7000-8000-000000000000";
        for text in [
            "",
            "a",
            "../../etc/passwd",
            &format!("{id}/media/../{id}"),
            &format!("{id}/Media/{id}"),
            &format!("/{id}/media/{id}"),
            &format!("{id}/media/{id}/x"),
            &format!("{id}/media/{}", id.to_uppercase()),
        ] {
            assert_eq!(text.parse::<ObjectKey>(), Err(ObjectKeyError), "{text}");
        }
    }
}
