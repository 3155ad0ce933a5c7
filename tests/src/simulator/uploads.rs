//! The resumable upload: sessions that take a file in one or several transfers, and the handles they end in.
//!
//! Bytes are counted and thrown away.
//!
//! # Source
//! Meta, Graph API, "Resumable Upload API".

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use serde::{Deserialize, Serialize};

use super::{
    error::GraphError,
    faults::{mix, stable_hash},
};

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FileKind {
    Jpeg,
    Png,
    Mp4,
    Pdf,
}

impl FileKind {
    pub(crate) fn parse(mime: &str) -> Option<Self> {
        match mime {
            "image/jpeg" | "image/jpg" => Some(Self::Jpeg),
            "image/png" => Some(Self::Png),
            "video/mp4" => Some(Self::Mp4),
            "application/pdf" => Some(Self::Pdf),
            _ => None,
        }
    }

    fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Mp4 => "video/mp4",
            Self::Pdf => "application/pdf",
        }
    }

    /// Whether it can be the sample of a header of this format.
    pub(crate) fn fits(self, format: &str) -> bool {
        match self {
            Self::Jpeg | Self::Png => format == "IMAGE",
            Self::Mp4 => format == "VIDEO",
            Self::Pdf => format == "DOCUMENT",
        }
    }
}

/// A file on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    /// With `upload:`, without the signature.
    pub(crate) id: String,
    pub(crate) signature: String,
    pub(crate) kind: FileKind,
    pub(crate) length: u64,
    /// Bytes taken so far.
    pub(crate) received: u64,
    /// Given once all bytes are there.
    pub(crate) handle: Option<String>,
}

impl Session {
    /// The id as it is given out, and as it comes back in a path.
    pub(crate) fn public_id(&self) -> String {
        format!("{}?sig={}", self.id, self.signature)
    }
}

/// All sessions, by id.
#[derive(Debug, Default)]
pub(crate) struct Uploads(Mutex<HashMap<String, Session>>);

impl Uploads {
    pub(crate) fn restore(&self, sessions: Vec<Session>) {
        self.lock().extend(sessions.into_iter().map(|session| (session.id.clone(), session)));
    }

    pub(crate) fn all(&self) -> Vec<Session> {
        let mut sessions: Vec<_> = self.lock().values().cloned().collect();
        sessions.sort_by(|a, b| a.id.cmp(&b.id));
        sessions
    }

    /// Opens a session.
    pub(crate) fn open(&self, app: &str, kind: FileKind, length: u64) -> Session {
        let mut sessions = self.lock();
        let number = mix(stable_hash(app) ^ sessions.len() as u64);
        let session = Session {
            id: format!("upload:{}", URL_SAFE_NO_PAD.encode(format!("attachment:{number:016x}?file_length={length}"))),
            signature: format!("ARZ{:016x}", mix(number)),
            kind,
            length,
            received: 0,
            handle: None,
        };
        sessions.insert(session.id.clone(), session.clone());
        session
    }

    /// A session whose signature is known. `id` may have it in itself, as a client writes it that escapes the question mark.
    pub(crate) fn find(&self, id: &str, signature: Option<&str>) -> Option<Session> {
        let (id, signature) = id.split_once("?sig=").map_or((id, signature), |(id, signature)| (id, Some(signature)));
        self.lock().get(id).filter(|session| signature == Some(session.signature.as_str())).cloned()
    }

    /// Counts bytes; more than the file has are refused.
    pub(crate) fn receive(&self, id: &str, bytes: u64) -> Result<(), GraphError> {
        let mut sessions = self.lock();
        let Some(session) = sessions.get_mut(id) else { return Err(GraphError::of(100).subcode(33)) };
        if session.received + bytes > session.length {
            return Err(GraphError::parameter("There are more bytes than file_length said."));
        }
        session.received += bytes;
        Ok(())
    }

    /// The handle, once all bytes are there.
    pub(crate) fn finish(&self, id: &str, now: i64) -> Option<String> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(id).filter(|session| session.received == session.length)?;
        let handle = session.handle.get_or_insert_with(|| {
            let number = stable_hash(&session.id);
            let mime = STANDARD_NO_PAD.encode(session.kind.mime());
            format!("4::{mime}:ARa{number:016x}:e:{}:{}:ARb{:016x}", now.div_euclid(1_000) + 2_592_000, number % 1_000_000_000, mix(number))
        });
        Some(handle.clone())
    }

    /// What a handle stands for, if it was given out here.
    pub(crate) fn kind_of(&self, handle: &str) -> Option<FileKind> {
        self.lock().values().find(|session| session.handle.as_deref() == Some(handle)).map(|session| session.kind)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
