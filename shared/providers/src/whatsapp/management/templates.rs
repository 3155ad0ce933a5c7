//! Templates.

use reqwest::Method;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use super::{Ask, GraphError, List, Success};
use crate::whatsapp::CloudClient;

/// A template to be created, in Meta's form.
#[derive(Clone, Debug, Serialize)]
pub struct NewTemplate<'a> {
    /// `[a-z0-9_]`, up to 512 characters; unique with the language.
    pub name: &'a str,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`.
    pub category: &'a str,
    /// Language code such as `en_US`.
    pub language: &'a str,
    /// `POSITIONAL` or `NAMED`.
    pub parameter_format: &'a str,
    /// Components in the creation form, with samples.
    pub components: &'a serde_json::Value,
    /// Seconds Meta keeps trying to deliver; its default when none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_send_ttl_seconds: Option<i64>,
}

/// A change of a template. What is none stays as it is.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct TemplateEdit<'a> {
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`; refused for an approved template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<&'a str>,
    /// Components in the creation form, with samples: all of them, also those that stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<&'a serde_json::Value>,
    /// Seconds Meta keeps trying to deliver, -1 for its longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_send_ttl_seconds: Option<i64>,
}

/// What the provider says to a wish to unpause a template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct UnpauseAnswer {
    /// Whether it is unpaused.
    #[serde(default)]
    pub success: bool,
    /// Why not.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What became of a new template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CreatedTemplate {
    /// Id at the provider.
    pub id: String,
    /// `PENDING`, `APPROVED`, `REJECTED`, …; unknown values are not sendable.
    pub status: String,
    /// The category, which Meta may have changed.
    #[serde(default)]
    pub category: Option<String>,
}

/// A template as the provider has it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RemoteTemplate {
    /// Id at the provider.
    pub id: String,
    /// Name, unique with the language.
    pub name: String,
    /// Language code.
    pub language: String,
    /// `APPROVED`, `PENDING`, `REJECTED`, `PAUSED`, `DISABLED`, …; unknown values are not sendable.
    pub status: String,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`.
    #[serde(default)]
    pub category: Option<String>,
    /// `POSITIONAL` or `NAMED`; positional when none.
    #[serde(default)]
    pub parameter_format: Option<String>,
    /// Components in the creation form; samples of media are links.
    #[serde(default)]
    pub components: serde_json::Value,
    /// Why it was rejected; `NONE` when it was not.
    #[serde(default)]
    pub rejected_reason: Option<String>,
    /// How recipients take it.
    #[serde(default, deserialize_with = "if_readable")]
    pub quality_score: Option<QualityScore>,
    /// Seconds Meta keeps trying to deliver; -1 for its longest; its default when none.
    #[serde(default, deserialize_with = "if_readable")]
    pub message_send_ttl_seconds: Option<i64>,
    /// The category it had before Meta changed it.
    #[serde(default)]
    pub previous_category: Option<String>,
    /// The category that Meta will give it.
    #[serde(default)]
    pub correct_category: Option<String>,
}

/// A detail of one template must not make a whole page unreadable.
fn if_readable<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// Quality of a template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct QualityScore {
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub score: String,
}

const TEMPLATE_FIELDS: &str = "id,name,language,status,category,parameter_format,components,rejected_reason,quality_score,message_send_ttl_seconds,previous_category,correct_category";

/// Which templates to list.
#[derive(Clone, Copy, Debug)]
pub struct TemplateFilter<'a> {
    /// Only this name, in all its languages.
    pub name: Option<&'a str>,
    /// Where the last page ended.
    pub after: Option<&'a str>,
    /// Templates on a page.
    pub limit: u32,
}

impl Default for TemplateFilter<'_> {
    fn default() -> Self {
        Self { name: None, after: None, limit: 100 }
    }
}

/// One page of templates.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplatePage {
    /// The templates.
    pub templates: Vec<RemoteTemplate>,
    /// Where the next page begins; none on the last one.
    pub after: Option<String>,
}

impl CloudClient {
    /// Submits a template for review. A name and language that exist already are refused ([`GraphError::is_name_taken`]).
    pub async fn create_template(
        &self,
        token: &SecretString,
        waba_id: &str,
        template: &NewTemplate<'_>,
    ) -> Result<CreatedTemplate, GraphError> {
        self.call(token, Ask::new(Method::POST, &[waba_id, "message_templates"]).json(template)?).await
    }

    /// Changes a template that was approved, turned down or paused; it is reviewed again.
    pub async fn edit_template(&self, token: &SecretString, template_id: &str, edit: &TemplateEdit<'_>) -> Result<(), GraphError> {
        let _: Success = self.call(token, Ask::new(Method::POST, &[template_id]).json(edit)?).await?;
        Ok(())
    }

    /// One page of a WhatsApp account's templates.
    pub async fn list_templates(
        &self,
        token: &SecretString,
        waba_id: &str,
        filter: TemplateFilter<'_>,
    ) -> Result<TemplatePage, GraphError> {
        let limit = filter.limit.to_string();
        let mut query = vec![("fields", TEMPLATE_FIELDS), ("limit", limit.as_str())];
        query.extend(filter.name.map(|name| ("name", name)));
        query.extend(filter.after.map(|after| ("after", after)));
        let mut list: List<RemoteTemplate> = self.call(token, Ask::new(Method::GET, &[waba_id, "message_templates"]).query(&query)).await?;
        let after = list.after();
        Ok(TemplatePage { templates: list.data, after })
    }

    /// One template by its id at the provider.
    pub async fn template(&self, token: &SecretString, template_id: &str) -> Result<RemoteTemplate, GraphError> {
        self.call(token, Ask::new(Method::GET, &[template_id]).query(&[("fields", TEMPLATE_FIELDS)])).await
    }

    /// Deletes a template: one language when the id is given, all of them otherwise. The name is blocked for 30 days. What is not there is
    /// refused ([`GraphError::is_unknown_object`]).
    pub async fn delete_template(
        &self,
        token: &SecretString,
        waba_id: &str,
        name: &str,
        template_id: Option<&str>,
    ) -> Result<(), GraphError> {
        let mut query = vec![("name", name)];
        query.extend(template_id.map(|id| ("hsm_id", id)));
        let _: Success = self.call(token, Ask::new(Method::DELETE, &[waba_id, "message_templates"]).query(&query)).await?;
        Ok(())
    }

    /// Makes a template that was paused while it was paced sendable again. The provider may decline without an error.
    pub async fn unpause_template(&self, token: &SecretString, template_id: &str) -> Result<UnpauseAnswer, GraphError> {
        self.call(token, Ask::new(Method::POST, &[template_id, "unpause"])).await
    }
}
