//! A long storm: several companies send while everything around them is hurt, one fault after another, until the time is over.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

use super::{
    Bounds, Campaign, Launch, Provider, Tenant, busiest_second,
    ending::{per_crash, verdict},
    holder,
};
use crate::processes::{Stack, StackOptions};

/// Messages per second of the three companies. The first is the noisy one.
const RATES: [u32; 3] = [60, 30, 10];
/// How much of the storm's time the campaigns take when nothing is wrong: they should outlast it.
const LENGTH: f64 = 0.8;
/// How long the campaigns may go on after the last fault.
const DRAIN: Duration = Duration::from_mins(3);
/// Limit of a sliding second, as a share of the number's rate.
const OVER_RATE: f64 = 1.1;

/// How long and by which dice.
#[derive(Clone, Copy, Debug)]
pub struct StormOptions {
    /// Decides which fault comes when.
    pub seed: u64,
    /// How long faults go on.
    pub duration: Duration,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// `kill -9` to the worker that sends.
    KillSender,
    /// `kill -9` to any worker.
    KillWorker,
    /// A worker stops in good order and another takes its place.
    ReplaceWorker,
    /// A worker stands still for longer than its lease.
    FreezeWorker,
    /// `kill -9` to the API.
    KillApi,
    /// `kill -9` to a scheduler.
    KillScheduler,
    /// Redis forgets everything.
    FlushRedis,
    /// Redis is killed and comes back empty.
    RestartRedis,
    /// Redis answers nobody for a second.
    FreezeRedis,
    /// Redis is away for five seconds.
    LoseRedis,
    /// PostgreSQL crashes and recovers.
    CrashPostgres,
    /// Every session of PostgreSQL is ended.
    EndSessions,
    /// The provider's port is closed for five seconds.
    RefuseConnections,
    /// For five seconds, every fifth answer is lost: half of those were executed.
    LoseAnswers,
    /// The provider takes half a second for every answer, for five seconds.
    SlowProvider,
    /// Tokens expire; a person repairs them and resumes.
    ExpireTokens,
    /// Somebody pauses a campaign and resumes it.
    PauseAndResume,
}

const FAULTS: [Fault; 17] = [
    Fault::KillSender,
    Fault::KillWorker,
    Fault::ReplaceWorker,
    Fault::FreezeWorker,
    Fault::KillApi,
    Fault::KillScheduler,
    Fault::FlushRedis,
    Fault::RestartRedis,
    Fault::FreezeRedis,
    Fault::LoseRedis,
    Fault::CrashPostgres,
    Fault::EndSessions,
    Fault::RefuseConnections,
    Fault::LoseAnswers,
    Fault::SlowProvider,
    Fault::ExpireTokens,
    Fault::PauseAndResume,
];

impl Fault {
    /// Whether messages may be left in doubt by it.
    const fn is_a_crash(self) -> bool {
        matches!(
            self,
            Self::KillSender | Self::KillWorker | Self::FreezeWorker | Self::CrashPostgres | Self::EndSessions | Self::RefuseConnections
        )
    }
}

/// A running storm.
#[derive(Debug)]
pub struct Storm {
    stack: Stack,
    provider: Provider,
    dice: StdRng,
    senders: Vec<(Tenant, Campaign, u32)>,
    happened: BTreeMap<Fault, usize>,
}

impl Storm {
    /// Runs the whole storm, and prints what happens.
    ///
    /// # Errors
    /// When something does not come back, a campaign does not end, or the ledgers disagree; the logs are kept then.
    pub async fn run(options: StormOptions) -> anyhow::Result<()> {
        let mut storm = Self::begin(options).await?;
        let outcome = match storm.rage(options.duration).await {
            Ok(()) => storm.judge().await,
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            println!("everything is kept in {}", storm.stack.keep().display());
        }
        outcome
    }

