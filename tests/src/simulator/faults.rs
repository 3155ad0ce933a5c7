//! Faults: everything about the simulator that can be switched at run time, and the dice that decide shares.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Declares a settings struct whose docstrings are also its documentation at run time.
macro_rules! documented {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[doc = $doc:literal])+ pub $field:ident: $type:ty = $default:expr,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default, rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name { $($(#[doc = $doc])+ pub $field: $type,)+ }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $name {
            /// What each setting does, by its name on the wire.
            pub fn documentation() -> Map<String, Value> {
                [$((camel_case(stringify!($field)), Value::from(concat!($($doc),+).trim())),)+].into_iter().collect()
            }
        }
    };
}

documented! {
    /// What goes wrong, and within which limits the provider works. The default is a friendly provider.
    pub struct Faults {
        /// Milliseconds a send waits before anything is looked at. Default 0.
        pub latency_ms: u64 = 0,
        /// Share (0 to 1) of sends refused with `errorCode`; they are not executed. Default 0.
        pub error_share: f64 = 0.0,
        /// Code of refusals by `errorShare`. Default 131000.
        pub error_code: i32 = 131_000,
        /// Share of sends that are executed, and whose connection is then closed without an answer. Default 0.
        pub executed_but_cut_share: f64 = 0.0,
        /// Milliseconds between such an execution and the cut: longer than the client's timeout makes it an answer too late. Default 0.
        pub cut_after_ms: u64 = 0,
        /// Share of sends answered with an HTML page and status 500. Default 0.
        pub server_error_share: f64 = 0.0,
        /// Whether sends answered so are executed. Default false.
        pub server_error_executed: bool = false,
        /// Closes the connection of every Graph request unanswered and unexecuted. Default false.
        pub outage: bool = false,
        /// Milliseconds for which the port is closed (connections refused), from now on; also this interface. Not kept. Default 0.
        pub refuse_for_ms: u64 = 0,
        /// Refuses every token as expired (401, code 190, subcode 463). Default false.
        pub token_expired: bool = false,
        /// Tokens refused in the same way. Default none.
        pub refused_tokens: Vec<String> = Vec::new(),
        /// Refuses numbers and tokens never seen before, and unknown templates. Default false.
        pub strict: bool = false,
        /// Refuses templates that were not created here (404, code 132001). Default false.
        pub unknown_template_refused: bool = false,
        /// Names of templates refused as paused (code 132015). Default none.
        pub paused_templates: Vec<String> = Vec::new(),
        /// Messages per second and number, a token bucket of one second (code 130429); 0 is unlimited. Default 1000.
        pub throughput_per_second: u32 = 1_000,
        /// The same for single numbers, by phone number id. Default none.
        pub throughput_by_number: BTreeMap<String, u32> = BTreeMap::new(),
        /// Limits messages from one number to one person (code 131056). Default false.
        pub pair_limit: bool = false,
        /// Milliseconds for one message of a pair. Default 6000.
        pub pair_interval_ms: u64 = 6_000,
        /// Messages of a pair that may be borrowed in advance. Default 45.
        pub pair_burst: u32 = 45,
        /// People per business account and 24 hours (the messaging tier; code 131048); 0 is unlimited. Default 0.
        pub messaging_limit: u32 = 0,
        /// Fails messages without a template 131047 when the person has not written within 24 hours. Default false.
        pub customer_window: bool = false,
        /// People the faults of single sends apply to (`+` and digits); empty means everybody. Default empty.
        pub recipients: Vec<String> = Vec::new(),
        /// The same by the beginning of the number. Default empty, everybody.
        pub recipient_prefix: String = String::new(),
        /// Numbers (phone number ids) the faults of single sends, the outage and the token's expiry apply to. Default empty, all.
        pub phone_number_ids: Vec<String> = Vec::new(),
        /// Milliseconds until a new template is reviewed. Default 1500.
        pub review_delay_ms: u64 = 1_500,
        /// Leaves new templates PENDING until told otherwise. Default false.
        pub review_off: bool = false,
        /// Seed of all shares: the same seed decides alike for the same recipient and attempt. Default 1.
        pub seed: u64 = 1,
        /// Status webhooks.
        pub webhook: WebhookFaults = WebhookFaults::default(),
        /// Templates: their limits, their times, and what goes wrong when they are managed.
        pub template: TemplateFaults = TemplateFaults::default(),
    }
}

