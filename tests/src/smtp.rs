//! A mail server that keeps what it is sent, and fails when it is told to.
//!
//! It speaks as much of RFC 5321 as a client needs that hands one mail over: `EHLO`, `STARTTLS` (RFC 3207), `AUTH PLAIN` and `LOGIN`
//! (RFC 4954), `MAIL`, `RCPT`, `DATA`, `RSET`, `NOOP`, `QUIT`, with answers in the order that the standard asks for.

use std::{
    collections::VecDeque,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::CertifiedKey;
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream},
    net::{TcpSocket, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::mail::Mail;

/// Where a conversation has got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Instead of the greeting.
    Greeting,
    /// At `AUTH`.
    SignIn,
    /// At `MAIL FROM`.
    Sender,
    /// At `RCPT TO`.
    Recipient,
    /// At `DATA`.
    Data,
    /// When the text is complete.
    Text,
}

/// What the server does instead of agreeing, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Says this, as `450 4.2.0 greylisted`.
    Say(&'static str),
    /// Hangs up.
    HangUp,
    /// Takes the mail, and hangs up before it says so. Only at [`Moment::Text`].
    TakeAndHangUp,
}

/// A mail with its envelope.
#[derive(Clone, Debug)]
pub struct Received {
    /// The envelope's sender.
    pub sender: String,
    /// The envelope's recipients.
    pub recipients: Vec<String>,
    /// The mail.
    pub mail: Mail,
    /// The whole of it, as it came.
    pub content: String,
    /// Who had signed in.
    pub user: Option<String>,
    /// Whether the connection was encrypted.
    pub encrypted: bool,
}

/// A port at which nobody listens yet: connections are refused.
#[derive(Debug)]
pub struct Closed(TcpSocket, SocketAddr);

/// A running mail server; ends when it is dropped.
#[derive(Debug)]
pub struct SmtpServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    _running: DropGuard,
}

#[derive(Default)]
struct Shared {
    faults: Mutex<VecDeque<(Moment, Fault)>>,
    received: watch::Sender<Vec<Received>>,
    login: Option<(String, String)>,
    tls: Option<TlsAcceptor>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared({} mails)", self.received.borrow().len())
    }
}

/// What the server asks of its clients.
#[derive(Clone, Debug, Default)]
pub struct SmtpServerOptions {
    /// User and password; anybody when there is none.
    pub login: Option<(String, String)>,
    /// Certificate and key, PEM; no encryption when there is none.
    pub certificate: Option<Certificate>,
}

/// A certificate for `localhost` that nobody else vouches for.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate, as a file of trusted ones has it.
    pub pem: String,
    der: Vec<u8>,
    key: Vec<u8>,
}

impl Certificate {
    /// A new one.
    ///
    /// # Panics
    /// When none can be made.
    pub fn new() -> Self {
        let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        Self { pem: cert.pem(), der: cert.der().to_vec(), key: signing_key.serialize_der() }
    }

    fn acceptor(self) -> TlsAcceptor {
        let key = PrivateKeyDer::try_from(self.key).expect("a key");
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![self.der.into()], key).expect("a certificate");
        TlsAcceptor::from(Arc::new(config))
    }
}

impl Default for Certificate {
    fn default() -> Self {
        Self::new()
    }
}

impl Closed {
    /// Takes a free port.
    ///
    /// # Panics
    /// When there is none.
    pub fn reserve() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        let address = socket.local_addr().expect("an address");
        Self(socket, address)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.1.port()
    }

    /// Begins to listen.
    ///
    /// # Panics
    /// When the port cannot be listened at.
    pub fn open(self, options: SmtpServerOptions) -> SmtpServer {
        let Self(socket, address) = self;
        let listener = socket.listen(64).expect("a port to listen at");
        let tls = options.certificate.map(Certificate::acceptor);
        let shared = Arc::new(Shared { login: options.login, tls, ..Shared::default() });
        let ending = CancellationToken::new();
        let (serving, until) = (Arc::clone(&shared), ending.clone());
        tokio::spawn(async move {
            while let Some(Ok((stream, _))) = until.run_until_cancelled(listener.accept()).await {
                let (shared, until) = (Arc::clone(&serving), until.clone());
                tokio::spawn(async move { until.run_until_cancelled(serve(stream, &shared)).await });
            }
        });
        SmtpServer { address, shared, _running: ending.drop_guard() }
    }
}

