//! What a worker needs to be ready: the database with its schema. Without Redis it is only slower.

use std::sync::Arc;

use db::Db;
use runtime::health::{Health, Need};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

/// The checks of a worker.
pub(crate) fn checks(db: &Db, redis: Option<&SecretString>, stopping: CancellationToken) -> Arc<Health> {
    let schema = db.clone();
    let database = db.clone();
    let mut health = Health::new(stopping)
        .check("database", Need::Required, move || {
            let db = database.clone();
            async move { db.ping().await.map_err(|error| error.to_string()) }
        })
        .check("migrations", Need::Required, move || {
            let db = schema.clone();
            async move {
                let state = db.migration_state().await.map_err(|error| error.to_string())?;
                if state.is_current() { Ok(()) } else { Err(format!("at {}, this build needs {}", state.applied, state.expected)) }
            }
        });
    if let Some(url) = redis.cloned() {
        health = health.check("redis", Need::Optional, move || {
            let url = url.clone();
            async move { queue::doorbell::ping(&url).await.map_err(|_| "does not answer".to_owned()) }
        });
    }
    Arc::new(health)
}
