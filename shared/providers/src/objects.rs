//! Files: pictures, uploads, exports. A folder by default, or a bucket of an S3-compatible service.
//!
//! A store may be away at any time. Opening one asks nobody; [`ObjectStore::prepare`] makes its folders or its bucket, and everything else fails
//! with an error for which [`ObjectError::is_unavailable`] holds.

mod bucket;
mod key;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::{Path as FilePath, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    Attribute, Attributes, GetOptions, GetRange, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, WriteMultipart,
    local::LocalFileSystem, path::Path,
};
use url::Url;

use self::bucket::Bucket;
pub use self::{
    bucket::BucketOptions,
    key::{Folder, ObjectKey, ObjectKeyError},
};
use crate::http::HttpClientError;

/// Parts of this size are written while the next one is read. S3 takes no smaller ones (S3 reference, "Multipart upload limits").
const PART_BYTES: usize = 5 * 1024 * 1024;
/// Parts in flight: bounds the memory of one upload.
const PARTS_IN_FLIGHT: usize = 2;
/// Time between two tries to prepare a store that is away.
const PREPARE_AGAIN: Duration = Duration::from_secs(5);

/// Where files are kept. Cheap to clone.
#[derive(Clone)]
pub struct ObjectStore(Arc<Backend>);

enum Backend {
    Folder { path: PathBuf, opened: OnceLock<Arc<LocalFileSystem>> },
    Bucket(Bucket),
}

/// Which store.
#[derive(Clone, Debug)]
pub enum StoreOptions {
    /// A folder, which all binaries of an installation share.
    Folder(PathBuf),
    /// A bucket.
    Bucket(BucketOptions),
}

impl StoreOptions {
    /// The bucket, when it has a name; otherwise the folder.
    pub fn choose(folder: impl Into<PathBuf>, bucket: BucketOptions) -> Self {
        if bucket.bucket.is_empty() { Self::Folder(folder.into()) } else { Self::Bucket(bucket) }
    }
}

/// What is told about an object beside its bytes. A folder keeps none of it.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// Media type.
    pub content_type: &'a str,
    /// The name under which it was uploaded; empty when there was none.
    pub original_name: &'a str,
    /// When it was uploaded.
    pub uploaded_at: DateTime<Utc>,
}

