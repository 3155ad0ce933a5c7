//! Forgotten and changed passwords.

mod store;

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx};
use kernel::{EmailAddress, OrganizationId, PasswordResetRequestId, SessionId, UserId};
use queue::Enqueue;
use serde_json::json;

use super::{
    OneTimeKeys,
    device::Device,
    error::IdentityError,
    guard::{self, Subject},
    jobs::RequestPasswordReset,
    one_time::{self, Purpose},
    password::Password,
    service::{self, Identity},
    sessions::{self, EndReason},
    store::{Membership, account_by_name, account_of_member, email_verified, password_replace, password_set},
};
use crate::{
    audit::{self, Act, Actor},
    mail::{self, MailKind, NewMail},
};

pub(super) use store::purge;

impl Identity {
    /// Somebody says that they forgot the password of an address. The same work whether there is such an account: a job finds out.
    pub async fn forgot_password(&self, now: DateTime<Utc>, email: &EmailAddress) -> Result<(), IdentityError> {
        let mut tx = self.db.identity("take down a forgotten password").await?;
        let request = PasswordResetRequestId::at(now);
        store::request_insert(&mut tx, now, request, email).await?;
        tx.enqueue(RequestPasswordReset { request }).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Chooses a new password by the link of a mail. All logins of the account end; nobody is signed in by it.
    pub async fn reset_password(&self, now: DateTime<Utc>, token: &str, password: String, device: &Device) -> Result<(), IdentityError> {
        let mut tx = self.db.identity("reset a password").await?;
        let link = one_time::find(&mut tx, now, Purpose::PasswordReset, token).await?.ok_or(IdentityError::LinkInvalid)?;
        let own = service::own_words(&mut tx, link.organization, link.user).await?;
        tx.commit().await?;
        // A link is not used up by a password that breaks a rule.
        let password = Password::choose(password, &own)?;
        let hash = self.passwords.hash(password).await?;

        let mut tx = self.db.identity("reset a password").await?;
        let link = one_time::take(&mut tx, now, Purpose::PasswordReset, token).await?.ok_or(IdentityError::LinkInvalid)?;
        let account = account_of_member(&mut tx, link.organization, link.user).await?;
        let account = account.filter(|account| account.membership == Membership::Active).ok_or(IdentityError::LinkInvalid)?;
        password_set(&mut tx, now, account.user, &hash).await?;
        email_verified(&mut tx, now, account.user).await?;
        // Who reads the account's mail need not wait for the failures of others.
        self.guard.forget(&mut tx, Subject::Account(account.user), device).await?;
        sessions::end_all(&mut tx, now, account.user, EndReason::PasswordChanged).await?;
        self.password_changed(&mut tx, now, account.organization, account.user, "passwords.reset").await?;
        tx.commit().await?;
        self.forget_user(account.user);
        Ok(())
    }

    /// Changes the password of somebody who is signed in and knows the old one. Their other logins end. A wrong old password counts as
    /// a failed sign-in.
    pub async fn change_password(
        &self,
        now: DateTime<Utc>,
        (organization, user): (OrganizationId, UserId),
        keep: SessionId,
        (current, new): (Password, String),
        device: &Device,
    ) -> Result<(), IdentityError> {
        let mut tx = self.db.identity("change a password").await?;
        let account = account_of_member(&mut tx, organization, user).await?.ok_or(IdentityError::UserNotFound)?;
        let own = service::own_words(&mut tx, organization, user).await?;
        let new = Password::choose(new, &own)?;
        let attempt = self.guard.admit(&mut tx, now, Subject::Account(user), device).await?;
        tx.commit().await?;
        self.check_password(now, &account, current, &attempt, device).await?;
        let hash = self.passwords.hash(new).await?;

        let mut tx = self.db.identity("change a password").await?;
        // Whoever chose another one by a mail meanwhile has the last word.
        if !password_replace(&mut tx, now, user, account.password_hash.as_deref().unwrap_or_default(), &hash).await? {
            return Err(IdentityError::WrongPassword);
        }
        guard::succeeded(&mut tx, &attempt).await?;
        sessions::end_others(&mut tx, now, user, keep, EndReason::PasswordChanged).await?;
        self.password_changed(&mut tx, now, organization, user, "passwords.change").await?;
        tx.commit().await?;
        self.forget_user(user);
        Ok(())
    }

    /// Makes other links worthless, and tells the owner and the audit log. Call it last.
    async fn password_changed(
        &self,
        tx: &mut IdentityTx,
        now: DateTime<Utc>,
        organization: OrganizationId,
        user: UserId,
        action: &'static str,
    ) -> Result<(), DbError> {
        one_time::void_everywhere(tx, now, user, Purpose::PasswordReset).await?;
        if let Some(email) = service::address(tx, user).await? {
            let mail = NewMail { kind: MailKind::PasswordChanged, to: &email, user: Some(user), token: None, variables: json!({}) };
            mail::queue(tx, organization, now, mail).await?;
        }
        audit::record(tx, organization, now, Act::new(Actor::User(user), action).on("users", user)).await
    }
}

/// Answers one who forgot a password, in one transaction with the removal of the request: a second run finds nothing to do.
///
/// A member gets a link, an invited one the invitation again. Unknown addresses, disabled members and those of deactivated organizations
/// get nothing.
pub(super) async fn answer_request(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    keys: &OneTimeKeys,
    request: PasswordResetRequestId,
) -> Result<(), DbError> {
    let Some(email) = store::request_take(tx, request).await? else { return Ok(()) };
    let Some(account) = account_by_name(tx, &email).await? else { return Ok(()) };
    let Ok(to) = EmailAddress::parse(&account.email) else { return Ok(()) };
    let (purpose, kind) = match account.membership {
        Membership::Active => (Purpose::PasswordReset, MailKind::PasswordReset),
        Membership::Invited => (Purpose::Invitation, MailKind::Invitation),
        Membership::Disabled | Membership::OrganizationDeactivated => return Ok(()),
    };
    let token = keys.create(tx, now, account.organization, account.user, purpose).await?;
    let mail = NewMail { kind, to: &to, user: Some(account.user), token: Some(token), variables: json!({}) };
    mail::queue(tx, account.organization, now, mail).await?;
    let act = Act::new(Actor::Nobody, "passwords.requestReset").on("users", account.user);
    audit::record(tx, account.organization, now, act).await
}
