//! Hands one mail over.

use std::time::Duration;

use chrono::TimeDelta;
use kernel::{EmailAddress, MailId};
use providers::mail::{Letter, MailError as NotSent, Mailer, Step};
use queue::{Job, JobError, Queue, Requirement, System};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    identity::{self, one_time},
    mail::{
        builtin,
        links::Links,
        model::{Mail, MailKind, MailState, MailText},
        render, service, store,
        values::{self, LinkShown, Subject},
    },
};

/// Wait after a mail server was not there: a quarter of the mail's age, within these bounds.
const SOONEST: Duration = Duration::from_secs(2);
const LATEST: Duration = Duration::from_mins(10);
/// A mail without a link is given up when it is as old as this; one with a link when the link is too old.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::days(3);

/// Hands the mail to the mail server, and writes down what became of it.
///
/// When the process ends between the two, the mail goes out again: with the same link, under the same `Message-ID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    /// The mail.
    pub mail: MailId,
}

/// A mail, ready to go.
struct Ready {
    to: EmailAddress,
    from_name: String,
    to_name: String,
    text: MailText,
}

/// What there is to do.
enum Next {
    HandOver(Box<Ready>),
    Settle(MailState, &'static str),
}

impl Job for Send {
    const KIND: &'static str = "mail.send";
    const QUEUE: Queue = Queue::Mail;
    // Longer than all steps with a mail server together, at the longest limit that the settings allow.
    const TIMEOUT: Duration = Duration::from_mins(7);
    // A mail server that is away spends no attempt: the mail's age decides when to give up.
    const MAX_ATTEMPTS: u32 = 100;
    type Context = System;

    async fn run(&self, ctx: &System) -> Result<(), JobError> {
        let mailer = ctx.get::<Mailer>()?;
        let mut tx = ctx.begin("a mail's job knows its id only").await?;
        let mail = store::find_anywhere(&mut tx, self.mail).await?;
        tx.rollback().await?;
        let Some(mail) = mail.filter(|mail| mail.state == MailState::Queued) else { return Ok(()) };
        let ready = match prepare(ctx, &mail).await? {
            Next::HandOver(ready) => ready,
            Next::Settle(state, reason) => return settle(ctx, &mail, state, Some(reason)).await,
        };
        let letter = Letter {
            id: mail.id,
            written_at: mail.created_at,
            from_name: &ready.from_name,
            to_name: &ready.to_name,
            to: &ready.to,
            subject: &ready.text.subject,
            html: &ready.text.html,
            text: &ready.text.text,
        };
        match mailer.send(letter).await {
            Ok(()) => settle(ctx, &mail, MailState::Sent, None).await,
            Err(NotSent::Refused { code, text }) => {
                tracing::info!(mail.id = %mail.id, mail.kind = mail.kind.as_str(), code, "mail {}: refused with {code}", mail.id);
                settle(ctx, &mail, MailState::Bounced, Some(&format!("{code} {text}"))).await
            }
            Err(error @ (NotSent::Address(_) | NotSent::Compose(_))) => settle(ctx, &mail, MailState::Failed, Some(&told(&error))).await,
            Err(error @ (NotSent::NotNow { .. } | NotSent::Unwelcome { .. } | NotSent::Folder(..))) => again(ctx, &mail, &error).await,
        }
    }

