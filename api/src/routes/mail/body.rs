//! Mails and their texts as clients see them.

use chrono::{DateTime, Utc};
use crm::mail::{Mail, MailKind, MailState, MailTemplate};
use kernel::{MailId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a mail is sent.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MailKind)]
pub(super) enum KindBody {
    /// Somebody tries whether mail arrives, or how a text looks.
    Test,
    /// A link by which a new password is chosen.
    PasswordReset,
    /// A link that proves an address.
    EmailVerification,
    /// A link by which a new member joins.
    Invitation,
    /// A password was changed.
    PasswordChanged,
    /// A login was ended because its refresh token was used twice.
    LoginReused,
    /// Two-step login was changed.
    TwoStepChanged,
    /// The provider paused, disabled, turned down, deleted or changed a message template.
    TemplateAlert,
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MailState)]
pub(super) enum StateBody {
    /// Waits for the mail server.
    Queued,
    /// The mail server has it.
    Sent,
    /// The mail server, or one behind it, refused it for good.
    Bounced,
    /// It cannot be sent.
    Failed,
    /// Its link was used or too old before it could be sent.
    Expired,
}

/// A mail. Its link is not shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Mail)]
pub(super) struct MailBody {
    id: MailId,
    kind: KindBody,
    /// The address.
    to: String,
    /// The account it is about.
    user_id: Option<UserId>,
    state: StateBody,
    /// What went wrong last: what a mail server said, for example.
    error: Option<String>,
    /// When the mail server took it.
    sent_at: Option<DateTime<Utc>>,
    /// When it came back.
    bounced_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// The text of a kind of mail, a template.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MailTemplate)]
pub(super) struct TemplateBody {
    kind: KindBody,
    subject: String,
    /// The body for readers that show HTML.
    html: String,
    /// The body for the others.
    text: String,
    /// Whether the organization has no text of its own.
    built_in: bool,
    /// Names that can stand between `{{` and `}}`. A text must show `link` where it is among them.
    variables: Vec<&'static str>,
    /// When the organization changed it.
    updated_at: Option<DateTime<Utc>>,
}

impl From<KindBody> for MailKind {
    fn from(kind: KindBody) -> Self {
        match kind {
            KindBody::Test => Self::Test,
            KindBody::PasswordReset => Self::PasswordReset,
            KindBody::EmailVerification => Self::EmailVerification,
            KindBody::Invitation => Self::Invitation,
            KindBody::PasswordChanged => Self::PasswordChanged,
            KindBody::LoginReused => Self::LoginReused,
            KindBody::TwoStepChanged => Self::TwoStepChanged,
            KindBody::TemplateAlert => Self::TemplateAlert,
        }
    }
}

impl From<MailKind> for KindBody {
    fn from(kind: MailKind) -> Self {
        match kind {
            MailKind::Test => Self::Test,
            MailKind::PasswordReset => Self::PasswordReset,
            MailKind::EmailVerification => Self::EmailVerification,
            MailKind::Invitation => Self::Invitation,
            MailKind::PasswordChanged => Self::PasswordChanged,
            MailKind::LoginReused => Self::LoginReused,
            MailKind::TwoStepChanged => Self::TwoStepChanged,
            MailKind::TemplateAlert => Self::TemplateAlert,
        }
    }
}

impl From<StateBody> for MailState {
    fn from(state: StateBody) -> Self {
        match state {
            StateBody::Queued => Self::Queued,
            StateBody::Sent => Self::Sent,
            StateBody::Bounced => Self::Bounced,
            StateBody::Failed => Self::Failed,
            StateBody::Expired => Self::Expired,
        }
    }
}

impl From<MailState> for StateBody {
    fn from(state: MailState) -> Self {
        match state {
            MailState::Queued => Self::Queued,
            MailState::Sent => Self::Sent,
            MailState::Bounced => Self::Bounced,
            MailState::Failed => Self::Failed,
            MailState::Expired => Self::Expired,
        }
    }
}

impl From<Mail> for MailBody {
    fn from(mail: Mail) -> Self {
        Self {
            id: mail.id,
            kind: mail.kind.into(),
            to: mail.to,
            user_id: mail.user,
            state: mail.state.into(),
            error: mail.error,
            sent_at: mail.sent_at,
            bounced_at: mail.bounced_at,
            created_at: mail.created_at,
            updated_at: mail.updated_at,
        }
    }
}

impl From<MailTemplate> for TemplateBody {
    fn from(template: MailTemplate) -> Self {
        Self {
            kind: template.kind.into(),
            variables: template.variables(),
            built_in: template.changed_at.is_none(),
            updated_at: template.changed_at,
            subject: template.text.subject,
            html: template.text.html,
            text: template.text.text,
        }
    }
}
