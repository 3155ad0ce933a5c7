use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use base64::{Engine, engine::general_purpose::STANDARD};
use db::{Db, TenantTx};
use kernel::{ChannelId, Clock, OrganizationId, UserId};
use secrecy::{ExposeSecret, SecretString};

use super::{ColumnReport, Purpose, Rotation, SEALED_COLUMNS, SecretError, Vault, rotate};
use crate::{
    arranged::Arranged,
    channels::{
        ChannelError, ChannelPatch, NewChannel,
        service::{self, Keeping},
    },
};

const CANARY: &str = "canary-7f3e";

fn key(byte: u8) -> SecretString {
    STANDARD.encode([byte; 32]).into()
}

/// The installation before the change, while it changes, and after it.
fn vaults() -> [Vault; 3] {
    let [old, new] = [("2025", 1), ("2026", 2)].map(|(id, byte)| Vault::new(id, &key(byte)).unwrap());
    [old, new.clone().with_earlier_key("2025", &key(1)).unwrap(), new]
}

async fn create(tx: &mut TenantTx, clock: &dyn Clock, vault: &Vault, number: u128, token: &str) -> ChannelId {
    let input = NewChannel {
        display_name: "Shop".into(),
        phone_number_id: number.to_string(),
        business_account_id: "9001".into(),
        access_token: token.into(),
        messages_per_second: None,
    };
    service::create(tx, clock, Keeping { vault, max_messages_per_second: 1_000 }, input).await.unwrap().id
}

/// Sealed values in every column, in two organizations; answers the channels.
async fn arranged(vault: &Vault, channels: u128) -> (Arranged, Vec<(OrganizationId, ChannelId)>) {
    let app = Arranged::new().await;
    let mut made = Vec::new();
    let mut owner = app.database.owner().await;
    for organization in [app.organization, app.other] {
        let mut tx = app.db.tenant(organization).await.unwrap();
        for number in 0..channels {
            made.push((organization, create(&mut tx, &*app.clock, vault, number, &format!("{CANARY}-{number}")).await));
        }
        tx.commit().await.unwrap();
        for number in 0..3 {
            let (actor, key) = (format!("user {number}"), format!("key {number}"));
            let answer = vault.seal(organization, Purpose::idempotency_answer(&actor, &key), &CANARY.into()).unwrap();
            sqlx::query(
                "insert into idempotency_keys (organization_id, actor, key, request_hash, attempt, state, lease_until, answer, created_at)
                 values ($1, $2, $3, '\\x00', 1, 'answered', now(), $4, now())",
            )
            .bind(organization)
            .bind(actor)
            .bind(key)
            .bind(answer)
            .execute(&mut owner)
            .await
            .unwrap();
        }
    }
    for number in 0..2 {
        let user = UserId::at(app.clock.now());
        sqlx::query("insert into users (id, email, first_name, last_name, created_at, updated_at) values ($1, $2, 'A', 'B', now(), now())")
            .bind(user)
            .bind(format!("{number}@example.com"))
            .execute(&mut owner)
            .await
            .unwrap();
        let secret = vault.seal(user, Purpose::TotpSecret(user), &CANARY.into()).unwrap();
        sqlx::query("insert into two_step (user_id, secret, created_at) values ($1, $2, now())")
            .bind(user)
            .bind(secret)
            .execute(&mut owner)
            .await
            .unwrap();
    }
    (app, made)
}

async fn token(db: &Db, vault: &Vault, organization: OrganizationId, channel: ChannelId) -> Result<SecretString, ChannelError> {
    let mut tx = db.tenant(organization).await?;
    let token = service::access_token(&mut tx, vault, channel).await?;
    tx.commit().await?;
    Ok(token)
}