    async fn begin(options: StormOptions) -> anyhow::Result<Self> {
        println!("seed {}, faults for {} s", options.seed, options.duration.as_secs());
        let stack = Stack::start(&StackOptions { schedulers: 2, seed: options.seed, ..StackOptions::default() }).await?;
        let provider = Provider::at(&stack.simulator_url())?;
        // Always on, as on the real provider's bad days.
        let webhook = json!({ "duplicateShare": 0.2, "reorderShare": 0.3, "beforeAnswerShare": 0.05, "failedShare": 0.01 });
        provider.set_faults(json!({ "webhook": webhook })).await?;
        let mut senders = Vec::new();
        for rate in RATES {
            let mut tenant = Tenant::settle(&stack, rate).await?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of people")]
            let recipients = (f64::from(rate) * options.duration.as_secs_f64() * LENGTH).clamp(500.0, 30_000.0) as usize;
            let campaign = tenant.launch(Launch::to(recipients)).await?;
            println!("a campaign to {recipients} people at {rate}/s");
            senders.push((tenant, campaign, rate));
        }
        Ok(Self { stack, provider, dice: StdRng::seed_from_u64(options.seed), senders, happened: BTreeMap::new() })
    }

    /// Hurts until the time is over, then heals everything.
    async fn rage(&mut self, duration: Duration) -> anyhow::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < duration {
            let calm = Duration::from_millis(self.dice.random_range(500..5_000));
            tokio::time::sleep(calm).await;
            let fault = *FAULTS.choose(&mut self.dice).context("there are faults")?;
            println!("{:4} s  {fault:?}, {} executed", begun.elapsed().as_secs(), self.executed().await);
            *self.happened.entry(fault).or_default() += 1;
            self.strike(fault).await.with_context(|| format!("{fault:?}"))?;
            let ended = self.stack.unexpected_ends();
            if !ended.is_empty() {
                bail!("{}", ended.join(", "));
            }
        }
        println!("{:4} s  healed", begun.elapsed().as_secs());
        self.stack.redis().start_again().await?;
        self.resume_all().await
    }

    async fn strike(&mut self, fault: Fault) -> anyhow::Result<()> {
        let anyone = self.dice.random_range(0..self.stack.worker_places());
        let while_it_lasts = Duration::from_secs(5);
        match fault {
            Fault::KillSender | Fault::KillWorker => {
                let place = if fault == Fault::KillSender { holder(&self.stack).unwrap_or(anyone) } else { anyone };
                self.stack.kill_worker(place).await?;
                self.stack.start_worker(place).await
            }
            Fault::ReplaceWorker => {
                self.stack.terminate_worker(anyone).await?;
                self.stack.start_worker(anyone).await
            }
            Fault::FreezeWorker => {
                self.stack.worker(anyone).signal("STOP").await?;
                tokio::time::sleep(Duration::from_millis(self.dice.random_range(4_500..8_000))).await;
                self.stack.worker(anyone).signal("CONT").await
            }
            Fault::KillApi => self.stack.kill_and_restart_api().await,
            Fault::KillScheduler => self.stack.kill_and_restart_scheduler().await,
            Fault::FlushRedis => self.stack.redis().flush_all().await,
            Fault::RestartRedis => self.stack.redis().restart().await,
            Fault::FreezeRedis => self.stack.redis().freeze(Duration::from_secs(1)).await,
            Fault::LoseRedis => {
                self.stack.redis().kill().await?;
                tokio::time::sleep(while_it_lasts).await;
                self.stack.redis().start_again().await
            }
            Fault::CrashPostgres => self.stack.postgres().crash_and_restart().await,
            Fault::EndSessions => self.stack.postgres().end_sessions().await,
            Fault::RefuseConnections => {
                let length = u64::try_from(while_it_lasts.as_millis())?;
                self.provider.set_faults(json!({ "refuseForMs": length })).await
            }
            Fault::LoseAnswers => {
                self.for_a_while(
                    json!({ "executedButCutShare": 0.1, "serverErrorShare": 0.1 }),
                    json!({ "executedButCutShare": 0, "serverErrorShare": 0 }),
                    while_it_lasts,
                )
                .await
            }
            Fault::SlowProvider => self.for_a_while(json!({ "latencyMs": 500 }), json!({ "latencyMs": 0 }), while_it_lasts).await,
            Fault::ExpireTokens => {
                self.for_a_while(json!({ "tokenExpired": true }), json!({ "tokenExpired": false }), Duration::from_secs(2)).await?;
                self.resume_all().await
            }
            Fault::PauseAndResume => {
                let (tenant, campaign, _) = self.senders.choose(&mut self.dice).context("there are campaigns")?;
                // It may be over, or paused by what the provider says.
                if tenant.act(campaign.id, "pause").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    tenant.act(campaign.id, "resume").await?;
                }
                Ok(())
            }
        }
    }

    async fn for_a_while(&self, fault: Value, healed: Value, duration: Duration) -> anyhow::Result<()> {
        self.provider.set_faults(fault).await?;
        tokio::time::sleep(duration).await;
        self.provider.set_faults(healed).await
    }

    /// What a person does when campaigns stand still. What is told late may pause them again, so it is done until all go on.
    async fn resume_all(&self) -> anyhow::Result<()> {
        for (tenant, campaign, _) in &self.senders {
            let figures = tenant.analytics(campaign.id).await?;
            if figures["state"] == "paused" {
                tenant.act(campaign.id, "resume").await?;
            }
        }
        Ok(())
    }

    async fn executed(&self) -> String {
        // The provider's port may be closed at the moment.
        let stats = tokio::time::timeout(Duration::from_millis(300), self.provider.stats()).await;
        stats.ok().and_then(Result::ok).map_or_else(|| "?".to_owned(), |stats| stats.executed.to_string())
    }

    /// Waits for the ends, compares the ledgers, and reports.
    async fn judge(&mut self) -> anyhow::Result<()> {
        let healed = Instant::now();
        loop {
            self.resume_all().await?;
            let mut open = Vec::new();
            for (tenant, campaign, _) in &self.senders {
                let figures = tenant.analytics(campaign.id).await?;
                if !["completed", "completedWithErrors"].iter().any(|state| figures["state"] == *state) {
                    open.push(figures.to_string());
                }
            }
            if open.is_empty() {
                break;
            }
            if healed.elapsed() > DRAIN {
                bail!("not ended {} s after the last fault: {}", DRAIN.as_secs(), open.join(", "));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        println!("all campaigns ended {} s after the last fault", healed.elapsed().as_secs());
        println!("faults: {:?}", self.happened);
        let crashes: usize = self.happened.iter().filter(|(fault, _)| fault.is_a_crash()).map(|(_, times)| times).sum();
        let stats = self.provider.stats().await?;
        let unexecuted = usize::try_from(stats.server_errors)?;
        let mut wrong = 0;
        for (tenant, campaign, rate) in &self.senders {
            let bounds = Bounds { unconfirmed: crashes * per_crash(*rate) + unexecuted, ..Bounds::default() };
            let (evidence, report) = verdict(&mut self.stack, tenant, campaign, &bounds).await?;
            let times: Vec<_> = evidence.executed.iter().map(|executed| executed.time).collect();
            let (most, at) = busiest_second(&times);
            println!("  busiest second at {rate}/s: {most}");
            wrong += report.problems.len();
            // One message more is a fraction of a small limit.
            if f64::from(u32::try_from(most)?) > (f64::from(*rate) * OVER_RATE).ceil() + 1.0 {
                println!("  - {most} messages in the second from {at:?}, the number's limit is {rate}");
                wrong += 1;
            }
        }
        if wrong > 0 {
            bail!("{wrong} things are wrong");
        }
        println!("nobody was messaged twice, nobody was forgotten");
        Ok(())
    }
}
