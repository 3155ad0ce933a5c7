//! A template as clients see it.

use chrono::{DateTime, Utc};
use crm::templates::{Category, ParameterFormat, Template, TemplateEvent};
use kernel::{ChannelId, TemplateId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What a template is for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = TemplateCategory)]
pub(super) enum CategoryBody {
    /// Advertising.
    Marketing,
    /// Follows something the person did.
    Utility,
    /// One-time codes.
    Authentication,
}

/// How placeholders are written.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = ParameterFormat)]
pub(super) enum FormatBody {
    /// `{{1}}`.
    #[default]
    Positional,
    /// `{{first_name}}`.
    Named,
}

/// A message template.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Template)]
pub(super) struct TemplateBody {
    id: TemplateId,
    channel_id: ChannelId,
    business_account_id: String,
    name: String,
    language: String,
    category: CategoryBody,
    parameter_format: FormatBody,
    /// Meta's creation form.
    #[schema(value_type = Vec<Object>)]
    components: Value,
    /// Names of the variables that a send has to fill.
    variables: Vec<String>,
    /// `DRAFT`, `SUBMITTING`, `PENDING`, `APPROVED`, `REJECTED`, `PAUSED`, `DISABLED`, or another word of the provider.
    status: String,
    /// Why.
    reason: Option<String>,
    /// Id at the provider.
    provider_id: Option<String>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    quality: Option<String>,
    submitted_at: Option<DateTime<Utc>>,
    /// Grows with every change of the content.
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// A template with its way so far.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TemplateWithHistory)]
pub(super) struct TemplateHistoryBody {
    #[serde(flatten)]
    template: TemplateBody,
    /// Oldest step first; the newest 100.
    history: Vec<TemplateEventBody>,
}

/// One step of a template's way.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TemplateEvent)]
pub(super) struct TemplateEventBody {
    status: String,
    reason: Option<String>,
    /// Who told: `user`, `job`, `webhook` or `reconcile`.
    source: String,
    at: DateTime<Utc>,
}

impl From<Template> for TemplateBody {
    fn from(template: Template) -> Self {
        let variables = template.variables();
        Self {
            id: template.id,
            channel_id: template.channel,
            business_account_id: template.business_account_id,
            name: template.name,
            language: template.language,
            category: match template.category {
                Category::Marketing => CategoryBody::Marketing,
                Category::Utility => CategoryBody::Utility,
                Category::Authentication => CategoryBody::Authentication,
            },
            parameter_format: match template.parameter_format {
                ParameterFormat::Positional => FormatBody::Positional,
                ParameterFormat::Named => FormatBody::Named,
            },
            components: template.components,
            variables,
            status: template.status,
            reason: template.reason,
            provider_id: template.provider_id,
            quality: template.quality,
            submitted_at: template.submitted_at,
            version: template.version,
            created_at: template.created_at,
            updated_at: template.updated_at,
        }
    }
}

impl TemplateHistoryBody {
    pub(super) fn new(template: Template, history: Vec<TemplateEvent>) -> Self {
        let history = history.into_iter().map(|event| TemplateEventBody {
            status: event.status,
            reason: event.reason,
            source: event.source,
            at: event.created_at,
        });
        Self { template: template.into(), history: history.collect() }
    }
}

impl From<CategoryBody> for Category {
    fn from(category: CategoryBody) -> Self {
        match category {
            CategoryBody::Marketing => Self::Marketing,
            CategoryBody::Utility => Self::Utility,
            CategoryBody::Authentication => Self::Authentication,
        }
    }
}

impl From<FormatBody> for ParameterFormat {
    fn from(format: FormatBody) -> Self {
        match format {
            FormatBody::Positional => Self::Positional,
            FormatBody::Named => Self::Named,
        }
    }
}
