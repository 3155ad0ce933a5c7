//! Signing in, and proving once more who one is.

use chrono::{DateTime, Utc};
use kernel::{EmailAddress, OrganizationId, SessionId, UserId};
use serde_json::json;
use tracing::Instrument;

use super::{
    device::Device,
    error::IdentityError,
    guard::{self, Attempt, Subject},
    model::Login,
    password::{Fit, Password},
    service::Identity,
    sessions,
    store::{self, Account, Membership},
    two_step::{self, Factor},
};
use crate::audit::{self, Act, Actor};

/// What somebody signs in with.
#[derive(Debug)]
pub struct Credentials {
    /// An e-mail address in any letter case, or a user name.
    pub name: String,
    /// The password they claim to know.
    pub password: Password,
    /// A code of the two-step login: six digits, or a recovery code.
    pub code: Option<String>,
}

/// What somebody who is signed in proves once more who they are with.
#[derive(Debug, Default)]
pub struct Proof {
    /// Needed unless two-step login is on.
    pub password: Option<Password>,
    /// Needed when two-step login is on.
    pub code: Option<String>,
}

/// Why a sign-in failed: what the log is told and the client is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    UnknownAccount,
    WrongPassword,
    NotJoined,
    Disabled,
    OrganizationDeactivated,
    WrongCode,
    ChangedMeanwhile,
}

impl Reason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownAccount => "unknownAccount",
            Self::WrongPassword => "wrongPassword",
            Self::NotJoined => "notJoined",
            Self::Disabled => "disabled",
            Self::OrganizationDeactivated => "organizationDeactivated",
            Self::WrongCode => "wrongCode",
            Self::ChangedMeanwhile => "changedMeanwhile",
        }
    }
}

impl Identity {
    /// Signs in. An unknown name, a wrong password, an invited or disabled member, and a deactivated organization cost the same work
    /// and get the same answer.
    pub async fn login(&self, now: DateTime<Utc>, credentials: Credentials, device: &Device) -> Result<Login, IdentityError> {
        let Credentials { name, password, code } = credentials;
        let name = canonical(&name);
        let mut tx = self.db.identity("sign in").await?;
        let account = store::account_by_name(&mut tx, &name).await?;
        let subject = account.as_ref().map_or(Subject::Name(&name), |account| Subject::Account(account.user));
        let attempt = self.guard.admit(&mut tx, now, subject, device).await?;
        tx.commit().await?;

        let hash = account.as_ref().and_then(|account| account.password_hash.clone());
        let fit = self.verify(password.clone(), hash, &attempt).await?;
        let Some(account) = account else { return Err(self.failed(now, None, Reason::UnknownAccount, device)) };
        if let Some(reason) = refusal(&account, fit) {
            return Err(self.failed(now, Some(&account), reason, device));
        }
        if account.two_step && code.is_none() {
            self.give_back(&attempt).await?;
            return Err(IdentityError::TwoStepRequired);
        }
        // A hash that cannot be made just now is made at the next login.
        let rehashed = if fit == Fit::Outdated { self.passwords.hash(password).await.ok() } else { None };

        let mut tx = self.db.identity("sign in").await?;
        // While the password was worked on it may have been changed, or the member disabled. Whoever does so now waits, and ends this login.
        if !store::lock_unchanged(&mut tx, &account).await? {
            tx.rollback().await?;
            return Err(self.failed(now, Some(&account), Reason::ChangedMeanwhile, device));
        }
        let mut factor = None;
        if let Some(code) = code.filter(|_| account.two_step) {
            factor = two_step::accept(&mut tx, &self.vault, now, account.user, &code).await?;
            if factor.is_none() {
                tx.rollback().await?;
                let _ = self.failed(now, Some(&account), Reason::WrongCode, device);
                return Err(IdentityError::WrongCode);
            }
        }
        guard::succeeded(&mut tx, &attempt).await?;
        if let (Some(new), Some(old)) = (&rehashed, &account.password_hash) {
            store::password_replace(&mut tx, now, account.user, old, new).await?;
        }
        let login = self.open_session(&mut tx, now, account.user, account.organization, device).await?;
        let details = json!({ "factor": factor.map(Factor::as_str), "userId": account.user });
        let act = Act::new(Actor::User(account.user), "logins.create").on("logins", login.access.session).with(details);
        audit::record(&mut tx, account.organization, now, act).await?;
        tx.commit().await?;
        Ok(login)
    }

