use std::time::{Duration, Instant};

use chrono::TimeDelta;
use kernel::{ChannelId, Clock, TemplateId};
use serde_json::{Value, json};

use crate::{
    arranged::{Arranged, vault},
    channels::{self, ChannelPatch, NewChannel, service::Keeping},
    graph_stub::GraphStub,
    templates::{
        Category, NewTemplate, ParameterFormat, Template, TemplateError, TemplateKey, TemplatePatch, TemplateView,
        model::{StatusChange, status},
        news::{self, News, Told},
        service::{self, Deletion, NameDeletion, NameInAccount},
    },
};

/// A draft with these components, past the database.
pub(in crate::templates) fn a_template(components: Value) -> Template {
    let now = "2026-03-01T10:00:00Z".parse().unwrap();
    Template {
        id: TemplateId::at(now),
        channel: ChannelId::at(now),
        business_account_id: "9001".into(),
        name: "offer".into(),
        language: "en_US".into(),
        category: Category::Marketing,
        parameter_format: ParameterFormat::Positional,
        components,
        status: status::DRAFT.into(),
        reason: None,
        provider_id: None,
        quality: None,
        submitted_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
        message_ttl_seconds: None,
        problems: Vec::new(),
        status_at: None,
        announced_category: None,
        announced_category_at: None,
        checked_at: None,
        deleted_at: None,
    }
}

/// A body with two variables.
pub(super) fn offer_of(what: &str) -> Value {
    json!([{ "type": "BODY", "text": format!("Hello {{{{1}}}}, {what}."), "example": { "body_text": [["Ada", "20 %"]] } }])
}

/// A change of the content only.
pub(super) fn content(components: Value) -> TemplatePatch {
    TemplatePatch { components: Some(components), ..TemplatePatch::default() }
}

pub(super) async fn number(app: &Arranged, phone_number_id: &str) -> ChannelId {
    let vault = vault();
    let input = NewChannel {
        display_name: "Shop".into(),
        phone_number_id: phone_number_id.into(),
        business_account_id: "9001".into(),
        access_token: "EAAG-one".into(),
        messages_per_second: None,
    };
    let mut tx = app.begin().await;
    let keeping = Keeping { vault: &vault, max_messages_per_second: 1_000 };
    let channel = channels::service::create(&mut tx, &*app.clock, keeping, input).await.unwrap();
    tx.commit().await.unwrap();
    channel.id
}

/// An organization with a connected number, a provider that can be told to fail, and a worker that runs jobs on demand.
pub(super) struct Shop {
    pub(super) app: Arranged,
    pub(super) graph: GraphStub,
    pub(super) channel: ChannelId,
}

impl Shop {
    pub(super) async fn new() -> Self {
        let app = Arranged::new().await;
        let graph = GraphStub::start().await;
        let channel = number(&app, "1001").await;
        app.worker(&graph.url()).drain().await;
        Self { app, graph, channel }
    }

    /// A second number of the account; it still connects.
    pub(super) async fn another_number(&self) -> ChannelId {
        number(&self.app, "1002").await
    }

    pub(super) fn input(&self, name: &str) -> NewTemplate {
        NewTemplate {
            channel: Some(self.channel),
            business_account_id: None,
            name: name.into(),
            language: "en_US".into(),
            category: Category::Marketing,
            parameter_format: ParameterFormat::Positional,
            components: offer_of("take {{2}} off"),
            message_ttl_seconds: None,
        }
    }

    /// A template that the provider approved. The first one has the id 701 there.
    pub(super) async fn approved(&self, name: &str) -> TemplateId {
        let id = self.create(name).await;
        self.submit(id).await;
        self.drain().await;
        self.graph.review("APPROVED", "NONE");
        self.pass_time().await;
        self.drain().await;
        assert_eq!(self.read(id).await.status, status::APPROVED);
        id
    }

    pub(super) async fn replace(&self, id: TemplateId, patch: TemplatePatch) -> Result<TemplateView, TemplateError> {
        let mut tx = self.app.begin().await;
        let changed = service::replace(&mut tx, &*self.app.clock, id, patch).await?;
        tx.commit().await.unwrap();
        Ok(changed)
    }

    pub(super) async fn try_submit(&self, id: TemplateId) -> Result<TemplateView, TemplateError> {
        let mut tx = self.app.begin().await;
        let submitted = service::submit(&mut tx, &*self.app.clock, id).await?;
        tx.commit().await.unwrap();
        Ok(submitted)
    }

