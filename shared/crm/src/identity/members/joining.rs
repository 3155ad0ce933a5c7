//! Somebody who was invited joins.

use chrono::{DateTime, Utc};

use super::store;
use crate::{
    audit::{self, Act, Actor},
    identity::{
        device::Device,
        error::IdentityError,
        model::Login,
        one_time::{self, Purpose},
        password::Password,
        service::{self, Identity},
        store as account,
    },
};

impl Identity {
    /// Joins by the link of an invitation: the account gets its password, its owner has agreed to the terms and shown that they read the
    /// address, and is signed in.
    ///
    /// The link is not good any more when the member was disabled or the organization deactivated meanwhile.
    pub async fn accept_invitation(
        &self,
        now: DateTime<Utc>,
        token: &str,
        password: String,
        device: &Device,
    ) -> Result<Login, IdentityError> {
        let mut tx = self.db.identity("look at an invitation").await?;
        let link = one_time::find(&mut tx, now, Purpose::Invitation, token).await?.ok_or(IdentityError::LinkInvalid)?;
        let own = service::own_words(&mut tx, link.organization, link.user).await?;
        tx.commit().await?;
        // A link is not used up by a password that breaks a rule, and no connection waits for a hash.
        let password = Password::choose(password, &own)?;
        let hash = self.passwords.hash(password).await?;

        let mut tx = self.db.identity("accept an invitation").await?;
        // Account, membership, link: the order in which whoever disables a member, or invites or withdraws one, locks too.
        account::lock(&mut tx, link.user).await?;
        let joined = store::join(&mut tx, now, link.organization, link.user).await?
            && one_time::take(&mut tx, now, Purpose::Invitation, token).await? == Some(link)
            && store::complete_user(&mut tx, now, link.user, &hash, &self.terms_version).await?;
        if !joined {
            return Err(IdentityError::LinkInvalid);
        }
        let login = self.open_session(&mut tx, now, link.user, link.organization, device).await?;
        audit::record(&mut tx, link.organization, now, Act::new(Actor::User(link.user), "users.join").on("users", link.user)).await?;
        tx.commit().await?;
        Ok(login)
    }
}
