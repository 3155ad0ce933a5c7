//! What the texts of mails can show.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::model::MailKind;

/// Longest text that a variable can have; the rest is cut.
const LENGTH: usize = 500;
/// Shown in every mail.
const EVERYWHERE: [&str; 4] = ["email", "organization", "recipient", "when"];
/// Shown in mails with a link.
const WITH_LINK: [&str; 3] = ["expiresAt", "expiresIn", "link"];

/// What a mail is about.
#[derive(Clone, Debug)]
pub(super) struct Subject<'a> {
    /// Name of the organization.
    pub(super) organization: &'a str,
    /// The organization's clock.
    pub(super) timezone: Tz,
    /// Name of the recipient; may be empty.
    pub(super) recipient: &'a str,
    /// Address of the recipient.
    pub(super) email: &'a str,
    /// When the mail was written.
    pub(super) written_at: DateTime<Utc>,
    /// The link, with the time for which it was made and until when it is good.
    pub(super) link: Option<LinkShown>,
}

/// A link.
#[derive(Clone, Debug)]
pub(super) struct LinkShown {
    pub(super) address: String,
    pub(super) good_for: TimeDelta,
    pub(super) good_until: DateTime<Utc>,
}

/// The values of a mail.
#[derive(Clone, Debug)]
pub(super) struct Values {
    pub(super) texts: Vec<(&'static str, String)>,
    pub(super) link: Option<String>,
}

/// Everything that the text of a kind can show, sorted.
pub(super) fn names(kind: MailKind) -> Vec<&'static str> {
    let mut names = EVERYWHERE.to_vec();
    names.extend(kind.variables());
    if kind.link().is_some() {
        names.extend(WITH_LINK);
    }
    names.sort_unstable();
    names
}

/// The values of a mail of that kind. Variables that nobody gave are empty.
pub(super) fn of(kind: MailKind, subject: &Subject<'_>, variables: &Value) -> Values {
    let at = |instant: DateTime<Utc>| instant.with_timezone(&subject.timezone).format("%-d %B %Y at %H:%M %Z").to_string();
    let mut texts = vec![
        ("email", subject.email.to_owned()),
        ("organization", subject.organization.to_owned()),
        ("recipient", subject.recipient.to_owned()),
        ("when", at(subject.written_at)),
    ];
    for name in kind.variables() {
        texts.push((name, variables.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()));
    }
    if let Some(link) = &subject.link {
        texts.push(("expiresIn", in_words(link.good_for)));
        texts.push(("expiresAt", at(link.good_until)));
    }
    let texts = texts.into_iter().map(|(name, text)| (name, one_line(&text))).collect();
    Values { texts, link: subject.link.as_ref().map(|link| link.address.clone()) }
}

/// Values to show a text with.
pub(super) fn samples(kind: MailKind, subject: &Subject<'_>) -> Values {
    let variables = serde_json::json!({
        "inviter": "Ada Lovelace", "change": "on", "what": "paused", "template": "spring_offer", "language": "en_US", "reason": "FIRST_PAUSE",
        "category": "MARKETING", "campaigns": "2",
    });
    of(kind, subject, &variables)
}

/// A time in the words that people use for it.
fn in_words(time: TimeDelta) -> String {
    let (count, unit) = match time.num_minutes() {
        minutes if minutes < 120 => (minutes, "minute"),
        minutes if minutes < 48 * 60 => (minutes / 60, "hour"),
        minutes => (minutes / (24 * 60), "day"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).take(LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_words() {
        let told = [1, 30, 60, 24 * 60, 7 * 24 * 60].map(|minutes| in_words(TimeDelta::minutes(minutes)));
        assert_eq!(told, ["1 minute", "30 minutes", "60 minutes", "24 hours", "7 days"]);
    }
}
