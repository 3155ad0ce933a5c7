//! `PUT /api/mail-templates/{kind}`

use crm::{
    audit::Target,
    identity::permissions::MailManage,
    mail::{MailKind, MailText, service},
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::body::{KindBody, TemplateBody};
use crate::{
    extract::{Allowed, Json, Path},
    problem::Problem,
};

/// A text of the organization's own: templates with `{{ variable }}`, `{{ variable | default("…") }}` and `{% if variable %}…{% endif %}`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MailTemplateInput {
    /// One line, 1 to 200 characters.
    subject: String,
    /// The body for readers that show HTML, 1 to 100,000 characters. No scripts, forms or frames.
    html: String,
    /// The body for the others, 1 to 50,000 characters.
    text: String,
}

/// Gives a kind of mail a text of the organization's own.
///
/// It is filled in with sample values first; what is broken is named with its line. A mail with a link must show it, in both bodies, as
/// text or as the whole address of an `<a href>`.
#[utoipa::path(put, path = "/api/mail-templates/{kind}", tag = "mail", params(("kind" = inline(KindBody), Path, description = "The kind")),
    extensions(("x-permission" = json!("mail.manage"))), responses(
    (status = 200, description = "Changed", body = TemplateBody),
    (status = 400, description = "The text cannot be used"),
))]
pub(super) async fn handler(
    tenant: Allowed<MailManage>,
    Path(kind): Path<KindBody>,
    Json(input): Json<MailTemplateInput>,
) -> Result<Json<TemplateBody>, Problem> {
    let kind: MailKind = kind.into();
    let text = MailText { subject: input.subject, html: input.html, text: input.text };
    let public_url = &tenant.state().config.api.public_url;
    let mut tx = tenant.begin().await?;
    let template = service::write_template(&mut tx, tenant.clock(), public_url, kind, text).await?;
    tenant.record(&mut tx, "mailTemplates.update", Some(Target::new("mailTemplates", kind.as_str())), Value::Null).await?;
    tx.commit().await?;
    Ok(Json(template.into()))
}
