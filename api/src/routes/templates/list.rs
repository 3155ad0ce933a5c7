//! `GET /api/templates`

use crm::{
    identity::permissions::TemplatesRead,
    templates::{TemplateFilter, service},
};
use kernel::ChannelId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::{CategoryBody, TemplateBody, account_id};
use crate::{
    extract::{Allowed, Json, PageBody, PageParams, Paging, Query},
    problem::Problem,
};

/// Which templates to list.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// As `APPROVED`. Those that are deleted are only listed by `DELETED`.
    status: Option<String>,
    category: Option<CategoryBody>,
    /// As `en_US`.
    language: Option<String>,
    /// Part of the name.
    q: Option<String>,
    /// Templates of this number's account.
    channel_id: Option<ChannelId>,
    /// Templates of this account.
    business_account_id: Option<String>,
}

/// Lists templates, newest first.
#[utoipa::path(get, path = "/api/templates", tag = "templates", params(Filter, PageParams),
    extensions(("x-permission" = json!("templates.read"))), responses(
    (status = 200, description = "A page of templates", body = PageBody<TemplateBody>),
))]
pub(super) async fn handler(
    tenant: Allowed<TemplatesRead>,
    Query(filter): Query<Filter>,
    Paging(page): Paging,
) -> Result<Json<PageBody<TemplateBody>>, Problem> {
    let filter = TemplateFilter {
        status: filter.status,
        category: filter.category.map(Into::into),
        language: filter.language,
        text: filter.q.filter(|text| !text.is_empty()),
        channel: filter.channel_id,
        business_account_id: account_id(filter.business_account_id)?,
    };
    let mut tx = tenant.begin().await?;
    let templates = service::list(&mut tx, &filter, page).await?;
    tx.commit().await?;
    Ok(Json(PageBody::of(templates)))
}
