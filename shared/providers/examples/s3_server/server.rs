//! The server, also for tests that run it within themselves.

use std::path::Path;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tokio::net::TcpListener;

/// Who may ask.
pub(crate) const ACCESS_KEY_ID: &str = "heliograph";
/// The key.
pub(crate) const SECRET_ACCESS_KEY: &str = "a secret of the object store under test";

/// Answers S3 requests, whose buckets are folders in `folder`, until it is dropped.
pub(crate) async fn serve(listener: TcpListener, folder: &Path) {
    let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).expect("a folder"));
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
    let service = builder.build();
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.expect("a connection");
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service.clone()));
    }
}
