//! Removes what nobody needs any more of logins and links.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use db::{DbError, IdentityTx};
use queue::{Job, JobError, Queue, System};
use serde::{Deserialize, Serialize};

use crate::identity::{guard, one_time, recovery, sessions};

/// Rows deleted in one transaction.
const BATCH: i64 = 1000;
/// Ended logins and links stay for so long: an old refresh token is still recognised, and a link told from one that never was.
const KEPT: TimeDelta = TimeDelta::days(30);
/// Requests that no job took within this time are forgotten.
const REQUEST_KEPT: TimeDelta = TimeDelta::days(1);

/// Deletes logins and links 30 days after their end, and failed sign-ins and requests after a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purge {}

/// Deletes up to so many rows older than an instant.
type Step = for<'a> fn(&'a mut IdentityTx, DateTime<Utc>, i64) -> futures::future::BoxFuture<'a, Result<u64, DbError>>;

impl Job for Purge {
    const KIND: &'static str = "identity.purge";
    const QUEUE: Queue = Queue::Bulk;
    const TIMEOUT: Duration = Duration::from_mins(5);
    type Context = System;

    async fn run(&self, ctx: &System) -> Result<(), JobError> {
        let steps: [(Step, TimeDelta); 4] = [
            (|tx, before, limit| Box::pin(sessions::purge(tx, before, limit)), KEPT),
            (|tx, before, limit| Box::pin(one_time::purge(tx, before, limit)), KEPT),
            (|tx, before, limit| Box::pin(recovery::purge(tx, before, limit)), REQUEST_KEPT),
            (|tx, before, limit| Box::pin(guard::purge(tx, before, limit)), guard::REMEMBERED),
        ];
        for (step, kept) in steps {
            loop {
                let mut tx = ctx.db().identity("purge ended logins and links").await?;
                let deleted = step(&mut tx, ctx.now() - kept, BATCH).await?;
                tx.commit().await?;
                if deleted < BATCH.unsigned_abs() {
                    break;
                }
                if ctx.stopping() {
                    return Err(JobError::Snooze(Duration::ZERO));
                }
            }
        }
        Ok(())
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}
