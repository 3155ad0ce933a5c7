//! Webhooks: what happens to a message after its acceptance, when, and how it is told.
//!
//! Events wait in memory for their time, so a restart of the simulator loses those still pending, as it loses POSTs waiting for their
//! next try. The ledger is not touched by that.

mod delivery;
mod payload;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::http::Uri;
use bytes::Bytes;
use kernel::SharedClock;
use serde_json::Value;
use tokio::sync::Notify;

pub use self::payload::sign;
pub(crate) use self::{delivery::run, payload::user_id};
use super::{
    faults::{Dice, Purpose, WebhookFaults},
    numbers::Number,
    stats::Counters,
    templates::Category,
};

/// An accepted message, as its statuses need it.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) wamid: String,
    pub(crate) to: String,
    pub(crate) opaque_data: Option<Box<str>>,
    pub(crate) number: Arc<Number>,
    /// `None` for messages without a template.
    pub(crate) category: Option<Category>,
    /// When it was accepted, in milliseconds since 1970.
    pub(crate) accepted_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Sent,
    Delivered,
    Read,
    /// With the code of the reason.
    Failed(i32),
}

/// One status of one message.
#[derive(Clone, Debug)]
pub(crate) struct Happening {
    message: Arc<Message>,
    status: Status,
    /// When it happened, in milliseconds since 1970; it may be told later.
    time_ms: i64,
}

/// Something to tell.
#[derive(Clone, Debug)]
enum Event {
    Status(Happening),
    /// A whole entry about anything else.
    Entry {
        number_id: Arc<str>,
        entry: Value,
    },
}

impl Event {
    fn number_id(&self) -> &str {
        match self {
            Self::Status(happening) => &happening.message.number.id,
            Self::Entry { number_id, .. } => number_id,
        }
    }
}

/// A POST on its way.
#[derive(Debug)]
struct Delivery {
    body: Bytes,
    signature: String,
    /// Number of events in it.
    events: usize,
    /// Tries so far.
    tries: u32,
    first_try: Instant,
}

#[derive(Debug)]
enum Item {
    Event(Event),
    Retry(Delivery),
}

/// Everything that waits, by the time it is due.
#[derive(Debug, Default)]
struct Wheel {
    /// Tick → items.
    due: BTreeMap<u64, Vec<Item>>,
    /// The tick the dispatcher sleeps to; an earlier one must wake it.
    sleeping_to: Option<u64>,
}

/// Length of a tick.
const TICK: Duration = Duration::from_millis(10);
/// Events that may wait. Beyond that new statuses are dropped and counted; some 300 MB.
const PENDING_LIMIT: usize = 1_000_000;

/// Plans and tells events.
#[derive(Debug)]
pub(crate) struct Webhooks {
    wheel: Mutex<Wheel>,
    /// Events not told yet, those in POSTs under way included.
    pending: AtomicUsize,
    wake: Notify,
    callback: RwLock<Option<Uri>>,
    secret: Vec<u8>,
    start: Instant,
    counters: Arc<Counters>,
    clock: SharedClock,
    log: Option<Mutex<std::fs::File>>,
}

impl Webhooks {
    /// Nothing pending. `log` is a file that gets a line for every try of a POST.
    pub(crate) fn new(
        callback: Option<Uri>,
        secret: Vec<u8>,
        counters: Arc<Counters>,
        clock: SharedClock,
        log: Option<&Path>,
    ) -> std::io::Result<Self> {
        let log = log.map(|path| std::fs::OpenOptions::new().append(true).create(true).open(path)).transpose()?;
        Ok(Self {
            wheel: Mutex::default(),
            pending: AtomicUsize::new(0),
            wake: Notify::new(),
            callback: RwLock::new(callback),
            secret,
            start: Instant::now(),
            counters,
            clock,
            log: log.map(Mutex::new),
        })
    }

    /// Where POSTs go from now on; `None` drops events instead of keeping them.
    pub(crate) fn set_callback(&self, callback: Option<Uri>) {
        *self.callback.write().unwrap_or_else(PoisonError::into_inner) = callback;
    }

