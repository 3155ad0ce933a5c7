//! `POST /api/mail-templates/{kind}/preview`

use crm::{
    identity::permissions::MailManage,
    mail::{MailKind, MailText, service},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::KindBody;
use crate::{
    extract::{Allowed, Json, OptionalJson, Path},
    problem::Problem,
};

/// A draft; what is left out is taken from the text that the kind has.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MailTemplateDraft {
    subject: Option<String>,
    html: Option<String>,
    text: Option<String>,
}

/// A mail as it would arrive.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MailPreview)]
pub(super) struct PreviewBody {
    subject: String,
    /// To be shown in a frame of its own that runs no scripts.
    html: String,
    text: String,
}

/// Shows a mail with sample values and a link that opens nothing. A broken draft is named with its line.
#[utoipa::path(post, path = "/api/mail-templates/{kind}/preview", tag = "mail",
    params(("kind" = inline(KindBody), Path, description = "The kind")), request_body = Option<MailTemplateDraft>,
    extensions(("x-permission" = json!("mail.manage"))), responses(
    (status = 200, description = "As it would arrive", body = PreviewBody),
    (status = 400, description = "The draft cannot be used"),
))]
pub(super) async fn handler(
    tenant: Allowed<MailManage>,
    Path(kind): Path<KindBody>,
    OptionalJson(draft): OptionalJson<MailTemplateDraft>,
) -> Result<Json<PreviewBody>, Problem> {
    let kind: MailKind = kind.into();
    let public_url = &tenant.state().config.api.public_url;
    let mut tx = tenant.begin().await?;
    let stored = service::template(&mut tx, kind).await?.text;
    let text = MailText {
        subject: draft.subject.unwrap_or(stored.subject),
        html: draft.html.unwrap_or(stored.html),
        text: draft.text.unwrap_or(stored.text),
    };
    let shown = service::preview(&mut tx, tenant.clock(), public_url, kind, &text, tenant.user()).await?;
    tx.commit().await?;
    Ok(Json(PreviewBody { subject: shown.subject, html: shown.html, text: shown.text }))
}
