mod reading;
mod verifying;

use std::{
    collections::BTreeSet,
    fmt::Debug,
    sync::{Arc, Mutex},
};

use chrono::TimeDelta;
use db::{DbError, Tx, testing::TestDatabase};
use kernel::{ApiKeyId, Clock, ManualClock, OrganizationId, PageRequest, UserId};
use queue::{Enqueue, Registry, Resources, testing::TestWorker};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use super::{
    Act, Actor, Anchor, Anchored, Anchors, AuditFilter, Fault, FaultKind, Link, LinkHash, Report, chain::Canonical, model::ActorKind,
    record, service, store, verify,
};
use crate::arranged::Arranged;

const ALL: PageRequest = PageRequest { limit: 100, after: None };

fn act(number: usize) -> Act {
    Act::new(Actor::System("test"), "tests.act").on("tests", number).with(json!({ "number": number }))
}

impl Arranged {
    async fn act(&self, organization: OrganizationId, number: usize) {
        let mut tx = self.db.tenant(organization).await.unwrap();
        record(&mut tx, organization, self.clock.now(), act(number)).await.unwrap();
        tx.commit().await.unwrap();
        self.clock.advance(TimeDelta::seconds(1));
    }

    /// Five entries in the log of the organization and two in that of the other.
    async fn with_entries() -> Self {
        let app = Self::new().await;
        for number in 1..=5 {
            app.act(app.organization, number).await;
        }
        for number in 1..=2 {
            app.act(app.other, number).await;
        }
        app
    }

    async fn verified(&self) -> Report {
        verify(&self.db, None, &Anchors::default()).await.unwrap()
    }

    /// Changes rows as only the owner of the tables can, with the trigger out of the way.
    async fn tamper(&self, statement: &str) {
        let mut owner = self.database.owner().await;
        let statement = statement.replace("$1", &format!("'{}'", self.organization));
        let statements = format!(
            "alter table audit_events disable trigger append_only; {statement}; alter table audit_events enable trigger append_only;"
        );
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut owner).await.unwrap();
    }

    async fn heads(&self) -> Vec<Anchored> {
        let mut tx = self.db.system("test").await.unwrap();
        service::heads(&mut tx, None, 100).await.unwrap()
    }

    async fn fault_after(&self, statement: &str) -> Option<(i64, FaultKind)> {
        self.tamper(statement).await;
        let report = self.verified().await;
        assert!(report.faults.iter().all(|fault| fault.organization == self.organization), "{report:?}");
        assert!(report.faults.len() <= 1, "{report:?}");
        report.faults.first().map(|fault| (fault.seq, fault.kind))
    }
}

#[tokio::test]
async fn what_was_recorded_is_listed_newest_first_with_the_names_of_members_and_keys() {
    let app = Arranged::new().await;
    let mut owner = app.database.owner().await;
    let (user, stranger, key) = (UserId::at(app.clock.now()), UserId::at(app.clock.now()), ApiKeyId::at(app.clock.now()));
    for id in [user, stranger] {
        sqlx::query(
            "insert into users (id, email, first_name, last_name, created_at, updated_at) values ($1, $1 || '@example.com', 'Ada', 'King', now(), now())",
        )
        .bind(id)
        .execute(&mut owner)
        .await
        .unwrap();
    }
    sqlx::query("insert into memberships (organization_id, user_id, role, created_at) values ($1, $2, 'admin', now())")
        .bind(app.organization)
        .bind(user)
        .execute(&mut owner)
        .await
        .unwrap();
    sqlx::query(
        "insert into api_keys (organization_id, id, name, prefix, key_hash, permissions, created_at) values ($1, $2, 'Shop', 'hg_', '\\x00', '{}', now())",
    )
    .bind(app.organization)
    .bind(key)
    .execute(&mut owner)
    .await
    .unwrap();
    let mut tx = app.begin().await;
    let acts = [
        Act::new(Actor::User(user), "channels.create").on("channels", 7).with(json!({ "b": 1, "a": [true] })),
        Act::new(Actor::User(stranger), "channels.delete").on("channels", 7),
        Act::new(Actor::ApiKey(key), "campaigns.launch"),
        Act::new(Actor::Nobody, "logins.failed"),
        Act::new(Actor::System("rotate-secrets"), "secrets.rotate"),
    ];
    for act in acts {
        record(&mut tx, app.organization, app.clock.now(), act).await.unwrap();
        app.clock.advance(TimeDelta::seconds(1));
    }
    let seen = service::list(&mut tx, &AuditFilter::default(), ALL).await.unwrap().data;
    tx.commit().await.unwrap();
    let told: Vec<_> = seen.iter().map(|event| (event.seq, event.action.as_str(), event.actor.kind, event.actor.name.as_deref())).collect();
    assert_eq!(
        told,
        [
            (5, "secrets.rotate", ActorKind::System, None),
            (4, "logins.failed", ActorKind::Nobody, None),
            (3, "campaigns.launch", ActorKind::ApiKey, Some("Shop")),
            (2, "channels.delete", ActorKind::User, None),
            (1, "channels.create", ActorKind::User, Some("Ada King")),
        ]
    );
    assert_eq!(seen[4].details, json!({ "a": [true], "b": 1 }));
    assert_eq!(seen[4].target, Some(("channels".into(), "7".into())));
    assert_eq!((seen[3].details.clone(), seen[2].target.clone()), (Value::Null, None));
    assert_eq!(seen[4].actor.id, Some(user.to_string()));
    assert_eq!(app.verified().await, Report { chains: 1, entries: 5, faults: vec![] });
}

