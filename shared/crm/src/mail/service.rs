//! Use cases of mail.

use chrono::{DateTime, Utc};
use db::{DbError, TenantTx, Tx};
use kernel::{Clock, EmailAddress, MailId, OrganizationId, Page, PageRequest, UserId};
use queue::Enqueue;
use serde_json::json;

use super::{
    builtin,
    error::MailError,
    jobs::Send,
    links,
    model::{Mail, MailFilter, MailKind, MailTemplate, MailText, NewMail},
    render, store,
    values::{self, Subject},
};
use crate::{
    fields::FieldErrors,
    identity::{self, User},
    organizations,
};

/// Has a mail be sent once `tx` is committed. Whoever calls it need not know whether the mail server is up.
pub async fn queue<T: Tx>(tx: &mut T, organization: OrganizationId, now: DateTime<Utc>, mail: NewMail<'_>) -> Result<MailId, DbError> {
    debug_assert_eq!(mail.kind.link().is_some(), mail.token.is_some(), "a link is made of a token: {:?}", mail.kind);
    let id = MailId::at(now);
    store::insert(tx, organization, now, id, &mail).await?;
    tx.enqueue_for(organization, Send { mail: id }).await?;
    Ok(id)
}

/// Reads a mail.
pub async fn get(tx: &mut TenantTx, id: MailId) -> Result<Mail, MailError> {
    store::find(tx, id).await?.ok_or(MailError::NotFound(id))
}

/// Lists mails, newest first.
pub async fn list(tx: &mut TenantTx, filter: MailFilter, page: PageRequest) -> Result<Page<Mail>, MailError> {
    Ok(store::page(tx, filter, page).await?)
}

/// The texts of all kinds: the organization's own, and the built-in ones of the others.
pub async fn templates(tx: &mut TenantTx) -> Result<Vec<MailTemplate>, MailError> {
    let mut own = store::templates(tx).await?;
    let template = |kind| match own.iter().position(|template| template.kind == kind) {
        Some(place) => own.swap_remove(place),
        None => builtin_template(kind),
    };
    Ok(MailKind::ALL.map(template).into())
}

/// The text of a kind.
pub async fn template(tx: &mut TenantTx, kind: MailKind) -> Result<MailTemplate, MailError> {
    Ok(store::template_find(tx, kind).await?.unwrap_or_else(|| builtin_template(kind)))
}

/// Gives a kind a text of the organization's own. It must be one that can be sent.
pub async fn write_template(
    tx: &mut TenantTx,
    clock: &dyn Clock,
    public_url: &str,
    kind: MailKind,
    text: MailText,
) -> Result<MailTemplate, MailError> {
    preview(tx, clock, public_url, kind, &text, None).await?;
    let now = clock.now();
    store::template_write(tx, now, kind, &text).await?;
    Ok(MailTemplate { kind, text, changed_at: Some(now) })
}

/// Gives a kind its built-in text back; tells whether it had another one.
pub async fn reset_template(tx: &mut TenantTx, kind: MailKind) -> Result<bool, MailError> {
    Ok(store::template_delete(tx, kind).await?)
}

/// Shows a text with sample values and a link that opens nothing, as `reader` would see it.
pub async fn preview(
    tx: &mut TenantTx,
    clock: &dyn Clock,
    public_url: &str,
    kind: MailKind,
    text: &MailText,
    reader: Option<UserId>,
) -> Result<MailText, MailError> {
    check(text)?;
    let organization = organization_of(tx).await?;
    let user = match reader {
        Some(id) => identity::user(tx, id).await?,
        None => None,
    };
    let (recipient, email) =
        user.map_or_else(|| ("Ada".into(), "ada@example.com".into()), |User { first_name, email, .. }| (first_name, email));
    let subject = Subject {
        organization: &organization.0,
        timezone: organization.1,
        recipient: &recipient,
        email: &email,
        written_at: clock.now(),
        link: links::sample(public_url, kind, clock.now()),
    };
    Ok(render::render(kind, text, &values::samples(kind, &subject))?)
}

/// Mails the text of a kind, with sample values and a link that opens nothing, to a member.
pub async fn send_test(tx: &mut TenantTx, clock: &dyn Clock, kind: MailKind, reader: UserId) -> Result<MailId, MailError> {
    let user = identity::user(tx, reader).await?.ok_or(MailError::NoRecipient)?;
    let to = EmailAddress::parse(&user.email).map_err(|_| MailError::NoRecipient)?;
    let organization = tx.organization();
    let mail = NewMail { kind: MailKind::Test, to: &to, user: Some(reader), token: None, variables: json!({ "of": kind.as_str() }) };
    Ok(queue(tx, organization, clock.now(), mail).await?)
}

fn check(text: &MailText) -> Result<(), FieldErrors> {
    let mut errors = FieldErrors::default();
    for (field, value, longest) in [("subject", &text.subject, 200), ("html", &text.html, 100_000), ("text", &text.text, 50_000)] {
        let length = value.chars().count();
        if !(1..=longest).contains(&length) {
            errors.add(field, "length", format!("has 1 to {longest} characters"));
        } else if value.contains('\0') {
            errors.add(field, "unstorable-text", "contains the character U+0000");
        }
    }
    if text.subject.contains(['\r', '\n']) {
        errors.add("subject", "line-break", "is one line");
    }
    errors.into_result()
}

/// Name and clock of the organization.
pub(super) async fn organization_of(tx: &mut TenantTx) -> Result<(String, chrono_tz::Tz), DbError> {
    match organizations::service::current(tx).await {
        Ok(organization) => Ok((organization.name, organization.timezone)),
        Err(organizations::OrganizationError::Store(error)) => Err(error),
        Err(_) => Ok((String::new(), chrono_tz::Tz::UTC)),
    }
}

fn builtin_template(kind: MailKind) -> MailTemplate {
    MailTemplate { kind, text: builtin::text_of(kind), changed_at: None }
}
