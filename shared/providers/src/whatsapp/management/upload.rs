//! The resumable upload: samples of media for templates. A session is opened for a file, then its bytes are posted; what broke off goes on where
//! the provider says.
//!
//! # Source
//!
//! Meta, "Resumable Upload API" (`graph-api/guides/upload`).

use std::{fmt, time::Duration};

use bytes::Bytes;
use futures::TryStream;
use reqwest::{
    Method, Request,
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue},
};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::{Ask, GraphError};
use crate::whatsapp::{
    CloudClient,
    client::{ClientError, authorization},
};

/// Bytes a second below which a transfer is given up. It comes on top of the limit for a request.
const SLOWEST: u64 = 256 * 1024;

/// What an id of a session begins with.
const PREFIX: &str = "upload:";

/// Longest id of a session; real ones have a few hundred characters.
const LONGEST_ID: usize = 4096;

const FILE_OFFSET: HeaderName = HeaderName::from_static("file_offset");

/// A file to be uploaded.
#[derive(Clone, Copy, Debug)]
pub struct NewUpload<'a> {
    /// Its name, with the ending of its type.
    pub file_name: &'a str,
    /// Its length in bytes.
    pub file_length: u64,
    /// `image/jpeg`, `image/png`, `video/mp4` or `application/pdf`.
    pub file_type: &'a str,
}

/// A session for one file. Its id is a secret: who has it may upload.
#[derive(Clone, PartialEq, Eq)]
pub struct UploadSession {
    /// Path segment, with the prefix.
    id: String,
    /// What stands behind the question mark; real ids have a signature there.
    query: Option<String>,
}

impl UploadSession {
    fn parse(id: &str) -> Option<Self> {
        let well_formed = id.len() <= LONGEST_ID && id.len() > PREFIX.len() && id.starts_with(PREFIX);
        let harmless = id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        let (id, query) = match id.split_once('?') {
            Some((id, query)) => (id, Some(query.to_owned())),
            None => (id, None),
        };
        (well_formed && harmless).then(|| Self { id: id.to_owned(), query })
    }

    /// The address of the session.
    fn url(&self, mut base: Url) -> Result<Url, ClientError> {
        base.path_segments_mut().map_err(|()| ClientError::Address(String::new()))?.push(&self.id);
        base.set_query(self.query.as_deref());
        Ok(base)
    }
}

impl fmt::Debug for UploadSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UploadSession(…)")
    }
}

/// The bytes of a file from an offset to its end.
#[derive(Debug)]
pub struct UploadPart<S> {
    /// Where they begin.
    pub offset: u64,
    /// How many they are; fewer break the transfer off.
    pub length: u64,
    /// The bytes.
    pub content: S,
}

#[derive(Deserialize)]
struct Session {
    id: String,
    #[serde(default)]
    file_offset: u64,
}

#[derive(Deserialize)]
struct Uploaded {
    h: String,
}

impl CloudClient {
    /// Opens a session for a file. `app_id` is the id of the token's app, or `app`, the provider's word for it.
    pub async fn start_upload(&self, token: &SecretString, app_id: &str, file: &NewUpload<'_>) -> Result<UploadSession, GraphError> {
        let length = file.file_length.to_string();
        let query = [("file_name", file.file_name), ("file_length", length.as_str()), ("file_type", file.file_type)];
        let session: Session = self.call(token, Ask::new(Method::POST, &[app_id, "uploads"]).query(&query)).await?;
        UploadSession::parse(&session.id).ok_or_else(|| GraphError::Unreadable(serde::de::Error::custom("the session has no usable id")))
    }

    /// Posts the bytes of a file from `part.offset` to its end, and answers its handle. When it fails, [`upload_offset`](Self::upload_offset)
    /// tells where to go on.
    pub async fn upload<S>(&self, token: &SecretString, session: &UploadSession, part: UploadPart<S>) -> Result<String, GraphError>
    where
        S: TryStream + Send + 'static,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        Bytes: From<S::Ok>,
    {
        let mut request = Request::new(Method::POST, session.url(self.base())?);
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, authorization("OAuth", token)?);
        headers.insert(FILE_OFFSET, HeaderValue::from(part.offset));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        // Without it the bytes would come in chunks of unsaid number.
        headers.insert(CONTENT_LENGTH, HeaderValue::from(part.length));
        *request.body_mut() = Some(reqwest::Body::wrap_stream(part.content));
        *request.timeout_mut() = Some(self.request_timeout() + Duration::from_secs(part.length / SLOWEST));
        let uploaded: Uploaded = self.exchange(request).await?;
        Ok(uploaded.h)
    }

    /// How many bytes of the file the provider has: where a transfer that broke goes on.
    pub async fn upload_offset(&self, token: &SecretString, session: &UploadSession) -> Result<u64, GraphError> {
        let mut request = Request::new(Method::GET, session.url(self.base())?);
        request.headers_mut().insert(AUTHORIZATION, authorization("OAuth", token)?);
        let session: Session = self.exchange(request).await?;
        Ok(session.file_offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_sessions_keep_their_signature_and_nothing_else_gets_in() {
        let base = || Url::parse("https://graph.example/v25.0").unwrap();
        let url = |id: &str| UploadSession::parse(id).map(|session| session.url(base()).unwrap().to_string());
        assert_eq!(url("upload:MTp==?sig=ARZ_x-1").as_deref(), Some("https://graph.example/v25.0/upload:MTp==?sig=ARZ_x-1"));
        assert_eq!(url("upload:abc").as_deref(), Some("https://graph.example/v25.0/upload:abc"));
        assert_eq!(url("upload:a/../b").as_deref(), Some("https://graph.example/v25.0/upload:a%2F..%2Fb"));
        for odd in ["", "upload:", "4711", "UPLOAD:a", "upload:a b", "upload:a#b", "upload:ü", "upload:a\n"] {
            assert_eq!(UploadSession::parse(odd), None, "{odd}");
        }
        assert_eq!(UploadSession::parse(&format!("upload:{}", "a".repeat(LONGEST_ID))), None);
        assert_eq!(format!("{:?}", UploadSession::parse("upload:secret").unwrap()), "UploadSession(…)");
    }
}