documented! {
    /// How status webhooks behave.
    pub struct WebhookFaults {
        /// Sends no webhooks at all. Default false.
        pub off: bool = false,
        /// Milliseconds added to the time of every status and of every event of a template. Default 0.
        pub delay_ms: u64 = 0,
        /// Share of statuses sent twice. Default 0.
        pub duplicate_share: f64 = 0.0,
        /// Share of messages whose statuses come in the reverse order. Default 0.
        pub reorder_share: f64 = 0.0,
        /// Share of delivered messages that are read. Default 0.3.
        pub read_share: f64 = 0.3,
        /// Share of messages that end as `failed` with `failedCode`. Default 0.
        pub failed_share: f64 = 0.0,
        /// Code of those failures. Default 131026.
        pub failed_code: i32 = 131_026,
        /// Most statuses in one POST. Default 50.
        pub batch: usize = 50,
        /// Share of messages whose `sent` is posted before the send is answered. Default 0.
        pub before_answer_share: f64 = 0.0,
        /// Milliseconds between that webhook and the answer. Default 0.
        pub before_answer_ms: u64 = 0,
        /// Share of messages without any status, as if the phone were off. Default 0.
        pub silent_share: f64 = 0.0,
    }
}

documented! {
    /// How the management of templates behaves. What is said of "calls" concerns creations, edits, deletions and unpausing.
    pub struct TemplateFaults {
        /// Milliseconds a call waits before anything is looked at. Default 0.
        pub latency_ms: u64 = 0,
        /// How many of the next calls are executed, and their connection is then closed without an answer. Counts down. Default 0.
        pub executed_but_cut: u64 = 0,
        /// Milliseconds between the execution of a call and its answer (or cut). Default 0.
        pub answer_delay_ms: u64 = 0,
        /// How many of the next calls are answered with an HTML page and status 500. Counts down. Default 0.
        pub server_errors: u64 = 0,
        /// Whether calls answered so are executed. Default false.
        pub server_errors_executed: bool = false,
        /// How many of the next calls are refused with `errorCode`, unexecuted. Counts down. Default 0.
        pub errors: u64 = 0,
        /// Code of refusals by `errors`. Default 2.
        pub error_code: i32 = 2,
        /// Milliseconds for which a new template is missing in listings. Default 0.
        pub listing_lag_ms: u64 = 0,
        /// Tells nothing about templates by webhook; statuses of messages are told. Default false.
        pub webhooks_off: bool = false,
        /// Reason for which the review rejects every template; empty approves what keeps the rules. Default empty.
        pub review_rejects: String = String::new(),
        /// Seconds of the first pause for quality; the second is twice as long, the third disables. Default 10800.
        pub pause_seconds: u64 = 10_800,
        /// Seconds between the announcement of a new category and the change. Default 86400.
        pub category_notice_seconds: u64 = 86_400,
        /// Seconds a deleted template is PENDING_DELETION before it is gone. Default 0, gone at once.
        pub pending_deletion_seconds: u64 = 0,
        /// Creations of an account within an hour (code 80007). Default 100.
        pub creations_per_hour: u32 = 100,
        /// Templates of an account, each language counted (subcode 2388019). Default 250.
        pub per_account: u32 = 250,
        /// Calls and readings of an account's templates within an hour (code 80007). Default 5000.
        pub calls_per_hour: u32 = 5_000,
        /// Edits of an approved template within 24 hours (subcode 2388039). Default 1.
        pub edits_per_day: u32 = 1,
        /// Edits of an approved template within 30 days (subcode 2388039). Default 10.
        pub edits_per_month: u32 = 10,
        /// How many of the next transfers of a file are cut after half of their bytes were taken. Counts down. Default 0.
        pub uploads_cut: u64 = 0,
    }
}

/// Why faults were not taken.
#[derive(Debug, thiserror::Error)]
pub enum FaultsError {
    /// The patch is a list or a plain value.
    #[error("faults are a JSON object")]
    NotAnObject,
    /// A name or a type is wrong.
    #[error("cannot read the faults: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A share is outside 0 to 1.
    #[error("`{0}` is a share and lies between 0 and 1")]
    Share(&'static str),
}

/// What `GET /_simulator/templates` shows.
const LEDGER_OF_TEMPLATES: &str = "Every template ever created, deleted ones included, and how many calls were executed.";

/// Actions of `POST /_simulator/templates/{id}/review` and what they do, whatever the present status.
const REVIEW_ACTIONS: [(&str, &str); 15] = [
    ("approve", "APPROVED; ends a pause."),
    ("reject", "REJECTED with `reason` (default INVALID_FORMAT)."),
    ("pause", "PAUSED: by itself APPROVED again after `template.pauseSeconds`, the second time twice as long; the third time DISABLED."),
    ("unpause", "APPROVED, with the title UNPAUSE."),
    ("disable", "DISABLED for good."),
    ("recategorize", "Into `category`, at once."),
    ("announceCategory", "Says that `category` is correct; the change follows after `template.categoryNoticeSeconds`."),
    ("quality", "Sets `score`: GREEN, YELLOW, RED or UNKNOWN. Pauses nothing."),
    ("flag", "Event FLAGGED; the status stays."),
    ("reinstate", "Event REINSTATED; APPROVED."),
    ("appeal", "IN_APPEAL."),
    ("lock", "LOCKED."),
    ("archive", "ARCHIVED."),
    ("unarchive", "Event UNARCHIVED; APPROVED."),
    ("delete", "Deleted by the provider, through PENDING_DELETION if `template.pendingDeletionSeconds` is set."),
];

fn review_documentation() -> Value {
    REVIEW_ACTIONS.iter().map(|(action, effect)| ((*action).to_owned(), Value::from(*effect))).collect::<Map<_, _>>().into()
}

impl Faults {
    /// These faults with `patch` laid over: named settings replace, `null` resets one, `{"clear": true}` resets all first.
    pub fn merged(&self, mut patch: Value) -> Result<Self, FaultsError> {
        let fields = patch.as_object_mut().ok_or(FaultsError::NotAnObject)?;
        let clear = fields.remove("clear") == Some(Value::Bool(true));
        let base = if clear { Self { seed: self.seed, ..Self::default() } } else { self.clone() };
        let mut merged = serde_json::to_value(base)?;
        lay_over(&mut merged, patch);
        let faults: Self = serde_json::from_value(merged)?;
        faults.check_shares()?;
        Ok(faults)
    }

