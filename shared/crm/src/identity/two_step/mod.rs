//! Two-step login: codes of an app (RFC 6238), and recovery codes for when the app is lost.

mod store;
mod taking;
mod totp;

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx};
use kernel::{OrganizationId, SessionId, UserId};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    error::IdentityError,
    service::{self, Identity},
    sessions, store as account,
};
use crate::{
    audit::{self, Act, Actor},
    mail::{self, MailKind, NewMail},
    secrets::{Purpose, Vault},
};

pub(super) use taking::take_away;
pub use totp::Enrolment;

/// Recovery codes of an account.
const RECOVERY_CODES: usize = 10;
/// Letters and digits that nobody mistakes for one another (RFC 4648 base32 in lower case).
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Characters of a recovery code: 120 bits, so that their hashes need no salt and no slow function (ASVS 6.5.2).
const RECOVERY_LENGTH: usize = 24;
/// Characters of a group.
const GROUP: usize = 6;

/// What an account's two-step login is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TwoStepStatus {
    /// Since when it is on.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Recovery codes that were not used yet.
    pub recovery_codes_left: i64,
}

/// What the second step was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Factor {
    App,
    RecoveryCode,
}

impl Factor {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::RecoveryCode => "recoveryCode",
        }
    }
}

impl Identity {
    /// What the account's two-step login is like.
    pub async fn two_step(&self, user: UserId) -> Result<TwoStepStatus, IdentityError> {
        let mut tx = self.db.identity("look at a two-step login").await?;
        let status = store::status(&mut tx, user).await?;
        tx.commit().await?;
        Ok(status)
    }

    /// Begins a two-step login with a new secret, which replaces one that was not confirmed.
    pub async fn begin_two_step(&self, now: DateTime<Utc>, user: UserId) -> Result<Enrolment, IdentityError> {
        let secret = totp::new_secret();
        let sealed = self.vault.seal_bytes(user, Purpose::TotpSecret(user), secret.expose_secret())?;
        let mut tx = self.db.identity("begin a two-step login").await?;
        let email = service::address(&mut tx, user).await?.ok_or(IdentityError::UserNotFound)?;
        if !store::begin(&mut tx, now, user, &sealed).await? {
            return Err(IdentityError::TwoStepOn);
        }
        tx.commit().await?;
        Ok(totp::enrolment(secret.expose_secret(), email.as_str()))
    }

    /// Switches a begun two-step login on, by a first code of the app. Answers the recovery codes, which are shown only now.
    ///
    /// What the account's other logins were opened with is no full proof any more: they need another one before what takes a fresh one.
    pub async fn confirm_two_step(
        &self,
        now: DateTime<Utc>,
        (organization, user): (OrganizationId, UserId),
        session: SessionId,
        code: &str,
    ) -> Result<Vec<SecretString>, IdentityError> {
        let mut tx = self.db.identity("switch a two-step login on").await?;
        account::lock(&mut tx, user).await?;
        let begun = store::lock(&mut tx, user).await?.ok_or(IdentityError::TwoStepOff)?;
        if begun.confirmed {
            return Err(IdentityError::TwoStepOn);
        }
        let secret = self.vault.open_bytes(user, Purpose::TotpSecret(user), &begun.secret)?;
        let step = totp::step_of(secret.expose_secret(), code, now).ok_or(IdentityError::WrongCode)?;
        store::confirm(&mut tx, now, user, step).await?;
        let codes = replace_recovery_codes(&mut tx, user).await?;
        sessions::unprove_others(&mut tx, user, session).await?;
        self.two_step_changed(&mut tx, now, organization, user, "on").await?;
        audit::record(&mut tx, organization, now, Act::new(Actor::User(user), "twoStep.confirm").on("users", user)).await?;
        tx.commit().await?;
        self.forget_user(user);
        Ok(codes)
    }

