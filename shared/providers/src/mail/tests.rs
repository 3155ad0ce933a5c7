use std::time::Duration;

use chrono::DateTime;
use kernel::{EmailAddress, MailId};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::*;

const WRITTEN_AT: &str = "2026-03-01T10:00:00.123456Z";

fn id() -> MailId {
    "019cab5e-8a00-7000-8000-000000000001".parse().unwrap()
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn options(delivery: Delivery) -> MailOptions {
    MailOptions { host: "crm.example.com".into(), from: None, reply_to: None, bounces: None, delivery }
}

fn letter(to: &EmailAddress) -> Letter<'_> {
    Letter {
        id: id(),
        written_at: WRITTEN_AT.parse::<DateTime<Utc>>().unwrap(),
        from_name: "Müller & Söhne",
        to_name: "Ada",
        to,
        subject: "Ein Gruß",
        html: "<p>Hallo</p>",
        text: "Hallo\n",
    }
}

fn composed(options: &MailOptions, letter: &Letter<'_>) -> (Composed, String) {
    let message = Compose::new(options).unwrap().message(letter).unwrap();
    let content = String::from_utf8(message.content.clone()).unwrap();
    (message, content)
}

fn headers(content: &str) -> Vec<&str> {
    content.split("\r\n\r\n").next().unwrap().split("\r\n").collect()
}

#[test]
fn a_mail_says_who_it_is_from_and_that_a_machine_wrote_it() {
    let to = address("ada@example.com");
    let settings = MailOptions {
        from: Some(address("crm@example.org")),
        reply_to: Some(address("office@example.org")),
        bounces: Some(address("bounce@example.org")),
        ..options(Delivery::Folder("unused".into()))
    };
    let (message, content) = composed(&settings, &letter(&to));
    let headers = headers(&content);
    for wanted in [
        "Message-ID: <019cab5e-8a00-7000-8000-000000000001@crm.example.com>",
        "Date: Sun, 01 Mar 2026 10:00:00 +0000",
        "To: Ada <ada@example.com>",
        "Reply-To: office@example.org",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
    ] {
        assert!(headers.contains(&wanted), "{wanted} in {headers:#?}");
    }
    assert!(headers.iter().any(|header| header.starts_with("From: =?utf-8?") && header.ends_with("<crm@example.org>")), "{headers:#?}");
    assert!(content.contains("multipart/alternative") && content.contains("text/plain") && content.contains("text/html"), "{content}");
    assert!(content.is_ascii(), "{content}");
    assert_eq!(message.from.to_string(), "bounce+019cab5e-8a00-7000-8000-000000000001@example.org");
    assert_eq!(bounced_mail(&format!("<{}>", message.from)), Some(id()));
    assert_eq!(mail_of_message_id("<019cab5e-8a00-7000-8000-000000000001@crm.example.com>"), Some(id()));
    assert_eq!((bounced_mail("bounce@example.org"), mail_of_message_id("<x@y>")), (None, None));
}

#[test]
fn without_settings_the_host_is_the_sender() {
    let to = address("ada@example.com");
    for (host, sender) in
        [("crm.example.com", "no-reply@crm.example.com"), ("localhost", "no-reply@localhost"), ("127.0.0.1", "no-reply@localhost")]
    {
        let settings = MailOptions { host: host.into(), ..options(Delivery::Folder("unused".into())) };
        assert_eq!(composed(&settings, &letter(&to)).0.from.to_string(), sender);
    }
}

