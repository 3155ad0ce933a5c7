//! `GET /api/mails`

use crm::{
    identity::permissions::MailManage,
    mail::{MailFilter, service},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::{KindBody, MailBody, StateBody};
use crate::{
    extract::{Allowed, Json, PageBody, PageParams, Paging, Query},
    problem::Problem,
};

/// Which mails to list.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Only those in this state.
    #[param(inline)]
    state: Option<StateBody>,
    /// Only those of this kind.
    #[param(inline)]
    kind: Option<KindBody>,
}

/// Lists mails of the last 90 days (a setting), newest first.
#[utoipa::path(get, path = "/api/mails", tag = "mail", params(Filter, PageParams),
    extensions(("x-permission" = json!("mail.manage"))), responses(
    (status = 200, description = "A page of mails", body = PageBody<MailBody>),
))]
pub(super) async fn handler(
    tenant: Allowed<MailManage>,
    Query(filter): Query<Filter>,
    Paging(page): Paging,
) -> Result<Json<PageBody<MailBody>>, Problem> {
    let filter = MailFilter { state: filter.state.map(Into::into), kind: filter.kind.map(Into::into) };
    let mut tx = tenant.begin().await?;
    let mails = service::list(&mut tx, filter, page).await?;
    tx.commit().await?;
    Ok(Json(PageBody::of(mails)))
}
