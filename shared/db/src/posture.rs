//! Whether the database keeps tenants apart: what the role that logged in may do, and whether row security is forced everywhere.
//!
//! A superuser, or an owner of tables, sees every row whatever the policies say, so a wrong address in the settings would take the walls
//! down without anybody noticing.

use std::{fmt, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::Clock;
use sqlx::{PgPool, Row};

use crate::{Db, DbError};

/// Wait before asking a database again that did not answer.
const AGAIN: Duration = Duration::from_secs(5);

/// Difference between the clocks that is worth a warning.
const CLOCKS_AGREE: TimeDelta = TimeDelta::seconds(2);

/// What follows from a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// The process must not start: production.
    Refuse,
    /// The log warns: development.
    Warn,
}

impl Strictness {
    /// Refuses in production only.
    pub const fn of(is_production: bool) -> Self {
        if is_production { Self::Refuse } else { Self::Warn }
    }
}

/// Something that takes the walls between tenants down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The role of `database.url` is a superuser.
    Superuser(String),
    /// The role of `database.url` passes by row security.
    BypassesRowSecurity(String),
    /// The role of `database.url` owns this table, or may become the role that does.
    OwnsTable {
        /// The role.
        role: String,
        /// The table.
        table: String,
    },
    /// Row security of this table is not on, or not forced.
    RowSecurityNotForced(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Superuser(role) => {
                write!(f, "`database.url`: role {role} is a superuser, whom row security does not bind; it must be crm_app")
            }
            Self::BypassesRowSecurity(role) => write!(f, "`database.url`: role {role} bypasses row security; it must be crm_app"),
            Self::OwnsTable { role, table } => {
                write!(f, "`database.url`: role {role} owns table {table}, or may become its owner; it must be crm_app")
            }
            Self::RowSecurityNotForced(table) => write!(f, "table {table}: row security is not forced"),
        }
    }
}

/// The database cannot be trusted, or could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum PostureError {
    /// It did not answer.
    #[error("cannot ask the database who may see what")]
    Unknown(#[source] DbError),
    /// It does not keep tenants apart.
    #[error("the database does not keep organizations apart:{}", lines(.0))]
    Unsafe(Vec<Finding>),
}

fn lines(findings: &[Finding]) -> String {
    findings.iter().fold(String::new(), |lines, finding| lines + "\n  " + &finding.to_string())
}

impl Db {
    /// Looks once, and warns of clocks that disagree.
    ///
    /// # Errors
    /// Findings are an error only when `strictness` refuses them; otherwise the log warns.
    pub async fn look_at_posture(&self, clock: &dyn Clock, strictness: Strictness) -> Result<(), PostureError> {
        let (findings, clock_of_database) = read(self.pool()).await.map_err(PostureError::Unknown)?;
        let off = clock.now() - clock_of_database;
        if off.abs() > CLOCKS_AGREE {
            let seconds = off.num_seconds();
            tracing::warn!(seconds, "this machine's clock and the database's are {seconds} s apart: leases and limits are less exact");
        }
        match strictness {
            _ if findings.is_empty() => Ok(()),
            Strictness::Refuse => Err(PostureError::Unsafe(findings)),
            Strictness::Warn => {
                for finding in findings {
                    tracing::warn!("{finding}: production would refuse to start");
                }
                Ok(())
            }
        }
    }

