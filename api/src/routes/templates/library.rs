//! `GET /api/templates/library` and `POST /api/templates/library/{key}`

use axum::http::StatusCode;
use crm::{
    audit::Target,
    identity::permissions::{TemplatesRead, TemplatesWrite},
    templates::library::{self, Placement, Starter},
};
use kernel::ChannelId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::body::{CategoryBody, FormatBody, TemplateBody};
use crate::{
    extract::{Allowed, Json, PageBody, Path, Query},
    problem::Problem,
};

/// Which starters to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    category: Option<CategoryBody>,
    /// Those that are written in this language, in that language only. `en_GB` takes the words of `en`.
    language: Option<String>,
}

/// A template to begin with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LibraryTemplate)]
pub(super) struct StarterBody {
    key: &'static str,
    category: CategoryBody,
    /// What it is called, in English.
    title: &'static str,
    /// What it does, in English.
    description: &'static str,
    parameter_format: FormatBody,
    translations: Vec<TranslationBody>,
}

/// A starter in one language.
#[derive(Serialize, ToSchema)]
#[schema(as = LibraryTranslation)]
pub(super) struct TranslationBody {
    language: String,
    /// Meta's creation form.
    #[schema(value_type = Vec<Object>)]
    components: Value,
}

/// Where a starter becomes a draft.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LibraryDraftInput {
    /// A number of the account it will belong to; this or `businessAccountId`.
    channel_id: Option<ChannelId>,
    /// The account it will belong to.
    business_account_id: Option<String>,
    /// As `en_US`.
    language: String,
    /// Its key when there is none.
    name: Option<String>,
}

/// Lists templates to begin with. There is one page.
#[utoipa::path(get, path = "/api/templates/library", tag = "templates", params(Filter),
    extensions(("x-permission" = json!("templates.read"))), responses(
    (status = 200, description = "All of them, by their keys", body = PageBody<StarterBody>),
))]
pub(super) async fn list(_: Allowed<TemplatesRead>, Query(filter): Query<Filter>) -> Json<PageBody<StarterBody>> {
    let language = filter.language.as_deref();
    let starters = library::list(filter.category.map(Into::into), language);
    Json(PageBody { data: starters.map(|starter| StarterBody::of(starter, language)).collect(), next_cursor: None })
}

/// Drafts a template with the words of a starter.
#[utoipa::path(post, path = "/api/templates/library/{key}", tag = "templates",
    params(("key" = inline(StarterKey), Path, description = "The starter")),
    extensions(("x-permission" = json!("templates.write"))), responses(
    (status = 201, description = "The draft", body = TemplateBody),
    (status = 404, description = "There is no such starter"),
    (status = 409, description = "The account has a template of this name in this language"),
))]
pub(super) async fn begin(
    tenant: Allowed<TemplatesWrite>,
    Path(StarterKey(key)): Path<StarterKey>,
    Json(input): Json<LibraryDraftInput>,
) -> Result<(StatusCode, Json<TemplateBody>), Problem> {
    let at = Placement { channel: input.channel_id, business_account_id: input.business_account_id, language: None, name: input.name };
    let mut tx = tenant.begin().await?;
    let template = library::begin(&mut tx, tenant.clock(), &key, input.language, at).await?;
    let details = json!({ "starter": key, "language": template.language });
    tenant.record(&mut tx, "templates.createFromLibrary", Some(Target::new("templates", template.id)), details).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(template.into())))
}

/// Names a starter.
#[derive(Deserialize, ToSchema)]
#[schema(value_type = String, example = "order_confirmation")]
pub(super) struct StarterKey(String);

impl StarterBody {
    fn of(starter: &'static Starter, language: Option<&str>) -> Self {
        let languages: Vec<&str> = match language {
            Some(language) => vec![language],
            None => starter.languages().collect(),
        };
        let translation =
            |language: &str| Some(TranslationBody { language: language.to_owned(), components: starter.components(language)? });
        Self {
            key: starter.key(),
            category: starter.category().into(),
            title: starter.title(),
            description: starter.description(),
            parameter_format: starter.parameter_format().into(),
            translations: languages.into_iter().filter_map(translation).collect(),
        }
    }
}
