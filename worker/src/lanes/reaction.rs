//! What the lane does about an answer of the provider.

use std::time::Duration;

use crm::campaigns::ledger::{self, Outcome};
use providers::whatsapp::{
    NotSentCause, Reaction, Rejection, SendOutcome, Variables,
    codes::{HOLD_PERSON_FOR, RETRY_LATER_AT_MOST, pair_wait},
};

use super::{Sending, lane::LaneShared, wire::Ready};

/// When the first rows of a campaign are all refused for the template's sake, it stops after this many.
const MISTAKES_TO_STOP: u32 = 20;
/// Longest text of a reason in the ledger.
const REASON_CHARS: usize = 300;

/// The frozen values of a row under the names of its template.
pub(crate) struct Values<'a> {
    pub(crate) names: &'a [String],
    pub(crate) values: &'a [String],
}

impl Variables for Values<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        let index = self.names.iter().position(|each| each == name)?;
        self.values.get(index).map(String::as_str)
    }
}

/// Turns an answer into the outcome of the row, and does to number and campaigns what the answer demands.
pub(crate) async fn react(sending: &Sending, lane: &LaneShared, ready: &Ready, answer: SendOutcome) -> Outcome {
    match answer {
        SendOutcome::Accepted { provider_id, .. } => {
            ready.run.note_accepted();
            Outcome::Accepted { provider_id: clean(&provider_id) }
        }
        SendOutcome::NotSent { cause } => not_sent(lane, cause),
        SendOutcome::Ambiguous { cause } => Outcome::Unknown { reason: clean(&cause.to_string()), grace_s: ready.run.grace_s },
        SendOutcome::Rejected(rejection) => rejected(sending, lane, ready, &rejection).await,
    }
}

fn not_sent(lane: &LaneShared, cause: NotSentCause) -> Outcome {
    tracing::debug!(channel.id = %lane.hold.key.channel, %cause, "a message was not written");
    Outcome::NotWritten { delay_s: lane.reach.rest().unwrap_or_default().as_secs_f64() }
}

async fn rejected(sending: &Sending, lane: &LaneShared, ready: &Ready, rejection: &Rejection) -> Outcome {
    let code = rejection.code.and_then(|code| i32::try_from(code).ok());
    metrics::counter!("provider_rejections_total", "reaction" => rejection.reaction.name()).increment(1);
    let reason = clean(&match &rejection.details {
        Some(details) => format!("{}: {details}", rejection.title),
        None => rejection.title.clone(),
    });
    let reaction = rejection.reaction;
    let refusals = u32::try_from(ready.row.retries).unwrap_or(0) + 1;
    if reaction.max_tries().is_some_and(|max| refusals >= u32::from(max)) {
        return Outcome::Failed { code, reason };
    }
    let again = |delay: Duration, held: bool| Outcome::Retry {
        code,
        reason: reason.clone(),
        delay_s: delay.as_secs_f64(),
        charged: reaction.charges_attempt(),
        held,
    };
    match reaction {
        Reaction::RetryRow { .. } => again(backoff(refusals), false),
        Reaction::SlowNumber => {
            lane.pace.slow_down();
            lane.hold.set_rate_factor(lane.pace.factor());
            again(Duration::from_secs(1), false)
        }
        Reaction::HoldPair => again(pair_wait(refusals), true),
        Reaction::HoldPerson => again(HOLD_PERSON_FOR, true),
        Reaction::RetryLater { seconds } => again(Duration::from_secs(u64::from(seconds)).min(RETRY_LATER_AT_MOST), false),
        Reaction::PauseNumber | Reaction::PauseAccount => {
            lane.pause_all(sending, &pause_reason(rejection)).await;
            again(Duration::ZERO, false)
        }
        Reaction::PauseTemplate => {
            lane.pause_for_template(sending, &ready.run, &pause_reason(rejection)).await;
            again(Duration::ZERO, false)
        }
        Reaction::FinalTemplateMistake => {
            if ready.run.note_mistake() >= MISTAKES_TO_STOP {
                lane.pause_run(sending, &ready.run, &format!("templateMistake:{}", code.unwrap_or_default())).await;
            }
            Outcome::Failed { code, reason }
        }
        Reaction::FinalOptedOut => {
            if let Err(error) = ledger::except_from_marketing(&sending.pool, lane.hold.key, &ready.row.address).await {
                tracing::warn!(%error, contact.id = %ready.row.contact, "an opt-out told by the provider was not recorded");
            }
            Outcome::Failed { code, reason }
        }
        Reaction::FinalForRow => Outcome::Failed { code, reason },
    }
}

/// Wait before the next attempt after the refusal number `refusals`: from 2 s, doubling to 2 min, with full jitter in its second half.
fn backoff(refusals: u32) -> Duration {
    let ceiling = Duration::from_secs(2 << refusals.saturating_sub(1).min(6)).min(Duration::from_mins(2));
    ceiling.mul_f64(rand::random_range(0.5..1.0))
}

fn pause_reason(rejection: &Rejection) -> String {
    format!("{}:{}", rejection.reaction.name(), rejection.code.unwrap_or_default())
}

/// A text that the database takes, of bounded length.
fn clean(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(REASON_CHARS).collect()
}