#[test]
fn nothing_in_a_name_or_subject_becomes_a_header() {
    let to = address("ada@example.com");
    for evil in ["x\r\nBcc: evil@example.com", "x\nBcc: evil@example.com", "x\rBcc: evil@example.com", "x\0\u{2028}\u{85}Bcc: evil", "\r\n"]
    {
        let letter = Letter { from_name: evil, to_name: evil, subject: evil, ..letter(&to) };
        let (message, content) = composed(&options(Delivery::Folder("unused".into())), &letter);
        let headers = headers(&content);
        assert!(!headers.iter().any(|header| header.to_ascii_lowercase().starts_with("bcc")), "{headers:#?}");
        assert_eq!(headers.iter().filter(|header| header.starts_with("Subject:")).count(), 1, "{headers:#?}");
        assert_eq!(message.to.to_string(), "ada@example.com");
    }
    for evil in ["ada@example.com\r\nRCPT TO:<evil@example.com>", "a b@example.com", "<a@example.com>"] {
        assert!(EmailAddress::parse(evil).is_err(), "{evil}");
    }
}

#[tokio::test]
async fn a_folder_holds_one_whole_file_for_each_mail_that_only_its_owner_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("mail");
    let mailer = Mailer::new(options(Delivery::Folder(path.clone()))).unwrap();
    let to = address("ada@example.com");
    for _ in 0..2 {
        mailer.send(letter(&to)).await.unwrap();
    }
    let files: Vec<_> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, [format!("2026-03-01T100000.123456Z-{}.eml", id())]);
    let content = std::fs::read_to_string(path.join(&files[0])).unwrap();
    assert!(content.contains("\r\nTo: Ada <ada@example.com>\r\n") && content.ends_with("--\r\n"), "{content}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join(&files[0]))), (0o700, 0o600));
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Mailer::new(options(Delivery::Folder(file.join("mail")))).expect_err("no folder");
    assert!(matches!(error, MailSetupError::Folder(..)), "{error}");
}

/// A mail server that answers what a test wrote down for it; a command without an answer gets 250, and `-` hangs up.
struct Scripted {
    port: u16,
    heard: mpsc::UnboundedReceiver<String>,
}

impl Scripted {
    async fn start(script: &'static [(&'static str, &'static str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, heard) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, script, tell.clone()));
            }
        });
        Self { port, heard }
    }

    fn mailer(&self) -> Mailer {
        let smtp = SmtpOptions {
            host: "127.0.0.1".into(),
            port: self.port,
            encryption: Encryption::None,
            ca_file: None,
            login: Some(("crm".into(), "secret".into())),
            timeout: Duration::from_millis(500),
        };
        Mailer::new(options(Delivery::Smtp(smtp))).unwrap()
    }

    async fn send(&self) -> Result<(), MailError> {
        self.mailer().send(letter(&address("ada@example.com"))).await
    }

    fn commands(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
    }
}

async fn converse(stream: TcpStream, script: &'static [(&'static str, &'static str)], tell: mpsc::UnboundedSender<String>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let answer = |command: &str, usual: &'static str| {
        script.iter().find(|(begin, _)| command.starts_with(begin)).map_or(usual, |(_, answer)| *answer)
    };
    let mut command = "(greeting)".to_owned();
    let mut usual = "220 here";
    loop {
        match answer(&command, usual) {
            "-" => return,
            "silence" => {}
            text => write.write_all(format!("{text}\r\n").as_bytes()).await.unwrap_or_default(),
        }
        let in_text = command == "DATA";
        let Ok(Some(line)) = lines.next_line().await else { return };
        command = line;
        usual = match command.split(' ').next().unwrap_or_default() {
            "EHLO" => "250-here\r\n250 AUTH PLAIN",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            _ => "250 fine",
        };
        let _ = tell.send(command.clone());
        if in_text {
            while !matches!(lines.next_line().await, Ok(Some(line)) if line == ".") {}
            command = "(text)".into();
        }
    }
}

#[tokio::test]
async fn a_mail_server_is_told_sender_recipient_and_text_on_a_connection_that_is_kept() {
    let mut server = Scripted::start(&[]).await;
    let mailer = server.mailer();
    let to = address("ada@example.com");
    for _ in 0..2 {
        mailer.send(letter(&to)).await.unwrap();
    }
    let commands = server.commands();
    assert_eq!(commands.iter().filter(|command| command.starts_with("EHLO")).count(), 1, "{commands:?}");
    assert_eq!(commands.iter().filter(|command| **command == "MAIL FROM:<no-reply@crm.example.com>").count(), 2, "{commands:?}");
    assert_eq!(commands.iter().filter(|command| **command == "RCPT TO:<ada@example.com>").count(), 2, "{commands:?}");
}

