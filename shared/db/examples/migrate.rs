//! Applies the migrations to a database, without the rest of the product: `deploy/local prepare` needs a migrated database
//! before the recorded queries, without which the product does not compile, are there.
//!
//! Usage: `cargo run -p db --example migrate -- postgres://owner@host/database`

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), String> {
    let url = std::env::args().nth(1).ok_or("usage: migrate postgres://owner@host/database")?;
    db::migrate(&url.into()).await.map_err(|error| format!("{error:?}"))
}