    fn callback(&self) -> Option<Uri> {
        self.callback.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether anything is told at all.
    pub(crate) fn wanted(&self, faults: &WebhookFaults) -> bool {
        !faults.off && self.callback.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Number of events not told yet.
    pub(crate) fn pending(&self) -> u64 {
        self.pending.load(Ordering::Relaxed) as u64
    }

    /// Plans the statuses of an accepted message: `sent` and `delivered` within a second, `read` for a share, or `failed`.
    ///
    /// `failure` is a reason the provider found after accepting; the faults may find another.
    pub(crate) fn plan(&self, message: Message, failure: Option<i32>, faults: &WebhookFaults, dice: Dice, sent_told: bool) {
        if dice.hits(faults.silent_share, Purpose::Silent) {
            return;
        }
        let within = |purpose: Purpose, from: i64, to: i64| from + scale(dice.roll(purpose, 0), to - from);
        let sent = within(Purpose::SentAfter, 20, 120);
        let delivered = sent + within(Purpose::DeliveredAfter, 80, 600);
        let failure = failure.or_else(|| dice.hits(faults.failed_share, Purpose::Failed).then_some(faults.failed_code));
        let mut happenings = [None; 3];
        if let Some(code) = failure {
            happenings[0] = Some((delivered, Status::Failed(code)));
        } else {
            happenings[0] = (!sent_told).then_some((sent, Status::Sent));
            happenings[1] = Some((delivered, Status::Delivered));
            if dice.hits(faults.read_share, Purpose::Read) {
                happenings[2] = Some((delivered + within(Purpose::ReadAfter, 200, 2_500), Status::Read));
            }
        }
        let message = Arc::new(message);
        let reversed = dice.hits(faults.reorder_share, Purpose::Reorder);
        let planned = happenings.iter().flatten().count();
        let times = happenings.iter().flatten().map(|(after, _)| *after);
        let told: [i64; 3] = {
            let mut told = [0; 3];
            for (place, after) in times.enumerate() {
                told[if reversed { planned - 1 - place } else { place }] = after;
            }
            told
        };
        for (place, (after, status)) in happenings.iter().flatten().enumerate() {
            let happening = Happening { message: Arc::clone(&message), status: *status, time_ms: message.accepted_ms + after };
            let delay = Duration::from_millis(faults.delay_ms + u64::try_from(told[place]).unwrap_or_default());
            if faults.duplicate_share > 0.0 && dice.roll(Purpose::Duplicate, place as u64) < faults.duplicate_share {
                let again = Duration::from_millis(50 + 40 * (place as u64 + 1));
                self.insert(delay + again, Item::Event(Event::Status(happening.clone())));
            }
            self.insert(delay, Item::Event(Event::Status(happening)));
        }
    }

    /// Posts `sent` now and waits until it was answered, 2 s at most; a failed POST is tried again in the background.
    pub(crate) async fn tell_sent(&self, message: Message) {
        let time_ms = message.accepted_ms;
        let happening = Happening { message: Arc::new(message), status: Status::Sent, time_ms };
        self.counters.statuses.add(1);
        self.pending.fetch_add(1, Ordering::Relaxed);
        let delivery = self.pack(&mut [Event::Status(happening)]);
        delivery::deliver_now(self, delivery).await;
    }

    /// Tells something other than a status, at once. `number_id` keeps events of one number together.
    pub(crate) fn tell(&self, number_id: &Arc<str>, entry: &Value, duplicates: u64) {
        for copy in 0..=duplicates {
            let event = Event::Entry { number_id: Arc::clone(number_id), entry: entry.clone() };
            self.insert(Duration::from_millis(60 * copy), Item::Event(event));
        }
    }

    /// Tells something about a business account after a while.
    pub(crate) fn tell_later(&self, entry: &Value, delay: Duration) {
        self.insert(delay, Item::Event(Event::Entry { number_id: "".into(), entry: entry.clone() }));
    }

    /// An entry about a message or a template; `time` is left out of entries of the field `messages`.
    pub(crate) fn entry(&self, account: &str, field: &str, value: &Value) -> Value {
        let time = (field != "messages").then(|| self.clock.now().timestamp());
        payload::entry(account, time, field, value)
    }

    fn pack(&self, events: &mut [Event]) -> Delivery {
        let body = payload::body(events);
        Delivery { signature: sign(&self.secret, &body), body: body.into(), events: events.len(), tries: 0, first_try: Instant::now() }
    }

    fn insert(&self, delay: Duration, item: Item) {
        let tick = self.tick_at(Instant::now() + delay);
        if let Item::Event(event) = &item {
            if matches!(event, Event::Status(_)) {
                if self.pending.load(Ordering::Relaxed) >= PENDING_LIMIT {
                    self.counters.statuses_dropped.add(1);
                    return;
                }
                self.counters.statuses.add(1);
            }
            self.pending.fetch_add(1, Ordering::Relaxed);
        }
        let mut wheel = self.lock();
        wheel.due.entry(tick).or_default().push(item);
        let sleeps_longer = wheel.sleeping_to.is_some_and(|until| until > tick);
        if sleeps_longer {
            wheel.sleeping_to = Some(tick);
        }
        drop(wheel);
        if sleeps_longer {
            self.wake.notify_one();
        }
    }

    fn tick_at(&self, instant: Instant) -> u64 {
        let ticks = instant.saturating_duration_since(self.start).as_millis() / TICK.as_millis();
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Wheel> {
        self.wheel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a few thousand milliseconds")]
fn scale(share: f64, range: i64) -> i64 {
    (share * range as f64) as i64
}
