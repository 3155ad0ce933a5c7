//! One batch of the fold: take, read, map, apply, settle, in one short transaction.

use std::collections::{BTreeSet, HashMap, HashSet};

use db::{Db, DbError, SystemTx};
use kernel::{ChannelId, OrganizationId, attempt::AttemptKind};
use queue::Enqueue;

use super::{
    evidence::{Attempt, Batch, Item},
    jobs::ApplyTemplateNews,
    reading::{Reading, StatusRead, numbers_in, read},
    store::{self, Settled, Taken, Touched},
};

/// Bytes of the bodies of one batch.
const MAX_BATCH_BYTES: i64 = 16 << 20;
/// How long a body is tried again that names a number nobody has connected: as long as statuses of it matter.
const UNMATCHED_S: f64 = 24.0 * 3_600.0;
/// Tries of a status whose message is not known: ours may be written after it.
const UNKNOWN_MESSAGE_TRIES: i16 = 3;
/// Longest pause between two tries.
const LONGEST_PAUSE_S: f64 = 3_600.0;

/// What a batch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// Bodies taken.
    pub taken: usize,
    /// Rows changed.
    pub changed: usize,
    /// Bodies that cannot be applied.
    pub dead: usize,
    /// Bodies put back.
    pub parked: usize,
}

type Owners = HashMap<String, (OrganizationId, ChannelId)>;
type Accounts = HashMap<String, Vec<OrganizationId>>;

/// A batch that was rolled back.
#[derive(Debug)]
pub(super) struct Refused {
    /// Why.
    pub(super) error: DbError,
    /// The only body of the batch.
    pub(super) alone: Option<Taken>,
}

impl From<DbError> for Refused {
    fn from(error: DbError) -> Self {
        Self { error, alone: None }
    }
}

/// Folds up to `limit` bodies.
pub(super) async fn fold_batch(db: &Db, limit: i64) -> Result<Folded, Refused> {
    let mut tx = db.system("fold webhooks").await?;
    store::guard_plans(&mut tx).await?;
    let taken = store::take(&mut tx, limit, MAX_BATCH_BYTES).await?;
    if taken.is_empty() {
        tx.rollback().await?;
        return Ok(Folded::default());
    }
    let oldest = taken.iter().map(|one| one.age_s).fold(0.0, f64::max);
    metrics::histogram!("webhook_fold_age_seconds").record(oldest);
    let folded = match fold(&mut tx, &taken).await {
        Ok(folded) => folded,
        Err(error) => {
            let mut taken = taken;
            return Err(Refused { error, alone: if taken.len() == 1 { taken.pop() } else { None } });
        }
    };
    tx.commit().await?;
    metrics::counter!("webhook_requests_folded_total").increment(folded.taken as u64);
    Ok(folded)
}

/// Gives a body up that the database refuses.
pub(super) async fn bury(db: &Db, taken: &Taken, reason: String) -> Result<(), DbError> {
    let mut tx = db.system("bury a webhook event").await?;
    store::settle(&mut tx, &[dead(taken, None, None, reason)]).await?;
    tx.commit().await
}

async fn fold(tx: &mut SystemTx, taken: &[Taken]) -> Result<Folded, DbError> {
    let readings: Vec<Result<Reading, String>> = taken.iter().map(|one| read(&one.body, one.received_at)).collect();
    let (owners, accounts) = map(tx, taken, &readings).await?;
    let mut batch = Batch::default();
    let mut nameless: Vec<(usize, OrganizationId, ChannelId, &StatusRead)> = Vec::new();
    for (body, reading) in readings.iter().enumerate() {
        for status in reading.iter().flat_map(|reading| &reading.statuses) {
            let Some(&(organization, channel)) = owners.get(&status.phone_number_id) else { continue };
            match status.id {
                Some(id) if id.kind == AttemptKind::Campaign => {
                    let attempt = Attempt {
                        organization,
                        campaign: id.id.into(),
                        seq: id.seq,
                        attempt_no: id.attempt_no,
                        nonce: id.nonce,
                        channel,
                        phone_number_id: status.phone_number_id.clone(),
                    };
                    batch.add(body, attempt, &status.status);
                }
                Some(_) => {}
                None => nameless.push((body, organization, channel, status)),
            }
        }
    }
    let unknown = name(tx, &mut batch, nameless).await?;
    let items = batch.into_items();
    let mut touched = store::apply(tx, &items).await?;
    touched.extend(apply_late(tx, &items, &touched).await?);
    let mut changed = vec![0_i32; taken.len()];
    let mut lanes = BTreeSet::new();
    for one in touched.iter().filter(|one| one.changed) {
        let item = &items[one.item];
        for &body in &item.bodies {
            changed[body] += 1;
        }
        if one.settled {
            lanes.insert((item.attempt.organization, item.attempt.channel));
        }
    }
    enqueue_template_news(tx, &readings, &accounts, &mut changed).await?;
    let folded = settle(tx, taken, readings, &Found { owners, accounts, unknown, changed }).await?;
    store::signal_lanes(tx, &lanes.into_iter().collect::<Vec<_>>()).await?;
    Ok(Folded { changed: touched.iter().filter(|one| one.changed).count(), ..folded })
}

