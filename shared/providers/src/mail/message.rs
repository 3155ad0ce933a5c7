//! Puts mails together, and reads the ids that they carried from what comes back.

use std::{net::IpAddr, time::SystemTime};

use kernel::{EmailAddress, MailId};
use lettre::{
    Address, Message,
    address::AddressError,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
};

use super::{Composed, Letter, MailError, MailOptions, MailSetupError};

/// Longest header text: what is longer is cut, so that no mail server refuses the line.
const HEADER_LENGTH: usize = 250;

/// What mails of this installation have in common.
pub(super) struct Compose {
    host: String,
    from: Address,
    reply_to: Option<Address>,
    bounces: Option<Address>,
}

impl Compose {
    pub(super) fn new(options: &MailOptions) -> Result<Self, MailSetupError> {
        let ours = |address: &EmailAddress| address_of(address).map_err(|error| MailSetupError::Sender(address.as_str().into(), error));
        let host = options.host.trim_start_matches('[').trim_end_matches(']');
        // Nobody has mail at a number.
        let named = if host.parse::<IpAddr>().is_ok() { "localhost" } else { host };
        let from = match &options.from {
            Some(from) => ours(from)?,
            None => Address::new("no-reply", named).map_err(|error| MailSetupError::Sender(format!("no-reply@{named}"), error))?,
        };
        Ok(Self {
            host: named.to_owned(),
            from,
            reply_to: options.reply_to.as_ref().map(ours).transpose()?,
            bounces: options.bounces.as_ref().map(ours).transpose()?,
        })
    }

    /// The host in `Message-ID`s and greetings.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn message(&self, letter: &Letter<'_>) -> Result<Composed, MailError> {
        let to = address_of(letter.to).map_err(MailError::Address)?;
        let mut builder = Message::builder()
            .message_id(Some(format!("<{}@{}>", letter.id, self.host)))
            .date(SystemTime::from(letter.written_at))
            .from(Mailbox::new(one_line(letter.from_name), self.from.clone()))
            .to(Mailbox::new(one_line(letter.to_name), to.clone()))
            .subject(one_line(letter.subject).unwrap_or_default())
            .header(AutoSubmitted);
        if let Some(address) = &self.reply_to {
            builder = builder.reply_to(Mailbox::new(None, address.clone()));
        }
        let body = MultiPart::alternative_plain_html(letter.text.to_owned(), letter.html.to_owned());
        let content = builder.multipart(body).map_err(MailError::Compose)?.formatted();
        Ok(Composed { from: self.sender(letter.id), to, content })
    }

    /// The envelope's sender.
    fn sender(&self, id: MailId) -> Address {
        let Some(bounces) = &self.bounces else { return self.from.clone() };
        // Both parts are those of an address that was read before, and an id has digits and dashes only.
        Address::new_dangerous(format!("{}+{id}", bounces.user()), bounces.domain())
    }
}

/// The mail that a recipient such as `bounce+<mail>@example.com` names.
pub fn bounced_mail(recipient: &str) -> Option<MailId> {
    let (local, _) = recipient.trim().trim_matches(['<', '>']).rsplit_once('@')?;
    local.rsplit_once('+')?.1.parse().ok()
}

/// The mail whose `Message-ID` it is.
pub fn mail_of_message_id(message_id: &str) -> Option<MailId> {
    let (local, _) = message_id.trim().trim_matches(['<', '>']).split_once('@')?;
    local.parse().ok()
}

/// Nobody should answer such a mail by machine (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".into())
    }
}

fn address_of(address: &EmailAddress) -> Result<Address, AddressError> {
    address.as_str().parse()
}

/// The text without anything that could end a header's line; none when nothing is left.
fn one_line(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(|character: char| character.is_whitespace() || character.is_control()).collect();
    let line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let line: String = line.chars().take(HEADER_LENGTH).collect();
    (!line.is_empty()).then_some(line)
}
