//! What a customer does with templates, and what the provider has of them.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{journey::Tenant, provider::Provider};
use crate::{
    demo::client::text,
    simulator::{TemplateCalls, TemplateEntry},
};

/// Longest wait for a template to get where it shall.
const PATIENCE: Duration = Duration::from_secs(45);

/// A template by what matters here: its name and its body.
#[derive(Clone, Copy, Debug)]
pub struct TemplateText<'a> {
    /// Its name.
    pub name: &'a str,
    /// The text of its body, without variables.
    pub body: &'a str,
}

impl Tenant {
    /// The template that its campaigns send.
    pub fn template_id(&self) -> &str {
        &self.template
    }

    /// Drafts a template, and answers its id.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn draft(&self, template: TemplateText<'_>) -> anyhow::Result<String> {
        let draft = json!({
            "channelId": self.channel,
            "name": template.name,
            "language": "en_US",
            "category": "MARKETING",
            "parameterFormat": "POSITIONAL",
            "components": body(template.body),
        });
        Ok(text(&self.api.post("/api/templates", &draft).await?, "/id")?.to_owned())
    }

    /// Has a template sent to the provider.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn submit(&self, id: &str) -> anyhow::Result<()> {
        self.api.post(&format!("/api/templates/{id}/submit"), &Value::Null).await.map(drop)
    }

    /// Gives a template another body.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn rewrite(&self, id: &str, text: &str) -> anyhow::Result<()> {
        let (status, answer) = self.api.send(Method::PUT, &format!("/api/templates/{id}"), &json!({ "components": body(text) })).await?;
        if status.is_success() { Ok(()) } else { bail!("the change was answered {status}: {answer}") }
    }

    /// Deletes a template that the provider has.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn delete(&self, id: &str) -> anyhow::Result<()> {
        let (status, answer) = self.api.send(Method::DELETE, &format!("/api/templates/{id}"), &Value::Null).await?;
        if status == StatusCode::ACCEPTED { Ok(()) } else { bail!("the deletion was answered {status}: {answer}") }
    }

    /// `GET` of a template.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn template(&self, id: &str) -> anyhow::Result<Value> {
        self.api.get(&format!("/api/templates/{id}")).await
    }

    /// Waits until a template is as it shall be.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn wait_for_template(&self, id: &str, is_there: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        self.api.poll(&format!("/api/templates/{id}"), PATIENCE, is_there).await
    }
}

impl Provider {
    /// Its templates of a name, in every language and account, deleted ones too, and the calls about templates that it executed.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn templates(&self, name: &str) -> anyhow::Result<(Vec<TemplateEntry>, TemplateCalls)> {
        #[derive(Deserialize)]
        struct Page {
            data: Vec<TemplateEntry>,
            calls: TemplateCalls,
        }
        let page: Page = serde_json::from_value(self.get("/_simulator/templates").await?).context("the templates cannot be read")?;
        Ok((page.data.into_iter().filter(|template| template.name == name).collect(), page.calls))
    }

    /// Makes it decide about a template, by its id or name: `{"action": "pause"}`.
    ///
    /// # Errors
    /// When it has none.
    pub async fn review(&self, template: &str, decision: &Value) -> anyhow::Result<()> {
        self.post(&format!("/_simulator/templates/{template}/review"), decision).await.map(drop)
    }
}

fn body(text: &str) -> Value {
    json!([{ "type": "BODY", "text": text }])
}