    pub(super) async fn delete(&self, id: TemplateId) -> Result<Deletion, TemplateError> {
        let mut tx = self.app.begin().await;
        let deletion = service::delete(&mut tx, &*self.app.clock, id).await?;
        tx.commit().await.unwrap();
        Ok(deletion)
    }

    pub(super) async fn delete_name(&self, name: &str) -> Result<NameDeletion, TemplateError> {
        let named = NameInAccount { channel: Some(self.channel), business_account_id: None, name: name.into() };
        let mut tx = self.app.begin().await;
        let deletion = service::delete_name(&mut tx, &*self.app.clock, named).await?;
        tx.commit().await.unwrap();
        Ok(deletion)
    }

    pub(super) async fn view(&self, id: TemplateId) -> TemplateView {
        service::view(&mut self.app.begin().await, id).await.unwrap()
    }

    /// Gives the channel another token, which connects.
    pub(super) async fn renew_token(&self) {
        let vault = vault();
        let keeping = Keeping { vault: &vault, max_messages_per_second: 1_000 };
        let patch = ChannelPatch { access_token: Some("EAAG-two".into()), ..ChannelPatch::default() };
        let mut tx = self.app.begin().await;
        channels::service::patch(&mut tx, &*self.app.clock, keeping, self.channel, patch).await.unwrap();
        tx.commit().await.unwrap();
        self.drain().await;
    }

    /// A campaign in this state that sends the template.
    pub(super) async fn campaign(&self, template: TemplateId, state: &str) {
        let mut owner = self.app.database.owner().await;
        sqlx::query(
            "insert into campaigns (organization_id, id, name, channel_id, template_id, audience, variables, state, created_at, updated_at)
             values ($1, gen_random_uuid(), 'Spring', $2, $3, '{}', '{}', $4, now(), now())",
        )
        .bind(self.app.organization)
        .bind(self.channel)
        .bind(template)
        .bind(state)
        .execute(&mut owner)
        .await
        .unwrap();
    }

    /// Runs jobs, and lets time pass between, until `done`.
    pub(super) async fn until(&self, done: impl AsyncFn() -> bool) {
        for _ in 0..40 {
            self.drain().await;
            if done().await {
                return;
            }
            self.pass_time().await;
        }
        panic!("it does not come to that");
    }

    /// Waits until the provider holds a creation.
    pub(super) async fn until_held(&self) {
        let begun = Instant::now();
        while !self.graph.is_holding() {
            assert!(begun.elapsed() < Duration::from_secs(10), "no creation comes");
            tokio::task::yield_now().await;
        }
    }

    pub(super) async fn create(&self, name: &str) -> TemplateId {
        let mut tx = self.app.begin().await;
        let template = service::create(&mut tx, &*self.app.clock, self.input(name)).await.unwrap();
        tx.commit().await.unwrap();
        template.id
    }

    pub(super) async fn submit(&self, id: TemplateId) {
        let mut tx = self.app.begin().await;
        service::submit(&mut tx, &*self.app.clock, id).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(super) async fn drain(&self) -> Vec<queue::testing::Ran> {
        self.app.worker(&self.graph.url()).drain().await
    }

    pub(super) async fn read(&self, id: TemplateId) -> Template {
        service::get(&mut self.app.begin().await, id).await.unwrap()
    }

    pub(super) async fn tell(&self, provider_id: &str, told: &str, reason: Option<&str>) -> Option<StatusChange> {
        let mut tx = self.app.begin().await;
        let key = TemplateKey { provider_id, business_account_id: Some("9001"), name: Some("offer"), language: Some("en-US") };
        let told = Told::Status { status: told.into(), reason: reason.map(str::to_owned), details: json!({}) };
        let change = news::apply(&mut tx, &*self.app.clock, News { key, at: None, told: &told }).await.unwrap();
        tx.commit().await.unwrap();
        change
    }

    /// The provider decides on all templates, and tells it of the first one at once.
    pub(super) async fn news(&self, word: &str) {
        self.graph.review(word, "NONE");
        self.app.clock.advance(TimeDelta::seconds(1));
        let mut tx = self.app.begin().await;
        let key = TemplateKey { provider_id: "701", business_account_id: Some("9001"), name: None, language: None };
        let told = Told::Status { status: word.into(), reason: None, details: json!({}) };
        news::apply(&mut tx, &*self.app.clock, News { key, at: Some(self.app.clock.now()), told: &told }).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Lets every job that waits for its time run now.
    pub(super) async fn pass_time(&self) {
        self.app.clock.advance(TimeDelta::seconds(10));
        let mut owner = self.app.database.owner().await;
        sqlx::query("update jobs set run_at = now() where state = 'waiting'").execute(&mut owner).await.unwrap();
    }
}
