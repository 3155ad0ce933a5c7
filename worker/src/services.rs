//! What jobs are given besides the database.

use std::time::Duration;

use anyhow::Context;
use crm::{campaigns, identity::OneTimeKeys, mail::Links, secrets::Vault, templates::media::ProviderApp};
use kernel::EmailAddress;
use providers::{
    mail::{Delivery, Encryption, MailOptions, Mailer, SmtpOptions},
    objects::{BucketOptions, ObjectStore, StoreOptions},
    whatsapp::{CloudClient, CloudOptions},
};
use queue::Resources;
use runtime::{
    Config,
    config::{MailConfig, SmtpTls, StorageConfig},
};
use url::Url;

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
    let vault = Vault::new(&config.secrets.key_id, &config.secrets.master_key)
        .and_then(|vault| vault.with_earlier_keys(&config.secrets.earlier_keys()))
        .context("the settings of `secrets` cannot be used")?;
    let objects = ObjectStore::open(&store_options(&config.storage)).context("the settings of `storage` cannot be used")?;
    let campaigns = campaigns::Settings {
        unknown_grace: Duration::from_secs(config.sending.unknown_grace_s),
        authentication_grace: Duration::from_secs(config.sending.authentication_grace_s),
    };
    let app = ProviderApp::new(config.whatsapp.app_id.clone());
    let one_time = OneTimeKeys::new(&config.auth.jwt_secret);
    let links = Links::new(&config.api.public_url, one_time.clone());
    let mailer = mailer(config).context("the settings of `mail` cannot be used")?;
    Ok(Resources::default().with(mailer).with(links).with(one_time).with(client).with(vault).with(objects).with(campaigns).with(app))
}

/// How mails leave. In production it is worth a warning when they stay in a folder.
fn mailer(config: &Config) -> anyhow::Result<Mailer> {
    let mail = &config.mail;
    let address = |setting: &'static str, address: &Option<String>| {
        let address = address.as_deref().map(EmailAddress::parse).transpose();
        address.with_context(|| format!("`{setting}` is no address"))
    };
    let public_url = Url::parse(&config.api.public_url).context("`api.public_url` is no address")?;
    let delivery =
        mail.smtp_host.as_ref().map_or_else(|| Delivery::Folder(mail.dir.clone()), |host| Delivery::Smtp(smtp_options(mail, host)));
    if config.is_production() && mail.smtp_host.is_none() {
        tracing::warn!("`mail.smtp_host` is not set: no mail is sent, each becomes a file in the folder of `mail.dir`");
    }
    let options = MailOptions {
        host: public_url.host_str().unwrap_or("localhost").to_owned(),
        from: address("mail.from", &mail.from)?,
        reply_to: address("mail.reply_to", &mail.reply_to)?,
        bounces: address("mail.bounce_address", &mail.bounce_address)?,
        delivery,
    };
    Ok(Mailer::new(options)?)
}

fn smtp_options(mail: &MailConfig, host: &str) -> SmtpOptions {
    SmtpOptions {
        host: host.to_owned(),
        port: mail.port(),
        encryption: match mail.smtp_tls {
            SmtpTls::StartTls => Encryption::StartTls,
            SmtpTls::Tls => Encryption::Tls,
            SmtpTls::None => Encryption::None,
        },
        ca_file: mail.smtp_ca_file.clone(),
        login: mail.smtp_user.clone().zip(mail.smtp_password.clone()),
        timeout: Duration::from_millis(mail.smtp_timeout_ms),
    }
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
