//! Mails as their readers have them: those in a folder, and those that [`crate::smtp`] took.

use std::path::Path;

use mail_parser::MessageParser;

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Address of the recipient.
    pub to: String,
    /// Address of the sender.
    pub from: String,
    /// Name of the sender.
    pub from_name: String,
    /// The subject.
    pub subject: String,
    /// Without its angle brackets.
    pub message_id: String,
    /// The body with markup.
    pub html: String,
    /// The body without.
    pub text: String,
}

impl Mail {
    /// Reads a whole mail (RFC 5322).
    ///
    /// # Panics
    /// When a part that each of our mails has is missing.
    pub fn read(content: &[u8]) -> Self {
        let message = MessageParser::default().parse(content).expect("a mail");
        let address = |list: Option<&mail_parser::Address<'_>>| {
            let first = list.and_then(|list| list.first()).expect("an address");
            (first.address().expect("an address").to_owned(), first.name().unwrap_or_default().to_owned())
        };
        let (from, from_name) = address(message.from());
        Self {
            to: address(message.to()).0,
            from,
            from_name,
            subject: message.subject().expect("a subject").to_owned(),
            message_id: message.message_id().expect("a Message-ID").to_owned(),
            html: message.body_html(0).expect("a body with markup").into_owned(),
            text: message.body_text(0).expect("a body without").into_owned(),
        }
    }

    /// The link that stands on a line of its own.
    ///
    /// # Panics
    /// When there is none.
    pub fn link(&self) -> url::Url {
        let link = self.text.lines().find_map(|line| url::Url::parse(line.trim()).ok().filter(url::Url::has_host));
        link.unwrap_or_else(|| panic!("no link in {}", self.text))
    }

    /// The token of the link.
    ///
    /// # Panics
    /// When there is none.
    pub fn token(&self) -> String {
        let link = self.link();
        let token = link.query_pairs().find_map(|(name, value)| (name == "token").then(|| value.into_owned()));
        token.unwrap_or_else(|| panic!("no token in {link}"))
    }
}

/// The mails in a folder, oldest first. A folder that is not there is empty.
///
/// # Panics
/// When a file cannot be read.
pub fn in_folder(folder: &Path) -> Vec<Mail> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).map(|entries| entries.map(|entry| entry.expect("an entry").path()).collect()).unwrap_or_default();
    // Names begin with the time; those that are just being written have another ending.
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
    paths.sort();
    paths.iter().map(|path| Mail::read(&std::fs::read(path).expect("a file"))).collect()
}
