//! The texts that mails have as long as an organization has none of its own.
//!
//! A file of HTML begins with the line that mail readers show beside the subject, one of text with the subject. Both are what the API shows
//! as the built-in text: an organization that changes it changes the whole.

use super::model::{MailKind, MailText};

const LAYOUT: &str = include_str!("builtin/layout.html");
const BUTTON: &str = include_str!("builtin/button.html");

/// The built-in text of a kind.
pub(super) fn text_of(kind: MailKind) -> MailText {
    let (html, text) = match kind {
        MailKind::PasswordReset => (include_str!("builtin/password_reset.html"), include_str!("builtin/password_reset.txt")),
        MailKind::EmailVerification => (include_str!("builtin/email_verification.html"), include_str!("builtin/email_verification.txt")),
        MailKind::Invitation => (include_str!("builtin/invitation.html"), include_str!("builtin/invitation.txt")),
        MailKind::PasswordChanged => (include_str!("builtin/password_changed.html"), include_str!("builtin/password_changed.txt")),
        MailKind::LoginReused => (include_str!("builtin/login_reused.html"), include_str!("builtin/login_reused.txt")),
        MailKind::TwoStepChanged => (include_str!("builtin/two_step_changed.html"), include_str!("builtin/two_step_changed.txt")),
        MailKind::TemplateAlert => (include_str!("builtin/template_alert.html"), include_str!("builtin/template_alert.txt")),
        MailKind::Test => (include_str!("builtin/test.html"), include_str!("builtin/test.txt")),
    };
    let (preheader, content) = html.split_once('\n').unwrap_or((html, ""));
    let (subject, text) = text.split_once('\n').unwrap_or((text, ""));
    let html = LAYOUT.replace("[preheader]", preheader).replace("[content]", &with_button(content.trim_end()));
    MailText { subject: subject.to_owned(), html, text: text.to_owned() }
}

/// The content with its `[button: label]` drawn.
fn with_button(content: &str) -> String {
    let Some((before, rest)) = content.split_once("[button: ") else { return content.to_owned() };
    let Some((label, after)) = rest.split_once(']') else { return content.to_owned() };
    format!("{before}{}{after}", BUTTON.trim_end().replace("[label]", label))
}
