//! A file and what it is for.

use chrono::{DateTime, Utc};
use kernel::{FileId, OrganizationId, UserId};
use providers::objects::{About, Folder, ObjectKey};

/// Longest name that is kept of an uploaded file, in characters.
const MAX_NAME: usize = 255;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// The logo of the organization.
    Logo,
    /// A sample for the media header of a template.
    TemplateMedia,
}

impl FileKind {
    /// The word of the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logo => "logo",
            Self::TemplateMedia => "templateMedia",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::Logo, Self::TemplateMedia].into_iter().find(|kind| kind.as_str() == word)
    }

    fn key(self, organization: OrganizationId, file: FileId, ending: &'static str) -> ObjectKey {
        let folder = match self {
            Self::Logo => Folder::Images,
            Self::TemplateMedia => Folder::Documents,
        };
        ObjectKey::of_file(folder, organization, file, ending)
    }
}

/// A file that an organization keeps.
#[derive(Clone, Debug)]
pub struct File {
    /// Names it. Its content never changes.
    pub id: FileId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Where it lies in the store.
    pub object_key: ObjectKey,
    /// What it is for.
    pub kind: FileKind,
    /// The name under which it was uploaded; may be empty.
    pub original_name: String,
    /// Media type, as we found or made it.
    pub content_type: String,
    /// Length in bytes.
    pub size: u64,
    /// When it was uploaded.
    pub created_at: DateTime<Utc>,
}

impl File {
    /// What the store is told about it.
    pub fn about(&self) -> About<'_> {
        About { content_type: &self.content_type, original_name: &self.original_name, uploaded_at: self.created_at }
    }
}

/// A file that is about to be stored.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// What it is for.
    pub kind: FileKind,
    /// The name under which it was uploaded; none when it had none.
    pub original_name: Option<String>,
    /// Media type.
    pub content_type: &'static str,
    /// What the name of its object ends with.
    pub ending: &'static str,
    /// Length in bytes; 0 while it is not known.
    pub size: u64,
    /// The person who uploads it; none when it is a program.
    pub created_by: Option<UserId>,
}

impl NewFile {
    pub(super) fn named(self, organization: OrganizationId, now: DateTime<Utc>) -> (File, Option<UserId>) {
        let id = FileId::at(now);
        // The last part of what may be a path, without what would confuse a terminal or a header.
        let name = self.original_name.unwrap_or_default();
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let original_name = name.chars().filter(|character| !character.is_control()).take(MAX_NAME).collect();
        let file = File {
            id,
            organization,
            object_key: self.kind.key(organization, id, self.ending),
            kind: self.kind,
            original_name,
            content_type: self.content_type.to_owned(),
            size: self.size,
            created_at: now,
        };
        (file, self.created_by)
    }
}
