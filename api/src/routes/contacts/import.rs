//! `POST /api/contacts/import`

use axum::{
    extract::{Multipart, multipart::MultipartRejection},
    http::StatusCode,
};
use crm::{
    audit::Target,
    contacts::import::{Mapping, NewImport, model::MAX_FILE, service},
    identity::permissions::ContactsImport,
};
use kernel::ImportId;
use providers::objects::{About, ObjectKey};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::{
    extract::{Allowed, Json, Query},
    problem::Problem,
    routes::upload,
};

/// How to import.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct How {
    /// Renames columns: a JSON object or `from:to,from:to`.
    mapping: Option<String>,
    /// Only reports what would happen.
    #[serde(default)]
    dry_run: bool,
}

/// The upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the form")]
pub(super) struct ImportForm {
    /// UTF-8 CSV of at most 100 MB. Its header names `phoneNumber`, `name`, `email`, `tags` (divided by `;` or `|`), `optIn`, `locale`,
    /// `timeZone`; other columns become attributes.
    #[schema(value_type = String, format = Binary, content_media_type = "text/csv")]
    file: Vec<u8>,
}

/// The import that was begun.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImportStarted {
    import_id: ImportId,
}

/// Imports contacts from a CSV file. Rows create contacts or add to them; empty cells erase nothing, and an opt-out is never lifted. The
/// first row of a number counts, later ones of the file are skipped, so the same file again changes nothing.
#[utoipa::path(post, path = "/api/contacts/import", tag = "contacts", params(How),
    request_body(content = ImportForm, content_type = "multipart/form-data"),
    extensions(("x-permission" = json!("contacts.import"))), responses(
    (status = 202, description = "A job imports the file", body = ImportStarted),
    (status = 413, description = "The file is larger than 100 MB"),
    (status = 415, description = "Not a multipart form"),
    (status = 503, description = "The store of files is unavailable"),
))]
pub(super) async fn handler(
    tenant: Allowed<ContactsImport>,
    Query(how): Query<How>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<ImportStarted>), Problem> {
    let mapping = Mapping::parse(how.mapping.as_deref().unwrap_or_default())?;
    let mut form = upload::form(form)?;
    let file = upload::file(&mut form, too_large).await?;
    let file_name: Option<String> =
        file.file_name().map(|name| name.chars().filter(|character| !character.is_control()).take(200).collect());
    let files = &tenant.state().files;
    let object_key = ObjectKey::fresh(tenant.organization(), "imports", tenant.clock().now());
    let about =
        About { content_type: "text/csv", original_name: file_name.as_deref().unwrap_or_default(), uploaded_at: tenant.clock().now() };
    let size = files.put(&object_key, about, file, MAX_FILE).await.map_err(|error| upload::store_problem(&error, too_large))?;
    let new = NewImport { object_key: object_key.clone(), file_name, size, mapping, dry_run: how.dry_run };
    let started = async {
        let mut tx = tenant.begin().await?;
        let import = service::start(&mut tx, tenant.clock(), new).await?;
        let details = json!({ "size": size, "dryRun": how.dry_run });
        tenant.record(&mut tx, "contacts.import", Some(Target::new("imports", import.id)), details).await?;
        tx.commit().await?;
        Ok::<_, Problem>(import)
    };
    match started.await {
        Ok(import) => Ok((StatusCode::ACCEPTED, Json(ImportStarted { import_id: import.id }))),
        Err(problem) => {
            // Nobody will ever look for the file. Should this fail too, it only takes up room.
            let _ = files.delete(&object_key).await;
            Err(problem)
        }
    }
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "a file has at most 100 MB")
}