impl SmtpServer {
    /// Starts a server that takes everything from anybody.
    pub fn start() -> Self {
        Closed::reserve().open(SmtpServerOptions::default())
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Fails once at `moment`. Several faults at one moment happen one after the other.
    pub fn fail(&self, moment: Moment, fault: Fault) {
        locked(&self.shared.faults).push_back((moment, fault));
    }

    /// Faults that have not happened yet.
    pub fn faults_left(&self) -> usize {
        locked(&self.shared.faults).len()
    }

    /// What it was sent, oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.borrow().clone()
    }

    /// What it was sent, once there are at least `count` mails. Never ends when they do not come: give it a deadline.
    ///
    /// # Panics
    /// Never: the server keeps the other end.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        let mut received = self.shared.received.subscribe();
        let mails = received.wait_for(|mails| mails.len() >= count).await.expect("the server runs");
        mails.clone()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a conversation goes on.
enum Next {
    Over,
    Encrypt,
}

async fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut conversation = Conversation::new(stream, shared, false);
    if !conversation.greet().await? {
        return Ok(());
    }
    let Next::Encrypt = conversation.converse().await? else { return Ok(()) };
    let (Some(tls), stream) = (&shared.tls, conversation.stream.into_inner()) else { return Ok(()) };
    let mut encrypted = Conversation::new(tls.accept(stream).await?, shared, true);
    encrypted.converse().await?;
    Ok(())
}

