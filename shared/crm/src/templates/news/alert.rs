//! Tells people what the provider did to a template: an entry of the audit log each, and a mail to whoever may do something about it.

use chrono::{DateTime, Utc};
use db::TenantTx;
use serde_json::{Value, json};

use crate::{
    audit::{self, Act, Actor},
    identity::{self, permissions::Permission},
    mail::{self, MailKind, NewMail},
    templates::{
        error::TemplateError,
        model::{Source, Template, status},
    },
};

/// Something that the provider did to a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Alert {
    /// Of the audit log.
    action: &'static str,
    /// The mail's word for it; none when nobody is mailed.
    mailed: Option<&'static str>,
    details: Value,
}

/// What the provider did, by what changed.
pub(super) fn of(before: &Template, template: &Template, source: Source, rewritten: bool) -> Vec<Alert> {
    let by_provider = matches!(source, Source::Webhook | Source::Reconcile);
    let mut alerts = Vec::new();
    // A refusal of a submission is the provider's word too, although a job hears it.
    let refused = source == Source::Job && template.status == status::REJECTED;
    if before.status != template.status && (by_provider || refused) {
        let (action, mailed) = match template.status.as_str() {
            status::APPROVED => ("templates.approved", None),
            status::PAUSED => ("templates.paused", Some("paused")),
            status::DISABLED => ("templates.disabled", Some("disabled")),
            status::REJECTED => ("templates.rejected", Some("rejected")),
            // What is deleted on purpose is no news.
            status::DELETED if matches!(before.status.as_str(), status::DELETING | status::PENDING_DELETION) => ("templates.deleted", None),
            status::DELETED => ("templates.deleted", Some("deleted")),
            _ => ("templates.statusChanged", None),
        };
        alerts.push(Alert { action, mailed, details: json!({ "from": before.status, "to": template.status }) });
    }
    if before.category != template.category && by_provider {
        let details = json!({ "from": before.category.as_str(), "to": template.category.as_str() });
        alerts.push(Alert { action: "templates.recategorized", mailed: Some("recategorized"), details });
    }
    if template.announced_category.is_some() && before.announced_category != template.announced_category {
        let details = json!({ "to": template.announced_category, "from": template.announced_category_at });
        alerts.push(Alert { action: "templates.recategorizationAnnounced", mailed: Some("recategorizationAnnounced"), details });
    }
    if rewritten && by_provider {
        let details = json!({ "version": template.version });
        alerts.push(Alert { action: "templates.contentChanged", mailed: Some("contentChanged"), details });
    }
    alerts
}

/// Mails the alerts to the active members whose role may write templates, one mail each.
pub(super) async fn mail(
    tx: &mut TenantTx,
    now: DateTime<Utc>,
    template: &Template,
    alerts: &[Alert],
    campaigns_paused: usize,
) -> Result<(), TemplateError> {
    let words: Vec<&str> = alerts.iter().filter_map(|alert| alert.mailed).collect();
    if words.is_empty() {
        return Ok(());
    }
    let organization = tx.organization();
    let members = identity::members::holding(tx, Permission::TemplatesWrite).await?;
    for what in words {
        let category = template.announced_category.as_deref().unwrap_or(template.category.as_str());
        let variables = json!({
            "what": what, "template": template.name, "language": template.language, "reason": template.reason, "category": category,
            "campaigns": if campaigns_paused == 0 { String::new() } else { campaigns_paused.to_string() },
        });
        for (user, to) in &members {
            let mail = NewMail { kind: MailKind::TemplateAlert, to, user: Some(*user), token: None, variables: variables.clone() };
            mail::queue(tx, organization, now, mail).await?;
        }
    }
    Ok(())
}

/// Writes the alerts into the audit log, whose end stays locked until the transaction ends.
pub(super) async fn record(tx: &mut TenantTx, now: DateTime<Utc>, template: &Template, alerts: &[Alert]) -> Result<(), TemplateError> {
    let organization = tx.organization();
    for alert in alerts {
        let act = Act::new(Actor::System("provider"), alert.action).on("templates", template.id).with(alert.details.clone());
        audit::record(tx, organization, now, act).await?;
    }
    Ok(())
}