    /// Proves once more who the owner of a login is, so that what needs a fresh proof may follow. Failures count as failed sign-ins.
    pub async fn step_up(
        &self,
        now: DateTime<Utc>,
        (organization, user): (OrganizationId, UserId),
        session: SessionId,
        proof: Proof,
        device: &Device,
    ) -> Result<(), IdentityError> {
        let (account, attempt) = self.admit_member(now, organization, user, device, &proof).await?;
        if let Some(password) = proof.password {
            self.check_password(now, &account, password, &attempt, device).await?;
        }
        let mut tx = self.db.identity("prove who somebody is").await?;
        let mut factor = None;
        if let Some(code) = proof.code.filter(|_| account.two_step) {
            factor = two_step::accept(&mut tx, &self.vault, now, user, &code).await?;
            if factor.is_none() {
                tx.rollback().await?;
                let _ = self.failed(now, Some(&account), Reason::WrongCode, device);
                return Err(IdentityError::WrongCode);
            }
        }
        guard::succeeded(&mut tx, &attempt).await?;
        sessions::prove(&mut tx, now, session).await?;
        let details = json!({ "factor": factor.map(Factor::as_str) });
        audit::record(&mut tx, organization, now, Act::new(Actor::User(user), "logins.stepUp").on("logins", session).with(details)).await?;
        tx.commit().await?;
        self.standings.forget(&session);
        Ok(())
    }

    async fn admit_member(
        &self,
        now: DateTime<Utc>,
        organization: OrganizationId,
        user: UserId,
        device: &Device,
        proof: &Proof,
    ) -> Result<(Account, Attempt), IdentityError> {
        let mut tx = self.db.identity("prove who somebody is").await?;
        let account = store::account_of_member(&mut tx, organization, user).await?.ok_or(IdentityError::UserNotFound)?;
        match (account.two_step, proof) {
            (true, Proof { code: None, .. }) => return Err(IdentityError::CodeNeeded),
            (false, Proof { password: None, .. }) => return Err(IdentityError::PasswordNeeded),
            _ => {}
        }
        let attempt = self.guard.admit(&mut tx, now, Subject::Account(user), device).await?;
        tx.commit().await?;
        Ok((account, attempt))
    }

    /// Fails unless `password` is the account's.
    pub(super) async fn check_password(
        &self,
        now: DateTime<Utc>,
        account: &Account,
        password: Password,
        attempt: &Attempt,
        device: &Device,
    ) -> Result<(), IdentityError> {
        if self.verify(password, account.password_hash.clone(), attempt).await?.is_right() {
            return Ok(());
        }
        let _ = self.failed(now, Some(account), Reason::WrongPassword, device);
        Err(IdentityError::WrongPassword)
    }

    async fn verify(&self, password: Password, hash: Option<String>, attempt: &Attempt) -> Result<Fit, IdentityError> {
        match self.passwords.verify(password, hash).await {
            Err(IdentityError::Busy) => {
                self.give_back(attempt).await?;
                Err(IdentityError::Busy)
            }
            fit => fit,
        }
    }

    async fn give_back(&self, attempt: &Attempt) -> Result<(), IdentityError> {
        let mut tx = self.db.identity("sign in").await?;
        guard::give_back(&mut tx, attempt).await?;
        Ok(tx.commit().await?)
    }

    /// Tells of a failed sign-in: one event in the log, and one in the audit log of the organization when the account is known.
    ///
    /// The audit event is written behind the caller's back: the answer for a known account must not take longer than for an unknown one.
    fn failed(&self, now: DateTime<Utc>, account: Option<&Account>, reason: Reason, device: &Device) -> IdentityError {
        let user = account.map(|account| account.user.to_string());
        metrics::counter!("logins_failed_total", "account" => if account.is_some() { "known" } else { "unknown" }).increment(1);
        tracing::warn!(
            event = "login.failed",
            reason = reason.as_str(),
            user.id = user,
            client.network = device.network(),
            "a sign-in failed: {}",
            reason.as_str(),
        );
        if let Some(&Account { user, organization, .. }) = account {
            let db = self.db.clone();
            let record = async move {
                let mut tx = db.identity("record a failed sign-in").await?;
                let act = Act::new(Actor::Nobody, "logins.fail").on("users", user).with(json!({ "reason": reason.as_str() }));
                audit::record(&mut tx, organization, now, act).await?;
                tx.commit().await
            };
            let record = async move {
                if let Err(error) = record.await {
                    tracing::error!(cause = %error, "cannot record a failed sign-in: {error}");
                }
            };
            tokio::spawn(record.in_current_span());
        }
        IdentityError::WrongCredentials
    }
}

/// Why an account with a password that fits so may not sign in; none when it may.
fn refusal(account: &Account, fit: Fit) -> Option<Reason> {
    match (account.membership, fit) {
        (Membership::Invited, _) => Some(Reason::NotJoined),
        (_, Fit::Wrong) => Some(Reason::WrongPassword),
        (Membership::Disabled, _) => Some(Reason::Disabled),
        (Membership::OrganizationDeactivated, _) => Some(Reason::OrganizationDeactivated),
        (Membership::Active, Fit::Right | Fit::Outdated) => None,
    }
}

/// The name as the database has it: the address or user name in lower case.
fn canonical(name: &str) -> String {
    match EmailAddress::parse(name) {
        Ok(email) => email.as_str().to_owned(),
        Err(_) => name.trim().chars().take(320).collect::<String>().to_lowercase(),
    }
}
