//! Mail out: to a mail server by SMTP, or into a folder where each mail is a file.
//!
//! A mail has its `Message-ID` from its own id, so that one which had to be handed over twice is recognised as the same. Where a bounce
//! address is set, the envelope's sender carries that id too, and a bounce names the mail it is about.

mod folder;
mod message;
mod pool;
mod smtp;
#[cfg(test)]
mod tests;

use std::{fmt, path::PathBuf, sync::Arc};

use chrono::{DateTime, Utc};
use kernel::{EmailAddress, MailId};
use lettre::Address;

use self::{folder::Folder, message::Compose, smtp::Server};
pub use self::{
    message::{bounced_mail, mail_of_message_id},
    smtp::{Encryption, SmtpOptions, Step},
};

/// Hands mails over. Cheap to clone.
#[derive(Clone)]
pub struct Mailer(Arc<Parts>);

struct Parts {
    compose: Compose,
    way: Way,
}

enum Way {
    Smtp(Box<Server>),
    Folder(Folder),
}

/// How mails leave.
#[derive(Clone, Debug)]
pub struct MailOptions {
    /// Name of this installation's host: for `Message-ID`s, the greeting of a mail server, and the default sender.
    pub host: String,
    /// Who mails are from; `no-reply@` the host when there is none.
    pub from: Option<EmailAddress>,
    /// Where answers go, when not to the sender.
    pub reply_to: Option<EmailAddress>,
    /// Where bounces go: `bounce+<mail>@…` is made of `bounce@…`. The sender when there is none.
    pub bounces: Option<EmailAddress>,
    /// Which way they leave.
    pub delivery: Delivery,
}

/// Which way mails leave.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// To a mail server.
    Smtp(SmtpOptions),
    /// Into a folder, made when missing, which only the owner of the process can read: mails carry links that are as good as passwords.
    Folder(PathBuf),
}

/// A mail.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Its id, of which the `Message-ID` is made.
    pub id: MailId,
    /// When it was written.
    pub written_at: DateTime<Utc>,
    /// Name of the sender; line breaks and control characters are dropped, as in the other two headers.
    pub from_name: &'a str,
    /// Name of the recipient; may be empty.
    pub to_name: &'a str,
    /// The recipient.
    pub to: &'a EmailAddress,
    /// The subject.
    pub subject: &'a str,
    /// The body for readers that show HTML.
    pub html: &'a str,
    /// The body for the others.
    pub text: &'a str,
}

/// Why a mail was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The mail server will not have this recipient or this mail, now or later.
    #[error("the mail server refused the mail with {code}: {text}")]
    Refused {
        /// The reply, 500 to 599.
        code: u16,
        /// What the server said.
        text: String,
    },
    /// The address cannot be written into an envelope.
    #[error("the address cannot be written to")]
    Address(#[source] lettre::address::AddressError),
    /// The mail cannot be put together.
    #[error("the mail cannot be put together")]
    Compose(#[source] lettre::error::Error),
    /// The mail server was not reached, was not ready, or did not say what became of the mail: try again, it is the same mail.
    #[error("the mail server did not take the mail ({step})")]
    NotNow {
        /// How far it got.
        step: Step,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The mail server does not let us send, whatever the mail: settings are wrong. Worth another try once they are right.
    #[error("the mail server does not let this installation send ({step})")]
    Unwelcome {
        /// How far it got.
        step: Step,
        /// What the server said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The mail could not be written into the folder.
    #[error("the mail folder `{}` cannot be written to", .0.display())]
    Folder(PathBuf, #[source] std::io::Error),
}

impl MailError {
    /// How far the mail got, when that is what the error is about.
    pub fn step(&self) -> Option<Step> {
        match self {
            Self::NotNow { step, .. } | Self::Unwelcome { step, .. } => Some(*step),
            Self::Refused { .. } | Self::Address(_) | Self::Compose(_) | Self::Folder(..) => None,
        }
    }

    /// The mail server's reply, when there was one.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::NotNow { source, .. } | Self::Unwelcome { source, .. } => {
                source.downcast_ref::<lettre::transport::smtp::Error>()?.status().map(u16::from)
            }
            Self::Address(_) | Self::Compose(_) | Self::Folder(..) => None,
        }
    }
}

/// Settings of mail that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MailSetupError {
    /// An address of ours cannot be written into a mail.
    #[error("the sender `{0}` is no address that a mail can carry")]
    Sender(String, #[source] lettre::address::AddressError),
    /// The certificates cannot be read.
    #[error("the certificates in `{}` cannot be read", .0.display())]
    CertificateFile(PathBuf, #[source] std::io::Error),
    /// Encryption cannot be set up.
    #[error("encryption towards the mail server cannot be set up")]
    Encryption(#[source] lettre::transport::smtp::Error),
    /// The folder cannot be made.
    #[error("the mail folder `{}` cannot be used", .0.display())]
    Folder(PathBuf, #[source] std::io::Error),
}

impl Mailer {
    /// A mailer. The mail server is first asked when there is a mail; the folder is made at once.
    pub fn new(options: MailOptions) -> Result<Self, MailSetupError> {
        let compose = Compose::new(&options)?;
        let way = match options.delivery {
            Delivery::Smtp(smtp) => Way::Smtp(Box::new(Server::new(smtp, compose.host())?)),
            Delivery::Folder(path) => Way::Folder(Folder::open(path)?),
        };
        Ok(Self(Arc::new(Parts { compose, way })))
    }

    /// Hands a mail over. `Ok` means that the mail server answers for it from now on, or that the file is on the disk.
    pub async fn send(&self, letter: Letter<'_>) -> Result<(), MailError> {
        let message = self.0.compose.message(&letter)?;
        match &self.0.way {
            Way::Smtp(server) => server.deliver(message).await,
            Way::Folder(folder) => folder.put(&letter, message.content).await,
        }
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.way {
            Way::Smtp(_) => f.write_str("Mailer(smtp)"),
            Way::Folder(folder) => write!(f, "Mailer({})", folder.path().display()),
        }
    }
}

/// A mail as it travels.
struct Composed {
    /// The envelope's sender, where bounces go.
    from: Address,
    to: Address,
    /// The whole message, RFC 5322.
    content: Vec<u8>,
}