    /// The settings and what they mean, as `GET /_simulator/faults` shows them.
    pub fn describe(&self) -> Value {
        let mut documentation = Self::documentation();
        documentation.insert("webhook".to_owned(), WebhookFaults::documentation().into());
        documentation.insert("template".to_owned(), TemplateFaults::documentation().into());
        documentation.insert("GET /_simulator/templates".to_owned(), LEDGER_OF_TEMPLATES.into());
        documentation.insert("POST /_simulator/templates/{id}/review".to_owned(), review_documentation());
        documentation
            .insert("clear".to_owned(), "Resets all settings but the seed, before the others of the same request are taken.".into());
        json!({ "faults": self, "documentation": documentation })
    }

    /// Whether faults of single sends concern this number and this person.
    pub(crate) fn concern(&self, phone_number_id: &str, to: &str) -> bool {
        self.concern_number(phone_number_id)
            && (self.recipients.is_empty() || self.recipients.iter().any(|recipient| recipient == to))
            && to.starts_with(&self.recipient_prefix)
    }

    /// Whether the outage and the token's expiry concern this number.
    pub(crate) fn concern_number(&self, phone_number_id: &str) -> bool {
        self.phone_number_ids.is_empty() || self.phone_number_ids.iter().any(|id| id == phone_number_id)
    }

    /// Messages per second of a number; 0 is unlimited.
    pub(crate) fn throughput_of(&self, phone_number_id: &str) -> u32 {
        self.throughput_by_number.get(phone_number_id).copied().unwrap_or(self.throughput_per_second)
    }

    fn check_shares(&self) -> Result<(), FaultsError> {
        let webhook = &self.webhook;
        for (name, share) in [
            ("errorShare", self.error_share),
            ("executedButCutShare", self.executed_but_cut_share),
            ("serverErrorShare", self.server_error_share),
            ("webhook.duplicateShare", webhook.duplicate_share),
            ("webhook.reorderShare", webhook.reorder_share),
            ("webhook.readShare", webhook.read_share),
            ("webhook.failedShare", webhook.failed_share),
            ("webhook.beforeAnswerShare", webhook.before_answer_share),
            ("webhook.silentShare", webhook.silent_share),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return Err(FaultsError::Share(name));
            }
        }
        Ok(())
    }
}

/// JSON merge patch (RFC 7396).
fn lay_over(target: &mut Value, patch: Value) {
    let (Value::Object(target_fields), true) = (&mut *target, patch.is_object()) else {
        *target = patch;
        return;
    };
    let Value::Object(patch) = patch else { return };
    for (name, value) in patch {
        if value.is_null() {
            target_fields.remove(&name);
        } else {
            lay_over(target_fields.entry(name).or_insert(Value::Null), value);
        }
    }
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        camel.push_str(&word[..1].to_uppercase());
        camel.push_str(&word[1..]);
    }
    camel
}

/// What a roll of the dice is for: rolls of different purposes are independent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Answer = 1,
    Failed,
    Silent,
    Reorder,
    Read,
    BeforeAnswer,
    SentAfter,
    DeliveredAfter,
    ReadAfter,
    /// The first of as many duplicates as a message has statuses.
    Duplicate = 100,
}

/// Dice thrown for one send: the same seed and the same send always give the same rolls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64, identity: u64) -> Self {
        Self(mix(seed ^ mix(identity)))
    }

    /// A number from 0 to below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(crate) fn roll(self, purpose: Purpose, nth: u64) -> f64 {
        (mix(self.0 ^ mix(purpose as u64 + nth)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether an event of this share happens.
    pub(crate) fn hits(self, share: f64, purpose: Purpose) -> bool {
        share > 0.0 && self.roll(purpose, 0) < share
    }
}

/// The finaliser of SplitMix64: every input bit moves every output bit.
pub(crate) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A hash that stays the same from run to run, unlike the standard library's.
pub(crate) fn stable_hash(text: &str) -> u64 {
    mix(text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
}
