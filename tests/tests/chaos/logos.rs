//! Uploads that are built to fill the memory, against the real program.

use std::{path::Path, time::Duration};

use crm::files::testing::{self, Sample};
use db::testing::TestDatabase;
use reqwest::{
    StatusCode,
    multipart::{Form, Part},
};
use serde_json::Value;
use tests::{
    app::registration,
    demo::wait_until_ready,
    processes::{Program, locate},
};

/// The most that the program may ever take, in KiB.
const LIMIT: u64 = 400 * 1024;

struct Api {
    program: Program,
    url: String,
    token: String,
    http: reqwest::Client,
}

impl Api {
    async fn start(database: &TestDatabase, folder: &Path) -> Self {
        runtime::tls::install();
        let port = tests::processes::free_port().unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let settings = [
            ("DATABASE__URL", secrecy::ExposeSecret::expose_secret(&database.app_url()).to_owned()),
            ("API__PORT", port.to_string()),
            ("STORAGE__DIR", folder.join("storage").display().to_string()),
            ("MAIL__DIR", folder.join("mail").display().to_string()),
            ("LIMITS__UPLOADS_PER_HOUR", "1000".to_owned()),
        ];
        let settings: Vec<_> = settings.into_iter().map(|(key, value)| (format!("HELIOGRAPH_{key}"), value)).collect();
        let program = Program::start("api", &locate("api").unwrap(), &["serve"], &settings, folder, &folder.join("api.log")).unwrap();
        wait_until_ready(&format!("{url}/readyz"), Duration::from_mins(1)).await.unwrap();
        let http = reqwest::Client::new();
        let registered = http.post(format!("{url}/api/auth/register")).json(&registration()).send().await.unwrap();
        let registered: Value = serde_json::from_slice(&registered.bytes().await.unwrap()).unwrap();
        let token = registered["accessToken"].as_str().expect("a token").to_owned();
        Self { program, url, token, http }
    }

    async fn upload(&self, sample: Sample) -> (StatusCode, String) {
        let part = Part::bytes(sample.bytes).file_name("logo").mime_str(sample.declared).unwrap();
        let request = self.http.post(format!("{}/api/organizations/current/logo", self.url)).bearer_auth(&self.token);
        let answer = request.multipart(Form::new().part("file", part)).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// The most memory that the process ever had, in KiB.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.program.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_picture_takes_more_than_400_megabytes() {
    let (database, folder) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let api = Api::start(&database, folder.path()).await;
    let idle = api.peak();
    for sample in testing::refused() {
        let (name, refusal) = (sample.name, sample.refusal);
        let (status, text) = api.upload(sample).await;
        assert!(status.is_client_error(), "{name}: {status} {text}");
        assert!(text.contains(&format!("/problems/{}\"", refusal.unwrap())), "{name}: {text}");
    }
    let refused = api.peak();
    // Pictures that may be as large as they are: each is made, or given up after 3 s on a machine that is too busy.
    let mut answers = Vec::new();
    for sample in testing::heavy() {
        answers.push(api.upload(sample).await);
    }
    let heavy = api.peak();
    // Twenty at once: each is made, given up, or told to come back.
    let sample = testing::heavy().into_iter().max_by_key(|sample| sample.bytes.len()).unwrap();
    answers.extend(futures::future::join_all((0..20).map(|_| api.upload(sample.clone()))).await);
    let made = answers.iter().filter(|(status, _)| *status == StatusCode::OK).count();
    for (status, text) in &answers {
        let is_late = *status == StatusCode::BAD_REQUEST && text.contains("takes too long");
        let is_told = *status == StatusCode::SERVICE_UNAVAILABLE && text.contains("/problems/logo-busy");
        assert!(*status == StatusCode::OK || is_late || is_told, "{status} {text}");
    }
    assert!(made > 0, "no picture was made");
    let most = api.peak();
    println!("peak in KiB: idle {idle}, after the refused {refused}, after the heavy {heavy}, after twenty at once {most} ({made} made)");
    assert!(most < LIMIT, "the program took {most} KiB");
    assert!(api.http.get(format!("{}/readyz", api.url)).send().await.unwrap().status().is_success());
}
