//! What a media header may show.
//!
//! # Source
//!
//! Meta, "Media": types and longest files; "Resumable Upload API": the types that it takes.

const MB: u64 = 1_000_000;

/// The longest file of any type.
pub const MAX_UPLOAD: u64 = 100 * MB;

/// Files as a PDF reader wants them. Some would search for this further behind; then it could be anything.
const PDF: &[u8] = b"%PDF-";

/// A type of file that a media header may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// A picture.
    Jpeg,
    /// A picture.
    Png,
    /// A film.
    Mp4,
    /// A document.
    Pdf,
}

impl MediaType {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Jpeg, Self::Png, Self::Mp4, Self::Pdf];

    /// The type that the first bytes of a file show, whatever its name and its sender say.
    pub fn of(head: &[u8]) -> Option<Self> {
        let found = Self::from_content_type(infer::get(head)?.mime_type())?;
        (found != Self::Pdf || head.starts_with(PDF)).then_some(found)
    }

    /// The type with this name.
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.content_type() == content_type)
    }

    /// Its media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Mp4 => "video/mp4",
            Self::Pdf => "application/pdf",
        }
    }

    /// What names of such files end with.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Mp4 => "mp4",
            Self::Pdf => "pdf",
        }
    }

    /// The format of the header that shows it.
    pub const fn format(self) -> &'static str {
        match self {
            Self::Jpeg | Self::Png => "IMAGE",
            Self::Mp4 => "VIDEO",
            Self::Pdf => "DOCUMENT",
        }
    }

    /// Longest file in bytes.
    pub const fn limit(self) -> u64 {
        match self {
            Self::Jpeg | Self::Png => 5 * MB,
            Self::Mp4 => 16 * MB,
            Self::Pdf => MAX_UPLOAD,
        }
    }
}
