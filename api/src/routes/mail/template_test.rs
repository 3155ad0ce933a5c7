//! `POST /api/mail-templates/{kind}/test`

use axum::http::StatusCode;
use crm::{
    audit::Target,
    identity::permissions::MailManage,
    mail::{MailKind, service},
};
use kernel::MailId;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::body::KindBody;
use crate::{
    extract::{Allowed, Json, Member, Path},
    problem::Problem,
};

/// The mail that was queued.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QueuedMail)]
pub(super) struct QueuedBody {
    mail_id: MailId,
}

/// Mails the text of a kind, with sample values and a link that opens nothing, to whoever asks.
#[utoipa::path(post, path = "/api/mail-templates/{kind}/test", tag = "mail",
    params(("kind" = inline(KindBody), Path, description = "The kind")),
    extensions(("x-permission" = json!("mail.manage")), ("x-principal" = json!("member"))), responses(
    (status = 202, description = "The mail is on its way", body = QueuedBody),
))]
pub(super) async fn handler(
    tenant: Allowed<MailManage>,
    person: Member,
    Path(kind): Path<KindBody>,
) -> Result<(StatusCode, Json<QueuedBody>), Problem> {
    let kind: MailKind = kind.into();
    let mut tx = tenant.begin().await?;
    let mail_id = service::send_test(&mut tx, tenant.clock(), kind, person.user()).await?;
    tenant.record(&mut tx, "mails.sendTest", Some(Target::new("mails", mail_id)), json!({ "kind": kind.as_str() })).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(QueuedBody { mail_id })))
}
