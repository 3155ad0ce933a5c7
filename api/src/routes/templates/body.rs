//! A template as clients see it.

use chrono::{DateTime, Utc};
use crm::templates::{
    Category, DraftState, FieldProblem, ParameterFormat, Template, TemplateDraft, TemplateEvent, TemplateVersion, TemplateView, TtlChange,
};
use kernel::{ChannelId, TemplateId};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::problem::Problem;

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
    /// Names of the variables that a send may fill, and needs not.
    optional_variables: Vec<String>,
    /// Seconds for which a message is tried; -1 are 30 days, null is the provider's default.
    message_send_ttl_seconds: Option<i32>,
    /// `DRAFT`, `SUBMITTING`, `PENDING`, `APPROVED`, `REJECTED`, `PAUSED`, `DISABLED`, `DELETING`, `DELETED`, or another word of the provider.
    status: String,
    /// Why.
    reason: Option<String>,
    /// What the provider's refusal of the last submission says of fields.
    problems: Vec<TemplateProblemBody>,
    /// Id at the provider.
    provider_id: Option<String>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    quality: Option<String>,
    /// The category that the provider will give it.
    announced_category: Option<String>,
    /// When it will.
    announced_category_at: Option<DateTime<Utc>>,
    submitted_at: Option<DateTime<Utc>>,
    /// Grows with every change of the content.
    version: i32,
    /// A change that is being written or submitted; the template stays as it is until the provider took it.
    draft: Option<TemplateDraftBody>,
    /// Campaigns under way that send it.
    campaigns_under_way: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// When it was deleted at the provider.
    deleted_at: Option<DateTime<Utc>>,
}

/// A change of a template that was approved.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TemplateDraft)]
pub(super) struct TemplateDraftBody {
    category: CategoryBody,
    /// Meta's creation form.
    #[schema(value_type = Vec<Object>)]
    components: Value,
    message_send_ttl_seconds: Option<i32>,
    /// `draft`, or `submitting` while a job takes it to the provider.
    state: String,
    /// What the provider's refusal of the last try says of fields.
    problems: Vec<TemplateProblemBody>,
    updated_at: DateTime<Utc>,
}

/// What the provider says of a field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TemplateProblem)]
pub(super) struct TemplateProblemBody {
    /// Path of the field, as `components[0].text`.
    field: String,
    /// Stable name of the rule.
    code: String,
    /// The provider's words.
    message: String,
}

/// A content that a template had or has.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TemplateVersion)]
pub(super) struct TemplateVersionBody {
    version: i32,
    category: CategoryBody,
    /// Meta's creation form.
    #[schema(value_type = Vec<Object>)]
    components: Value,
    message_send_ttl_seconds: Option<i32>,
    /// Who made it so: `user`, `job`, `webhook` or `reconcile`.
    source: String,
    created_at: DateTime<Utc>,
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
    /// What changed: `status`, `category`, `categoryAnnounced`, `quality` or `content`.
    kind: String,
    /// The status then.
    status: String,
    /// More about the change, by its kind.
    #[schema(value_type = Object)]
    details: Value,
    reason: Option<String>,
    /// Who told: `user`, `job`, `webhook` or `reconcile`.
    source: String,
    at: DateTime<Utc>,
}

impl From<TemplateView> for TemplateBody {
    fn from(view: TemplateView) -> Self {
        let TemplateView { template, draft, campaigns_under_way } = view;
        let (variables, optional_variables) = (template.variables(), template.optional_variables());
        Self {
            id: template.id,
            channel_id: template.channel,
            business_account_id: template.business_account_id,
            name: template.name,
            language: template.language,
            category: template.category.into(),
            parameter_format: template.parameter_format.into(),
            components: template.components,
            variables,
            optional_variables,
            message_send_ttl_seconds: template.message_ttl_seconds,
            status: template.status,
            reason: template.reason,
            problems: template.problems.into_iter().map(Into::into).collect(),
            provider_id: template.provider_id,
            quality: template.quality,
            announced_category: template.announced_category,
            announced_category_at: template.announced_category_at,
            submitted_at: template.submitted_at,
            version: template.version,
            draft: draft.map(Into::into),
            campaigns_under_way,
            created_at: template.created_at,
            updated_at: template.updated_at,
            deleted_at: template.deleted_at,
        }
    }
}

/// A template that was just written: nothing hangs on it yet.
impl From<Template> for TemplateBody {
    fn from(template: Template) -> Self {
        TemplateView { template, draft: None, campaigns_under_way: 0 }.into()
    }
}

impl From<TemplateDraft> for TemplateDraftBody {
    fn from(draft: TemplateDraft) -> Self {
        Self {
            category: draft.category.into(),
            components: draft.components,
            message_send_ttl_seconds: draft.message_ttl_seconds,
            state: DraftState::as_str(draft.state).to_owned(),
            problems: draft.problems.into_iter().map(Into::into).collect(),
            updated_at: draft.updated_at,
        }
    }
}

impl From<FieldProblem> for TemplateProblemBody {
    fn from(problem: FieldProblem) -> Self {
        Self { field: problem.field, code: problem.code, message: problem.message }
    }
}

impl From<TemplateVersion> for TemplateVersionBody {
    fn from(version: TemplateVersion) -> Self {
        Self {
            version: version.version,
            category: version.category.into(),
            components: version.components,
            message_send_ttl_seconds: version.message_ttl_seconds,
            source: version.source,
            created_at: version.created_at,
        }
    }
}

impl TemplateHistoryBody {
    pub(super) fn new(view: TemplateView, history: Vec<TemplateEvent>) -> Self {
        let history = history.into_iter().map(|event| TemplateEventBody {
            kind: event.kind,
            status: event.status,
            details: event.details,
            reason: event.reason,
            source: event.source,
            at: event.created_at,
        });
        Self { template: view.into(), history: history.collect() }
    }
}

/// An account of the provider that a query names.
pub(super) fn account_id(given: Option<String>) -> Result<Option<String>, Problem> {
    match given {
        Some(id) if id.is_empty() || id.len() > 32 || !id.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(Problem::field("businessAccountId", "malformed", "an id of the provider has 1 to 32 digits"))
        }
        given => Ok(given),
    }
}

/// Tells a time that is null from one that is left out, together with `#[serde(default)]`.
pub(super) fn ttl_change<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TtlChange, D::Error> {
    Option::deserialize(deserializer).map(TtlChange::Set)
}

impl From<Category> for CategoryBody {
    fn from(category: Category) -> Self {
        match category {
            Category::Marketing => Self::Marketing,
            Category::Utility => Self::Utility,
            Category::Authentication => Self::Authentication,
        }
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

impl From<ParameterFormat> for FormatBody {
    fn from(format: ParameterFormat) -> Self {
        match format {
            ParameterFormat::Positional => Self::Positional,
            ParameterFormat::Named => Self::Named,
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
