//! The statement over profiles.

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx};
use kernel::{PhoneNumber, UserId};

use super::{Edit, ProfileChange, Username};

/// Changes what is to change; answers whether there is such an account.
pub(super) async fn change(tx: &mut IdentityTx, now: DateTime<Utc>, user: UserId, change: &ProfileChange) -> Result<bool, DbError> {
    let number = |number: &Edit<PhoneNumber>| number.value().map(|number| number.as_e164().to_owned());
    let changed = sqlx::query!(
        "update users
         set first_name = coalesce($2, first_name),
             last_name = coalesce($3, last_name),
             username = case when $4 then $5 else username end,
             phone_number = case when $6 then $7 else phone_number end,
             whatsapp_phone = case when $8 then $9 else whatsapp_phone end,
             updated_at = $10
         where id = $1",
        user.uuid(),
        change.first_name,
        change.last_name,
        change.username.changes(),
        change.username.value().map(Username::as_str),
        change.phone_number.changes(),
        number(&change.phone_number),
        change.whatsapp_phone.changes(),
        number(&change.whatsapp_phone),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(changed.rows_affected() > 0)
}
