//! What jobs are given besides the database.

use std::time::Duration;

use anyhow::Context;
use crm::{campaigns, secrets::Vault};
use providers::{
    objects::ObjectStore,
    whatsapp::{CloudClient, CloudOptions},
};
use queue::Resources;
use runtime::Config;

/// The services that jobs ask for, made from the settings.
pub fn resources(config: &Config) -> anyhow::Result<Resources> {
    let client = CloudClient::new(CloudOptions {
        graph_url: config.whatsapp.graph_url.clone(),
        version: config.whatsapp.graph_version.clone(),
        connect_timeout: Duration::from_millis(config.whatsapp.connect_timeout_ms),
        request_timeout: Duration::from_millis(config.whatsapp.request_timeout_ms),
        max_idle: config.sending.max_in_flight,
    })
    .context("the settings of `whatsapp` cannot be used")?;
    let vault = Vault::new(&config.secrets.key_id, &config.secrets.master_key).context("the settings of `secrets` cannot be used")?;
    let objects = ObjectStore::local(&config.storage.dir).context("the settings of `storage` cannot be used")?;
    let campaigns = campaigns::Settings {
        unknown_grace: Duration::from_secs(config.sending.unknown_grace_s),
        authentication_grace: Duration::from_secs(config.sending.authentication_grace_s),
    };
    Ok(Resources::default().with(client).with(vault).with(objects).with(campaigns))
}
