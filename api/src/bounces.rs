//! What a mail server pipes into the program when a mail comes back.

use std::io::Read;

use anyhow::Context;
use crm::mail::bounces::{self, Bounce, BounceError, Verdict};
use db::{Db, DbOptions};
use kernel::Clock;
use runtime::Config;

/// Longest notification that is read: one returns a whole mail at most, and ours are small.
const LONGEST: u64 = 10 * 1024 * 1024;

/// Reads one delivery status notification (RFC 3464) and records what it says about its mail. Answers a sentence that says what that was.
///
/// # Errors
/// When it is no notification, or about no mail that is known; and when the database does not answer ([`is_temporary`]).
pub async fn record(config: &Config, clock: &dyn Clock, notification: impl Read) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    notification.take(LONGEST).read_to_end(&mut bytes).context("cannot read the notification")?;
    let options = DbOptions { max_connections: 1, ..DbOptions::new(config.database.url.clone(), "api-record-bounce") };
    let db = Db::open(&options).context("the database settings cannot be used")?;
    let recorded = bounces::record(&db, clock.now(), &bytes).await;
    db.close().await;
    let Bounce { mail, verdict, .. } = recorded?;
    Ok(match verdict {
        Verdict::Bounced => format!("mail {mail} came back for good"),
        Verdict::Late => format!("mail {mail} is late"),
        Verdict::Delivered => format!("mail {mail} arrived"),
    })
}

/// Whether the same notification may be recorded later: mail servers try again after exit code 75.
pub fn is_temporary(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(BounceError::Store(_)))
}
