//! Message templates: created, reviewed, paused, and checked against what a send puts into them.
//!
//! # Source
//! Meta, WhatsApp Business Management API, "Message templates" (rules, states), and "Error codes".

mod definition;

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use self::definition::{Definition, Expected};
use super::{error::GraphError, faults::mix, request::TemplateSend};

/// Where a template stands with the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum TemplateStatus {
    Pending,
    Approved,
    Rejected,
    Paused,
    Disabled,
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
        }
    }
}

/// A template in one language.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Template {
    pub(crate) id: u64,
    /// The business account it belongs to.
    pub(crate) account: String,
    pub(crate) definition: Definition,
    pub(crate) status: TemplateStatus,
    /// Why it was rejected or paused.
    pub(crate) reason: Option<String>,
    /// How often it was paused for its quality.
    pub(crate) pauses: u32,
    /// What a send has to put in; follows from the definition.
    #[serde(skip)]
    pub(crate) expected: Expected,
}

impl Template {
    /// The template as the API shows it.
    pub(crate) fn describe(&self) -> Value {
        let mut template = json!({
            "id": self.id.to_string(),
            "name": self.definition.name,
            "language": self.definition.language,
            "category": self.definition.category,
            "parameter_format": self.definition.parameter_format,
            "components": self.definition.components,
            "status": self.status,
            "quality_score": { "score": "UNKNOWN" },
        });
        if let (TemplateStatus::Rejected, Some(reason)) = (self.status, &self.reason) {
            template["rejected_reason"] = reason.as_str().into();
        }
        template
    }

    fn reset_expected(mut self) -> Self {
        self.expected = self.definition.expected();
        self
    }
}

/// All templates of all business accounts.
#[derive(Debug, Default)]
pub(crate) struct Templates(RwLock<Store>);

#[derive(Debug, Default)]
struct Store {
    by_id: HashMap<u64, Template>,
    /// Name → ids, of every language and account.
    by_name: HashMap<String, Vec<u64>>,
    created: u64,
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

impl Templates {
    /// Takes back what an earlier start had.
    pub(crate) fn restore(&self, templates: Vec<Template>) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for template in templates {
            kept.created += 1;
            kept.by_name.entry(template.definition.name.clone()).or_default().push(template.id);
            kept.by_id.insert(template.id, template.reset_expected());
        }
    }

    /// Creates a template from a checked definition, PENDING. Name and language are unique in an account.
    pub(crate) fn create(&self, account: &str, definition: Definition) -> Result<Template, GraphError> {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *kept;
        let ids = kept.by_name.entry(definition.name.clone()).or_default();
        let taken = ids
            .iter()
            .filter_map(|id| kept.by_id.get(id))
            .any(|other| other.account == account && other.definition.language == definition.language);
        if taken {
            return Err(GraphError::of(100).subcode(2_388_024).details(format!(
                "There is already {} content for this template. You can create a new template and try again.",
                definition.language
            )));
        }
        let template = loop {
            kept.created += 1;
            // 15 or 16 digits, as Meta's ids have; the account keeps ids of two simulators apart.
            let id = 1_000_000_000_000_000 + mix(super::faults::stable_hash(account) ^ kept.created) % 1_000_000_000_000_000;
            if !kept.by_id.contains_key(&id) {
                break Template {
                    id,
                    account: account.to_owned(),
                    expected: definition.expected(),
                    definition,
                    status: TemplateStatus::Pending,
                    reason: None,
                    pauses: 0,
                };
            }
        };
        ids.push(template.id);
        kept.by_id.insert(template.id, template.clone());
        Ok(template)
    }

    /// A copy of one template.
    pub(crate) fn find(&self, id: &str) -> Option<Template> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_id.get(&id.parse().ok()?).cloned()
    }

    /// Copies of all templates, in the order of their ids.
    pub(crate) fn all(&self) -> Vec<Template> {
        let mut templates: Vec<_> = self.0.read().unwrap_or_else(PoisonError::into_inner).by_id.values().cloned().collect();
        templates.sort_by_key(|template| template.id);
        templates
    }

    /// Changes one template; the changed one is returned. `None` when there is none, or `change` refuses.
    pub(crate) fn update(&self, id: u64, change: impl FnOnce(&mut Template) -> bool) -> Option<Template> {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let template = kept.by_id.get_mut(&id)?;
        if !change(template) {
            return None;
        }
        template.expected = template.definition.expected();
        Some(template.clone())
    }

    /// Removes the templates that `doomed` names; the number removed is returned.
    pub(crate) fn remove(&self, doomed: impl Fn(&Template) -> bool) -> usize {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *kept;
        let before = kept.by_id.len();
        kept.by_id.retain(|_, template| !doomed(template));
        let left = &kept.by_id;
        kept.by_name.retain(|_, ids| {
            ids.retain(|id| left.contains_key(id));
            !ids.is_empty()
        });
        before - left.len()
    }

    /// Checks a send against the template it names. `None` when no such template was created here.
    ///
    /// As long as the number's account is unknown, any account's template of that name counts, if only one has it.
    pub(crate) fn check(&self, account: Option<&str>, send: &TemplateSend<'_>) -> Result<Option<Category>, GraphError> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(ids) = kept.by_name.get(send.name) else { return Ok(None) };
        let mut matching = ids
            .iter()
            .filter_map(|id| kept.by_id.get(id))
            .filter(|template| template.definition.language == send.language && account.is_none_or(|account| account == template.account));
        let (Some(template), None) = (matching.next(), matching.next()) else { return Ok(None) };
        match template.status {
            TemplateStatus::Approved => {}
            TemplateStatus::Paused => return Err(GraphError::of(132_015).details("Template is paused due to low quality.")),
            TemplateStatus::Disabled => {
                return Err(GraphError::of(132_016).details("Template is disabled: it was paused too often due to low quality."));
            }
            TemplateStatus::Pending | TemplateStatus::Rejected => {
                return Err(GraphError::of(132_001).details(format!(
                    "template name ({}) in {} is not approved: {}",
                    send.name,
                    send.language,
                    template.status.name()
                )));
            }
        }
        template.expected.check(send.components)?;
        Ok(Some(template.definition.category()))
    }
}
