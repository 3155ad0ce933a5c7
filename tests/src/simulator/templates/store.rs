//! All templates of all business accounts, deleted ones included: their names stay blocked, and tests count them.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::{Category, Definition, Due, Expected, Template, TemplateStatus};
use crate::simulator::{
    error::GraphError,
    faults::{TemplateFaults, mix, stable_hash},
    request::TemplateSend,
};

/// Milliseconds for which the name of a deleted template cannot be used.
const BLOCKED_MS: i64 = 30 * 24 * 3_600_000;
const HOUR_MS: i64 = 3_600_000;

/// All templates.
#[derive(Debug, Default)]
pub(crate) struct Templates(RwLock<Store>);

#[derive(Debug, Default)]
struct Store {
    by_id: HashMap<u64, Template>,
    /// Name → ids, of every language and account.
    by_name: HashMap<String, Vec<u64>>,
    created: u64,
}

impl Templates {
    /// Takes back what an earlier start had.
    pub(crate) fn restore(&self, templates: Vec<Template>) {
        let mut kept = self.write();
        for mut template in templates {
            kept.created += 1;
            kept.by_name.entry(template.definition.name.clone()).or_default().push(template.id);
            template.expected = Expected::of(&template.definition);
            kept.by_id.insert(template.id, template);
        }
    }

    /// Creates a template from a checked definition, PENDING. Name and language are unique in an account.
    pub(crate) fn create(&self, account: &str, definition: Definition, now: i64, faults: &TemplateFaults) -> Result<Template, GraphError> {
        let mut kept = self.write();
        let kept = &mut *kept;
        let own = kept.by_id.values().filter(|template| template.account == account);
        let (mut live, mut recent) = (0, 0);
        for template in own {
            live += u32::from(template.is_live());
            recent += u32::from(template.created > now - HOUR_MS);
        }
        if recent >= faults.creations_per_hour {
            return Err(GraphError::of(80_007).details("Too many templates were created for this account within an hour."));
        }
        let ids = kept.by_name.entry(definition.name.clone()).or_default();
        let namesakes = ids.iter().filter_map(|id| kept.by_id.get(id)).filter(|other| other.account == account);
        for other in namesakes {
            refuse_namesake(other, &definition, now)?;
        }
        if live >= faults.per_account {
            return Err(GraphError::of(100).subcode(2_388_019).for_people(
                "Message template limit exceeded",
                format!("name: this account has {live} templates, as many as it may have. Delete some and try again."),
            ));
        }
        let id = loop {
            kept.created += 1;
            // 16 digits, as Meta's ids have; the account keeps ids of two simulators apart.
            let id = 1_000_000_000_000_000 + mix(stable_hash(account) ^ kept.created) % 1_000_000_000_000_000;
            if !kept.by_id.contains_key(&id) {
                break id;
            }
        };
        let template = Template {
            id,
            account: account.to_owned(),
            expected: Expected::of(&definition),
            definition,
            status: TemplateStatus::Pending,
            reason: None,
            pauses: 0,
            quality: super::unknown(),
            version: super::first(),
            created: now,
            deleted: None,
            deleted_by_name: false,
            edits: Vec::new(),
            edited: false,
            previous_category: None,
            correct_category: None,
            due: Due::default(),
        };
        ids.push(id);
        kept.by_id.insert(id, template.clone());
        Ok(template)
    }

    /// A copy of one template that the provider still knows.
    pub(crate) fn find(&self, id: &str) -> Option<Template> {
        self.read().by_id.get(&id.parse().ok()?).filter(|template| template.is_live()).cloned()
    }

    /// Whether there ever was a template of this id.
    pub(crate) fn ever_had(&self, id: &str) -> bool {
        id.parse().is_ok_and(|id: u64| self.read().by_id.contains_key(&id))
    }

    /// Copies of all templates that the provider still knows, in the order of their ids.
    pub(crate) fn live(&self) -> Vec<Template> {
        let mut templates = self.all();
        templates.retain(Template::is_live);
        templates
    }