#[tokio::test]
async fn filters_and_pages_cut_the_log() {
    let app = Arranged::with_entries().await;
    let mut tx = app.begin().await;
    let mut seqs = async |filter: AuditFilter, page| {
        let page = service::list(&mut tx, &filter, page).await.unwrap();
        (page.data.iter().map(|event| event.seq).collect::<Vec<_>>(), page.next)
    };
    let (first, next) = seqs(AuditFilter::default(), PageRequest { limit: 2, after: None }).await;
    assert_eq!(first, [5, 4]);
    assert_eq!(seqs(AuditFilter::default(), PageRequest { limit: 3, after: next }).await, (vec![3, 2, 1], None));
    let start = app.clock.now() - TimeDelta::seconds(7);
    let (third, fourth) = (start + TimeDelta::seconds(2), start + TimeDelta::seconds(3));
    let filters = [
        (AuditFilter { target: Some("3".into()), ..Default::default() }, vec![3]),
        (AuditFilter { action: Some("tests.act".into()), ..Default::default() }, vec![5, 4, 3, 2, 1]),
        (AuditFilter { action: Some("tests.".into()), ..Default::default() }, vec![5, 4, 3, 2, 1]),
        (AuditFilter { action: Some("tests".into()), ..Default::default() }, vec![]),
        (AuditFilter { actor: Some("test".into()), target: Some("9".into()), ..Default::default() }, vec![]),
        (AuditFilter { from: Some(third), to: Some(fourth), ..Default::default() }, vec![3]),
    ];
    for (filter, expected) in filters {
        let told = format!("{filter:?}");
        assert_eq!(seqs(filter, ALL).await.0, expected, "{told}");
    }
}

#[tokio::test]
async fn every_kind_of_transaction_appends_to_the_same_line() {
    let app = Arranged::new().await;
    let (organization, now) = (app.organization, app.clock.now());
    let mut tenant = app.begin().await;
    record(&mut tenant, organization, now, act(1)).await.unwrap();
    tenant.commit().await.unwrap();
    let mut identity = app.db.identity("test").await.unwrap();
    record(&mut identity, organization, now, act(2)).await.unwrap();
    // Two organizations in one transaction, as when somebody belongs to both.
    record(&mut identity, app.other, now, act(1)).await.unwrap();
    identity.commit().await.unwrap();
    let mut system = app.db.system("test").await.unwrap();
    record(&mut system, organization, now, act(3)).await.unwrap();
    system.commit().await.unwrap();
    assert_eq!(app.verified().await, Report { chains: 2, entries: 4, faults: vec![] });
}

