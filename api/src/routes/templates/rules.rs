//! `GET /api/templates/rules`

use crm::{
    identity::permissions::TemplatesRead,
    templates::rules::{self, Limit, Rule},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{Allowed, Json, PageBody};

/// A rule that templates must keep.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TemplateRule)]
pub(super) struct RuleBody {
    /// Its name, unique in the list, as `BODY_LENGTH`.
    name: &'static str,
    /// The part of a template that it is about, as `BODY` or `BUTTONS URL`.
    subject: &'static str,
    /// Code of the field error of a template that breaks it. Rules of the same kind share it.
    code: &'static str,
    /// The rule in words, with its figures.
    description: String,
    /// Its figures or words, when it has any.
    limit: Option<LimitBody>,
    /// Page of the provider's manual, an error code of the provider, or `heliograph` for our own.
    source: &'static str,
}

/// Figures or words of a rule.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TemplateRuleLimit)]
pub(super) struct LimitBody {
    /// The least that is taken; none when there are words, or there is no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    least: Option<usize>,
    /// The most that is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<usize>,
    /// What the figures count: `characters`, `bytes`, `pieces`, `seconds` or `minutes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    /// The words that are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<&'static [&'static str]>,
}

/// Lists the rules that a template must keep before it can be drafted or submitted. There is one page.
#[utoipa::path(get, path = "/api/templates/rules", tag = "templates", extensions(("x-permission" = json!("templates.read"))), responses(
    (status = 200, description = "All rules, in the order of a template", body = PageBody<RuleBody>),
))]
pub(super) async fn handler(_: Allowed<TemplatesRead>) -> Json<PageBody<RuleBody>> {
    Json(PageBody { data: rules::all().map(RuleBody::from).collect(), next_cursor: None })
}

impl From<&'static Rule> for RuleBody {
    fn from(rule: &'static Rule) -> Self {
        Self {
            name: rule.name,
            subject: rule.subject,
            code: rule.code,
            description: rule.description(),
            limit: LimitBody::of(rule.limit),
            source: rule.source,
        }
    }
}

impl LimitBody {
    fn of(limit: Limit) -> Option<Self> {
        match limit {
            Limit::None => None,
            Limit::Range { least, most, unit } => Some(Self {
                least: (least > 0).then_some(least),
                most: (most < usize::MAX).then_some(most),
                unit: Some(unit.as_str()),
                words: None,
            }),
            Limit::OneOf(words) => Some(Self { least: None, most: None, unit: None, words: Some(words) }),
        }
    }
}
