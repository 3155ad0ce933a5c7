//! Taking samples to the provider.

use std::collections::HashMap;

use kernel::FileId;
use providers::{
    objects::{ObjectError, ObjectStore},
    whatsapp::{CloudClient, Fate, GraphError, NewUpload, UploadPart, UploadSession},
};
use queue::{JobError, Tenant};
use secrecy::SecretString;
use serde_json::Value;

use super::{Sample, each_handle, samples};
use crate::files::{self, File, FileError};

/// Sessions for one file: when one cannot be gone on with, the transfer begins again in another.
const SESSIONS: usize = 2;
/// How often a transfer that broke goes on within a session.
const RESUMPTIONS: usize = 10;

/// The app at the provider in whose name files are uploaded. A service of the worker.
#[derive(Clone, Debug)]
pub struct ProviderApp(String);

impl ProviderApp {
    /// The app with this id, or `app`: the provider's word for the app of the token.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }
}

/// Why samples did not get to the provider. Nothing was submitted then.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// A file that the components name is not there.
    #[error("the sample at `{field}` is gone")]
    Gone {
        /// The path of its name.
        field: String,
    },
    /// The provider did not take a file.
    #[error("the provider did not take the sample at `{field}`")]
    Provider {
        /// The path of its name.
        field: String,
        /// Its answer.
        source: GraphError,
    },
    /// The database or the store of files did not do its part: the job says what follows.
    #[error("the samples cannot be read now: {0:?}")]
    Unavailable(JobError),
}

impl From<JobError> for SampleError {
    fn from(error: JobError) -> Self {
        Self::Unavailable(error)
    }
}

/// Uploads the files that components name, and answers the components with the provider's handles in their places. Components without such files come
/// back as they are. A transfer that breaks goes on where the provider says, or begins again.
///
/// Asks for [`ObjectStore`] and [`ProviderApp`]: the job names them in [`requires`](queue::Job::requires). The largest file takes seven minutes on a slow
/// line: the job's time must have room for it.
pub async fn for_provider(ctx: &Tenant, client: &CloudClient, token: &SecretString, mut components: Value) -> Result<Value, SampleError> {
    let samples = samples(&components);
    if samples.is_empty() {
        return Ok(components);
    }
    let objects = ctx.get::<ObjectStore>()?;
    let app = ctx.get::<ProviderApp>()?;
    let mut handles: HashMap<FileId, String> = HashMap::new();
    let mut at_place: HashMap<String, String> = HashMap::new();
    for Sample { field, file, .. } in samples {
        let Some(id) = file else { return Err(SampleError::Gone { field }) };
        let handle = match handles.get(&id) {
            Some(handle) => handle.clone(),
            None => upload(&find(ctx, id, &field).await?, &field, Upload { client, token, app, objects }).await?,
        };
        handles.insert(id, handle.clone());
        at_place.insert(field, handle);
    }
    each_handle(&mut components, "components", &mut |field, _, handle| {
        if let Some(made) = at_place.remove(&field) {
            *handle = made.into();
        }
    });
    Ok(components)
}

async fn find(ctx: &Tenant, id: FileId, field: &str) -> Result<File, SampleError> {
    let mut tx = ctx.begin().await.map_err(JobError::retry)?;
    let found = files::service::get(&mut tx, id).await;
    tx.rollback().await.map_err(JobError::retry)?;
    match found {
        Ok(file) => Ok(file),
        Err(FileError::NotFound) => Err(SampleError::Gone { field: field.to_owned() }),
        Err(error) => Err(JobError::retry(error).into()),
    }
}

/// What an upload needs.
#[derive(Clone, Copy)]
struct Upload<'a> {
    client: &'a CloudClient,
    token: &'a SecretString,
    app: &'a ProviderApp,
    objects: &'a ObjectStore,
}

/// Uploads a file and answers its handle.
async fn upload(file: &File, field: &str, with: Upload<'_>) -> Result<String, SampleError> {
    let refused = |source| SampleError::Provider { field: field.to_owned(), source };
    let name = format!("sample.{}", file.object_key.as_str().rsplit('.').next().unwrap_or_default());
    let new = NewUpload { file_name: &name, file_length: file.size, file_type: &file.content_type };
    let mut last = None;
    for _ in 0..SESSIONS {
        let session = with.client.start_upload(with.token, &with.app.0, &new).await.map_err(refused)?;
        match transfer(file, field, &session, with).await? {
            Ok(handle) => return Ok(handle),
            Err(error) => last = Some(error),
        }
    }
    Err(refused(last.expect("a session was tried")))
}

/// Posts the file in one session, going on as long as more of it arrives. The inner error says that another session may do better.
async fn transfer(file: &File, field: &str, session: &UploadSession, with: Upload<'_>) -> Result<Result<String, GraphError>, SampleError> {
    let mut offset = 0;
    let mut broke: Option<GraphError> = None;
    for _ in 0..=RESUMPTIONS {
        let object = match with.objects.get(&file.object_key, offset).await {
            Ok(object) if object.size == file.size => object,
            Ok(_) | Err(ObjectError::NotFound | ObjectError::BehindEnd { .. }) => {
                return Err(SampleError::Gone { field: field.to_owned() });
            }
            Err(error) => return Err(JobError::retry(error).into()),
        };
        let part = UploadPart { offset, length: file.size - offset, content: object.bytes };
        let error = match with.client.upload(with.token, session, part).await {
            Ok(handle) => return Ok(Ok(handle)),
            Err(error) => error,
        };
        // A first transfer that is refused is refused for good; one that goes on may only be at the wrong place.
        if error.fate() == Fate::Refused && broke.is_none() {
            return Err(SampleError::Provider { field: field.to_owned(), source: error });
        }
        let Ok(there) = with.client.upload_offset(with.token, session).await else { return Ok(Err(error)) };
        // Nothing more arrived twice in a row: the session is of no use. More than all is no place to go on.
        let stuck = broke.is_some() && there <= offset;
        if stuck || there > file.size {
            return Ok(Err(error));
        }
        tracing::info!(file.id = %file.id, offset = there, size = file.size, "the upload of file {} goes on at byte {there}", file.id);
        offset = there;
        broke = Some(error);
    }
    Ok(Err(broke.expect("each turn but the last breaks")))
}
