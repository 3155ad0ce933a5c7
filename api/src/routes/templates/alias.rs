//! Templates under their other name: `/api/whatsapp/templates`.

use axum::{http::StatusCode, response::Response};
use crm::identity::permissions::{TemplatesRead, TemplatesWrite};
use kernel::TemplateId;

use super::{
    body::{TemplateBody, TemplateHistoryBody},
    create::{self, TemplateInput},
    delete as delete_route,
    list::{self as list_route, Filter},
    replace::{self as replace_route, TemplateChange},
    show as show_route,
};
use crate::{
    extract::{Allowed, Json, PageBody, PageParams, Paging, Path, Query},
    problem::Problem,
};

/// Another name of `GET /api/templates`.
#[utoipa::path(get, path = "/api/whatsapp/templates", tag = "templates", params(Filter, PageParams),
    extensions(("x-permission" = json!("templates.read"))), responses(
    (status = 200, description = "A page of templates", body = PageBody<TemplateBody>),
))]
pub(super) async fn list(
    tenant: Allowed<TemplatesRead>,
    filter: Query<Filter>,
    page: Paging,
) -> Result<Json<PageBody<TemplateBody>>, Problem> {
    list_route::handler(tenant, filter, page).await
}

/// Another name of `POST /api/templates`.
#[utoipa::path(post, path = "/api/whatsapp/templates", tag = "templates", extensions(("x-permission" = json!("templates.write"))), responses(
    (status = 201, description = "The draft", body = TemplateBody),
    (status = 409, description = "The account has a template of this name in this language"),
))]
pub(super) async fn create(
    tenant: Allowed<TemplatesWrite>,
    input: Json<TemplateInput>,
) -> Result<(StatusCode, Json<TemplateBody>), Problem> {
    create::handler(tenant, input).await
}

/// Another name of `GET /api/templates/{id}`.
#[utoipa::path(get, path = "/api/whatsapp/templates/{id}", tag = "templates",
    params(("id" = TemplateId, Path, description = "The template")), extensions(("x-permission" = json!("templates.read"))), responses(
    (status = 200, description = "The template", body = TemplateHistoryBody),
    (status = 404, description = "There is no such template"),
))]
pub(super) async fn show(tenant: Allowed<TemplatesRead>, id: Path<TemplateId>) -> Result<Json<TemplateHistoryBody>, Problem> {
    show_route::handler(tenant, id).await
}

/// Another name of `PUT /api/templates/{id}`.
#[utoipa::path(method(put, patch), path = "/api/whatsapp/templates/{id}", tag = "templates",
    params(("id" = TemplateId, Path, description = "The template")), extensions(("x-permission" = json!("templates.write"))), responses(
    (status = 200, description = "Changed", body = TemplateBody),
    (status = 404, description = "There is no such template"),
    (status = 409, description = "Its status does not allow it, a change of it is being submitted, or the new name is taken"),
))]
pub(super) async fn replace(
    tenant: Allowed<TemplatesWrite>,
    id: Path<TemplateId>,
    change: Json<TemplateChange>,
) -> Result<Json<TemplateBody>, Problem> {
    replace_route::handler(tenant, id, change).await
}

/// Another name of `DELETE /api/templates/{id}`.
#[utoipa::path(delete, path = "/api/whatsapp/templates/{id}", tag = "templates",
    params(("id" = TemplateId, Path, description = "The template")), extensions(("x-permission" = json!("templates.write"))), responses(
    (status = 202, description = "A job deletes it at the provider", body = TemplateBody),
    (status = 204, description = "Deleted"),
    (status = 404, description = "There is no such template"),
    (status = 409, description = "Campaigns use it, or its status does not allow it"),
))]
pub(super) async fn delete(tenant: Allowed<TemplatesWrite>, id: Path<TemplateId>) -> Result<Response, Problem> {
    delete_route::handler(tenant, id).await
}
