//! Names of objects.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use kernel::{FileId, OrganizationId};
use object_store::path::Path;
use uuid::Uuid;

/// Longest ending of a name.
const MAX_ENDING: usize = 8;

/// Name of an object: what it is, whose it is, and an id, so that no two ever meet. Its text form is what records keep.
///
/// Two forms exist: `images/<organization>/<file>.webp` for files that have a record of their own, and `<organization>/<kind>/<random id>` for
/// what another record leads to, such as the upload of an import.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ObjectKey(String);

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key of the object store")]
pub struct ObjectKeyError;

/// The folders of the store for files that have a record of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Folder {
    /// Pictures, re-encoded by us.
    Images,
    /// Other files.
    Documents,
}

impl Folder {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Images, Self::Documents];

    /// Its name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Documents => "documents",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|folder| folder.as_str() == text)
    }
}

impl ObjectKey {
    /// A new name. `kind` is a word of ours such as `imports`: lower-case letters and dashes.
    pub fn fresh(organization: OrganizationId, kind: &'static str, now: DateTime<Utc>) -> Self {
        debug_assert!(is_kind(kind), "`{kind}` is no kind of file");
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        // A UUIDv7 has 74 random bits beside the time.
        let id = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.timestamp_subsec_nanos()));
        Self(format!("{organization}/{kind}/{id}"))
    }

    /// The name of a file that has a record. `ending` are lower-case letters and digits.
    pub fn of_file(folder: Folder, organization: OrganizationId, file: FileId, ending: &'static str) -> Self {
        debug_assert!(is_ending(ending), "`{ending}` ends no name");
        Self(format!("{}/{organization}/{file}.{ending}", folder.as_str()))
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
        let mut parts = self.0.split('/');
        let first = parts.next()?;
        let id = if Folder::parse(first).is_some() { parts.next()? } else { first };
        id.parse().ok()
    }

    /// The folder, when the name is that of a file with a record.
    pub fn folder(&self) -> Option<Folder> {
        Folder::parse(self.0.split('/').next()?)
    }

    /// The kind, when the name is one that [`ObjectKey::fresh`] makes.
    pub fn kind(&self) -> Option<&str> {
        if self.folder().is_some() {
            return None;
        }
        self.organization()?;
        self.0.split('/').nth(1)
    }

    pub(super) fn path(&self) -> Path {
        Path::from(self.0.as_str())
    }
}

fn is_kind(kind: &str) -> bool {
    !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

fn is_ending(ending: &str) -> bool {
    (1..=MAX_ENDING).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn is_id(part: &str) -> bool {
    part.parse::<Uuid>().is_ok_and(|id| id.to_string() == part)
}

impl FromStr for ObjectKey {
    type Err = ObjectKeyError;

    /// Reads a kept name back. Only names of our own making pass, so nothing outside the folders can be reached.
    fn from_str(text: &str) -> Result<Self, ObjectKeyError> {
        let parts: Vec<&str> = text.split('/').collect();
        let [first, second, third] = parts[..] else { return Err(ObjectKeyError) };
        let fits = if Folder::parse(first).is_some() {
            is_id(second) && third.split_once('.').is_some_and(|(id, ending)| is_id(id) && is_ending(ending))
        } else {
            is_id(first) && is_kind(second) && is_id(third)
        };
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
