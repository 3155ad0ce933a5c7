//! `GET /api/mail-templates/{kind}`

use crm::{identity::permissions::MailManage, mail::service};

use super::body::{KindBody, TemplateBody};
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// The text of a kind of mail.
#[utoipa::path(get, path = "/api/mail-templates/{kind}", tag = "mail", params(("kind" = inline(KindBody), Path, description = "The kind")),
    extensions(("x-permission" = json!("mail.manage"))), responses(
    (status = 200, description = "The text", body = TemplateBody),
))]
pub(super) async fn handler(tenant: Allowed<MailManage>, Path(kind): Path<KindBody>) -> Result<Json<TemplateBody>, Problem> {
    let mut tx = tenant.begin().await?;
    let template = service::template(&mut tx, kind.into()).await?;
    tx.commit().await?;
    Ok(Json(template.into()))
}