    fn requires() -> Vec<Requirement> {
        vec![Requirement::of::<Mailer>(), Requirement::of::<Links>()]
    }
}

/// Reads and fills in everything that the mail needs.
async fn prepare(ctx: &System, mail: &Mail) -> Result<Next, JobError> {
    let link = match mail.kind.link() {
        Some(purpose) => {
            let Some(id) = mail.token else { return Ok(Next::Settle(MailState::Failed, "there is nothing to make the link of")) };
            let mut tx = ctx.db().identity("the link of a mail").await?;
            let token = one_time::look(&mut tx, id).await?;
            tx.rollback().await?;
            let Some(token) = token.filter(|token| token.is_good(ctx.now())) else {
                return Ok(Next::Settle(MailState::Expired, "the link was used, replaced or too old before the mail could be sent"));
            };
            let address = ctx.get::<Links>()?.address(purpose, id);
            Some(LinkShown { address, good_for: token.expires_at - token.created_at, good_until: token.expires_at })
        }
        None if ctx.now() - mail.created_at > GIVE_UP_AFTER => {
            return Ok(Next::Settle(MailState::Failed, "the mail server was not there for three days"));
        }
        None => None,
    };
    let Ok(to) = EmailAddress::parse(&mail.to) else { return Ok(Next::Settle(MailState::Failed, "the address cannot be written to")) };

    let shown = shown_kind(mail);
    let mut tx = ctx.db().tenant(mail.organization).await?;
    let (organization, timezone) = service::organization_of(&mut tx).await?;
    let user = match mail.user {
        Some(id) => identity::user(&mut tx, id).await?,
        None => None,
    };
    let own = store::template_find(&mut tx, shown).await?;
    tx.rollback().await?;

    let recipient = user.as_ref().map(|user| user.first_name.clone()).unwrap_or_default();
    let to_name = user.map(|user| format!("{} {}", user.first_name, user.last_name)).unwrap_or_default();
    let is_test = mail.kind == MailKind::Test;
    let link = if is_test { ctx.get::<Links>()?.sample(shown, mail.created_at) } else { link };
    let subject =
        Subject { organization: &organization, timezone, recipient: &recipient, email: &mail.to, written_at: mail.created_at, link };
    let values = if is_test { values::samples(shown, &subject) } else { values::of(shown, &subject, &mail.variables) };
    let own = own.and_then(|template| match render::render(shown, &template.text, &values) {
        Ok(text) => Some(text),
        Err(error) => {
            let kind = shown.as_str();
            tracing::warn!(
                mail.id = %mail.id, mail.kind = kind, organization.id = %mail.organization, %error,
                "mail {}: the organization's text of {kind} cannot be filled in, the built-in one is sent", mail.id
            );
            None
        }
    });
    let mut text = match own {
        Some(text) => text,
        None => render::render(shown, &builtin::text_of(shown), &values).map_err(JobError::fail)?,
    };
    if is_test {
        text.subject.insert_str(0, "[Test] ");
    }
    Ok(Next::HandOver(Box::new(Ready { to, from_name: organization, to_name, text })))
}

/// The kind whose text the mail shows.
fn shown_kind(mail: &Mail) -> MailKind {
    let of = mail.variables.get("of").and_then(Value::as_str).and_then(MailKind::from_word);
    if mail.kind == MailKind::Test { of.unwrap_or(MailKind::Test) } else { mail.kind }
}

async fn settle(ctx: &System, mail: &Mail, state: MailState, error: Option<&str>) -> Result<(), JobError> {
    let mut tx = ctx.db().tenant(mail.organization).await?;
    store::settle(&mut tx, ctx.now(), mail.id, state, error).await?;
    tx.commit().await?;
    metrics::counter!("mails_total", "kind" => mail.kind.as_str(), "state" => state.as_str()).increment(1);
    Ok(())
}

/// Notes why the mail did not go, and comes back later. The log is told what, not who: what a mail server says may hold addresses.
async fn again(ctx: &System, mail: &Mail, error: &NotSent) -> Result<(), JobError> {
    let mut tx = ctx.db().tenant(mail.organization).await?;
    store::note(&mut tx, ctx.now(), mail.id, &told(error)).await?;
    tx.commit().await?;
    let age = (ctx.now() - mail.created_at).to_std().unwrap_or_default();
    let wait = (age / 4).clamp(SOONEST, LATEST).mul_f64(0.75 + rand::random::<f64>() / 2.0);
    let step: Option<Step> = error.step();
    let id = mail.id;
    tracing::warn!(
        mail.id = %id, mail.kind = mail.kind.as_str(), step = step.map(tracing::field::display), code = error.code(),
        wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX), "mail {id}: not sent yet: {error}"
    );
    Err(JobError::Snooze(wait))
}

/// The error with its causes, for whoever manages the mails.
fn told(error: &NotSent) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).take(1000).collect()
}