#[tokio::test]
async fn a_rollback_leaves_no_gap() {
    let app = Arranged::with_entries().await;
    let mut tx = app.begin().await;
    record(&mut tx, app.organization, app.clock.now(), act(6)).await.unwrap();
    tx.rollback().await.unwrap();
    app.act(app.organization, 7).await;
    assert_eq!(app.verified().await, Report { chains: 2, entries: 8, faults: vec![] });
    assert_eq!(app.count("select max(seq) from audit_events").await, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_writers_at_once_make_one_line() {
    let app = Arc::new(Arranged::new().await);
    let writers = (0..20).map(|writer| {
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            for number in 0..5 {
                app.act(app.organization, writer * 5 + number).await;
            }
        })
    });
    futures::future::try_join_all(writers.collect::<Vec<_>>()).await.unwrap();
    assert_eq!(app.verified().await, Report { chains: 1, entries: 100, faults: vec![] });
    assert_eq!(app.count("select count(distinct target_id) from audit_events").await, 100);
}

#[tokio::test]
async fn the_application_can_only_add_and_even_the_owner_is_stopped() {
    let app = Arranged::with_entries().await;
    for statement in ["update audit_events set action = 'x'", "delete from audit_events", "truncate audit_events"] {
        let refusals: [(&str, Result<_, DbError>); 3] = [
            ("tenant", refused(&mut app.begin().await, statement).await),
            ("identity", refused(&mut app.db.identity("test").await.unwrap(), statement).await),
            ("system", refused(&mut app.db.system("test").await.unwrap(), statement).await),
        ];
        for (role, refusal) in refusals {
            assert_eq!(refusal.unwrap_err().code().as_deref(), Some("42501"), "{role}: {statement}");
        }
        let mut owner: PgConnection = app.database.owner().await;
        let error = sqlx::raw_sql(statement).execute(&mut owner).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{statement}: {error}");
    }
    assert_eq!(app.verified().await.faults, []);
}

async fn refused(tx: &mut impl Tx, statement: &'static str) -> Result<(), DbError> {
    sqlx::raw_sql(statement).execute(tx.conn()).await?;
    Ok(())
}

#[test]
fn anchors_are_found_in_any_form_of_log() {
    let hash = "ab".repeat(32);
    let organization = "0198c0de-0000-7000-8000-000000000001";
    let message = format!("audit anchor {organization} 17 {hash}");
    let expected =
        Anchored { organization: organization.parse().unwrap(), link: Link { seq: 17, hash: LinkHash::from_bytes(&[0xab; 32]).unwrap() } };
    assert_eq!(expected.to_string(), message);
    for line in [
        message.clone(),
        format!(r#"{{"timestamp":"2026-01-01T00:00:00Z","level":"INFO","message":"{message}","audit.seq":17}}"#),
        format!(r#"{{"log":"{{\"message\":\"{message}\"}}\n"}}"#),
        format!("2026-01-01T00:00:00Z  INFO crm::audit::jobs: {message} audit.seq=17"),
    ] {
        assert_eq!(Anchored::in_line(&line), Some(expected), "{line}");
    }
    for line in ["", "audit anchor", "audit anchor x 1 00", &format!("audit anchor {organization} 17 abab")] {
        assert_eq!(Anchored::in_line(line), None, "{line}");
    }
}

/// Keeps the messages of the log.
#[derive(Clone, Default)]
struct Messages(Arc<Mutex<Vec<String>>>);

impl Visit for &Messages {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}

impl Subscriber for Messages {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut &*self);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn the_job_puts_every_head_into_the_log() {
    let app = Arranged::with_entries().await;
    let worker = worker(&app.database, &app);
    let mut tx = app.db.system("test").await.unwrap();
    tx.enqueue(Anchor {}).await.unwrap();
    tx.commit().await.unwrap();
    let messages = Messages::default();
    let subscribed = tracing::subscriber::set_default(messages.clone());
    assert_eq!(worker.drain().await.len(), 1);
    drop(subscribed);
    let anchored: Vec<_> = messages.0.lock().unwrap().iter().filter_map(|line| Anchored::in_line(line)).collect();
    let organizations: BTreeSet<_> = anchored.iter().map(|head| head.organization).collect();
    assert_eq!(organizations, BTreeSet::from([app.organization, app.other]));
    assert_eq!(anchored, app.heads().await);
}

fn worker(database: &TestDatabase, app: &Arranged) -> TestWorker {
    let clock: Arc<ManualClock> = app.clock.clone();
    TestWorker::new(database, app.db.clone(), clock, Registry::default().register::<Anchor>(), Resources::default())
}
