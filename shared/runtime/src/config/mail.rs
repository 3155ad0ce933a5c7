//! Settings of mail out.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;

/// How the connection to the mail server is encrypted.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// Begins in the clear and must switch before anything is said.
    #[default]
    StartTls,
    /// From the first byte.
    Tls,
    /// Not at all: for a mail server on the same machine or in a network of one's own.
    None,
}

/// Outgoing mail: to a mail server when `smtp_host` is set, otherwise into a folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// Folder that receives each mail as a file where no mail server is set; made when missing. Default `.data/mail`.
    pub dir: PathBuf,
    /// Address that mails are from. Default: `no-reply@` the host of `api.public_url`.
    pub from: Option<String>,
    /// Address that answers go to. Default: the sender's.
    pub reply_to: Option<String>,
    /// Address that bounces go to, as `bounce@crm.example.com`; each mail adds its id, as `bounce+<id>@crm.example.com`. What arrives
    /// there is to be piped into `api record-bounce`. Default: the sender's, and bounces name their mail by its `Message-ID`.
    pub bounce_address: Option<String>,
    /// Host of the mail server. Default: none, which means the folder. Production needs it, or `dir` set on purpose.
    pub smtp_host: Option<String>,
    /// Port of the mail server. Default by `smtp_tls`: 587, 465, or 25.
    pub smtp_port: Option<u16>,
    /// `starttls` (default), `tls` or `none`.
    pub smtp_tls: SmtpTls,
    /// PEM file with the certificate authority of the mail server, when it is not a public one. Default: none.
    pub smtp_ca_file: Option<PathBuf>,
    /// Who signs in to the mail server. Default: nobody does.
    pub smtp_user: Option<String>,
    /// That user's password.
    pub smtp_password: Option<SecretString>,
    /// Limit of each step with the mail server (connecting, each command, handing the text over), in milliseconds. Default 20000.
    pub smtp_timeout_ms: u64,
    /// Days for which it stays visible what was sent to whom. Default 90.
    pub keep_days: u32,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            dir: ".data/mail".into(),
            from: None,
            reply_to: None,
            bounce_address: None,
            smtp_host: None,
            smtp_port: None,
            smtp_tls: SmtpTls::default(),
            smtp_ca_file: None,
            smtp_user: None,
            smtp_password: None,
            smtp_timeout_ms: 20_000,
            keep_days: 90,
        }
    }
}

impl MailConfig {
    /// The port of the mail server.
    pub fn port(&self) -> u16 {
        self.smtp_port.unwrap_or(match self.smtp_tls {
            SmtpTls::StartTls => 587,
            SmtpTls::Tls => 465,
            SmtpTls::None => 25,
        })
    }
}
