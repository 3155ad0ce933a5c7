//! The API with a worker that runs jobs on demand and a provider that knows everybody.

use kernel::SharedClock;
use queue::testing::{Ran, TestWorker};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{
    app::TestApp,
    simulator::{Simulator, SimulatorOptions},
};

pub(crate) struct CrmApp {
    pub(crate) app: TestApp,
    pub(crate) simulator: Simulator,
    worker: TestWorker,
}

impl CrmApp {
    pub(crate) async fn start() -> Self {
        let simulator = Simulator::start(SimulatorOptions::default()).await;
        let url = simulator.url();
        let app = TestApp::start_with(|config| config.whatsapp.graph_url = url).await;
        let resources = worker::resources(&app.state.config).expect("the settings are good");
        let clock: SharedClock = app.clock.clone();
        let worker = TestWorker::new(&app.database, app.state.db.clone(), clock, worker::registry::registry(), resources);
        Self { app, simulator, worker }
    }

    /// Runs all jobs, also those that wait for a later time.
    pub(crate) async fn drain(&self) -> Vec<Ran> {
        let mut owner = self.app.database.owner().await;
        sqlx::query("update jobs set run_at = now() where state = 'waiting'").execute(&mut owner).await.expect("the database answers");
        self.worker.drain().await
    }

    /// Creates a number; it still connects.
    pub(crate) async fn a_channel(&self, phone_number_id: &str) -> Value {
        let body = json!({
            "kind": "cloudApi",
            "displayName": "Shop",
            "phoneNumberId": phone_number_id,
            "businessAccountId": "90010001",
            "accessToken": "EAAG-canary-token",
        });
        self.app.post_json("/api/whatsapp/channels", body).await.expect(StatusCode::CREATED).json()
    }
}

/// The id of a record.
pub(crate) fn id(record: &Value) -> &str {
    record["id"].as_str().expect("an id")
}
