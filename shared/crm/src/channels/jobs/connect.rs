//! Connects a channel: reads its number and its account with the token.

use std::time::Duration;

use kernel::ChannelId;
use providers::whatsapp::{CloudClient, GraphError};
use queue::{Job, JobError, Queue, Requirement, Tenant};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    channels::{
        ChannelError, ChannelState,
        model::{Channel, Reading},
        service,
    },
    secrets::Vault,
};

/// Longest reason that is kept, in characters.
const MAX_REASON: usize = 300;

/// Proves the right to a number by reading it and its account, and notes what the provider says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connect {
    /// The channel.
    pub channel: ChannelId,
    /// The version that the token came with; a later token has a job of its own.
    pub version: i32,
}

impl Job for Connect {
    const KIND: &'static str = "channels.connect";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_secs(90);
    type Context = Tenant;

    async fn run(&self, ctx: &Tenant) -> Result<(), JobError> {
        let client = ctx.get::<CloudClient>()?;
        let vault = ctx.get::<Vault>()?;
        let mut tx = ctx.begin().await?;
        let channel = match service::get(&mut tx, self.channel).await {
            Ok(channel) => channel,
            Err(ChannelError::NotFound(_)) => return Ok(()),
            Err(error) => return Err(JobError::retry(error)),
        };
        if channel.version != self.version || channel.state != ChannelState::Connecting {
            return Ok(());
        }
        let token = match service::access_token(&mut tx, vault, self.channel).await {
            Ok(token) => token,
            // Another master key: an operator has to see this, so the job is dead rather than the channel refused.
            Err(error @ ChannelError::Secret(_)) => return Err(JobError::fail(error)),
            Err(error) => return Err(JobError::retry(error)),
        };
        tx.rollback().await?;
        match read(client, &token, &channel).await {
            Ok(reading) => self.connected(ctx, &reading).await,
            Err(Trouble::Graph(error)) if error.is_retryable() => Err(JobError::retry(error)),
            Err(trouble) => self.disconnected(ctx, &trouble.reason()).await,
        }
    }

    fn requires() -> Vec<Requirement> {
        vec![Requirement::of::<CloudClient>(), Requirement::of::<Vault>()]
    }
}

impl Connect {
    async fn connected(&self, ctx: &Tenant, reading: &Reading) -> Result<(), JobError> {
        let mut tx = ctx.begin().await?;
        match service::connected(&mut tx, self.channel, self.version, reading, ctx.now()).await {
            Ok(_) => Ok(tx.commit().await?),
            Err(error) if error.constraint() == Some("channels_connected_number") => {
                tx.rollback().await?;
                self.disconnected(ctx, "number-connected-elsewhere: another channel is connected to this number").await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn disconnected(&self, ctx: &Tenant, reason: &str) -> Result<(), JobError> {
        let mut tx = ctx.begin().await?;
        service::disconnected(&mut tx, self.channel, self.version, reason, ctx.now()).await?;
        Ok(tx.commit().await?)
    }
}

/// Why a number cannot be connected.
enum Trouble {
    Graph(GraphError),
    /// The account has numbers, and this one is not among them.
    NotInAccount,
}

impl Trouble {
    fn reason(&self) -> String {
        let reason = match self {
            Self::NotInAccount => "number-not-in-account: the business account has no such number".to_owned(),
            Self::Graph(GraphError::Refused(rejection)) => match rejection.code {
                Some(code) => format!("refused: the provider answered {code}: {}", rejection.title),
                None => format!("refused: the provider answered HTTP {}: {}", rejection.http_status, rejection.title),
            },
            Self::Graph(error) => format!("failed: {error}"),
        };
        reason.chars().take(MAX_REASON).collect()
    }
}

async fn read(client: &CloudClient, token: &SecretString, channel: &Channel) -> Result<Reading, Trouble> {
    let number = client.phone_number(token, &channel.phone_number_id).await.map_err(Trouble::Graph)?;
    let numbers = client.phone_numbers(token, &channel.business_account_id).await.map_err(Trouble::Graph)?;
    if !numbers.is_empty() && !numbers.iter().any(|number| number.id == channel.phone_number_id) {
        return Err(Trouble::NotInAccount);
    }
    // Webhooks of the account come only after this. An app that an operator subscribed by hand may lack the right to it.
    if let Err(error) = client.subscribe_app(token, &channel.business_account_id).await {
        if error.is_retryable() {
            return Err(Trouble::Graph(error));
        }
        tracing::warn!(channel.id = %channel.id, %error, "channel {}: the app was not subscribed to webhooks", channel.id);
    }
    Ok(Reading {
        display_phone_number: number.display_phone_number,
        verified_name: number.verified_name,
        quality: number.quality_rating,
        messaging_tier: number.messaging_limit,
        throughput: number.throughput.map(|throughput| throughput.level),
    })
}