/// Looks up who owns the numbers and accounts that the batch names. Never from a cache: a number may change hands.
async fn map(tx: &mut SystemTx, taken: &[Taken], readings: &[Result<Reading, String>]) -> Result<(Owners, Accounts), DbError> {
    let mut numbers = BTreeSet::new();
    let mut wanted = BTreeSet::new();
    for (one, reading) in taken.iter().zip(readings) {
        match reading {
            Ok(reading) => {
                numbers.extend(reading.numbers.iter().cloned());
                wanted.extend(reading.accounts.iter().cloned());
            }
            Err(_) => numbers.extend(numbers_in(&one.body)),
        }
    }
    let owners = if numbers.is_empty() {
        Owners::new()
    } else {
        store::owners_of_numbers(tx, &numbers.into_iter().collect::<Vec<_>>())
            .await?
            .into_iter()
            .map(|(number, organization, channel)| (number, (organization, channel)))
            .collect()
    };
    let mut accounts = Accounts::new();
    if !wanted.is_empty() {
        for (account, organization) in store::organizations_of_accounts(tx, &wanted.into_iter().collect::<Vec<_>>()).await? {
            accounts.entry(account).or_default().push(organization);
        }
    }
    Ok((owners, accounts))
}

/// Finds the attempts of statuses that came without our id; answers the bodies with a status of a message that is not ours.
async fn name(
    tx: &mut SystemTx,
    batch: &mut Batch,
    nameless: Vec<(usize, OrganizationId, ChannelId, &StatusRead)>,
) -> Result<HashSet<usize>, DbError> {
    let wanted: Vec<_> =
        nameless.iter().map(|(_, organization, channel, status)| (*organization, *channel, status.status.provider_id.clone())).collect();
    let known: HashMap<(ChannelId, String), Attempt> = store::rows_of_provider_ids(tx, &wanted)
        .await?
        .into_iter()
        .map(|(channel, provider_id, attempt)| ((channel, provider_id), attempt))
        .collect();
    let mut unknown = HashSet::new();
    for ((body, _, _, status), (_, channel, provider_id)) in nameless.into_iter().zip(wanted) {
        match known.get(&(channel, provider_id)) {
            // The run's number must be the one that the status came for.
            Some(attempt) if attempt.phone_number_id == status.phone_number_id => batch.add(body, attempt.clone(), &status.status),
            _ => {
                unknown.insert(body);
            }
        }
    }
    Ok(unknown)
}

/// What fitted no current attempt may be late evidence for an older one. Several older attempts of a row go one after the other.
async fn apply_late(tx: &mut SystemTx, items: &[Item], touched: &[Touched]) -> Result<Vec<Touched>, DbError> {
    let current: HashSet<usize> = touched.iter().map(|one| one.item).collect();
    let mut left: Vec<usize> = (0..items.len()).filter(|item| !current.contains(item)).collect();
    let mut found = Vec::new();
    while !left.is_empty() {
        let mut rows = HashSet::new();
        let (round, rest): (Vec<usize>, Vec<usize>) = left.into_iter().partition(|&item| {
            let attempt = &items[item].attempt;
            rows.insert((attempt.organization, attempt.campaign, attempt.seq))
        });
        let of_round: Vec<Item> = round.iter().map(|&item| items[item].clone()).collect();
        for one in store::apply_late(tx, &of_round).await? {
            found.push(Touched { item: round[one.item], ..one });
        }
        left = rest;
    }
    Ok(found)
}

