//! `GET /api/mail-templates`

use crm::{identity::permissions::MailManage, mail::service};

use super::body::TemplateBody;
use crate::{
    extract::{Allowed, Json, PageBody},
    problem::Problem,
};

/// Lists the texts of all kinds of mail: the organization's own, and the built-in ones of the others. There is one page.
#[utoipa::path(get, path = "/api/mail-templates", tag = "mail",
    extensions(("x-permission" = json!("mail.manage"))), responses(
    (status = 200, description = "All texts", body = PageBody<TemplateBody>),
))]
pub(super) async fn handler(tenant: Allowed<MailManage>) -> Result<Json<PageBody<TemplateBody>>, Problem> {
    let mut tx = tenant.begin().await?;
    let templates = service::templates(&mut tx).await?;
    tx.commit().await?;
    Ok(Json(PageBody { data: templates.into_iter().map(Into::into).collect(), next_cursor: None }))
}
