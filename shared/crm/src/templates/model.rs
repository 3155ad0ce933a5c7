//! Templates as values.

use chrono::{DateTime, Utc};
use kernel::{ChannelId, TemplateId};
use providers::whatsapp::CompiledTemplate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Statuses that mean something to us. The provider has more, and new ones may come: whatever is not [`status::APPROVED`] is not sendable.
pub mod status {
    /// Being written; the provider knows nothing of it, or not of this content.
    pub const DRAFT: &str = "DRAFT";
    /// A job takes it to the provider.
    pub const SUBMITTING: &str = "SUBMITTING";
    /// Under review.
    pub const PENDING: &str = "PENDING";
    /// Under review again, after an appeal.
    pub const IN_APPEAL: &str = "IN_APPEAL";
    /// May be sent.
    pub const APPROVED: &str = "APPROVED";
    /// Refused; the reason is given.
    pub const REJECTED: &str = "REJECTED";
    /// May not be sent for a time: recipients do not like it.
    pub const PAUSED: &str = "PAUSED";
    /// May not be sent any more: it was paused too often.
    pub const DISABLED: &str = "DISABLED";
    /// A job deletes it at the provider.
    pub const DELETING: &str = "DELETING";
    /// The provider deletes it once its messages are delivered.
    pub const PENDING_DELETION: &str = "PENDING_DELETION";
    /// Gone at the provider.
    pub const DELETED: &str = "DELETED";
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// The provider's word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// Reads the word back.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// What a template is for: decides price, limits and what it may contain.
    Category {
        /// Advertising.
        Marketing = "MARKETING",
        /// Follows something the person did.
        Utility = "UTILITY",
        /// One-time codes.
        Authentication = "AUTHENTICATION",
    }
}

words! {
    /// How placeholders are written.
    ParameterFormat {
        /// `{{1}}`.
        Positional = "POSITIONAL",
        /// `{{first_name}}`.
        Named = "NAMED",
    }
}

words! {
    /// Who told of a status.
    Source {
        /// A person here.
        User = "user",
        /// The job that submits.
        Job = "job",
        /// The provider, by webhook.
        Webhook = "webhook",
        /// A look at the provider.
        Reconcile = "reconcile",
    }
}

/// A message template.
#[derive(Clone, Debug)]
pub struct Template {
    /// Its id.
    pub id: TemplateId,
    /// The channel whose token manages it.
    pub channel: ChannelId,
    /// The account it belongs to: every number of it may send the template.
    pub business_account_id: String,
    /// Name, unique in account and language.
    pub name: String,
    /// Language code.
    pub language: String,
    /// What it is for.
    pub category: Category,
    /// How placeholders are written.
    pub parameter_format: ParameterFormat,
    /// Components in Meta's creation form.
    pub components: Value,
    /// Where it stands: see [`status`].
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// Id at the provider.
    pub provider_id: Option<String>,
    /// How recipients take it: the provider's word.
    pub quality: Option<String>,
    /// When it was last submitted.
    pub submitted_at: Option<DateTime<Utc>>,
    /// Grows with every change of the content.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Seconds for which the provider tries to deliver a message; -1 are 30 days; its default when none.
    pub message_ttl_seconds: Option<i32>,
    /// What the provider's refusal of the last submission says of fields.
    pub problems: Vec<FieldProblem>,
    /// The instant that the newest news of the status speak of.
    pub status_at: Option<DateTime<Utc>>,
    /// Another category that the provider announced.
    pub announced_category: Option<String>,
    /// When it comes.
    pub announced_category_at: Option<DateTime<Utc>>,
    /// When the provider was last asked about it.
    pub checked_at: Option<DateTime<Utc>>,
    /// When it was deleted at the provider.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// A refusal of the provider, at the field that it blames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldProblem {
    /// Path of the field.
    pub field: String,
    /// Stable code of the rule; the provider's number when we know no better.
    pub code: String,
    /// The provider's words.
    pub message: String,
}

impl Template {
    /// The stored content, as the renderer wants it.
    pub fn content(&self) -> Value {
        json!({
            "name": self.name,
            "language": self.language,
            "parameterFormat": self.parameter_format.as_str(),
            "components": self.components,
        })
    }

    /// Names of the variables that a send has to fill; none for a content that cannot be sent.
    pub fn variables(&self) -> Vec<String> {
        let compiled = CompiledTemplate::compile(&self.content());
        compiled.map_or_else(|_| Vec::new(), |compiled| compiled.variable_names().map(str::to_owned).collect())
    }

    /// Names of the variables that a send may fill, and needs not.
    pub fn optional_variables(&self) -> Vec<String> {
        let compiled = CompiledTemplate::compile(&self.content());
        compiled.map_or_else(|_| Vec::new(), |compiled| compiled.optional_variable_names().map(str::to_owned).collect())
    }

    /// Whether its content may be changed in place: the provider has none, or turned it down.
    pub fn is_editable(&self) -> bool {
        matches!(self.status.as_str(), status::DRAFT | status::REJECTED)
    }

