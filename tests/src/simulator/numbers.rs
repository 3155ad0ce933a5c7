//! Numbers, business accounts and tokens: provisioned on first use, and the limits that belong to them.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    error::GraphError,
    faults::{Faults, stable_hash},
};

/// A business phone number.
#[derive(Debug)]
pub(crate) struct Number {
    pub(crate) id: Arc<str>,
    /// Digits with blanks, as Meta shows numbers.
    pub(crate) display: String,
    owner: Mutex<Owner>,
    limits: Mutex<Limits>,
}

/// To whom a number belongs.
#[derive(Debug, Default)]
struct Owner {
    /// The business account, as soon as a request has told which.
    account: Option<Arc<str>>,
    /// The token that read it last, or used it first.
    token: Option<Arc<Token>>,
    /// Whether the next listing of an account with this token takes the number into it.
    claimable: bool,
}

/// An access token.
#[derive(Debug)]
pub(crate) struct Token {
    /// Stands for the token where it may be read.
    pub(crate) id: String,
    /// The business account it was last used for.
    account: Mutex<Option<Arc<str>>>,
}

#[derive(Debug, Default)]
struct Limits {
    /// Tokens of the bucket, and when they were counted; `None` before the first send.
    bucket: Option<(f64, Instant)>,
    /// Person → when the pair owes nothing any more.
    pairs: HashMap<u64, Instant>,
}

/// Everything provisioned so far.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    by_id: RwLock<HashMap<Box<str>, Arc<Number>>>,
    tokens: RwLock<HashMap<Box<str>, Arc<Token>>>,
    /// Business account → people written to, and when first within the window.
    audiences: Mutex<HashMap<Arc<str>, HashMap<u64, Instant>>>,
    /// (number, person) → when the person last wrote.
    windows: Mutex<HashMap<(Arc<str>, String), Instant>>,
    /// People who want no marketing: (number, person).
    stopped: Mutex<HashSet<(Arc<str>, String)>>,
}

const DAY: Duration = Duration::from_hours(24);

