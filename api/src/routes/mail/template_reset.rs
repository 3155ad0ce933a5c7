//! `DELETE /api/mail-templates/{kind}`

use axum::http::StatusCode;
use crm::{
    audit::Target,
    identity::permissions::MailManage,
    mail::{MailKind, service},
};
use serde_json::Value;

use super::body::KindBody;
use crate::{
    extract::{Allowed, Path},
    problem::Problem,
};

/// Gives a kind of mail its built-in text back. Doing so twice changes nothing.
#[utoipa::path(delete, path = "/api/mail-templates/{kind}", tag = "mail",
    params(("kind" = inline(KindBody), Path, description = "The kind")), extensions(("x-permission" = json!("mail.manage"))), responses(
    (status = 204, description = "The kind has its built-in text"),
))]
pub(super) async fn handler(tenant: Allowed<MailManage>, Path(kind): Path<KindBody>) -> Result<StatusCode, Problem> {
    let kind: MailKind = kind.into();
    let mut tx = tenant.begin().await?;
    if service::reset_template(&mut tx, kind).await? {
        tenant.record(&mut tx, "mailTemplates.delete", Some(Target::new("mailTemplates", kind.as_str())), Value::Null).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
