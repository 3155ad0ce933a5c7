//! The kinds of transaction.

use std::sync::Arc;

use kernel::OrganizationId;
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{Announcement, Announcer, DbError, guard};

/// What all kinds of transaction can do.
pub trait Tx: Send {
    /// The connection, for a store's statements.
    fn conn(&mut self) -> &mut PgConnection;

    /// Has `announcement` told after the commit; a rollback forgets it.
    fn announce(&mut self, announcement: Announcement);

    /// The organization whose rows are visible, if the transaction is bound to one.
    fn organization_scope(&self) -> Option<OrganizationId>;
}

/// A begun transaction with what it will announce.
#[derive(Debug)]
pub(crate) struct Begun {
    tx: Transaction<'static, Postgres>,
    announcer: Arc<dyn Announcer>,
    announcements: Vec<Announcement>,
}

impl Begun {
    pub(crate) fn new(tx: Transaction<'static, Postgres>, announcer: Arc<dyn Announcer>) -> Self {
        Self { tx, announcer, announcements: Vec::new() }
    }

    pub(crate) fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    async fn commit(mut self) -> Result<(), DbError> {
        guard::ask(&mut self.tx).await?;
        self.tx.commit().await?;
        if !self.announcements.is_empty() {
            self.announcer.announce(self.announcements);
        }
        Ok(())
    }
}

macro_rules! transaction {
    ($(#[$doc:meta])* $name:ident $({ $field:ident: $kind:ty })?, $scope:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            begun: Begun,
            $($field: $kind,)?
        }

        impl $name {
            pub(crate) fn new(begun: Begun $(, $field: $kind)?) -> Self {
                Self { begun $(, $field)? }
            }

            /// The connection, for a store's statements.
            pub fn conn(&mut self) -> &mut PgConnection {
                self.begun.conn()
            }

            /// Makes the changes durable, then announces what was asked for. Without it, or when a [`crate::CommitGuard`] refuses, everything
            /// is rolled back.
            pub async fn commit(self) -> Result<(), DbError> {
                self.begun.commit().await
            }

            /// Gives everything up.
            pub async fn rollback(self) -> Result<(), DbError> {
                Ok(self.begun.tx.rollback().await?)
            }
        }

        impl Tx for $name {
            fn conn(&mut self) -> &mut PgConnection {
                self.begun.conn()
            }

            fn announce(&mut self, announcement: Announcement) {
                if !self.begun.announcements.contains(&announcement) {
                    self.begun.announcements.push(announcement);
                }
            }

            fn organization_scope(&self) -> Option<OrganizationId> {
                let scope: fn(&Self) -> Option<OrganizationId> = $scope;
                scope(self)
            }
        }
    };
}

transaction!(
    /// Sees the rows of one organization: the only door to tenant rows.
    TenantTx { organization: OrganizationId },
    |tx| Some(tx.organization)
);

transaction!(
    /// Sees the ledgers of all organizations: jobs, lanes, campaign ledger, webhooks.
    SystemTx,
    |_| None
);

transaction!(
    /// Sees accounts, memberships and sessions of all organizations.
    IdentityTx,
    |_| None
);

impl TenantTx {
    /// The organization whose rows are visible.
    pub fn organization(&self) -> OrganizationId {
        self.organization
    }
}