impl Numbers {
    /// The token of an `Authorization` header, or why it is refused.
    pub(crate) fn token(&self, authorization: Option<&str>, faults: &Faults) -> Result<Arc<Token>, GraphError> {
        // Meta documents the second scheme for uploads.
        let known = |scheme: &str| scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth");
        let secret = authorization.and_then(|header| header.split_once(' ')).filter(|(scheme, _)| known(scheme));
        let Some(secret) = secret.map(|(_, secret)| secret.trim()).filter(|secret| !secret.is_empty()) else {
            return Err(GraphError::of(104));
        };
        if faults.refused_tokens.iter().any(|refused| refused == secret) {
            return Err(expired());
        }
        if let Some(token) = self.tokens.read().unwrap_or_else(PoisonError::into_inner).get(secret) {
            return Ok(Arc::clone(token));
        }
        if faults.strict {
            return Err(expired());
        }
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(
            tokens
                .entry(secret.into())
                .or_insert_with(|| Arc::new(Token { id: format!("{:016x}", stable_hash(secret)), account: Mutex::new(None) })),
        ))
    }

    /// The number, made on first use unless strictness forbids.
    pub(crate) fn number(&self, id: &str, token: &Arc<Token>, faults: &Faults) -> Result<Arc<Number>, GraphError> {
        let known = self.by_id.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        let number = match known {
            Some(number) => number,
            None if faults.strict || !is_object_id(id) => return Err(unknown_object(id)),
            None => self.add(id),
        };
        let mut owner = number.owner();
        if owner.token.is_none() {
            (owner.token, owner.claimable) = (Some(Arc::clone(token)), true);
        }
        drop(owner);
        Ok(number)
    }

    /// A number that exists already.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Number>> {
        self.by_id.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// A number that exists already or is made now, without a token.
    pub(crate) fn add(&self, id: &str) -> Arc<Number> {
        let mut numbers = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(numbers.entry(id.into()).or_insert_with(|| Arc::new(Number::new(id))))
    }

    /// Any number, for an inbound message that names none.
    pub(crate) fn any(&self) -> Option<Arc<Number>> {
        self.by_id.read().unwrap_or_else(PoisonError::into_inner).values().min_by(|a, b| a.id.cmp(&b.id)).cloned()
    }

    /// The numbers of a business account, as a token may see them.
    ///
    /// Numbers that were read with this token since they were last listed join the account: who connects a number reads both. Without
    /// strictness all other numbers of the token are shown too, and a token without any gets one.
    pub(crate) fn of_account(&self, account: &str, token: &Arc<Token>, faults: &Faults) -> Vec<Arc<Number>> {
        let account: Arc<str> = account.into();
        token.used_for(&account);
        let mut numbers: Vec<_> = self.by_id.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        numbers.retain(|number| {
            let mut owner = number.owner();
            let same_token = owner.token.as_ref().is_some_and(|own| own.id == token.id);
            if same_token && std::mem::take(&mut owner.claimable) {
                owner.account = Some(Arc::clone(&account));
            }
            owner.account.as_ref() == Some(&account) || (same_token && !faults.strict)
        });
        numbers.sort_by(|a, b| a.id.cmp(&b.id));
        if numbers.is_empty() && !faults.strict {
            let number = self.add(&format!("1{:014}", stable_hash(&account) % 100_000_000_000_000));
            number.owner().account = Some(account);
            numbers.push(number);
        }
        numbers
    }

    /// Every number that belongs to a business account, with that account.
    pub(crate) fn accounts(&self) -> Vec<(String, String)> {
        let numbers = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        let mut accounts: Vec<_> =
            numbers.values().filter_map(|number| Some((number.id.to_string(), number.known_account()?.to_string()))).collect();
        accounts.sort();
        accounts
    }

    /// Puts a number into a business account, as an earlier start knew it.
    pub(crate) fn restore(&self, id: &str, account: &str) {
        self.add(id).owner().account = Some(account.into());
    }

    /// Counts a person against the messaging tier of the account.
    pub(crate) fn take_from_tier(&self, number: &Number, to: &str, limit: u32) -> Result<(), GraphError> {
        let now = Instant::now();
        let mut audiences = self.audiences.lock().unwrap_or_else(PoisonError::into_inner);
        let audience = audiences.entry(number.account()).or_default();
        audience.retain(|_, first| now.duration_since(*first) < DAY);
        let person = stable_hash(to);
        if !audience.contains_key(&person) && audience.len() >= limit as usize {
            return Err(GraphError::of(131_048).details("The messaging limit of this business account is reached."));
        }
        audience.entry(person).or_insert(now);
        Ok(())
    }

    /// Notes that a customer wrote.
    pub(crate) fn customer_wrote(&self, number: &Number, from: &str) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.insert((Arc::clone(&number.id), from.to_owned()), Instant::now());
    }

    /// Whether the customer wrote within 24 hours.
    pub(crate) fn window_open(&self, number: &Number, to: &str) -> bool {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.get(&(Arc::clone(&number.id), to.to_owned())).is_some_and(|wrote| wrote.elapsed() < DAY)
    }

    /// Notes that a customer wants no marketing, or wants it again.
    pub(crate) fn set_marketing_stopped(&self, number: &Number, from: &str, stopped: bool) {
        let mut people = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let person = (Arc::clone(&number.id), from.to_owned());
        if stopped {
            people.insert(person);
        } else {
            people.remove(&person);
        }
    }

    /// Whether the customer wants no marketing.
    pub(crate) fn marketing_stopped(&self, number: &Number, to: &str) -> bool {
        let people = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        !people.is_empty() && people.contains(&(Arc::clone(&number.id), to.to_owned()))
    }
}

impl Token {
    /// Notes which business account the token works for.
    pub(crate) fn used_for(&self, account: &Arc<str>) {
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(account));
    }
}

impl Number {
    fn new(id: &str) -> Self {
        let digits = stable_hash(id) % 10_000_000;
        Self {
            id: id.into(),
            display: format!("+1 555-{:03}-{:04}", digits / 10_000, digits % 10_000),
            owner: Mutex::default(),
            limits: Mutex::default(),
        }
    }

