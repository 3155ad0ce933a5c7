//! `GET /api/mails/{id}`

use crm::{identity::permissions::MailManage, mail::service};
use kernel::MailId;

use super::body::MailBody;
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// One mail: to whom, and what became of it.
#[utoipa::path(get, path = "/api/mails/{id}", tag = "mail", params(("id" = MailId, Path, description = "The mail")),
    extensions(("x-permission" = json!("mail.manage"))), responses(
    (status = 200, description = "The mail", body = MailBody),
    (status = 404, description = "There is no such mail"),
))]
pub(super) async fn handler(tenant: Allowed<MailManage>, Path(id): Path<MailId>) -> Result<Json<MailBody>, Problem> {
    let mut tx = tenant.begin().await?;
    let mail = service::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(mail.into()))
}