    /// Copies of all templates, deleted ones included, in the order of their ids.
    pub(crate) fn all(&self) -> Vec<Template> {
        let mut templates: Vec<_> = self.read().by_id.values().cloned().collect();
        templates.sort_by_key(|template| template.id);
        templates
    }

    /// Changes one template; the changed one is returned. `None` when there is none.
    pub(crate) fn update(&self, id: u64, change: impl FnOnce(&mut Template)) -> Option<Template> {
        self.try_update(id, |template| {
            change(template);
            Ok(())
        })?
        .ok()
    }

    /// Changes one template unless `change` refuses. `None` when there is none.
    pub(crate) fn try_update(
        &self,
        id: u64,
        change: impl FnOnce(&mut Template) -> Result<(), GraphError>,
    ) -> Option<Result<Template, GraphError>> {
        let mut kept = self.write();
        let template = kept.by_id.get_mut(&id).filter(|template| template.is_live())?;
        let changed = change(template);
        template.expected = Expected::of(&template.definition);
        Some(changed.map(|()| template.clone()))
    }

    /// When something happens to a template by itself next, and to which.
    pub(crate) fn next_due(&self) -> Option<(i64, u64)> {
        self.read().by_id.values().filter_map(|template| Some((template.due.next()?, template.id))).min()
    }

    /// Checks a send against the template it names. `None` when no such template was created here.
    ///
    /// As long as the number's account is unknown, any account's template of that name counts, if only one has it.
    pub(crate) fn check(&self, account: Option<&str>, send: &TemplateSend<'_>) -> Result<Option<Category>, GraphError> {
        let kept = self.read();
        let Some(ids) = kept.by_name.get(send.name) else { return Ok(None) };
        let mut deleted = false;
        let mut matching = ids.iter().filter_map(|id| kept.by_id.get(id)).filter(|template| {
            let matches = template.definition.language == send.language && account.is_none_or(|account| account == template.account);
            deleted |= matches && !template.is_live();
            matches && template.is_live()
        });
        let (Some(template), None) = (matching.next(), matching.next()) else {
            return if deleted { Err(unknown(send)) } else { Ok(None) };
        };
        match template.status {
            TemplateStatus::Approved => {}
            TemplateStatus::Paused => return Err(GraphError::of(132_015).details("Template is paused due to low quality.")),
            TemplateStatus::Disabled => {
                return Err(GraphError::of(132_016).details("Template is disabled: it was paused too often due to low quality."));
            }
            status => {
                return Err(GraphError::of(132_001).details(format!(
                    "template name ({}) in {} is not approved: {}",
                    send.name,
                    send.language,
                    status.name()
                )));
            }
        }
        template.expected.check(send.components)?;
        Ok(Some(template.definition.category()))
    }

    fn read(&self) -> RwLockReadGuard<'_, Store> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Store> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(send: &TemplateSend<'_>) -> GraphError {
    GraphError::of(132_001).details(format!("template name ({}) does not exist in {}", send.name, send.language))
}

/// Refuses a name that another template of the account has, or had not long ago.
fn refuse_namesake(other: &Template, definition: &Definition, now: i64) -> Result<(), GraphError> {
    let same_language = other.definition.language == definition.language;
    let language = &definition.language;
    let going = match other.status {
        TemplateStatus::PendingDeletion => same_language || other.deleted_by_name,
        TemplateStatus::Deleted => {
            (same_language || other.deleted_by_name) && other.deleted.is_some_and(|deleted| now < deleted.saturating_add(BLOCKED_MS))
        }
        _ if same_language => {
            return Err(GraphError::of(100).subcode(2_388_024).for_people(
                "Content in this language already exists",
                format!("name: there is already {language} content for this template. You can create a new template and try again."),
            ));
        }
        _ => false,
    };
    if going {
        return Err(GraphError::of(100).subcode(2_388_023).for_people(
            "The message template language is being deleted",
            format!(
                "name: new {language} content can't be added while the existing {language} content is being deleted. Try again in 4 weeks."
            ),
        ));
    }
    Ok(())
}
