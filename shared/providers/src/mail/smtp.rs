//! The way to a mail server.
//!
//! Commands are given one by one instead of by lettre's own transport, because what a refusal means depends on the step: at the recipient
//! or after the text it is about this mail, before that about us.

use std::{fmt, future::Future, path::PathBuf, time::Duration};

use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, Certificate, TlsParameters},
    commands::{Data, Mail, Rcpt},
    extension::{ClientId, Extension, MailParameter},
};
use secrecy::{ExposeSecret, SecretString};

use super::{Composed, MailError, MailSetupError, pool::Pool};

/// Replies that ask for a login, at whatever step: RFC 4954.
const LOGIN_NEEDED: [u16; 4] = [530, 534, 535, 538];
/// Longest text of a refusal that is kept.
const REFUSAL_LENGTH: usize = 500;
/// How long a parting `QUIT` may take.
const PARTING: Duration = Duration::from_secs(1);

/// How a mail server is reached.
#[derive(Clone, Debug)]
pub struct SmtpOptions {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub encryption: Encryption,
    /// PEM file of a certificate authority that is trusted besides the public ones.
    pub ca_file: Option<PathBuf>,
    /// User and password, when it wants them.
    pub login: Option<(String, SecretString)>,
    /// Limit of each step: connecting, signing in, handing over one mail.
    pub timeout: Duration,
}

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Begins in the clear and must switch before anything is said.
    StartTls,
    /// From the first byte.
    Tls,
    /// Not at all.
    None,
}

/// How far a mail got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Connecting, greeting, encrypting.
    Connect,
    /// Signing in.
    SignIn,
    /// Naming the sender.
    Sender,
    /// Naming the recipient.
    Recipient,
    /// Asking to hand the text over.
    Data,
    /// The text was on its way: it may have been taken.
    Text,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::SignIn => "signing in",
            Self::Sender => "naming the sender",
            Self::Recipient => "naming the recipient",
            Self::Data => "offering the text",
            Self::Text => "handing the text over",
        })
    }
}

/// A mail server with the connections to it.
pub(super) struct Server {
    options: SmtpOptions,
    hello: ClientId,
    tls: Option<TlsParameters>,
    pool: Pool,
}

impl Server {
    pub(super) fn new(options: SmtpOptions, own_host: &str) -> Result<Self, MailSetupError> {
        let tls = match options.encryption {
            Encryption::None => None,
            Encryption::StartTls | Encryption::Tls => Some(tls_of(&options)?),
        };
        Ok(Self { hello: ClientId::Domain(own_host.to_owned()), tls, pool: Pool::default(), options })
    }

    /// Hands a mail over, on a connection that is open already if there is one.
    pub(super) async fn deliver(&self, mail: Composed) -> Result<(), MailError> {
        let mut connection = match self.pool.take().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        match self.hand_over(&mut connection, &mail).await {
            Ok(()) => {
                self.pool.put(connection).await;
                Ok(())
            }
            Err(error) => {
                // Whatever state the connection is in: the next mail gets a new one.
                let _ = tokio::time::timeout(PARTING, connection.abort()).await;
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let Self { options, hello, tls, .. } = self;
        let (at_once, later) = match options.encryption {
            Encryption::Tls => (tls.clone(), None),
            Encryption::StartTls => (None, tls.clone()),
            Encryption::None => (None, None),
        };
        let server = (options.host.as_str(), options.port);
        let connecting = async {
            let mut connection = AsyncSmtpConnection::connect_tokio1(server, Some(options.timeout), hello, at_once, None).await?;
            if let Some(tls) = later {
                connection.starttls(tls, hello).await?;
            }
            Ok(connection)
        };
        let mut connection = self.within(Step::Connect, connecting).await?;
        if let Some((user, password)) = &options.login {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            self.within(Step::SignIn, connection.auth(DEFAULT_MECHANISMS, &credentials)).await?;
        }
        Ok(connection)
    }

    async fn hand_over(&self, connection: &mut AsyncSmtpConnection, mail: &Composed) -> Result<(), MailError> {
        let wide = !mail.to.to_string().is_ascii() || !mail.from.to_string().is_ascii();
        if wide && !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            let text = "5.6.7 the mail server does not take addresses with such letters (SMTPUTF8)".into();
            return Err(MailError::Refused { code: 553, text });
        }
        let parameters = if wide { vec![MailParameter::SmtpUtfEight] } else { Vec::new() };
        self.within(Step::Sender, connection.command(Mail::new(Some(mail.from.clone()), parameters))).await?;
        self.within(Step::Recipient, connection.command(Rcpt::new(mail.to.clone(), Vec::new()))).await?;
        self.within(Step::Data, connection.command(Data)).await?;
        self.within(Step::Text, connection.message(&mail.content)).await?;
        Ok(())
    }

    async fn within<T>(&self, step: Step, work: impl Future<Output = Result<T, Error>>) -> Result<T, MailError> {
        match tokio::time::timeout(self.options.timeout, work).await {
            Ok(result) => result.map_err(|error| classified(step, error)),
            Err(elapsed) => Err(MailError::NotNow { step, source: Box::new(elapsed) }),
        }
    }
}

fn tls_of(options: &SmtpOptions) -> Result<TlsParameters, MailSetupError> {
    let mut builder = TlsParameters::builder(options.host.clone());
    if let Some(path) = &options.ca_file {
        let pem = std::fs::read(path).map_err(|error| MailSetupError::CertificateFile(path.clone(), error))?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(MailSetupError::Encryption)?);
    }
    builder.build().map_err(MailSetupError::Encryption)
}

/// What a failure at that step means for the mail.
fn classified(step: Step, error: Error) -> MailError {
    let refusal = error.status().map(u16::from).filter(|_| error.is_permanent());
    let about_this_mail = matches!(step, Step::Recipient | Step::Data | Step::Text);
    match refusal {
        Some(code) if about_this_mail && !LOGIN_NEEDED.contains(&code) => {
            let text = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            MailError::Refused { code, text: text.chars().filter(|character| !character.is_control()).take(REFUSAL_LENGTH).collect() }
        }
        Some(_) => MailError::Unwelcome { step, source: Box::new(error) },
        None => MailError::NotNow { step, source: Box::new(error) },
    }
}
