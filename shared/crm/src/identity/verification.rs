//! Showing that an e-mail address is read by whoever gave it.

use chrono::{DateTime, TimeDelta, Utc};
use db::{DbError, IdentityTx};
use kernel::{EmailAddress, OrganizationId, UserId};
use serde_json::json;

use super::{
    error::IdentityError,
    one_time::{self, Purpose},
    service::{self, Identity},
    store,
};
use crate::{
    audit::{self, Act, Actor},
    mail::{self, MailKind, NewMail},
};

/// Least time between two mails to an address that nobody has verified: it may be somebody else's.
const PAUSE: TimeDelta = TimeDelta::minutes(1);

impl Identity {
    /// Takes the token of a verification mail.
    pub async fn verify_email(&self, now: DateTime<Utc>, token: &str) -> Result<(), IdentityError> {
        let mut tx = self.db.identity("verify an address").await?;
        let taken = one_time::take(&mut tx, now, Purpose::EmailVerification, token).await?.ok_or(IdentityError::LinkInvalid)?;
        store::email_verified(&mut tx, now, taken.user).await?;
        let act = Act::new(Actor::User(taken.user), "users.verifyEmail").on("users", taken.user);
        audit::record(&mut tx, taken.organization, now, act).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sends the verification mail again, with a new link; the one before is void. Does nothing when the address is verified, or when
    /// the last mail is less than a minute old.
    pub async fn resend_verification(&self, now: DateTime<Utc>, organization: OrganizationId, user: UserId) -> Result<(), IdentityError> {
        let mut tx = self.db.identity("send a verification mail").await?;
        let Some(email) = service::address(&mut tx, user).await? else { return Err(IdentityError::UserNotFound) };
        if is_wanted(&mut tx, now, user).await? {
            self.queue_verification(&mut tx, now, organization, user, &email).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Makes a link and has it mailed.
    pub(super) async fn queue_verification(
        &self,
        tx: &mut IdentityTx,
        now: DateTime<Utc>,
        organization: OrganizationId,
        user: UserId,
        email: &EmailAddress,
    ) -> Result<(), DbError> {
        let token = self.one_time.create(tx, now, organization, user, Purpose::EmailVerification).await?;
        let mail = NewMail { kind: MailKind::EmailVerification, to: email, user: Some(user), token: Some(token), variables: json!({}) };
        mail::queue(tx, organization, now, mail).await?;
        Ok(())
    }
}

async fn is_wanted(tx: &mut IdentityTx, now: DateTime<Utc>, user: UserId) -> Result<bool, DbError> {
    let wanted = sqlx::query_scalar!(
        r#"select email_verified_at is null and not exists (
               select from one_time_tokens where user_id = users.id and purpose = $2 and created_at > $3
           ) as "wanted!"
           from users
           where id = $1
           for update"#,
        user.uuid(),
        Purpose::EmailVerification.as_str(),
        now - PAUSE,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(wanted.unwrap_or(false))
}
