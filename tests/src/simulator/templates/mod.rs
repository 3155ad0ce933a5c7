//! Message templates: created, reviewed, edited, paused, deleted, and checked against what a send puts into them.
//!
//! # Source
//! Meta, WhatsApp Business Management API, "Templates" (rules, states, limits), and "Error codes".

mod check;
mod definition;
mod expected;
mod life;
mod listing;
mod review;
mod store;
mod tell;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::{
    definition::Definition,
    expected::Expected,
    life::{Deletion, Management, run},
    listing::DEFAULT_FIELDS,
    store::Templates,
};
pub use self::{
    listing::{TemplateCalls, TemplateEntry},
    review::Review,
};

/// Where a template stands with the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum TemplateStatus {
    Pending,
    Approved,
    Rejected,
    Paused,
    Disabled,
    InAppeal,
    Locked,
    Archived,
    PendingDeletion,
    /// Known only to this simulator: the provider shows it nowhere any more.
    Deleted,
}

impl TemplateStatus {
    /// The name on the wire, also the event of its webhook.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Paused => "PAUSED",
            Self::Disabled => "DISABLED",
            Self::InAppeal => "IN_APPEAL",
            Self::Locked => "LOCKED",
            Self::Archived => "ARCHIVED",
            Self::PendingDeletion => "PENDING_DELETION",
            Self::Deleted => "DELETED",
        }
    }
}

/// What a template is for, and billed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    /// Bulk advertising.
    Marketing,
    /// Follows something the person did.
    Utility,
    /// One-time codes.
    Authentication,
}

impl Category {
    /// As `pricing.category` says it.
    pub(crate) fn billed_as(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Utility => "utility",
            Self::Authentication => "authentication",
        }
    }
}

/// A template in one language. Times are milliseconds since 1970, by the simulator's clock.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Template {
    pub(crate) id: u64,
    /// The business account it belongs to.
    pub(crate) account: String,
    pub(crate) definition: Definition,
    pub(crate) status: TemplateStatus,
    /// Why it was rejected.
    pub(crate) reason: Option<String>,
    /// How often it was paused for its quality.
    pub(crate) pauses: u32,
    #[serde(default = "unknown")]
    pub(crate) quality: String,
    /// 1, and one more for each edit.
    #[serde(default = "first")]
    pub(crate) version: u32,
    #[serde(default)]
    pub(crate) created: i64,
    #[serde(default)]
    pub(crate) deleted: Option<i64>,
    /// Whether all languages of its name were deleted with it.
    #[serde(default)]
    pub(crate) deleted_by_name: bool,
    /// When it was edited while approved.
    #[serde(default)]
    pub(crate) edits: Vec<i64>,
    /// Whether its components changed since they were last told.
    #[serde(default)]
    pub(crate) edited: bool,
    #[serde(default)]
    pub(crate) previous_category: Option<String>,
    /// The category announced.
    #[serde(default)]
    pub(crate) correct_category: Option<String>,
    #[serde(default)]
    pub(crate) due: Due,
    /// What a send has to put in; follows from the definition.
    #[serde(skip)]
    pub(crate) expected: Expected,
}

fn unknown() -> String {
    "UNKNOWN".to_owned()
}

fn first() -> u32 {
    1
}

/// What happens to a template by itself, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Due {
    /// The review.
    pub(crate) review: Option<i64>,
    /// The end of a pause.
    pub(crate) unpause: Option<i64>,
    /// The announced change of its category.
    pub(crate) category: Option<i64>,
    /// The end of PENDING_DELETION.
    pub(crate) deletion: Option<i64>,
}

impl Due {
    /// When something happens next.
    fn next(&self) -> Option<i64> {
        [self.review, self.unpause, self.category, self.deletion].into_iter().flatten().min()
    }
}

impl Template {
    /// Whether the provider still knows it.
    pub(crate) fn is_live(&self) -> bool {
        self.status != TemplateStatus::Deleted
    }
}

/// Whether the provider takes a creation with this body, and approves it by itself.
///
/// The account's state is left out: names in use, limits, and which media were uploaded.
///
/// # Errors
/// Why not, for people.
pub fn verdict(creation: &Value) -> Result<(), String> {
    let mut definition = Definition::deserialize(creation).map_err(|error| format!("cannot read the request: {error}"))?;
    definition.normalise();
    check::check(&definition).map_err(|error| error.to_string())?;
    if check::has_adjacent_variables(&definition) {
        return Err("REJECTED by the review: INVALID_FORMAT".to_owned());
    }
    Ok(())
}
