//! Storing files, attaching them, and getting rid of those that nobody needs.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use db::{Db, TenantTx};
use kernel::FileId;
use providers::objects::ObjectStore;

use super::{
    error::FileError,
    model::{File, NewFile},
    store,
};

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

/// A file of the organization of the transaction that is in use.
pub async fn get(tx: &mut TenantTx, file: FileId) -> Result<File, FileError> {
    store::find_live(tx, file).await?.ok_or(FileError::NotFound)
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
