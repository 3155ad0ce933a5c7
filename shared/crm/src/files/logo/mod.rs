//! Logos: from whatever somebody uploads to a small WebP that is safe to show.
//!
//! The bytes decide what a picture is, and [`inspect`] judges them before anything is decoded: type, size, one frame, nothing hidden behind the
//! picture, and nothing compressed that would grow beyond what it may. Then one picture at a time is decoded, made to fit and encoded anew, so
//! that no byte of the upload is ever served.

mod inflate;
mod inspect;
mod jpeg;
mod png;
mod render;
#[cfg(test)]
mod tests;
mod webp;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};

/// Longest upload, in bytes.
pub const MAX_UPLOAD: usize = 2 * 1024 * 1024;
/// Longest side of an uploaded picture, in pixels.
pub const MAX_SIDE: u32 = 4_096;
/// Most pixels of an uploaded picture.
pub const MAX_PIXELS: u64 = 12_000_000;
/// The square that a logo fits in, in pixels.
pub const FITS: u32 = 512;
/// Media type of every logo.
pub const CONTENT_TYPE: &str = "image/webp";
/// What the name of the object of every logo ends with.
pub const ENDING: &str = "webp";

/// Most memory that decoding may take.
const MAX_ALLOCATION: u64 = 256 * 1024 * 1024;
/// Longest wait for one's turn, and longest work on one picture.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why an upload becomes no logo.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    /// It is longer than [`MAX_UPLOAD`].
    #[error("a logo has at most 2 MB")]
    TooLarge,
    /// It is no picture of a type that we take, or another than it was said to be.
    #[error("{0}")]
    TypeUnsupported(&'static str),
    /// It has too many pixels.
    #[error("a logo has at most 4096 × 4096 pixels and 12 megapixels; this one has {width} × {height}")]
    Dimensions {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// It moves.
    #[error("a logo is a single picture; this one is an animation")]
    Animated,
    /// It is broken, or built to do harm.
    #[error("the picture cannot be read: {0}")]
    Unreadable(&'static str),
    /// Others' pictures are being worked on.
    #[error("too many pictures are being worked on; try again soon")]
    Busy,
}

/// A logo, ready to be stored.
#[derive(Clone, Debug)]
pub struct Logo {
    /// A WebP.
    pub bytes: Bytes,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// Makes logos, one at a time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LogoStudio {
    turn: Arc<Semaphore>,
    patience: Duration,
}

impl Default for LogoStudio {
    fn default() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), patience: PATIENCE }
    }
}

impl LogoStudio {
    /// Makes a logo of an upload that was said to be of type `declared`, if anything was said.
    pub async fn make(&self, declared: Option<&str>, upload: Bytes) -> Result<Logo, LogoError> {
        if upload.len() > MAX_UPLOAD {
            return Err(LogoError::TooLarge);
        }
        let format = inspect::Format::of(declared, &upload)?;
        let turn = timeout(self.patience, Arc::clone(&self.turn).acquire_owned()).await.map_err(|_| LogoError::Busy)?;
        let turn = turn.expect("the semaphore is never closed");
        let deadline = Instant::now() + self.patience;
        let work = tokio::task::spawn_blocking(move || {
            // The turn ends with the work, even when nobody waits for it any more.
            let _turn = turn;
            let picture = inspect::inspect(format, &upload)?;
            render::render(&picture, deadline.into_std())
        });
        match timeout(self.patience, work).await {
            Ok(Ok(made)) => made,
            // A decoder that panics has met a picture that it did not expect.
            Ok(Err(_)) => Err(LogoError::Unreadable("it breaks the rules of its format")),
            Err(_) => Err(LogoError::Unreadable("it takes too long to read")),
        }
    }
}