    /// Looks at the start of a process: whether the database answered. One that did not is to be asked again by [`Db::await_posture`],
    /// because a process starts without its database too.
    pub async fn posture_at_start(&self, clock: &dyn Clock, strictness: Strictness) -> Result<bool, PostureError> {
        match self.look_at_posture(clock, strictness).await {
            Ok(()) => Ok(true),
            Err(PostureError::Unknown(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot ask the database yet who may see what");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Asks until the database answers. Fails only when what it answers is refused.
    pub async fn await_posture(&self, clock: &dyn Clock, strictness: Strictness) -> Result<(), PostureError> {
        loop {
            match self.look_at_posture(clock, strictness).await {
                Err(PostureError::Unknown(error)) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "the database does not answer; asking again");
                    tokio::time::sleep(AGAIN).await;
                }
                decided => return decided,
            }
        }
    }
}

async fn read(pool: &PgPool) -> Result<(Vec<Finding>, DateTime<Utc>), DbError> {
    // Superusers are members of every role, so ownership says something about others only.
    let row = sqlx::query(
        "select rolname::text as role, rolsuper as superuser, rolbypassrls as bypasses, clock_timestamp() as now,
                array(
                    select relname::text from pg_class
                    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
                      and not rolsuper and pg_has_role(pg_roles.oid, relowner, 'member')
                    order by 1 limit 5
                ) as owned,
                array(
                    select relname::text from pg_class
                    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
                      and relname <> '_sqlx_migrations' and not (relrowsecurity and relforcerowsecurity)
                    order by 1 limit 20
                ) as unforced
         from pg_roles
         where rolname = session_user",
    )
    .fetch_one(pool)
    .await?;
    let role: String = row.try_get("role")?;
    let mut findings = Vec::new();
    if row.try_get("superuser")? {
        findings.push(Finding::Superuser(role.clone()));
    } else if row.try_get("bypasses")? {
        findings.push(Finding::BypassesRowSecurity(role.clone()));
    }
    let owned: Vec<String> = row.try_get("owned")?;
    findings.extend(owned.into_iter().map(|table| Finding::OwnsTable { role: role.clone(), table }));
    let unforced: Vec<String> = row.try_get("unforced")?;
    findings.extend(unforced.into_iter().map(Finding::RowSecurityNotForced));
    Ok((findings, row.try_get("now")?))
}

#[cfg(test)]
mod tests {
    use kernel::SystemClock;
    use sqlx::{AssertSqlSafe, Connection, PgConnection};

    use super::*;
    use crate::{DbOptions, testing::TestDatabase};

    async fn owners(database: &TestDatabase, statement: &str) {
        let mut owner: PgConnection = database.owner().await;
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut owner).await.unwrap();
        owner.close().await.unwrap();
    }

    async fn findings(db: &Db) -> Vec<Finding> {
        match db.look_at_posture(&SystemClock, Strictness::Refuse).await {
            Ok(()) => Vec::new(),
            Err(PostureError::Unsafe(findings)) => findings,
            Err(error) => panic!("{error}"),
        }
    }

    #[tokio::test]
    async fn the_migrated_database_is_accepted_with_the_role_of_the_application() {
        let database = TestDatabase::create().await;
        assert_eq!(findings(&database.db()).await, []);
    }

    #[tokio::test]
    async fn a_superuser_is_refused_and_in_development_only_warned_of() {
        let database = TestDatabase::create().await;
        let db = Db::open(&DbOptions::new(database.owner_url(), "test")).unwrap();
        let findings = findings(&db).await;
        assert!(matches!(&*findings, [Finding::Superuser(_)]), "{findings:?}");
        db.look_at_posture(&SystemClock, Strictness::Warn).await.unwrap();
        let refused = db.await_posture(&SystemClock, Strictness::Refuse).await.unwrap_err().to_string();
        assert!(refused.contains("`database.url`"), "{refused}");
    }

    #[tokio::test]
    async fn an_owner_of_tables_is_refused_and_the_table_named() {
        let database = TestDatabase::create().await;
        owners(&database, "alter table contacts owner to crm_app").await;
        assert_eq!(findings(&database.db()).await, [Finding::OwnsTable { role: "crm_app".into(), table: "contacts".into() }]);
    }

    #[tokio::test]
    async fn a_table_without_forced_row_security_is_named() {
        let database = TestDatabase::create().await;
        owners(&database, "alter table channels no force row level security; alter table users disable row level security").await;
        let named = ["channels", "users"].map(|table| Finding::RowSecurityNotForced(table.into()));
        assert_eq!(findings(&database.db()).await, named);
    }

    #[tokio::test]
    async fn a_database_that_does_not_answer_is_not_called_unsafe() {
        let db = Db::open(&DbOptions::new("postgres://crm_app@127.0.0.1:9/none".to_owned(), "test")).unwrap();
        let outcome = db.look_at_posture(&SystemClock, Strictness::Refuse).await;
        assert!(matches!(outcome, Err(PostureError::Unknown(_))), "{outcome:?}");
        assert!(!db.posture_at_start(&SystemClock, Strictness::Refuse).await.unwrap());
    }
}
