//! Mails, their kinds and their texts.

use chrono::{DateTime, Utc};
use kernel::{EmailAddress, MailId, OneTimeTokenId, OrganizationId, UserId};
use serde_json::Value;

use crate::identity::one_time::Purpose;

/// Why a mail is sent; each kind has a text of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MailKind {
    /// A link by which a new password is chosen.
    PasswordReset,
    /// A link that proves an address.
    EmailVerification,
    /// A link by which a new member joins. Variable: `inviter`, the name of who invites.
    Invitation,
    /// A password was changed.
    PasswordChanged,
    /// A login was ended because its refresh token was used twice.
    LoginReused,
    /// Two-step login was changed. Variable: `change`, which is `on`, `off` or `recoveryCodes`.
    TwoStepChanged,
    /// The provider paused, disabled, turned down, deleted or changed a message template. Variables: `what`, which is `paused`, `disabled`,
    /// `rejected`, `deleted`, `recategorizationAnnounced`, `recategorized` or `contentChanged`; `template` and `language`, which name it;
    /// `reason`, the provider's; `category`, the one it has or will have; `campaigns`, how many stopped, empty for none.
    TemplateAlert,
    /// Somebody tries whether mail arrives, or how a text looks. Variable: `of`, the kind whose text is shown.
    Test,
}

impl MailKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::PasswordReset,
        Self::EmailVerification,
        Self::Invitation,
        Self::PasswordChanged,
        Self::LoginReused,
        Self::TwoStepChanged,
        Self::TemplateAlert,
        Self::Test,
    ];

    /// Word in the database and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PasswordReset => "passwordReset",
            Self::EmailVerification => "emailVerification",
            Self::Invitation => "invitation",
            Self::PasswordChanged => "passwordChanged",
            Self::LoginReused => "loginReused",
            Self::TwoStepChanged => "twoStepChanged",
            Self::TemplateAlert => "templateAlert",
            Self::Test => "test",
        }
    }

    /// The kind of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What the link of such a mail is for; none when it has no link.
    pub const fn link(self) -> Option<Purpose> {
        match self {
            Self::PasswordReset => Some(Purpose::PasswordReset),
            Self::EmailVerification => Some(Purpose::EmailVerification),
            Self::Invitation => Some(Purpose::Invitation),
            Self::PasswordChanged | Self::LoginReused | Self::TwoStepChanged | Self::TemplateAlert | Self::Test => None,
        }
    }

    /// What only mails of this kind can show.
    pub(super) const fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Invitation => &["inviter"],
            Self::TwoStepChanged => &["change"],
            Self::TemplateAlert => &["campaigns", "category", "language", "reason", "template", "what"],
            _ => &[],
        }
    }
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailState {
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

impl MailState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Sent, Self::Bounced, Self::Failed, Self::Expired];

    /// Word in the database and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Bounced => "bounced",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }

    /// The state of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A mail to be sent.
#[derive(Clone, Debug)]
pub struct NewMail<'a> {
    /// Why.
    pub kind: MailKind,
    /// To whom.
    pub to: &'a EmailAddress,
    /// The account it is about, whose name the mail uses.
    pub user: Option<UserId>,
    /// What its link is made of. A kind with a link needs one.
    pub token: Option<OneTimeTokenId>,
    /// What else the text shows, an object of texts: see [`MailKind`]. Others are not shown.
    pub variables: Value,
}

/// A mail of the ledger.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Its id.
    pub id: MailId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Why.
    pub kind: MailKind,
    /// To whom.
    pub to: String,
    /// The account it is about.
    pub user: Option<UserId>,
    /// What its link is made of.
    pub token: Option<OneTimeTokenId>,
    /// What else the text shows.
    pub variables: Value,
    /// What became of it.
    pub state: MailState,
    /// What went wrong last.
    pub error: Option<String>,
    /// When the mail server took it.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it came back.
    pub bounced_at: Option<DateTime<Utc>>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// Its last change.
    pub updated_at: DateTime<Utc>,
}

/// Which mails to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct MailFilter {
    /// Only those in this state.
    pub state: Option<MailState>,
    /// Only those of this kind.
    pub kind: Option<MailKind>,
}

/// Subject and bodies: as templates, or filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailText {
    /// One line, up to 200 characters.
    pub subject: String,
    /// The body for readers that show HTML; up to 100,000 characters.
    pub html: String,
    /// The body for the others; up to 50,000 characters.
    pub text: String,
}

/// The text of a kind in an organization.
#[derive(Clone, Debug)]
pub struct MailTemplate {
    /// The kind.
    pub kind: MailKind,
    /// The text.
    pub text: MailText,
    /// When the organization wrote it; none for the built-in text.
    pub changed_at: Option<DateTime<Utc>>,
}

impl MailTemplate {
    /// Everything that the text can show, sorted.
    pub fn variables(&self) -> Vec<&'static str> {
        super::values::names(self.kind)
    }
}
