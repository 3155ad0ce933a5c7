//! Mails that come back: reads delivery status notifications (RFC 3464), and writes down what they say.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use db::{Db, DbError};
use kernel::MailId;
use mail_parser::{HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use providers::mail::{bounced_mail, mail_of_message_id};

use super::store;

/// Longest reason that is kept.
const REASON_LENGTH: usize = 500;
/// Where mail servers write to which of our addresses a notification came.
const RECIPIENT_HEADERS: [&str; 5] = ["To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To"];

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounce {
    /// The mail it is about.
    pub mail: MailId,
    /// Whether it will never arrive.
    pub verdict: Verdict,
    /// Status code (RFC 3463) and reason.
    pub reason: String,
}

/// What became of a mail behind our mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It will not arrive: status 5.x.x.
    Bounced,
    /// It did not arrive, or not yet, for a reason that may pass.
    Late,
    /// It arrived, or was handed on.
    Delivered,
}

/// Why a notification was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum BounceError {
    /// Something else.
    #[error("this is no delivery status notification (RFC 3464)")]
    NoNotification,
    /// Neither its recipient nor what it returns names a mail.
    #[error("the notification names no mail of ours")]
    NamesNoMail,
    /// The mail is gone, or is that of another installation.
    #[error("mail `{0}` does not exist")]
    NotFound(MailId),
    /// The database failed; the notification should be delivered again.
    #[error("cannot record the notification")]
    Store(#[from] DbError),
}

/// Reads a notification and records what it says about its mail. Doing so twice changes nothing.
pub async fn record(db: &Db, now: DateTime<Utc>, notification: &[u8]) -> Result<Bounce, BounceError> {
    let bounce = read(notification)?;
    let mut tx = db.system("bounces name their mail only").await?;
    let found = match bounce.verdict {
        Verdict::Bounced => store::mark_bounced(&mut tx, now, bounce.mail, &bounce.reason).await?,
        Verdict::Late => store::note_late(&mut tx, now, bounce.mail, &bounce.reason).await?,
        Verdict::Delivered => store::find_anywhere(&mut tx, bounce.mail).await?.is_some(),
    };
    tx.commit().await?;
    if found { Ok(bounce) } else { Err(BounceError::NotFound(bounce.mail)) }
}

/// Reads a notification.
pub fn read(notification: &[u8]) -> Result<Bounce, BounceError> {
    let message = MessageParser::default().parse(notification).ok_or(BounceError::NoNotification)?;
    let report = message.parts.iter().find(|part| is(part, "message", &["delivery-status", "global-delivery-status"]));
    let report = report.ok_or(BounceError::NoNotification)?;
    let (verdict, reason) = verdict_of(report.contents()).ok_or(BounceError::NoNotification)?;
    let mail = mail_of(&message).ok_or(BounceError::NamesNoMail)?;
    Ok(Bounce { mail, verdict, reason })
}

/// The mail that the notification is about: its recipient names it, or what it returns.
fn mail_of(message: &Message<'_>) -> Option<MailId> {
    let to_whom = RECIPIENT_HEADERS.iter().filter_map(|name| message.header_raw(*name)).flat_map(addresses);
    let recipients = to_whom.filter_map(bounced_mail);
    let returned = message.parts.iter().filter_map(|part| {
        if let PartType::Message(returned) = &part.body {
            return returned.message_id().and_then(mail_of_message_id);
        }
        if !is(part, "text", &["rfc822-headers"]) && !is(part, "message", &["rfc822", "global", "global-headers", "rfc822-headers"]) {
            return None;
        }
        MessageParser::default().parse_headers(part.contents())?.message_id().and_then(mail_of_message_id)
    });
    let answered = [message.in_reply_to(), message.references()].into_iter().flat_map(ids).filter_map(|id| mail_of_message_id(&id));
    recipients.chain(returned).chain(answered).next()
}

/// What a report says, worst recipient first; a mail of ours has one.
fn verdict_of(report: &[u8]) -> Option<(Verdict, String)> {
    let report = String::from_utf8_lossy(report).replace("\r\n", "\n");
    let groups = report.split("\n\n").filter_map(|group| {
        let action = field(group, "action")?.to_ascii_lowercase();
        let status = field(group, "status")?;
        let status = status.split_whitespace().next().unwrap_or_default();
        let verdict = match (action.as_str(), status.as_bytes().first()) {
            ("delivered" | "relayed" | "expanded", _) => Verdict::Delivered,
            ("failed", Some(b'5')) => Verdict::Bounced,
            _ => Verdict::Late,
        };
        let diagnostic = field(group, "diagnostic-code").unwrap_or_default();
        let said = diagnostic.split_once(';').map_or(diagnostic.as_ref(), |(_, said)| said.trim());
        let reason: String =
            format!("{status} {said}").trim().chars().filter(|character| !character.is_control()).take(REASON_LENGTH).collect();
        Some((verdict, reason))
    });
    groups.min_by_key(|(verdict, _)| match verdict {
        Verdict::Bounced => 0,
        Verdict::Late => 1,
        Verdict::Delivered => 2,
    })
}

/// A field of a group, with its continuation lines.
fn field<'a>(group: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let mut lines =
        group.lines().skip_while(|line| !line.split_once(':').is_some_and(|(found, _)| found.trim().eq_ignore_ascii_case(name)));
    let (_, first) = lines.next()?.split_once(':')?;
    let more: Vec<&str> = lines.take_while(|line| line.starts_with([' ', '\t'])).map(str::trim).collect();
    Some(if more.is_empty() { Cow::Borrowed(first.trim()) } else { Cow::Owned(format!("{} {}", first.trim(), more.join(" "))) })
}

fn is(part: &MessagePart<'_>, kind: &str, subtypes: &[&str]) -> bool {
    part.content_type().is_some_and(|found| {
        found.c_type.eq_ignore_ascii_case(kind)
            && found.c_subtype.as_deref().is_some_and(|found| subtypes.iter().any(|subtype| found.eq_ignore_ascii_case(subtype)))
    })
}

/// Whatever looks like an address in a header.
fn addresses(header: &str) -> impl Iterator<Item = &str> {
    header.split([',', '<', '>', ' ', '\t', '\r', '\n', '"', ';']).filter(|part| part.contains('@'))
}

fn ids(header: &HeaderValue<'_>) -> Vec<String> {
    match header {
        HeaderValue::Text(id) => vec![id.to_string()],
        HeaderValue::TextList(ids) => ids.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}