    /// Whether a change of it is kept apart until the provider took it, because the content as it is may be sent.
    pub fn is_changed_by_draft(&self) -> bool {
        matches!(self.status.as_str(), status::APPROVED | status::PAUSED)
    }

    /// Whether the provider still looks at it.
    pub fn is_under_review(&self) -> bool {
        matches!(self.status.as_str(), status::PENDING | status::IN_APPEAL)
    }
}

/// A change of a template that the provider has, until the provider took it.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateDraft {
    /// The template, which stays as it is meanwhile.
    pub template: TemplateId,
    /// What it will be for.
    pub category: Category,
    /// Components in Meta's creation form.
    pub components: Value,
    /// As [`Template::message_ttl_seconds`].
    pub message_ttl_seconds: Option<i32>,
    /// Whether a job takes it to the provider.
    pub state: DraftState,
    /// What the provider's refusal of the last try says of fields.
    pub problems: Vec<FieldProblem>,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

words! {
    /// Where a change of a template stands.
    DraftState {
        /// Being written.
        Draft = "draft",
        /// A job takes it to the provider.
        Submitting = "submitting",
    }
}

/// A content that a template had or has.
#[derive(Clone, Debug)]
pub struct TemplateVersion {
    /// Counts from 1.
    pub version: i32,
    /// What it was for.
    pub category: Category,
    /// Components in Meta's creation form.
    pub components: Value,
    /// As [`Template::message_ttl_seconds`].
    pub message_ttl_seconds: Option<i32>,
    /// Who made it so: see [`Source`].
    pub source: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A template with what hangs on it.
#[derive(Clone, Debug)]
pub struct TemplateView {
    /// The template.
    pub template: Template,
    /// The change that is being written or submitted.
    pub draft: Option<TemplateDraft>,
    /// Campaigns under way that send it: being prepared, running, paused or finishing.
    pub campaigns_under_way: i64,
}

/// One step of a template's way.
#[derive(Clone, Debug)]
pub struct TemplateEvent {
    /// What changed: `status`, `category`, `categoryAnnounced`, `quality` or `content`.
    pub kind: String,
    /// The status then.
    pub status: String,
    /// More about the change, by its kind.
    pub details: Value,
    /// Why.
    pub reason: Option<String>,
    /// Who told.
    pub source: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A template to write.
#[derive(Clone, Debug)]
pub struct NewTemplate {
    /// The channel whose account it belongs to; this or the account must be given.
    pub channel: Option<ChannelId>,
    /// The account.
    pub business_account_id: Option<String>,
    /// Name.
    pub name: String,
    /// Language code.
    pub language: String,
    /// What it is for.
    pub category: Category,
    /// How placeholders are written.
    pub parameter_format: ParameterFormat,
    /// Components in Meta's creation form.
    pub components: Value,
    /// As [`Template::message_ttl_seconds`].
    pub message_ttl_seconds: Option<i32>,
}

/// Changes of a template's content; `None` leaves a field.
#[derive(Clone, Debug, Default)]
pub struct TemplatePatch {
    /// Another channel.
    pub channel: Option<ChannelId>,
    /// Another account.
    pub business_account_id: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Language code.
    pub language: Option<String>,
    /// What it is for.
    pub category: Option<Category>,
    /// How placeholders are written.
    pub parameter_format: Option<ParameterFormat>,
    /// Components.
    pub components: Option<Value>,
    /// As [`Template::message_ttl_seconds`].
    pub message_ttl_seconds: TtlChange,
}

/// What a change does with the time for which messages are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TtlChange {
    /// It stays.
    #[default]
    Keep,
    /// It becomes this, or the provider's default.
    Set(Option<i32>),
}

/// What a list of templates is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct TemplateFilter {
    /// Status. Without one, all but those that are deleted.
    pub status: Option<String>,
    /// What they are for.
    pub category: Option<Category>,
    /// Language code.
    pub language: Option<String>,
    /// Part of the name.
    pub text: Option<String>,
    /// The account of this channel.
    pub channel: Option<ChannelId>,
    /// The account.
    pub business_account_id: Option<String>,
}

/// How news name their template.
#[derive(Clone, Copy, Debug)]
pub struct TemplateKey<'a> {
    /// Id at the provider.
    pub provider_id: &'a str,
    /// Account, name and language, when they are told: for news that come before the answer to the submission.
    pub business_account_id: Option<&'a str>,
    /// Name.
    pub name: Option<&'a str>,
    /// Language; `en-US` is read as `en_US`.
    pub language: Option<&'a str>,
}

/// A change that news made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// The template.
    pub template: TemplateId,
    /// Its account.
    pub business_account_id: String,
    /// Status before.
    pub from: String,
    /// Status now.
    pub to: String,
}

/// The provider writes languages both ways.
pub(crate) fn language_of(text: &str) -> String {
    text.replace('-', "_")
}
