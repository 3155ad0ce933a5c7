//! Storing files, attaching them, and getting rid of those that nobody needs.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use db::{Db, TenantTx};
use futures::Stream;
use kernel::FileId;
use providers::objects::{ObjectError, ObjectStore};

use super::{
    error::FileError,
    model::{File, NewFile},
    store,
};

/// Samples that nothing names can be taken up again for this long: they are removed an hour later at the earliest.
const KEEPABLE: TimeDelta = TimeDelta::hours(23);

/// Reserves a place for a file. Commit before [`write`]: then whatever becomes of the object, its row is known.
pub async fn reserve(tx: &mut TenantTx, now: DateTime<Utc>, new: NewFile) -> Result<File, FileError> {
    let (file, created_by) = new.named(tx.organization(), now);
    store::insert_pending(tx, &file, created_by).await?;
    Ok(file)
}

/// Writes the content of a reserved file.
pub async fn write(objects: &ObjectStore, file: &File, content: Bytes) -> Result<(), FileError> {
    Ok(objects.put_described(&file.object_key, file.about(), content).await?)
}

/// Writes the content of a reserved file whose length is not known, and answers how long it is. Longer than `limit` is
/// [`ObjectError::TooLarge`]; then, and when the stream fails, nothing is kept.
pub async fn write_stream<E>(
    objects: &ObjectStore,
    file: &File,
    content: impl Stream<Item = Result<Bytes, E>> + Send,
    limit: u64,
) -> Result<u64, ObjectError>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    objects.put(&file.object_key, file.about(), content, limit).await
}

/// Notes that all of a file was written. Until it is attached to something it can be read for a day; then the sweep removes it.
pub async fn complete(tx: &mut TenantTx, now: DateTime<Utc>, mut file: File, size: u64) -> Result<File, FileError> {
    if !store::complete(tx, now, file.id, size).await? {
        return Err(FileError::GivenUp);
    }
    file.size = size;
    Ok(file)
}

/// Keeps samples of templates: those of `files` that are uploaded whole, whether something names them already or not. Answers them.
pub(crate) async fn keep_samples(tx: &mut TenantTx, now: DateTime<Utc>, files: &[FileId]) -> Result<Vec<File>, FileError> {
    Ok(store::keep_samples(tx, now, now - KEEPABLE, files).await?)
}

/// Makes a written file the logo of its organization. Answers the one that it replaces, which is to be discarded after the commit.
pub async fn attach_logo(tx: &mut TenantTx, now: DateTime<Utc>, file: FileId) -> Result<Option<File>, FileError> {
    let former = store::logo_lock(tx).await?;
    if !store::make_live(tx, now, file).await? {
        return Err(FileError::GivenUp);
    }
    store::logo_set(tx, now, Some(file)).await?;
    match former {
        Some(former) => Ok(store::mark_replaced(tx, now, former).await?),
        None => Ok(None),
    }
}

/// Takes the logo away from the organization. Answers what was it, which is to be discarded after the commit.
pub async fn detach_logo(tx: &mut TenantTx, now: DateTime<Utc>) -> Result<File, FileError> {
    let former = store::logo_lock(tx).await?.ok_or(FileError::NoLogo)?;
    store::logo_set(tx, now, None).await?;
    store::mark_replaced(tx, now, former).await?.ok_or(FileError::NoLogo)
}

/// The logo of the organization of the transaction.
pub async fn logo(tx: &mut TenantTx) -> Result<Option<File>, FileError> {
    Ok(store::find_logo(tx).await?)
}

/// A file of the organization of the transaction that is in use, or a sample that waits to be used.
pub async fn get(tx: &mut TenantTx, file: FileId) -> Result<File, FileError> {
    store::find_readable(tx, file).await?.ok_or(FileError::NotFound)
}

/// Removes the object and the row of a file that is not live. What does not succeed is left to the sweep.
pub async fn discard(db: &Db, objects: &ObjectStore, file: &File) {
    let discarded = async {
        objects.delete(&file.object_key).await?;
        let mut tx = db.tenant(file.organization).await?;
        store::forget(&mut tx, file.id).await?;
        tx.commit().await?;
        Ok::<_, FileError>(())
    };
    if let Err(error) = discarded.await {
        tracing::warn!(file.id = %file.id, error = &error as &dyn std::error::Error, "file {} could not be removed; the sweep will", file.id);
    }
}
