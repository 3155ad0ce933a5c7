//! The hash that chains an entry to the one before it. Pure.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use kernel::OrganizationId;
use sha2::{Digest, Sha256};

/// First byte of the canonical form below.
const FORM: u8 = 1;

/// Keeps the beginning of a chain apart from whatever else is hashed.
const DOMAIN: &[u8] = b"heliograph audit chain";

/// Stands for an absent field where others have their length: no field is that long.
const ABSENT: u32 = u32::MAX;

/// A link of the chain: SHA-256 over the link before it and the entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LinkHash([u8; 32]);

impl LinkHash {
    /// What the first entry of `organization` is chained to.
    pub fn first(organization: OrganizationId) -> Self {
        Self(Sha256::new().chain_update(DOMAIN).chain_update(organization.uuid().as_bytes()).finalize().into())
    }

    pub(super) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) const fn bytes(self) -> [u8; 32] {
        self.0
    }

    /// The bytes as the database keeps them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes of a row; none when they are no hash.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for LinkHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for LinkHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for LinkHash {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

/// A place in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Number of the entry; 0 is before the first.
    pub seq: i64,
    /// Its hash.
    pub hash: LinkHash,
}

impl Link {
    /// The beginning of the chain of `organization`: nothing was recorded yet.
    pub fn beginning(organization: OrganizationId) -> Self {
        Self { seq: 0, hash: LinkHash::first(organization) }
    }

    /// The link that `entry` makes after this one.
    pub(super) fn then(self, entry: &Canonical<'_>) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(self.hash.0);
        entry.feed(&mut hasher);
        Self { seq: entry.seq, hash: LinkHash(hasher.finalize().into()) }
    }
}

/// All of an entry that the hash covers: everything.
pub(super) struct Canonical<'a> {
    pub(super) organization: OrganizationId,
    pub(super) seq: i64,
    pub(super) at: DateTime<Utc>,
    pub(super) actor_kind: &'a str,
    pub(super) actor_id: Option<&'a str>,
    pub(super) action: &'a str,
    pub(super) target_kind: Option<&'a str>,
    pub(super) target_id: Option<&'a str>,
    pub(super) details: &'a str,
}

impl Canonical<'_> {
    /// Each field with its length before it, so that no two entries have the same bytes.
    fn feed(&self, hasher: &mut Sha256) {
        hasher.update([FORM]);
        let organization = self.organization.uuid();
        let numbers = [self.seq.to_be_bytes(), self.at.timestamp_micros().to_be_bytes()];
        let fields = [
            Some(organization.as_bytes().as_slice()),
            Some(&numbers[0]),
            Some(&numbers[1]),
            Some(self.actor_kind.as_bytes()),
            self.actor_id.map(str::as_bytes),
            Some(self.action.as_bytes()),
            self.target_kind.map(str::as_bytes),
            self.target_id.map(str::as_bytes),
            Some(self.details.as_bytes()),
        ];
        for field in fields {
            let length = field.map_or(ABSENT, |field| u32::try_from(field.len()).unwrap_or(ABSENT));
            hasher.update(length.to_be_bytes());
            hasher.update(field.unwrap_or_default());
        }
    }
}
