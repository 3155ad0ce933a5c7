//! Templates, numbers and subscriptions. Unlike sends, callers may repeat these: reading and deleting change nothing the second time, and a
//! template that exists already is refused by its name.

use bytes::Bytes;
use reqwest::{
    Method, Request,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    client::{ClientError, CloudClient, authorization, read},
    outcome::{self, AmbiguousCause, Rejection},
};

/// A page of templates with their components is far longer than an answer to a send.
const ANSWER_LIMIT: usize = 8 * 1024 * 1024;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The address or the token cannot be used.
    #[error("the call to the provider cannot be made")]
    Input(#[from] ClientError),
    /// No complete answer came.
    #[error("no answer from the provider")]
    Transport(#[source] reqwest::Error),
    /// The provider refused.
    #[error("the provider refused: {}", .0.title)]
    Refused(Box<Rejection>),
    /// The provider failed.
    #[error("the provider failed: {0}")]
    Failed(AmbiguousCause),
    /// The answer has not the documented form.
    #[error("the provider's answer cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// The call would have to carry something that is no JSON.
    #[error("the call's content cannot be written")]
    Content(#[source] serde_json::Error),
}

impl GraphError {
    /// Calling again later may help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Transport(_) | Self::Failed(_) => true,
            Self::Refused(rejection) => {
                use super::Reaction::{RetryLater, RetryRow, SlowNumber};
                matches!(rejection.reaction, RetryRow { .. } | RetryLater { .. } | SlowNumber)
            }
            Self::Input(_) | Self::Unreadable(_) | Self::Content(_) => false,
        }
    }

    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Rejection> {
        match self {
            Self::Refused(rejection) => Some(rejection),
            _ => None,
        }
    }
}

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
    #[serde(default)]
    pub quality_score: Option<QualityScore>,
}

/// Quality of a template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct QualityScore {
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub score: String,
}

const TEMPLATE_FIELDS: &str = "id,name,language,status,category,parameter_format,components,rejected_reason,quality_score";

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

/// A business number as the provider has it. Fields Meta leaves out or renames are none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RemoteNumber {
    /// The `phone_number_id`.
    pub id: String,
    /// The number in its national writing.
    #[serde(default)]
    pub display_phone_number: Option<String>,
    /// Name shown to people.
    #[serde(default)]
    pub verified_name: Option<String>,
    /// `GREEN`, `YELLOW`, `RED`, `NA` or `UNKNOWN`.
    #[serde(default)]
    pub quality_rating: Option<String>,
    /// `CONNECTED`, `PENDING`, `BANNED`, …
    #[serde(default)]
    pub status: Option<String>,
    /// `TIER_250` to `TIER_UNLIMITED`.
    #[serde(default, rename = "whatsapp_business_manager_messaging_limit")]
    pub messaging_limit: Option<String>,
    /// Throughput class.
    #[serde(default)]
    pub throughput: Option<Throughput>,
}

/// Throughput class of a number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Throughput {
    /// `STANDARD` (80 messages a second), `HIGH` (1,000) or `NOT_APPLICABLE`.
    pub level: String,
}

const NUMBER_FIELDS: &str =
    "id,display_phone_number,verified_name,quality_rating,status,whatsapp_business_manager_messaging_limit,throughput";

#[derive(Deserialize)]
struct List<T> {
    data: Vec<T>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    #[serde(default)]
    cursors: Option<Cursors>,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Cursors {
    #[serde(default)]
    after: Option<String>,
}

impl<T> List<T> {
    /// Meta gives a cursor on the last page too; only `next` tells that there is more.
    fn after(&mut self) -> Option<String> {
        let paging = self.paging.take()?;
        paging.next.and(paging.cursors?.after)
    }
}

#[derive(Deserialize)]
struct Success {
    #[serde(default)]
    #[expect(dead_code, reason = "a 2xx with any object is success; the field only documents the answer")]
    success: bool,
}

impl CloudClient {
    /// Submits a template for review. A name and language that exist already are refused.
    pub async fn create_template(
        &self,
        token: &SecretString,
        waba_id: &str,
        template: &NewTemplate<'_>,
    ) -> Result<CreatedTemplate, GraphError> {
        let content = serde_json::to_vec(template).map_err(GraphError::Content)?;
        self.call(Method::POST, token, &[waba_id, "message_templates"], &[], Some(content)).await
    }