/// Why a file could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The folder cannot be made or used.
    #[error("the storage folder `{}` cannot be used", .0.display())]
    Folder(PathBuf, #[source] std::io::Error),
    /// The bucket cannot be made.
    #[error("the bucket cannot be made")]
    Bucket(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store cannot be opened with these settings.
    #[error("the storage settings cannot be used: {0}")]
    Settings(&'static str),
    /// No HTTP client could be made.
    #[error(transparent)]
    Client(#[from] HttpClientError),
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

impl ObjectError {
    /// Whether the store is to blame: the same may succeed later.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Folder(..) | Self::Bucket(_) | Self::Store(_) => true,
            Self::Settings(_) | Self::Client(_) | Self::NotFound | Self::BehindEnd { .. } | Self::TooLarge { .. } | Self::Source(_) => {
                false
            }
        }
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

/// An object of a listing.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name, whoever gave it.
    pub name: String,
    /// When it was written, by the store's clock.
    pub written_at: DateTime<Utc>,
    /// Length in bytes.
    pub size: u64,
}

impl ObjectStore {
    /// Opens a store. Nothing is asked yet: one that is away fails what needs it, not the start.
    pub fn open(options: &StoreOptions) -> Result<Self, ObjectError> {
        let backend = match options {
            StoreOptions::Folder(path) => Backend::Folder { path: path.clone(), opened: OnceLock::new() },
            StoreOptions::Bucket(options) => Backend::Bucket(Bucket::open(options)?),
        };
        Ok(Self(Arc::new(backend)))
    }

    /// Keeps files below `folder`, which is made when missing.
    pub fn local(folder: impl Into<PathBuf>) -> Result<Self, ObjectError> {
        let store = Self::open(&StoreOptions::Folder(folder.into()))?;
        store.backend()?;
        Ok(store)
    }

    /// Makes what is missing: the folder and those in it, or the bucket. Idempotent.
    pub async fn prepare(&self) -> Result<(), ObjectError> {
        match &*self.0 {
            Backend::Folder { path, .. } => {
                self.backend()?;
                for folder in Folder::ALL {
                    make_folder(&path.join(folder.as_str()))?;
                }
                Ok(())
            }
            // A bucket that may only be used, not made, is right as it is.
            Backend::Bucket(bucket) => match self.check().await {
                Ok(()) => Ok(()),
                Err(_) => bucket.make().await,
            },
        }
    }

    /// Prepares the store beside whatever else happens, again and again until it succeeds. Needs a runtime.
    pub fn prepare_soon(&self) {
        let store = self.clone();
        tokio::spawn(async move {
            let mut told = false;
            while let Err(error) = store.prepare().await {
                if !told {
                    tracing::error!(error = chain(&error), "{store:?} is unavailable: {}", chain(&error));
                    told = true;
                }
                tokio::time::sleep(PREPARE_AGAIN).await;
            }
            tracing::info!("{store:?} is ready");
        });
    }

    /// Whether the store can be used now. One request, or one look at the folder.
    pub async fn check(&self) -> Result<(), ObjectError> {
        if let Backend::Folder { path, .. } = &*self.0 {
            self.backend()?;
            // A file without a name: it shows that the folder can be written to, and leaves nothing behind.
            return tempfile::tempfile_in(path).map(drop).map_err(|error| ObjectError::Folder(path.clone(), error));
        }
        // Nothing is below this name; what is asked is whether the bucket answers.
        let none = Path::from("health");
        match self.backend()?.list(Some(&none)).next().await {
            None | Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(ObjectError::Store(error)),
        }
    }

    /// Stores a stream of unknown length, and answers how many bytes it had.
    ///
    /// The file appears whole at the end or not at all: when the stream fails, is longer than `limit` bytes, or this future is dropped, nothing is
    /// kept. Some 15 MB of memory at most, whatever the length.
    pub async fn put<E>(
        &self,
        key: &ObjectKey,
        about: About<'_>,
        stream: impl Stream<Item = Result<Bytes, E>> + Send,
        limit: u64,
    ) -> Result<u64, ObjectError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let options = PutMultipartOptions { attributes: self.attributes(key, &about), ..PutMultipartOptions::default() };
        let upload = self.backend()?.put_multipart_opts(&key.path(), options).await.map_err(store_error)?;
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

    /// Stores a file that is in memory already, with what is known about it.
    pub async fn put_described(&self, key: &ObjectKey, about: About<'_>, bytes: Bytes) -> Result<(), ObjectError> {
        let options = PutOptions { attributes: self.attributes(key, &about), ..PutOptions::default() };
        self.backend()?.put_opts(&key.path(), PutPayload::from(bytes), options).await.map_err(store_error)?;
        Ok(())
    }

    /// Stores a file of our own that is in memory already.
    pub async fn put_bytes(&self, key: &ObjectKey, bytes: Bytes) -> Result<(), ObjectError> {
        self.backend()?.put(&key.path(), PutPayload::from(bytes)).await.map_err(store_error)?;
        Ok(())
    }

    /// Reads a file from byte `offset` on. An offset at the very end gives an empty stream.
    pub async fn get(&self, key: &ObjectKey, offset: u64) -> Result<StoredObject, ObjectError> {
        let (store, path) = (self.backend()?, key.path());
        if offset > 0 {
            let size = store.head(&path).await.map_err(store_error)?.size;
            if offset > size {
                return Err(ObjectError::BehindEnd { offset });
            }
            if offset == size {
                return Ok(StoredObject { size, bytes: futures::stream::empty().boxed() });
            }
        }
        let options = GetOptions { range: (offset > 0).then_some(GetRange::Offset(offset)), ..GetOptions::default() };
        let found = store.get_opts(&path, options).await.map_err(store_error)?;
        Ok(StoredObject { size: found.meta.size, bytes: found.into_stream().map_err(store_error).boxed() })
    }

    /// Length of a file in bytes.
    pub async fn size(&self, key: &ObjectKey) -> Result<u64, ObjectError> {
        Ok(self.backend()?.head(&key.path()).await.map_err(store_error)?.size)
    }

    /// Deletes a file. One that is gone already is no error.
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        match self.backend()?.delete(&key.path()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(ObjectError::Store(error)),
        }
    }

    /// Everything in the store, in no order, also what we did not put there.
    pub fn list(&self) -> BoxStream<'static, Result<Listed, ObjectError>> {
        match self.backend() {
            Ok(store) => store
                .list(None)
                .map_ok(|meta| Listed { name: meta.location.to_string(), written_at: meta.last_modified, size: meta.size })
                .map_err(store_error)
                .boxed(),
            Err(error) => futures::stream::iter([Err(error)]).boxed(),
        }
    }

    /// The store's clock, by which [`Listed::written_at`] is told: the time at which it writes a small file of ours.
    pub async fn now(&self) -> Result<DateTime<Utc>, ObjectError> {
        let key = ObjectKey::of_installation("clock/now");
        self.put_bytes(&key, Bytes::from_static(b"when this was written\n")).await?;
        Ok(self.backend()?.head(&key.path()).await.map_err(store_error)?.last_modified)
    }

    /// An address under which anybody can read the file for a while, made by the store; none when the store answers no requests of others.
    pub async fn link(&self, key: &ObjectKey, lasts: Duration) -> Result<Option<Url>, ObjectError> {
        match &*self.0 {
            Backend::Folder { .. } => Ok(None),
            Backend::Bucket(bucket) => Ok(Some(bucket.link(&key.path(), lasts).await?)),
        }
    }

    fn backend(&self) -> Result<Arc<dyn object_store::ObjectStore>, ObjectError> {
        match &*self.0 {
            Backend::Folder { path, opened } => {
                if let Some(store) = opened.get() {
                    return Ok(Arc::<LocalFileSystem>::clone(store));
                }
                make_folder(path)?;
                let store = LocalFileSystem::new_with_prefix(path).map_err(ObjectError::Store)?;
                let store = Arc::new(store.with_automatic_cleanup(true).with_fsync(true));
                Ok(Arc::<LocalFileSystem>::clone(opened.get_or_init(|| store)))
            }
            Backend::Bucket(bucket) => Ok(bucket.store()),
        }
    }

    fn attributes(&self, key: &ObjectKey, about: &About<'_>) -> Attributes {
        let mut attributes = Attributes::new();
        if let Backend::Bucket(_) = &*self.0 {
            attributes.insert(Attribute::ContentType, about.content_type.to_owned().into());
            attributes.insert(Attribute::ContentDisposition, "attachment".into());
            let organization = key.organization().map(|organization| organization.to_string());
            let metadata = [
                ("original-name", header_text(about.original_name)),
                ("organization", organization.unwrap_or_default()),
                ("uploaded-at", about.uploaded_at.to_rfc3339()),
            ];
            for (name, value) in metadata.into_iter().filter(|(_, value)| !value.is_empty()) {
                attributes.insert(Attribute::Metadata(name.into()), value.into());
            }
        }
        attributes
    }
}

fn make_folder(path: &FilePath) -> Result<(), ObjectError> {
    std::fs::create_dir_all(path).map_err(|error| ObjectError::Folder(path.to_owned(), error))
}

/// A text as a header may carry it: what is not plain ASCII is percent-encoded.
fn header_text(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
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
        match &*self.0 {
            Backend::Folder { path, .. } => write!(f, "ObjectStore({})", path.display()),
            Backend::Bucket(bucket) => write!(f, "ObjectStore({})", bucket.store()),
        }
    }
}
