//! Taking two-step login away from somebody who has lost app and recovery codes.

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx};
use kernel::{OrganizationId, UserId};
use serde_json::json;

use super::store;
use crate::{
    identity::service,
    mail::{self, MailKind, NewMail},
};

/// Forgets secret and recovery codes of an account, and tells its owner; false when its two-step login is not on. Ending the logins and
/// recording the act are the caller's.
pub(in crate::identity) async fn take_away(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    organization: OrganizationId,
    user: UserId,
) -> Result<bool, DbError> {
    if !store::lock(tx, user).await?.is_some_and(|two_step| two_step.confirmed) {
        return Ok(false);
    }
    store::remove(tx, user).await?;
    if let Some(email) = service::address(tx, user).await? {
        let mail =
            NewMail { kind: MailKind::TwoStepChanged, to: &email, user: Some(user), token: None, variables: json!({ "change": "off" }) };
        mail::queue(tx, organization, now, mail).await?;
    }
    Ok(true)
}