    /// Replaces category and components of a template that was turned down or paused; it is reviewed again.
    pub async fn edit_template(
        &self,
        token: &SecretString,
        template_id: &str,
        category: &str,
        components: &serde_json::Value,
    ) -> Result<(), GraphError> {
        let content = serde_json::json!({ "category": category, "components": components });
        let content = serde_json::to_vec(&content).map_err(GraphError::Content)?;
        let _: Success = self.call(Method::POST, token, &[template_id], &[], Some(content)).await?;
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
        let mut list: List<RemoteTemplate> = self.call(Method::GET, token, &[waba_id, "message_templates"], &query, None).await?;
        let after = list.after();
        Ok(TemplatePage { templates: list.data, after })
    }

    /// One template by its id at the provider.
    pub async fn template(&self, token: &SecretString, template_id: &str) -> Result<RemoteTemplate, GraphError> {
        self.call(Method::GET, token, &[template_id], &[("fields", TEMPLATE_FIELDS)], None).await
    }

    /// Deletes a template: one language when the id is given, all of them otherwise. The name is blocked for 30 days.
    pub async fn delete_template(
        &self,
        token: &SecretString,
        waba_id: &str,
        name: &str,
        template_id: Option<&str>,
    ) -> Result<(), GraphError> {
        let mut query = vec![("name", name)];
        query.extend(template_id.map(|id| ("hsm_id", id)));
        let _: Success = self.call(Method::DELETE, token, &[waba_id, "message_templates"], &query, None).await?;
        Ok(())
    }

    /// One business number.
    pub async fn phone_number(&self, token: &SecretString, phone_number_id: &str) -> Result<RemoteNumber, GraphError> {
        self.call(Method::GET, token, &[phone_number_id], &[("fields", NUMBER_FIELDS)], None).await
    }

    /// The numbers of a WhatsApp account (it has a few dozen at most).
    pub async fn phone_numbers(&self, token: &SecretString, waba_id: &str) -> Result<Vec<RemoteNumber>, GraphError> {
        let query = [("fields", NUMBER_FIELDS), ("limit", "200")];
        let list: List<RemoteNumber> = self.call(Method::GET, token, &[waba_id, "phone_numbers"], &query, None).await?;
        Ok(list.data)
    }

    /// Subscribes the token's app to the webhooks of a WhatsApp account.
    pub async fn subscribe_app(&self, token: &SecretString, waba_id: &str) -> Result<(), GraphError> {
        let _: Success = self.call(Method::POST, token, &[waba_id, "subscribed_apps"], &[], None).await?;
        Ok(())
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        token: &SecretString,
        path: &[&str],
        query: &[(&str, &str)],
        content: Option<Vec<u8>>,
    ) -> Result<T, GraphError> {
        let mut url = self.url(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = Request::new(method, url);
        request.headers_mut().insert(AUTHORIZATION, authorization(token)?);
        if let Some(content) = content {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(Bytes::from(content).into());
        }
        let transport = |error: reqwest::Error| GraphError::Transport(error.without_url());
        let mut response = self.http.execute(request).await.map_err(transport)?;
        let status = response.status().as_u16();
        let answer = read(&mut response, ANSWER_LIMIT).await.map_err(transport)?;
        match status {
            200..=299 => serde_json::from_slice(&answer).map_err(GraphError::Unreadable),
            400..=599 => Err(match outcome::rejection(status, &answer) {
                Ok(rejection) => GraphError::Refused(Box::new(rejection)),
                Err(cause) => GraphError::Failed(cause),
            }),
            _ => Err(GraphError::Failed(AmbiguousCause::UnreadableAnswer { status })),
        }
    }
}