/// All bytes of all sealed columns, as a thief of a dump has them.
async fn dump(app: &Arranged) -> Vec<Vec<u8>> {
    let mut owner = app.database.owner().await;
    sqlx::query_scalar(
        "select access_token from channels union all select secret from two_step union all select answer from idempotency_keys",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap()
}

fn count(changed: u64, current: u64) -> ColumnReport {
    ColumnReport { changed, current, raced: 0, refused: 0 }
}

#[tokio::test]
async fn every_sealed_value_comes_under_the_new_key_and_a_second_run_changes_nothing() {
    let [old, both, new] = vaults();
    let (app, channels) = arranged(&old, 3).await;
    let report = rotate(&app.db, &both, Rotation::Wrapping).await.unwrap();
    assert!(report.is_complete());
    assert_eq!(report.0.into_values().collect::<Vec<_>>(), [count(6, 0), count(6, 0), count(2, 0)]);
    for (organization, channel) in &channels {
        assert!(token(&app.db, &new, *organization, *channel).await.unwrap().expose_secret().starts_with(CANARY));
        let refused = token(&app.db, &old, *organization, *channel).await.unwrap_err();
        assert!(matches!(refused, ChannelError::Secret(SecretError::UnknownKey(id)) if id == "2026"));
    }
    let before = dump(&app).await;
    let report = rotate(&app.db, &new, Rotation::Wrapping).await.unwrap();
    assert_eq!(report.0.into_values().collect::<Vec<_>>(), [count(0, 6), count(0, 6), count(0, 2)]);
    assert_eq!(dump(&app).await, before);
}

#[tokio::test]
async fn data_keys_are_changed_when_that_is_asked_for() {
    let [old, ..] = vaults();
    let (app, channels) = arranged(&old, 2).await;
    let before: BTreeSet<_> = dump(&app).await.into_iter().collect();
    let report = rotate(&app.db, &old, Rotation::DataKeys).await.unwrap();
    assert_eq!(report.0.into_values().collect::<Vec<_>>(), [count(4, 0), count(6, 0), count(2, 0)]);
    let after: BTreeSet<_> = dump(&app).await.into_iter().collect();
    assert!(before.is_disjoint(&after));
    let (organization, channel) = channels[0];
    assert!(token(&app.db, &old, organization, channel).await.is_ok());
}

#[tokio::test]
async fn what_no_key_opens_is_counted_and_stays_as_it_is() {
    let [old, _, new] = vaults();
    let (app, _) = arranged(&old, 1).await;
    let before = dump(&app).await;
    let report = rotate(&app.db, &new, Rotation::Wrapping).await.unwrap();
    assert!(!report.is_complete());
    assert_eq!(report.0["channels.access_token"], ColumnReport { changed: 0, current: 0, raced: 0, refused: 2 });
    assert_eq!(dump(&app).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keys_change_under_load_without_one_failure_to_open() {
    let [old, both, new] = vaults();
    let (app, channels) = arranged(&old, 40).await;
    let (app, running, opened) = (Arc::new(app), Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
    let mut load = Vec::new();
    for reader in 0..4 {
        let (db, running, opened) = (app.database.db(), Arc::clone(&running), Arc::clone(&opened));
        let (channels, both) = (channels.clone(), both.clone());
        load.push(tokio::spawn(async move {
            for (organization, channel) in channels.into_iter().cycle().skip(reader * 10) {
                token(&db, &both, organization, channel).await.expect("it opens at any moment");
                opened.fetch_add(1, Ordering::Relaxed);
                if !running.load(Ordering::Relaxed) {
                    break;
                }
            }
        }));
    }
    // Tokens are replaced meanwhile, by programs that have the new key already and by one that has not.
    for (writer, vault) in [(1, old.clone()), (2, both.clone())] {
        let (app, running, channels) = (Arc::clone(&app), Arc::clone(&running), channels.clone());
        load.push(tokio::spawn(async move {
            let db = app.database.db();
            for (organization, channel) in channels.into_iter().cycle().step_by(writer + 1) {
                let mut tx = db.tenant(organization).await.unwrap();
                let patch = ChannelPatch { access_token: Some(format!("{CANARY}-new").into()), ..ChannelPatch::default() };
                let keeping = Keeping { vault: &vault, max_messages_per_second: 1_000 };
                service::patch(&mut tx, &*app.clock, keeping, channel, patch).await.unwrap();
                tx.commit().await.unwrap();
                if !running.load(Ordering::Relaxed) {
                    break;
                }
            }
        }));
    }
    for rotation in [Rotation::Wrapping, Rotation::DataKeys, Rotation::Wrapping] {
        let before = opened.load(Ordering::Relaxed);
        let report = rotate(&app.db, &both, rotation).await.unwrap();
        assert!(report.0.values().all(|column| column.refused == 0), "{report:?}");
        while opened.load(Ordering::Relaxed) < before + 20 {
            tokio::task::yield_now().await;
        }
    }
    running.store(false, Ordering::Relaxed);
    futures::future::try_join_all(load).await.expect("no reader and no writer failed");
    // Now that every program has the new key, one more run and the old one is not needed any more.
    assert!(rotate(&app.db, &both, Rotation::Wrapping).await.unwrap().is_complete());
    for (organization, channel) in channels {
        assert!(token(&app.db, &new, organization, channel).await.unwrap().expose_secret().starts_with(CANARY));
    }
}

#[tokio::test]
async fn bytes_that_were_moved_to_another_row_do_not_open() {
    let [old, both, _] = vaults();
    let (app, channels) = arranged(&old, 2).await;
    let [(organization, one), (_, two), (other, theirs), _] = channels[..] else { panic!("four channels") };
    let mut owner = app.database.owner().await;
    for (to, from) in [(two, one), (theirs, one)] {
        sqlx::query("update channels set access_token = (select access_token from channels where id = $2) where id = $1")
            .bind(to)
            .bind(from)
            .execute(&mut owner)
            .await
            .unwrap();
    }
    for (organization, moved) in [(organization, two), (other, theirs)] {
        let refused = token(&app.db, &old, organization, moved).await.unwrap_err();
        assert!(matches!(refused, ChannelError::Secret(SecretError::Refused)), "{refused}");
    }
    // Changing keys does not make them good either.
    let report = rotate(&app.db, &both, Rotation::Wrapping).await.unwrap();
    assert_eq!(report.0["channels.access_token"], ColumnReport { changed: 2, current: 0, raced: 0, refused: 2 });
}

#[tokio::test]
async fn a_dump_of_the_sealed_columns_shows_no_secret() {
    let [old, both, _] = vaults();
    let (app, _) = arranged(&old, 3).await;
    for _ in 0..2 {
        let dumped = dump(&app).await;
        assert_eq!(dumped.len(), 14);
        for bytes in dumped {
            assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
        }
        rotate(&app.db, &both, Rotation::DataKeys).await.unwrap();
    }
}

/// Bytes that are no secrets of ours: hashes, the key of counted failures, and what the provider sent.
const NOT_SEALED: [&str; 12] = [
    "_sqlx_migrations.checksum",
    "api_keys.key_hash",
    "audit_events.hash",
    "audit_heads.hash",
    "idempotency_keys.request_hash",
    "login_failures.key",
    "one_time_tokens.token_hash",
    "recovery_codes.code_hash",
    "sessions.family_hash",
    "sessions.previous_hash",
    "sessions.token_hash",
    "webhook_events.body",
];

#[tokio::test]
async fn the_catalogue_marks_just_the_columns_that_are_changed() {
    let app = Arranged::new().await;
    let mut owner = app.database.owner().await;
    let columns: Vec<(String, Option<String>)> = sqlx::query_as(
        "select relname || '.' || attname, col_description(attrelid, attnum)
         from pg_attribute
         join pg_class on pg_class.oid = attrelid
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
           and attnum > 0 and not attisdropped and (atttypid = 'bytea'::regtype or col_description(attrelid, attnum) = 'sealed')
         order by 1",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let marked: Vec<_> = columns.iter().filter(|(_, mark)| mark.as_deref() == Some("sealed")).map(|(column, _)| column.as_str()).collect();
    assert_eq!(marked, SEALED_COLUMNS, "a sealed column has a mark in its migration and its walk in the change of keys");
    let others: Vec<_> = columns.iter().filter(|(_, mark)| mark.is_none()).map(|(column, _)| column.as_str()).collect();
    assert_eq!(others, NOT_SEALED, "bytes are sealed and marked, or listed here as no secret");
}
