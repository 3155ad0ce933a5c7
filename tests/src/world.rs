//! The whole product in one process: the API, a worker, and the provider simulator that calls back.

use std::time::Duration;

use reqwest::StatusCode;
use runtime::{Config, Shutdown};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{
    app::TestApp,
    simulator::{Simulator, SimulatorOptions},
    wait::{self, Look},
};

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_mins(1);
/// Secret by which the simulator signs and the API verifies.
const APP_SECRET: &str = "a secret of the app under test";

/// API, worker and simulator, connected.
#[derive(Debug)]
pub struct World {
    /// The API, with a registered organization.
    pub app: TestApp,
    /// The provider.
    pub simulator: Simulator,
    worker: Option<Worker>,
    config: Config,
}

#[derive(Debug)]
struct Worker {
    shutdown: Shutdown,
    running: JoinHandle<anyhow::Result<()>>,
}

impl World {
    /// Starts everything.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts everything with settings that `change` has changed.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let simulator = Simulator::start(SimulatorOptions { app_secret: APP_SECRET.into(), ..SimulatorOptions::default() }).await;
        let mut settings = None;
        let app = TestApp::start_with(|config| {
            config.whatsapp.graph_url = simulator.url();
            config.whatsapp.app_secret = APP_SECRET.into();
            config.sending.unknown_grace_s = 1;
            config.sending.poll_s = 1;
            config.jobs.poll_s = 1;
            config.health.port = 0;
            change(config);
            settings = Some(config.clone());
        })
        .await;
        simulator.set_callback_url(Some(&format!("{}/api/whatsapp/webhook", app.anybody().base())));
        let mut world = Self { app, simulator, worker: None, config: settings.expect("start_with calls it") };
        world.start_worker();
        world
    }

    /// Starts the worker.
    pub fn start_worker(&mut self) {
        let shutdown = Shutdown::default();
        let running = tokio::spawn(worker::run(self.config.clone(), shutdown.clone()));
        self.worker = Some(Worker { shutdown, running });
    }

    /// Stops the worker in good order.
    pub async fn stop_worker(&mut self) {
        let worker = self.worker.take().expect("a worker runs");
        worker.shutdown.stop();
        worker.running.await.expect("the worker does not panic").expect("the worker stops in good order");
    }

    /// Connects a number of the simulator.
    pub async fn channel(&self, messages_per_second: u32) -> String {
        let body = json!({
            "kind": "cloudApi", "displayName": "Main", "phoneNumberId": "106540352242922", "businessAccountId": "102290129340398",
            "accessToken": "EAAG-token-under-test", "messagesPerSecond": messages_per_second,
        });
        let channel = self.app.post_json("/api/whatsapp/channels", body).await.expect(StatusCode::CREATED).json::<Value>();
        let id = text(&channel, "id");
        self.wait_for(&format!("/api/whatsapp/channels/{id}"), "state", &["connected"]).await;
        id
    }

    /// Drafts, submits and waits for a template with one variable.
    pub async fn template(&self, channel: &str) -> String {
        let body = json!({
            "channelId": channel, "name": "spring_offer", "language": "en_US", "category": "MARKETING", "parameterFormat": "POSITIONAL",
            "components": [{ "type": "BODY", "text": "Hello {{1}}, spring is here.", "example": { "body_text": [["Ada"]] } }],
        });
        let template = self.app.post_json("/api/templates", body).await.expect(StatusCode::CREATED).json::<Value>();
        let id = text(&template, "id");
        self.app.post(&format!("/api/templates/{id}/submit")).await.expect(StatusCode::ACCEPTED);
        self.wait_for(&format!("/api/templates/{id}"), "status", &["APPROVED"]).await;
        id
    }

    /// Adds `n` contacts, all with the tag `spring`.
    pub async fn contacts(&self, n: u32) {
        let mut csv = String::from("phoneNumber,name,tags,optIn\n");
        for index in 0..n {
            use std::fmt::Write;
            let _ = writeln!(csv, "+1202556{index:04},Person {index},spring,optedIn");
        }
        let part = reqwest::multipart::Part::bytes(csv.into_bytes()).file_name("contacts.csv");
        let form = reqwest::multipart::Form::new().part("file", part);
        let client = &self.app.admin.client;
        let request = client.request(reqwest::Method::POST, "/api/contacts/import").multipart(form);
        let import = client.send(request).await.expect(StatusCode::ACCEPTED).json::<Value>();
        let id = text(&import, "importId");
        let import = self.wait_for(&format!("/api/contacts/imports/{id}"), "state", &["completed"]).await;
        assert_eq!(import["created"], n, "{import}");
    }

    /// Drafts a campaign to everybody tagged `spring` and launches it.
    pub async fn launch(&self, channel: &str, template: &str) -> String {
        let body = json!({
            "name": "Spring", "channelId": channel, "templateId": template, "audience": { "tags": ["spring"] },
            "variables": { "1": { "field": "name", "fallback": "there" } },
        });
        let campaign = self.app.post_json("/api/campaigns", body).await.expect(StatusCode::CREATED).json::<Value>();
        let id = text(&campaign, "id");
        self.app.post(&format!("/api/campaigns/{id}/send")).await.expect(StatusCode::ACCEPTED);
        id
    }

    /// The figures of a campaign, which must add up.
    pub async fn analytics(&self, campaign: &str) -> Value {
        let figures = self.app.get(&format!("/api/campaigns/{campaign}/analytics")).await.expect(StatusCode::OK).json::<Value>();
        let of = |name: &str| figures[name].as_i64().unwrap_or_else(|| panic!("{name} of {figures}"));
        let sum: i64 =
            ["planned", "held", "inFlight", "acceptedOrBetter", "failed", "unknown", "unconfirmed", "skipped", "cancelled", "expired"]
                .into_iter()
                .map(of)
                .sum();
        assert_eq!(of("audience"), sum, "{figures}");
        figures
    }

    /// Waits until the campaign is over, and answers its figures.
    pub async fn finished(&self, campaign: &str) -> Value {
        let over = ["completed", "completedWithErrors", "cancelled", "failed"];
        self.wait_for(&format!("/api/campaigns/{campaign}"), "state", &over).await;
        self.analytics(campaign).await
    }

    /// Waits until the figures fulfil `condition`.
    pub async fn until(&self, campaign: &str, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let look = async || {
            let figures = self.analytics(campaign).await;
            Ok(if condition(&figures) { Look::There(figures) } else { Look::NotYet(format!("never {what}: {figures}")) })
        };
        wait::until(PATIENCE, look).await.expect("the campaign gets there")
    }

    /// Asks again and again until `field` of the answer is one of `wanted`.
    pub async fn wait_for(&self, path: &str, field: &str, wanted: &[&str]) -> Value {
        let look = async || {
            let body = self.app.get(path).await.expect(StatusCode::OK).json::<Value>();
            let there = wanted.iter().any(|word| body[field] == *word);
            Ok(if there { Look::There(body) } else { Look::NotYet(format!("{path}: {field} is none of {wanted:?}: {body}")) })
        };
        wait::until(PATIENCE, look).await.expect("it gets there")
    }
}

fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap_or_else(|| panic!("{field} of {body}")).to_owned()
}
