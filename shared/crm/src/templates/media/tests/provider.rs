//! Samples on their way to the provider.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use providers::whatsapp::{CloudClient, CloudOptions};
use queue::{Enqueue, Job, JobError, Queue, Registry, Resources, Tenant, testing::TestWorker};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    stub::{Fault, UploadStub},
    *,
};

type Answers = Arc<Mutex<Vec<Result<Value, SampleError>>>>;

/// Takes the samples of components to the provider, and tells the test what came of it.
#[derive(Debug, Serialize, Deserialize)]
struct TakeSamples {
    components: Value,
}

impl Job for TakeSamples {
    const KIND: &'static str = "tests.takeSamples";
    const QUEUE: Queue = Queue::Default;
    const TIMEOUT: Duration = Duration::from_mins(1);
    type Context = Tenant;

    async fn run(&self, ctx: &Tenant) -> Result<(), JobError> {
        let answer = for_provider(ctx, ctx.get::<CloudClient>()?, &"token".into(), self.components.clone()).await;
        ctx.get::<Answers>()?.lock().unwrap().push(answer);
        Ok(())
    }
}

async fn taken(app: &Arranged, stub: &UploadStub, components: Value) -> Result<Value, SampleError> {
    let client = CloudClient::new(CloudOptions {
        graph_url: stub.url(),
        version: "v25.0".into(),
        connect_timeout: Duration::from_secs(2),
        request_timeout: Duration::from_secs(5),
        max_idle: 4,
    })
    .unwrap();
    let answers = Answers::default();
    let resources = Resources::default().with(client).with(app.files.clone()).with(ProviderApp::new("app")).with(Arc::clone(&answers));
    let mut tx = app.begin().await;
    tx.enqueue(TakeSamples { components }).await.unwrap();
    tx.commit().await.unwrap();
    let registry = Registry::default().register::<TakeSamples>();
    let ran = TestWorker::new(&app.database, app.db.clone(), app.clock.clone(), registry, resources).drain().await;
    assert_eq!(ran.len(), 1, "{ran:?}");
    let answer = answers.lock().unwrap().pop();
    answer.expect("the job ran to its end")
}

fn header(handle: &str) -> Value {
    json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": [handle] } })
}

#[tokio::test]
async fn each_file_is_uploaded_once_and_its_handle_put_in_every_place() {
    let app = Arranged::new().await;
    let (first, second) = (uploaded(&app, MediaType::Jpeg, long(JPEG)).await, uploaded(&app, MediaType::Png, long(PNG)).await);
    let stub = UploadStub::start(&[]).await;
    let card = |handle: &str| json!({ "components": [header(handle)] });
    let components = json!([
        header(&handle(first.id)),
        { "type": "BODY", "text": "Hello" },
        { "type": "CAROUSEL", "cards": [card(&handle(second.id)), card(&handle(first.id)), card("4::elsewhere")] },
    ]);
    let made = taken(&app, &stub, components).await.unwrap();
    assert_eq!(made[0], header("4::0"));
    assert_eq!(made[1], json!({ "type": "BODY", "text": "Hello" }));
    assert_eq!(made[2]["cards"], json!([card("4::1"), card("4::0"), card("4::elsewhere")]));
    let sessions = stub.sessions();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0].started_with, format!("file_name=sample.jpg&file_length={}&file_type=image%2Fjpeg", first.size));
    assert_eq!(sessions[0].bytes, long(JPEG));
    assert_eq!(sessions[1].bytes, long(PNG));
}

#[tokio::test]
async fn components_without_files_of_ours_ask_nobody() {
    let app = Arranged::new().await;
    let stub = UploadStub::start(&[]).await;
    let components = json!([header("4::elsewhere"), { "type": "BODY", "text": "file:0" }]);
    assert_eq!(taken(&app, &stub, components.clone()).await.unwrap(), components);
    assert_eq!(stub.sessions().len(), 0);
}

#[tokio::test]
async fn a_transfer_that_breaks_goes_on_where_it_broke() {
    let app = Arranged::new().await;
    let file = uploaded(&app, MediaType::Pdf, long(PDF)).await;
    for (faults, offsets) in [
        (vec![Fault::Break(100_000)], vec![0, 100_000]),
        (vec![Fault::Break(1), Fault::Break(199_999), Fault::Break(50_000)], vec![0, 1, 200_000, 250_000]),
        (vec![Fault::Break(0)], vec![0, 0]),
        (vec![Fault::LoseAnswer], vec![0, usize::try_from(file.size).unwrap()]),
    ] {
        let stub = UploadStub::start(&faults).await;
        let made = taken(&app, &stub, json!([header(&handle(file.id))])).await.unwrap();
        assert_eq!((made, stub.offsets()), (json!([header("4::0")]), offsets), "{faults:?}");
        let sessions = stub.sessions();
        assert_eq!((sessions.len(), &sessions[0].bytes), (1, &long(PDF).to_vec()), "{faults:?}");
    }
}

#[tokio::test]
async fn a_transfer_that_cannot_go_on_begins_again() {
    let app = Arranged::new().await;
    let file = uploaded(&app, MediaType::Pdf, long(PDF)).await;
    for faults in [
        vec![Fault::Forget],
        vec![Fault::Break(5), Fault::Forget],
        vec![Fault::Break(5), Fault::Break(0)],
        vec![Fault::Break(5), Fault::Refuse],
    ] {
        let stub = UploadStub::start(&faults).await;
        let made = taken(&app, &stub, json!([header(&handle(file.id))])).await.unwrap();
        assert_eq!((made, stub.sessions().len()), (json!([header("4::1")]), 2), "{faults:?}");
        assert_eq!(stub.sessions()[1].bytes, long(PDF), "{faults:?}");
    }
}

#[tokio::test]
async fn what_the_provider_does_not_take_names_its_place() {
    let app = Arranged::new().await;
    let file = uploaded(&app, MediaType::Pdf, long(PDF)).await;
    let components = json!([{ "type": "BODY", "text": "Hello" }, header(&handle(file.id))]);
    let place = "components[1].example.header_handle[0]";
    let stub = UploadStub::start(&[Fault::Refuse]).await;
    let refused = taken(&app, &stub, components.clone()).await.unwrap_err();
    let SampleError::Provider { field, source } = &refused else { panic!("{refused:?}") };
    assert_eq!((field.as_str(), source.is_retryable(), stub.offsets().len()), (place, false, 1), "a refusal is not asked twice");
    let stub = UploadStub::start(&[Fault::Forget, Fault::Forget]).await;
    let broken = taken(&app, &stub, components.clone()).await.unwrap_err();
    let SampleError::Provider { field, source } = &broken else { panic!("{broken:?}") };
    assert_eq!((field.as_str(), source.is_retryable(), stub.sessions().len()), (place, true, 2), "another run may do better");
    app.files.delete(&file.object_key).await.unwrap();
    let stub = UploadStub::start(&[]).await;
    let gone = taken(&app, &stub, components).await.unwrap_err();
    assert!(matches!(&gone, SampleError::Gone { field } if field == place), "{gone:?}");
}