#[tokio::test]
async fn refusals_of_the_recipient_or_the_text_are_final() {
    for (script, wanted) in [
        (&[("RCPT", "550 5.1.1 no such user")], (550, "5.1.1 no such user")),
        (&[("(text)", "554 5.7.1 spam")], (554, "5.7.1 spam")),
        (&[("DATA", "552 5.2.2 mailbox full")], (552, "5.2.2 mailbox full")),
    ] {
        match Scripted::start(script).await.send().await {
            Err(MailError::Refused { code, text }) => assert_eq!((code, text.as_str()), wanted),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn whatever_may_pass_is_tried_again() {
    for (script, wanted) in [
        (&[("(greeting)", "421 later")], Step::Connect),
        (&[("(greeting)", "silence")], Step::Connect),
        (&[("(greeting)", "-")], Step::Connect),
        (&[("AUTH", "454 later")], Step::SignIn),
        (&[("MAIL", "451 later")], Step::Sender),
        (&[("RCPT", "450 4.2.0 greylisted")], Step::Recipient),
        (&[("DATA", "-")], Step::Data),
        (&[("(text)", "-")], Step::Text),
        (&[("(text)", "silence")], Step::Text),
        (&[("(text)", "nonsense")], Step::Text),
    ] {
        match Scripted::start(script).await.send().await {
            Err(MailError::NotNow { step, .. }) => assert_eq!(step, wanted, "{script:?}"),
            other => panic!("{script:?}: {other:?}"),
        }
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let (_, heard) = mpsc::unbounded_channel();
    match (Scripted { port: nobody, heard }).send().await {
        Err(MailError::NotNow { step: Step::Connect, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_does_not_want_us_says_nothing_about_the_recipient() {
    for (script, wanted) in [
        (&[("(greeting)", "554 go away")], Step::Connect),
        (&[("AUTH", "535 5.7.8 wrong password")], Step::SignIn),
        (&[("MAIL", "550 5.7.1 not your address")], Step::Sender),
        (&[("RCPT", "530 5.7.0 sign in first")], Step::Recipient),
    ] {
        match Scripted::start(script).await.send().await {
            Err(error @ MailError::Unwelcome { step, .. }) => {
                assert_eq!(step, wanted, "{script:?}");
                assert_eq!(error.code(), script[0].1[..3].parse().ok(), "{script:?}");
            }
            other => panic!("{script:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_costs_nothing() {
    // The server hangs up at the look whether it is still there.
    let mut server = Scripted::start(&[("NOOP", "-")]).await;
    let mailer = server.mailer();
    let to = address("ada@example.com");
    for _ in 0..3 {
        mailer.send(letter(&to)).await.unwrap();
    }
    assert_eq!(server.commands().iter().filter(|command| command.starts_with("EHLO")).count(), 3);
}

#[tokio::test]
async fn nothing_is_said_in_the_clear_to_a_server_that_cannot_encrypt() {
    let mut server = Scripted::start(&[]).await;
    let smtp = SmtpOptions {
        host: "localhost".into(),
        port: server.port,
        encryption: Encryption::StartTls,
        ca_file: None,
        login: Some(("crm".into(), "secret".into())),
        timeout: Duration::from_secs(2),
    };
    let mailer = Mailer::new(options(Delivery::Smtp(smtp))).unwrap();
    let error = mailer.send(letter(&address("ada@example.com"))).await.expect_err("no encryption");
    assert!(matches!(error, MailError::NotNow { step: Step::Connect, .. }), "{error:?}");
    let commands = server.commands();
    assert!(!commands.iter().any(|command| command.starts_with("AUTH") || command.starts_with("MAIL")), "{commands:?}");
}
