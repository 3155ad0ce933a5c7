//! What a program refuses to start with.

use std::{future::Future, time::Duration};

use db::testing::TestDatabase;
use runtime::{Config, Shutdown, config::Environment};
use sqlx::raw_sql;
use tokio_util::sync::CancellationToken;

/// The settings of a production installation on `database`, as the role of the application or as the owner of the tables.
fn production(database: &TestDatabase, files: &tempfile::TempDir) -> Config {
    let mut config = Config { environment: Environment::Production, ..Config::default() };
    config.database.url = database.app_url();
    config.storage.dir = files.path().join("storage");
    config.mail.dir = files.path().join("mail");
    config.api.port = 0;
    config
}

async fn refusal(program: impl Future<Output = anyhow::Result<()>>) -> String {
    let outcome = tokio::time::timeout(Duration::from_secs(20), program).await.expect("it ends by itself");
    format!("{:#}", outcome.expect_err("it refuses"))
}

#[tokio::test]
async fn no_program_works_as_a_role_that_row_security_does_not_bind() {
    runtime::tls::install();
    let (database, files) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let mut config = production(&database, &files);
    config.database.url = database.owner_url();
    let refusals = [
        ("api", refusal(api::serve(config.clone(), CancellationToken::new())).await),
        ("worker", refusal(worker::run(config.clone(), Shutdown::default())).await),
        ("scheduler", refusal(scheduler::run(config, Shutdown::default())).await),
    ];
    for (program, told) in refusals {
        assert!(told.contains("`database.url`") && told.contains("is a superuser"), "{program}: {told}");
    }
}

#[tokio::test]
async fn no_program_works_on_tables_whose_row_security_is_not_forced() {
    runtime::tls::install();
    let (database, files) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    raw_sql("alter table contacts no force row level security").execute(&mut database.owner().await).await.unwrap();
    let config = production(&database, &files);
    let refusals = [
        ("api", refusal(api::serve(config.clone(), CancellationToken::new())).await),
        ("worker", refusal(worker::run(config.clone(), Shutdown::default())).await),
        ("scheduler", refusal(scheduler::run(config, Shutdown::default())).await),
    ];
    for (program, told) in refusals {
        assert!(told.contains("table contacts: row security is not forced"), "{program}: {told}");
    }
}

#[tokio::test]
async fn the_api_starts_in_production_with_the_role_of_the_application() {
    runtime::tls::install();
    let (database, files) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let stopping = CancellationToken::new();
    let serving = tokio::spawn(api::serve(production(&database, &files), stopping.clone()));
    stopping.cancel();
    tokio::time::timeout(Duration::from_secs(20), serving).await.expect("it ends").expect("no panic").expect("nothing was refused");
}
