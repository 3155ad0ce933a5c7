//! What handlers work with.

use std::{fmt, ops::Deref, sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use chrono::TimeDelta;
use crm::{
    files::{FileLinks, logo::LogoStudio},
    identity::{self, Identity, SessionTimes},
    lanes::LaneAnnouncer,
    secrets::Vault,
    webhooks::Intake,
};
use db::{Announcer, Announcers, Db, DbOptions, LedgerPool};
use kernel::SharedClock;
use providers::objects::{BucketOptions, ObjectStore, StoreOptions};
use queue::{Ledger, doorbell::Doorbell};
use runtime::{
    Config,
    config::{AuthConfig, StorageConfig},
};
use secrecy::SecretString;

use crate::layers::rate::Limits;

/// Connections of the ledger pool: it only announces lanes and looks at jobs.
const LEDGER_CONNECTIONS: u32 = 4;
/// Connections of the webhook intake, which nothing else may use up: one stores, one announces, one is spare.
const INTAKE_CONNECTIONS: u32 = 3;

/// What handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Services>);

/// The parts of [`AppState`].
pub struct Services {
    /// The settings.
    pub config: Config,
    /// Tells the time.
    pub clock: SharedClock,
    /// The door to PostgreSQL; its commits are announced to workers.
    pub db: Db,
    /// Connections of `crm_system`.
    pub ledger: LedgerPool,
    /// The job ledger, to look at; the api runs no job.
    pub jobs: Ledger,
    /// Accounts and logins.
    pub identity: Identity,
    /// How often an address may ask.
    pub limits: Limits,
    /// Seals the tokens of channels.
    pub vault: Vault,
    /// Keeps uploaded files.
    pub files: ObjectStore,
    /// Makes logos of uploads.
    pub logos: LogoStudio,
    /// Makes and checks addresses of files.
    pub links: FileLinks,
    /// Stores what the provider sends.
    pub intake: Intake,
    /// Secrets that may have signed it.
    pub app_secrets: Vec<SecretString>,
}

impl AppState {
    /// Opens everything that the settings name. Nothing is connected yet: a server that is down fails requests, not the start.
    pub fn open(config: Config, clock: SharedClock) -> anyhow::Result<Self> {
        let options = DbOptions {
            direct_url: config.database.direct_url.clone(),
            statement_cache: config.database.statement_cache,
            max_connections: config.database.max_connections,
            ..DbOptions::new(config.database.url.clone(), "api")
        };
        let ledger_options = DbOptions { max_connections: LEDGER_CONNECTIONS, application: "api-ledger", ..options.clone() };
        let ledger = LedgerPool::open(&ledger_options).context("the database settings cannot be used")?;
        let mut announcers: Vec<Arc<dyn Announcer>> = vec![Arc::new(LaneAnnouncer::new(ledger.clone()))];
        if let Some(url) = &config.redis.url {
            let doorbell = Doorbell::start(url).map_err(|error| anyhow!(error)).context("the Redis settings cannot be used")?;
            announcers.push(Arc::new(doorbell));
        }
        let jobs = Ledger::new(ledger.clone(), [], Duration::from_secs(30));
        let db = Db::open(&options).context("the database settings cannot be used")?.with_announcer(Arc::new(Announcers(announcers)));
        let limits = Limits::new(&config.limits, &config.redis, &config.auth.jwt_secret).context("the Redis settings cannot be used")?;
        let intake_options = DbOptions { max_connections: INTAKE_CONNECTIONS, application: "api-intake", ..options.clone() };
        let intake = LedgerPool::open(&intake_options).context("the database settings cannot be used")?;
        let intake = Intake::start(intake, Arc::clone(&clock));
        let vault = Vault::new(&config.secrets.key_id, &config.secrets.master_key)
            .and_then(|vault| vault.with_earlier_keys(&config.secrets.earlier_keys()))
            .context("the settings of `secrets` cannot be used")?;
        let identity = Identity::new(db.clone(), vault.clone(), &identity_settings(&config.auth));
        let files = ObjectStore::open(&store_options(&config.storage)).context("the settings of `storage` cannot be used")?;
        files.prepare_soon();
        let logos = LogoStudio::default();
        let links = FileLinks::new(&config.auth.jwt_secret, &config.api.public_url);
        let app_secrets = config.whatsapp.app_secrets();
        Ok(Self(Arc::new(Services { config, clock, db, ledger, jobs, identity, limits, vault, files, logos, links, intake, app_secrets })))
    }

    /// Closes the pools; waits until their connections have come back.
    pub async fn close(&self) {
        self.intake.close().await;
        self.db.close().await;
        self.ledger.close().await;
    }
}

impl Deref for AppState {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppState(…)")
    }
}

fn identity_settings(config: &AuthConfig) -> identity::Settings {
    identity::Settings {
        jwt_secret: config.jwt_secret.clone(),
        access_ttl: seconds(config.access_token_ttl_s),
        times: SessionTimes { idle: seconds(config.refresh_idle_ttl_s), absolute: seconds(config.refresh_absolute_ttl_s) },
        terms_version: config.terms_version.clone(),
    }
}

/// Seconds of a setting; more than a century counts as one.
fn seconds(seconds: u64) -> TimeDelta {
    TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::MAX).min(100 * 365 * 86_400))
}

fn store_options(StorageConfig { dir, s3 }: &StorageConfig) -> StoreOptions {
    let bucket = BucketOptions {
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone(),
        bucket: s3.bucket.clone(),
        access_key_id: s3.access_key_id.clone(),
        secret_access_key: s3.secret_access_key.clone(),
        path_style: s3.path_style,
        allow_http: s3.allow_http,
    };
    StoreOptions::choose(dir, bucket)
}