async fn enqueue_template_news(
    tx: &mut SystemTx,
    readings: &[Result<Reading, String>],
    accounts: &Accounts,
    changed: &mut [i32],
) -> Result<(), DbError> {
    for (body, reading) in readings.iter().enumerate() {
        for update in reading.iter().flat_map(|reading| &reading.templates) {
            for &organization in accounts.get(&update.business_account_id).into_iter().flatten() {
                tx.enqueue_for(organization, ApplyTemplateNews::from(update)).await?;
                changed[body] += 1;
            }
        }
    }
    Ok(())
}

/// What a batch found out about its bodies.
struct Found {
    owners: Owners,
    accounts: Accounts,
    unknown: HashSet<usize>,
    changed: Vec<i32>,
}

async fn settle(tx: &mut SystemTx, taken: &[Taken], readings: Vec<Result<Reading, String>>, found: &Found) -> Result<Folded, DbError> {
    let mut folded = Folded { taken: taken.len(), ..Folded::default() };
    let mut settled = Vec::with_capacity(taken.len());
    let mut parked = Vec::new();
    for (body, (one, reading)) in taken.iter().zip(readings).enumerate() {
        let reading = match reading {
            Ok(reading) => reading,
            Err(reason) => {
                folded.dead += 1;
                let owner = only(numbers_in(&one.body).iter().map(|number| found.owners.get(number).map(|owner| owner.0)));
                settled.push(dead(one, owner, None, reason));
                continue;
            }
        };
        let matched = reading.numbers.iter().all(|number| found.owners.contains_key(number))
            && reading.templates.iter().all(|update| found.accounts.contains_key(&update.business_account_id));
        let organization = only(reading.numbers.iter().map(|number| found.owners.get(number).map(|owner| owner.0)).chain(
            reading.accounts.iter().flat_map(|account| match found.accounts.get(account) {
                Some(organizations) => organizations.iter().map(|organization| Some(*organization)).collect(),
                None => vec![None],
            }),
        ));
        let field = reading.field;
        if !matched && one.age_s >= UNMATCHED_S {
            folded.dead += 1;
            settled.push(dead(one, organization, field, "unmatched: no connected number is named by it".into()));
        } else if !matched || (found.unknown.contains(&body) && one.tries < UNKNOWN_MESSAGE_TRIES) {
            folded.parked += 1;
            parked.push((one, pause(one.tries)));
            if one.tries <= 1 || found.changed[body] > 0 {
                let reason = if matched { "waits: its message is not known yet" } else { "unmatched: no connected number is named by it" };
                let changed = found.changed[body];
                settled.push(Settled { taken: one, state: "received", field, organization, changed, reason: Some(reason.into()) });
            }
        } else {
            let reason = if found.unknown.contains(&body) {
                Some("a status in it belongs to no message of ours".to_owned())
            } else {
                reading.partly.then(|| "parts of it are not understood".to_owned())
            };
            settled.push(Settled { taken: one, state: "applied", field, organization, changed: found.changed[body], reason });
        }
    }
    store::settle(tx, &settled).await?;
    store::park(tx, &parked).await?;
    metrics::counter!("webhook_requests_dead_total").increment(folded.dead as u64);
    metrics::counter!("webhook_requests_parked_total").increment(folded.parked as u64);
    Ok(folded)
}

fn dead(taken: &Taken, organization: Option<OrganizationId>, field: Option<String>, reason: String) -> Settled<'_> {
    Settled { taken, state: "deadLetter", field, organization, changed: 0, reason: Some(reason) }
}

/// The one organization that all belong to.
fn only(mut all: impl Iterator<Item = Option<OrganizationId>>) -> Option<OrganizationId> {
    let first = all.next()??;
    all.all(|other| other == Some(first)).then_some(first)
}

/// Pause before the next try, in seconds: 5, 10, 20 … one hour.
fn pause(tries: i16) -> f64 {
    (5.0 * 2_f64.powi(i32::from(tries.clamp(0, 20)))).min(LONGEST_PAUSE_S)
}