    /// Replaces all recovery codes. They are shown only now.
    pub async fn renew_recovery_codes(
        &self,
        now: DateTime<Utc>,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<Vec<SecretString>, IdentityError> {
        let mut tx = self.db.identity("renew recovery codes").await?;
        if !store::lock(&mut tx, user).await?.is_some_and(|two_step| two_step.confirmed) {
            return Err(IdentityError::TwoStepOff);
        }
        let codes = replace_recovery_codes(&mut tx, user).await?;
        audit::record(&mut tx, organization, now, Act::new(Actor::User(user), "twoStep.renewCodes").on("users", user)).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Switches two-step login off.
    pub async fn disable_two_step(&self, now: DateTime<Utc>, organization: OrganizationId, user: UserId) -> Result<(), IdentityError> {
        let mut tx = self.db.identity("switch a two-step login off").await?;
        let was_on = store::lock(&mut tx, user).await?.ok_or(IdentityError::TwoStepOff)?.confirmed;
        store::remove(&mut tx, user).await?;
        if was_on {
            self.two_step_changed(&mut tx, now, organization, user, "off").await?;
            audit::record(&mut tx, organization, now, Act::new(Actor::User(user), "twoStep.disable").on("users", user)).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn two_step_changed(
        &self,
        tx: &mut IdentityTx,
        now: DateTime<Utc>,
        organization: OrganizationId,
        user: UserId,
        change: &'static str,
    ) -> Result<(), DbError> {
        let Some(email) = service::address(tx, user).await? else { return Ok(()) };
        let variables = json!({ "change": change });
        let mail = NewMail { kind: MailKind::TwoStepChanged, to: &email, user: Some(user), token: None, variables };
        mail::queue(tx, organization, now, mail).await.map(|_| ())
    }
}

/// Uses up a code of an account whose two-step login is on: six digits of the app, or a recovery code. None when it is not valid.
/// Each code counts once; the caller's commit uses it up.
pub(super) async fn accept(
    tx: &mut IdentityTx,
    vault: &Vault,
    now: DateTime<Utc>,
    user: UserId,
    code: &str,
) -> Result<Option<Factor>, IdentityError> {
    let Some(two_step) = store::lock(tx, user).await?.filter(|two_step| two_step.confirmed) else { return Ok(None) };
    let code = code.trim();
    if totp::is_shaped(code) {
        let secret = vault.open_bytes(user, Purpose::TotpSecret(user), &two_step.secret)?;
        let step = totp::step_of(secret.expose_secret(), code, now).filter(|step| *step > two_step.last_step);
        let Some(step) = step else { return Ok(None) };
        store::took(tx, user, step).await?;
        return Ok(Some(Factor::App));
    }
    let used = store::recovery_code_use(tx, now, user, &recovery_hash(user, code)).await?;
    Ok(used.then_some(Factor::RecoveryCode))
}

async fn replace_recovery_codes(tx: &mut IdentityTx, user: UserId) -> Result<Vec<SecretString>, DbError> {
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| new_recovery_code()).collect();
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| recovery_hash(user, code)).collect();
    store::recovery_codes_replace(tx, user, &hashes).await?;
    Ok(codes.into_iter().map(Into::into).collect())
}

fn new_recovery_code() -> String {
    let random: [u8; RECOVERY_LENGTH] = rand::random();
    let letters: Vec<char> = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    let groups: Vec<String> = letters.chunks(GROUP).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

/// What the database knows of a recovery code, whichever way it was typed.
fn recovery_hash(user: UserId, code: &str) -> Vec<u8> {
    let letters = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase());
    let letters: String = letters.take(RECOVERY_LENGTH * 2).collect();
    Sha256::new().chain_update(user.uuid().as_bytes()).chain_update(letters).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_may_be_typed_in_any_way() {
        let user = UserId::at(DateTime::from_timestamp(1_900_000_000, 0).unwrap());
        let code = new_recovery_code();
        assert_eq!((code.len(), code.matches('-').count()), (27, 3), "{code}");
        assert_ne!(code, new_recovery_code());
        let hash = recovery_hash(user, &code);
        assert_eq!(hash, recovery_hash(user, &format!(" {} ", code.to_uppercase().replace('-', " "))));
        assert_ne!(hash, recovery_hash(user, &new_recovery_code()));
        let other = UserId::at(DateTime::from_timestamp(1_900_000_001, 0).unwrap());
        assert_ne!(hash, recovery_hash(other, &code));
    }
}
