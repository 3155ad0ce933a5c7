//! What a sealed value belongs to: it opens nowhere else.

use kernel::{ChannelId, OrganizationId, UserId};
use sha2::{Digest, Sha256};

/// Whose secret it is. Part of what is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// An organization's.
    Organization(OrganizationId),
    /// A person's, whichever organization they are signed in to.
    User(UserId),
}

impl From<OrganizationId> for Owner {
    fn from(id: OrganizationId) -> Self {
        Self::Organization(id)
    }
}

impl From<UserId> for Owner {
    fn from(id: UserId) -> Self {
        Self::User(id)
    }
}

/// What a secret is for: its column and its row. Part of what is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The access token of a channel.
    ChannelToken(ChannelId),
    /// The answer kept for an idempotency key: see [`Purpose::idempotency_answer`].
    IdempotencyAnswer([u8; 32]),
    /// The secret from which a person's app makes codes. Its owner is that person.
    TotpSecret(UserId),
}

impl Purpose {
    /// The answer kept for the idempotency key `key` of `actor`.
    pub fn idempotency_answer(actor: &str, key: &str) -> Self {
        let digest = Sha256::new().chain_update((actor.len() as u64).to_be_bytes()).chain_update(actor).chain_update(key);
        Self::IdempotencyAnswer(digest.finalize().into())
    }

    /// `table.column`. Never changes: sealed values know it.
    pub const fn column(self) -> &'static str {
        match self {
            Self::ChannelToken(_) => "channels.access_token",
            Self::IdempotencyAnswer(_) => "idempotency_keys.answer",
            Self::TotpSecret(_) => "two_step.secret",
        }
    }

    fn row(&self) -> Vec<u8> {
        match self {
            Self::ChannelToken(id) => id.uuid().as_bytes().to_vec(),
            Self::IdempotencyAnswer(row) => row.to_vec(),
            Self::TotpSecret(id) => id.uuid().as_bytes().to_vec(),
        }
    }
}

/// Which part of a sealed value is authenticated.
#[derive(Clone, Copy)]
pub(super) enum Layer {
    /// The data key, under the master key.
    Key,
    /// The value, under the data key.
    Value,
}

/// What binds both layers of a sealed value to owner, column and row.
pub(super) fn binding(layer: Layer, owner: Owner, purpose: Purpose) -> Vec<u8> {
    let (kind, id) = match owner {
        Owner::Organization(id) => (b'o', id.uuid()),
        Owner::User(id) => (b'u', id.uuid()),
    };
    let layer = match layer {
        Layer::Key => b'k',
        Layer::Value => b'v',
    };
    let column = purpose.column().as_bytes();
    // Owners have one length and a zero ends the column: no two bindings have the same bytes.
    [b"heliograph sealed ".as_slice(), &[layer, kind], id.as_bytes(), column, &[0], &purpose.row()].concat()
}

/// The binding of the first form, which knew organizations only.
pub(super) fn first_binding(owner: Owner, purpose: Purpose) -> Vec<u8> {
    let id = match owner {
        Owner::Organization(id) => id.uuid(),
        Owner::User(id) => id.uuid(),
    };
    [id.as_bytes().as_slice(), purpose.column().as_bytes(), &purpose.row()].concat()
}