    fn owner(&self) -> MutexGuard<'_, Owner> {
        self.owner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the number was read with this token, which may be about to connect it to an account.
    pub(crate) fn read_with(&self, token: &Arc<Token>) {
        let mut owner = self.owner();
        owner.token = Some(Arc::clone(token));
        owner.claimable = true;
    }

    /// The business account, if known for sure.
    pub(crate) fn known_account(&self) -> Option<Arc<str>> {
        self.owner().account.clone()
    }

    /// The business account; otherwise the one its token was used for, otherwise one made up.
    pub(crate) fn account(&self) -> Arc<str> {
        let owner = self.owner();
        let guess = || owner.token.as_ref().and_then(|token| token.account.lock().unwrap_or_else(PoisonError::into_inner).clone());
        owner.account.clone().or_else(guess).unwrap_or_else(|| format!("2{:014}", stable_hash(&self.id) % 100_000_000_000_000).into())
    }

    /// Whether this is the number's own phone number.
    pub(crate) fn is_phone(&self, to: &str) -> bool {
        self.display.bytes().filter(u8::is_ascii_digit).eq(to.bytes().filter(u8::is_ascii_digit))
    }

    /// Counts a send against the limits of the number and the pair.
    pub(crate) fn take(&self, to: &str, faults: &Faults) -> Result<(), GraphError> {
        let rate = faults.throughput_of(&self.id);
        if rate == 0 && !faults.pair_limit {
            return Ok(());
        }
        let now = Instant::now();
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        if rate > 0 {
            let rate = f64::from(rate);
            let (left, counted) = limits.bucket.unwrap_or((rate, now));
            let left = (left + now.duration_since(counted).as_secs_f64() * rate).min(rate);
            limits.bucket = Some((left, now));
            if left < 1.0 {
                return Err(GraphError::of(130_429).details("Message failed to send because of too many messages from this phone number."));
            }
        }
        if faults.pair_limit {
            let interval = Duration::from_millis(faults.pair_interval_ms);
            let person = stable_hash(to);
            let debt_until = limits.pairs.get(&person).copied().unwrap_or(now).max(now) + interval;
            if debt_until > now + interval * faults.pair_burst.max(1) {
                return Err(GraphError::of(131_056).details("Too many messages from this number to the same recipient in a short time."));
            }
            limits.pairs.insert(person, debt_until);
        }
        if let Some((left, _)) = &mut limits.bucket {
            *left -= 1.0;
        }
        Ok(())
    }

    /// The number as `GET /<id>` shows it.
    pub(crate) fn describe(&self, faults: &Faults) -> Value {
        let tier = match faults.messaging_limit {
            1..=250 => "TIER_250",
            251..=1_000 => "TIER_1K",
            1_001..=2_000 => "TIER_2K",
            2_001..=10_000 => "TIER_10K",
            10_001..=100_000 => "TIER_100K",
            _ => "TIER_UNLIMITED",
        };
        let throughput = faults.throughput_of(&self.id);
        json!({
            "id": &*self.id,
            "display_phone_number": self.display,
            "verified_name": format!("Business {}", &self.display[self.display.len() - 4..]),
            "quality_rating": "GREEN",
            "messaging_limit_tier": tier,
            "whatsapp_business_manager_messaging_limit": tier,
            "throughput": { "level": if throughput == 0 || throughput >= 1_000 { "HIGH" } else { "STANDARD" } },
            "code_verification_status": "VERIFIED",
            "name_status": "APPROVED",
            "status": "CONNECTED",
            "account_mode": "LIVE",
            "platform_type": "CLOUD_API",
            "is_official_business_account": false,
        })
    }
}

/// Object ids are decimal; tests may use plain words too.
pub(crate) fn is_object_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// The answer for an object that does not exist or is not the token's.
pub(crate) fn unknown_object(id: &str) -> GraphError {
    GraphError::of(100).subcode(33).details(format!(
        "Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation"
    ))
}

/// The answer for a token that is no longer valid.
pub(crate) fn expired() -> GraphError {
    GraphError::of(190).subcode(463).details("Session has expired.")
}
