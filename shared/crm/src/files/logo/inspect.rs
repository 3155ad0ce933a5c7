//! Judges an upload before anything is decoded.

use std::borrow::Cow;

use super::{LogoError, MAX_PIXELS, MAX_SIDE, jpeg, png, webp};

/// A type that we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Png,
    Jpeg,
    Webp,
}

impl Format {
    /// The type that the bytes show, which must be the one that was declared, if one was.
    pub(super) fn of(declared: Option<&str>, bytes: &[u8]) -> Result<Self, LogoError> {
        let found = Self::sniff(bytes).ok_or(LogoError::TypeUnsupported("a logo is a PNG, a JPEG or a WebP"))?;
        let bare = |declared: &str| declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match declared.map(bare) {
            Some(declared) if declared != found.content_type() => {
                Err(LogoError::TypeUnsupported("the file is of another type than it was said to be"))
            }
            Some(_) | None => Ok(found),
        }
    }

    fn sniff(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(png::SIGNATURE) {
            Some(Self::Png)
        } else if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
            Some(Self::Jpeg)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Some(Self::Webp)
        } else {
            None
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }
}

/// A picture that may be decoded.
#[derive(Debug)]
pub(super) struct Picture<'a> {
    pub(super) format: Format,
    /// The upload, as far as it is needed.
    pub(super) bytes: Cow<'a, [u8]>,
}

/// Checks everything that can be told from the outside.
pub(super) fn inspect(format: Format, bytes: &[u8]) -> Result<Picture<'_>, LogoError> {
    let bytes = match format {
        Format::Png => Cow::Owned(png::inspect(bytes)?),
        Format::Jpeg => {
            jpeg::inspect(bytes)?;
            Cow::Borrowed(bytes)
        }
        Format::Webp => {
            webp::inspect(bytes)?;
            Cow::Borrowed(bytes)
        }
    };
    Ok(Picture { format, bytes })
}

/// Checks width and height.
pub(super) fn check_dimensions(width: u32, height: u32) -> Result<(), LogoError> {
    if width == 0 || height == 0 {
        return Err(LogoError::Unreadable("it has no pixels"));
    }
    if width > MAX_SIDE || height > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(LogoError::Dimensions { width, height });
    }
    Ok(())
}
