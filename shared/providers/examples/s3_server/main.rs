//! An S3 server over a folder, for tests: `s3_server FOLDER PORT`. Keys and region are those of `server`.

mod server;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (folder, port) = (arguments.next().expect("a folder"), arguments.next().expect("a port"));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.parse().expect("a port"))).await.expect("a free port");
    server::serve(listener, folder.as_ref()).await;
}
