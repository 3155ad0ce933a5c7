//! Leadership among schedulers. It saves work; nothing is wrong when two lead for a moment.

use std::time::Duration;

use db::{Db, DbError};
use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

/// How long leadership lasts unless it is renewed, on the clock of the database.
pub const LEASE: Duration = Duration::from_secs(5);

/// One scheduler process among others.
#[derive(Clone, Debug)]
pub struct Candidate {
    owner: Uuid,
    role: &'static str,
}

impl Candidate {
    /// A candidate for `role`.
    pub fn new(role: &'static str) -> Self {
        Self { owner: Uuid::from_u128(rand::random()), role }
    }

    /// Takes or renews leadership; answers whether this process leads now.
    pub async fn lead(&self, db: &Db) -> Result<bool, DbError> {
        let mut tx = db.system("lead the schedulers").await?;
        let led = sqlx::query!(
            "insert into leaders as present (role, owner, lease_until)
             values ($1, $2, clock_timestamp() + $3)
             on conflict (role) do update
             set owner = excluded.owner, lease_until = excluded.lease_until,
                 fence = present.fence + case when present.owner = excluded.owner then 0 else 1 end
             where present.owner = excluded.owner or present.lease_until < clock_timestamp()",
            self.role,
            self.owner,
            lease(),
        )
        .execute(tx.conn())
        .await?;
        tx.commit().await?;
        Ok(led.rows_affected() == 1)
    }

    /// Gives leadership up, so that another takes over at once.
    pub async fn resign(&self, db: &Db) -> Result<(), DbError> {
        let mut tx = db.system("resign as leader of the schedulers").await?;
        sqlx::query!("update leaders set lease_until = '-infinity' where role = $1 and owner = $2", self.role, self.owner)
            .execute(tx.conn())
            .await?;
        tx.commit().await
    }
}

fn lease() -> PgInterval {
    PgInterval { months: 0, days: 0, microseconds: i64::try_from(LEASE.as_micros()).unwrap_or(i64::MAX) }
}