struct Conversation<'a, S> {
    stream: BufStream<S>,
    shared: &'a Shared,
    encrypted: bool,
    user: Option<String>,
    sender: Option<String>,
    recipients: Vec<String>,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Conversation<'a, S> {
    fn new(stream: S, shared: &'a Shared, encrypted: bool) -> Self {
        Self { stream: BufStream::new(stream), shared, encrypted, user: None, sender: None, recipients: Vec::new() }
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(text.as_bytes()).await?;
        self.stream.write_all(b"\r\n").await?;
        self.stream.flush().await
    }

    async fn hear(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        let read = self.stream.read_until(b'\n', &mut line).await?;
        Ok((read > 0).then(|| String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()))
    }

    fn fault(&self, moment: Moment) -> Option<Fault> {
        let mut faults = locked(&self.shared.faults);
        let place = faults.iter().position(|(at, _)| *at == moment)?;
        faults.remove(place).map(|(_, fault)| fault)
    }

    /// Says `usual` unless there is a fault to happen. Answers whether it did; none when the conversation is over.
    async fn agree(&mut self, moment: Moment, usual: &str) -> io::Result<Option<bool>> {
        match self.fault(moment) {
            None => self.say(usual).await.map(|()| Some(true)),
            Some(Fault::Say(text)) => self.say(text).await.map(|()| Some(false)),
            Some(Fault::HangUp | Fault::TakeAndHangUp) => Ok(None),
        }
    }

    async fn greet(&mut self) -> io::Result<bool> {
        Ok(self.agree(Moment::Greeting, "220 mail.test ESMTP").await? == Some(true))
    }

    async fn converse(&mut self) -> io::Result<Next> {
        while let Some(line) = self.hear().await? {
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" => {
                    self.say("250-mail.test").await?;
                    if self.shared.tls.is_some() && !self.encrypted {
                        self.say("250-STARTTLS").await?;
                    }
                    self.say("250-AUTH PLAIN LOGIN").await?;
                    self.say("250 SMTPUTF8").await?;
                }
                "STARTTLS" if self.shared.tls.is_some() && !self.encrypted => {
                    self.say("220 2.0.0 go on").await?;
                    return Ok(Next::Encrypt);
                }
                "AUTH" => {
                    if !self.sign_in(rest).await? {
                        return Ok(Next::Over);
                    }
                }
                "MAIL" if self.shared.login.is_some() && self.user.is_none() => self.say("530 5.7.0 sign in first").await?,
                "MAIL" => match self.agree(Moment::Sender, "250 2.1.0 fine").await? {
                    Some(true) => self.sender = Some(address(rest)),
                    Some(false) => {}
                    None => return Ok(Next::Over),
                },
                "RCPT" if self.sender.is_none() => self.say("503 5.5.1 who from?").await?,
                "RCPT" => match self.agree(Moment::Recipient, "250 2.1.5 fine").await? {
                    Some(true) => self.recipients.push(address(rest)),
                    Some(false) => {}
                    None => return Ok(Next::Over),
                },
                "DATA" if self.recipients.is_empty() => self.say("503 5.5.1 who to?").await?,
                "DATA" => match self.agree(Moment::Data, "354 go on").await? {
                    Some(true) => {
                        if !self.take().await? {
                            return Ok(Next::Over);
                        }
                    }
                    Some(false) => {}
                    None => return Ok(Next::Over),
                },
                "RSET" => {
                    (self.sender, self.recipients) = (None, Vec::new());
                    self.say("250 2.0.0 fine").await?;
                }
                "NOOP" => self.say("250 2.0.0 fine").await?,
                "QUIT" => {
                    self.say("221 2.0.0 bye").await?;
                    return Ok(Next::Over);
                }
                _ => self.say("500 5.5.2 what?").await?,
            }
        }
        Ok(Next::Over)
    }

    /// Takes user and password. Answers whether the conversation goes on.
    async fn sign_in(&mut self, how: &str) -> io::Result<bool> {
        let decoded = |text: &str| STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let (user, password) = if let Some((_, plain)) = how.split_once(' ') {
            let plain = decoded(plain);
            let mut parts = plain.splitn(3, '\0').skip(1).map(str::to_owned);
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
        } else {
            self.say("334 VXNlcm5hbWU6").await?;
            let user = decoded(&self.hear().await?.unwrap_or_default());
            self.say("334 UGFzc3dvcmQ6").await?;
            (user, decoded(&self.hear().await?.unwrap_or_default()))
        };
        if self.shared.login.as_ref().is_some_and(|known| *known != (user.clone(), password)) {
            self.say("535 5.7.8 wrong user or password").await?;
            return Ok(true);
        }
        let agreed = self.agree(Moment::SignIn, "235 2.7.0 welcome").await?;
        self.user = agreed.filter(|agreed| *agreed).map(|_| user);
        Ok(agreed.is_some())
    }

    /// Takes the text. Answers whether the conversation goes on.
    async fn take(&mut self) -> io::Result<bool> {
        let mut content = String::new();
        loop {
            match self.hear().await? {
                None => return Ok(false),
                Some(line) if line == "." => break,
                // RFC 5321, 4.5.2: a line that begins with a full stop has one more on the way.
                Some(line) => {
                    content.push_str(line.strip_prefix('.').unwrap_or(&line));
                    content.push_str("\r\n");
                }
            }
        }
        let (sender, recipients) = (self.sender.take().unwrap_or_default(), std::mem::take(&mut self.recipients));
        let fault = self.fault(Moment::Text);
        if matches!(fault, None | Some(Fault::TakeAndHangUp)) {
            let mail = Mail::read(content.as_bytes());
            let received = Received { sender, recipients, mail, content, user: self.user.clone(), encrypted: self.encrypted };
            self.shared.received.send_modify(|mails| mails.push(received));
        }
        match fault {
            None => self.say("250 2.0.0 taken").await.map(|()| true),
            Some(Fault::Say(text)) => self.say(text).await.map(|()| true),
            Some(Fault::HangUp | Fault::TakeAndHangUp) => Ok(false),
        }
    }
}

/// The address of `FROM:<a@b> …` or `TO:<a@b> …`.
fn address(rest: &str) -> String {
    rest.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}
