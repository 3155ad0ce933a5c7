mod bouncing;
mod sending;
mod texts;

use std::{path::PathBuf, sync::Arc};

use kernel::{Clock, EmailAddress, MailId, OneTimeTokenId, SharedClock, UserId};
use providers::mail::{Delivery, MailOptions, Mailer};
use queue::{
    Registry, Resources,
    testing::{Ran, TestWorker},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    jobs::{Purge, Send},
    links::Links,
    model::{Mail, MailKind, MailState, NewMail},
    service,
};
use crate::{
    arranged::Arranged,
    identity::{OneTimeKeys, one_time::Purpose},
};

const PUBLIC_URL: &str = "https://crm.example.com/app/";
const MEMBER: &str = "ada@example.com";

/// An organization with a member, and a folder for mails.
struct Post {
    arranged: Arranged,
    keys: OneTimeKeys,
    member: UserId,
    folder: TempDir,
}

fn mailer(delivery: Delivery) -> Mailer {
    let bounces = Some(EmailAddress::parse("bounce@crm.example.com").unwrap());
    Mailer::new(MailOptions { host: "crm.example.com".into(), from: None, reply_to: None, bounces, delivery }).unwrap()
}

impl Post {
    async fn new() -> Self {
        let arranged = Arranged::new().await;
        let member = UserId::at(arranged.clock.now());
        let mut owner = arranged.database.owner().await;
        sqlx::query(
            "insert into users (id, email, first_name, last_name, created_at, updated_at) values ($1, $2, 'Ada', 'Lovelace', now(), now())",
        )
        .bind(member)
        .bind(MEMBER)
        .execute(&mut owner)
        .await
        .unwrap();
        sqlx::query("insert into memberships (organization_id, user_id, role, created_at, joined_at, updated_at) values ($1, $2, 'admin', now(), now(), now())")
            .bind(arranged.organization)
            .bind(member)
            .execute(&mut owner)
            .await
            .unwrap();
        Self { arranged, keys: OneTimeKeys::new(&"a secret of the tests".into()), member, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    /// Runs what is due with a worker whose mails become files.
    async fn run(&self) -> Vec<Ran> {
        self.run_with(mailer(Delivery::Folder(self.path()))).await
    }

    async fn run_with(&self, mailer: Mailer) -> Vec<Ran> {
        let resources = Resources::default().with(mailer).with(Links::new(PUBLIC_URL, self.keys.clone()));
        let registry = Registry::default().register::<Send>().register::<Purge>();
        let clock: SharedClock = Arc::clone(&self.arranged.clock) as SharedClock;
        TestWorker::new(&self.arranged.database, self.arranged.db.clone(), clock, registry, resources).drain().await
    }

    async fn token(&self, purpose: Purpose) -> OneTimeTokenId {
        let mut tx = self.arranged.db.identity("test").await.unwrap();
        let now = self.arranged.clock.now();
        let token = self.keys.create(&mut tx, now, self.arranged.organization, self.member, purpose).await.unwrap();
        tx.commit().await.unwrap();
        token
    }

    async fn queue(&self, kind: MailKind, token: Option<OneTimeTokenId>, variables: Value) -> MailId {
        let mut tx = self.arranged.db.identity("test").await.unwrap();
        let mail = NewMail { kind, to: &EmailAddress::parse(MEMBER).unwrap(), user: Some(self.member), token, variables };
        let id = service::queue(&mut tx, self.arranged.organization, self.arranged.clock.now(), mail).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// A reset mail with its token.
    async fn reset_mail(&self) -> (MailId, OneTimeTokenId) {
        let token = self.token(Purpose::PasswordReset).await;
        (self.queue(MailKind::PasswordReset, Some(token), json!({})).await, token)
    }

    async fn mail(&self, id: MailId) -> Mail {
        let mut tx = self.arranged.begin().await;
        service::get(&mut tx, id).await.unwrap()
    }

    async fn state(&self, id: MailId) -> MailState {
        self.mail(id).await.state
    }

    /// The mails in the folder, oldest first.
    fn files(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path()) else { return Vec::new() };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    async fn execute(&self, statement: &'static str) {
        let mut owner = self.arranged.database.owner().await;
        sqlx::query(statement).execute(&mut owner).await.unwrap();
    }
}

/// A mail as its reader has it.
struct Read {
    subject: String,
    message_id: String,
    html: String,
    text: String,
}

fn read(file: &str) -> Read {
    let message = mail_parser::MessageParser::default().parse(file.as_bytes()).unwrap();
    Read {
        subject: message.subject().unwrap().to_owned(),
        message_id: message.message_id().unwrap().to_owned(),
        html: message.body_html(0).unwrap().into_owned(),
        text: message.body_text(0).unwrap().into_owned(),
    }
}
