//! The client against servers that misbehave, on real sockets.

mod management;
mod server;

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, stream};
use secrecy::SecretString;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpSocket, TcpStream},
};

use self::server::{Server, Step};
use super::*;

const PATIENT: Duration = Duration::from_secs(10);
const BRIEF: Duration = Duration::from_millis(150);

fn client(url: &str, connect_timeout: Duration, request_timeout: Duration) -> CloudClient {
    let options = CloudOptions { graph_url: url.to_owned(), version: "v25.0".to_owned(), connect_timeout, request_timeout, max_idle: 64 };
    CloudClient::new(options).unwrap()
}

fn token() -> SecretString {
    SecretString::from("token-1")
}

async fn send(client: &CloudClient, body: &str) -> SendOutcome {
    let number = client.number("4711", &token()).unwrap();
    client.send(&number, Bytes::copy_from_slice(body.as_bytes())).await
}

/// One request to a server that does `step`.
async fn outcome(step: Step) -> (SendOutcome, Server) {
    let server = Server::start(move |_| step.clone()).await;
    let outcome = send(&client(&server.url(), PATIENT, PATIENT), "{}").await;
    (outcome, server)
}

fn not_sent(cause: NotSentCause) -> SendOutcome {
    SendOutcome::NotSent { cause }
}

fn ambiguous(cause: AmbiguousCause) -> SendOutcome {
    SendOutcome::Ambiguous { cause }
}

const ACCEPTED: &str = r#"{"messages":[{"id":"wamid.1"}]}"#;

fn accepted() -> SendOutcome {
    SendOutcome::Accepted { provider_id: "wamid.1".to_owned(), held_for_quality: false }
}

#[tokio::test]
async fn a_request_has_the_documented_form() {
    let (outcome, server) = outcome(Step::answer(200, ACCEPTED)).await;
    assert_eq!(outcome, accepted());
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    let head = requests[0].head.to_ascii_lowercase();
    assert!(head.starts_with("post /v25.0/4711/messages http/1.1\r\n"), "{head}");
    for line in ["authorization: bearer token-1", "content-type: application/json", "content-length: 2"] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{head}");
    }
    assert!(!head.contains("transfer-encoding"), "{head}");
}

#[tokio::test]
async fn a_refusal_in_the_answer_is_definite() {
    let body = r#"{"error":{"message":"(#131056) Pair","code":131056,"error_data":{"details":"D"},"fbtrace_id":"T"}}"#;
    let (outcome, _) = outcome(Step::answer(400, body)).await;
    let SendOutcome::Rejected(rejection) = outcome else { panic!("{outcome:?}") };
    assert_eq!((rejection.code, rejection.http_status, rejection.reaction), (Some(131_056), 400, Reaction::HoldPair));
}

#[tokio::test]
async fn a_server_that_reads_all_and_closes_leaves_it_open() {
    for step in [Step::Close, Step::Reset] {
        let (outcome, server) = outcome(step).await;
        assert_eq!(outcome, ambiguous(AmbiguousCause::ConnectionLost));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_leaves_it_open() {
    for (written, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Le", AmbiguousCause::ConnectionLost),
        ("HTTP/1.1 200 OK\r\nContent-Length: 31\r\n\r\n", AmbiguousCause::AnswerCut),
        ("HTTP/1.1 200 OK\r\nContent-Length: 31\r\n\r\n{\"messages\":[{\"id\":", AmbiguousCause::AnswerCut),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"mes\r\n", AmbiguousCause::AnswerCut),
        ("HTTP/1.1 400 Bad\r\nContent-Length: 31\r\n\r\n{\"er", AmbiguousCause::AnswerCut),
        ("no HTTP at all\r\n\r\n", AmbiguousCause::ConnectionLost),
    ] {
        let (outcome, server) = outcome(Step::WriteAndClose(written.into())).await;
        assert_eq!(outcome, ambiguous(expected), "{written}");
        assert_eq!(server.requests().len(), 1, "{written}");
    }
}

#[tokio::test]
async fn a_server_error_without_envelope_leaves_it_open() {
    for (status, body) in [(500, "<html>Sorry</html>"), (502, ""), (503, "{}")] {
        let (outcome, server) = outcome(Step::answer(status, body)).await;
        assert_eq!(outcome, ambiguous(AmbiguousCause::ServerError { status, code: None }));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for status in [307, 308, 301, 302, 303] {
        let server =
            Server::start(move |_| Step::Write(format!("HTTP/1.1 {status} Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")))
                .await;
        let outcome = send(&client(&server.url(), PATIENT, PATIENT), "{}").await;
        assert_eq!(server.requests().len(), 1, "{status}");
        match outcome {
            SendOutcome::Rejected(rejection) => assert!(status >= 307 && rejection.reaction == Reaction::PauseAccount),
            other => assert_eq!(other, ambiguous(AmbiguousCause::UnreadableAnswer { status })),
        }
    }
}

#[tokio::test]
async fn silence_after_the_write_leaves_it_open() {
    for step in [Step::Hang(String::new()), Step::Hang("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".into())] {
        let server = Server::start(move |_| step.clone()).await;
        assert_eq!(send(&client(&server.url(), PATIENT, BRIEF), "{}").await, ambiguous(AmbiguousCause::Timeout));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let long = "x".repeat(3_000_000);
    let (outcome, _) = outcome(Step::answer(200, &long)).await;
    assert_eq!(outcome, ambiguous(AmbiguousCause::UnreadableAnswer { status: 200 }));
}

#[tokio::test]
async fn without_a_connection_nothing_is_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(send(&client(&format!("http://{closed}"), PATIENT, PATIENT), "{}").await, not_sent(NotSentCause::Refused));

    // A label longer than 63 characters never gets as far as a name server.
    let name = "x".repeat(64);
    assert_eq!(send(&client(&format!("http://{name}.invalid"), PATIENT, PATIENT), "{}").await, not_sent(NotSentCause::NameResolution));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let plain = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        connection
    };
    let client = client(&format!("https://{address}"), PATIENT, PATIENT);
    let (outcome, _connection) = tokio::join!(send(&client, "{}"), plain);
    assert_eq!(outcome, not_sent(NotSentCause::Tls));
}

#[tokio::test]
async fn a_connection_that_does_not_come_in_time_sends_nothing() {
    // A queue of one that nobody empties: the system answers no further connection.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(connection) = tokio::time::timeout(BRIEF, TcpStream::connect(address)).await {
        queued.push(connection.unwrap());
    }
    let url = format!("http://{address}");
    assert_eq!(send(&client(&url, BRIEF, PATIENT), "{}").await, not_sent(NotSentCause::ConnectTimeout));
    assert_eq!(send(&client(&url, PATIENT, BRIEF), "{}").await, not_sent(NotSentCause::TimeoutBeforeWrite));
}

/// Sends `count` distinct requests, `at_once` at a time, and compares what the server saw with what the client says.
async fn ledger_agrees(server: &Server, client: &CloudClient, count: usize, at_once: usize) -> HashMap<&'static str, usize> {
    let number = client.number("4711", &token()).unwrap();
    let outcomes: Vec<(String, SendOutcome)> = stream::iter(0..count)
        .map(|at| {
            let number = &number;
            async move {
                let body = format!(r#"{{"n":{at}}}"#);
                (body.clone(), client.send(number, Bytes::from(body)).await)
            }
        })
        .buffer_unordered(at_once)
        .collect()
        .await;
    let mut seen: HashMap<String, usize> = HashMap::new();
    for request in server.requests() {
        *seen.entry(request.body).or_default() += 1;
    }
    let mut tally: HashMap<&'static str, usize> = HashMap::new();
    for (body, outcome) in outcomes {
        let times = seen.remove(&body).unwrap_or(0);
        let (name, right) = match &outcome {
            SendOutcome::Accepted { .. } => ("accepted", times == 1),
            SendOutcome::NotSent { .. } => ("not sent", times == 0),
            SendOutcome::Ambiguous { .. } => ("ambiguous", times <= 1),
            SendOutcome::Rejected(_) => ("rejected", false),
        };
        assert!(right, "{body} was seen {times} times, and ended as {outcome:?}");
        *tally.entry(name).or_default() += 1;
    }
    assert!(seen.is_empty(), "{seen:?}");
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stale_connections_never_send_twice() {
    // After each good answer the connection dies, in one way or another, while the client may just be using it again.
    let server = Server::start(|at| match at % 5 {
        0 => Step::AnswerAndClose(ACCEPTED.into()),
        1 => Step::AnswerAndCloseSoon(ACCEPTED.into()),
        2 => Step::AnswerAndReset(ACCEPTED.into()),
        3 => Step::AnswerThenCloseInsideNext(ACCEPTED.into()),
        _ => Step::answer(200, ACCEPTED),
    })
    .await;
    let client = client(&server.url(), PATIENT, PATIENT);
    let one = ledger_agrees(&server, &client, 500, 1).await;
    assert!(one["accepted"] > 250, "{one:?}");
    server.forget();
    let many = ledger_agrees(&server, &client, 1_000, 16).await;
    assert!(many["accepted"] > 500, "{many:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_and_closes_sees_each_request_once() {
    let server = Server::start(|at| if at % 3 == 0 { Step::Close } else { Step::answer(200, ACCEPTED) }).await;
    let tally = ledger_agrees(&server, &client(&server.url(), PATIENT, PATIENT), 500, 8).await;
    assert_eq!(tally.get("not sent"), None, "{tally:?}");
    assert!(tally["ambiguous"] > 100, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_given_up_early_is_not_written_later() {
    // The time is up in the middle of connecting and writing: what is called "not sent" must not go out afterwards.
    let mut not_sent = 0;
    for limit in [1, 2, 4, 8] {
        // A server for each: one may read what was written, and given up, only after the client has gone on.
        let server = Server::start(|_| Step::answer(200, ACCEPTED)).await;
        let hasty = client(&server.url(), PATIENT, Duration::from_millis(limit));
        let tally = ledger_agrees(&server, &hasty, 500, 64).await;
        not_sent += tally.get("not sent").copied().unwrap_or(0);
    }
    assert!(not_sent > 0);
}

#[test]
fn unusable_addresses_and_ids_are_refused() {
    let options = |graph_url: &str, version: &str| CloudOptions {
        graph_url: graph_url.to_owned(),
        version: version.to_owned(),
        connect_timeout: PATIENT,
        request_timeout: PATIENT,
        max_idle: 1,
    };
    for (url, version) in [
        ("", "v25.0"),
        ("ftp://x", "v25.0"),
        ("x", "v25.0"),
        ("https://x/?a=b", "v25.0"),
        ("https://x", ""),
        ("https://x", "a/b"),
        ("https://x", ".."),
    ] {
        assert!(matches!(CloudClient::new(options(url, version)), Err(ClientError::Address(_))), "{url} {version}");
    }
    let client = CloudClient::new(options("https://example.com/base/", "v25.0")).unwrap();
    assert_eq!(format!("{:?}", client.number("1", &token()).unwrap()), "SendNumber(https://example.com/base/v25.0/1/messages)");
    for id in ["", "..", "1/2", "1?x", "1#", "ü", " "] {
        assert!(matches!(client.number(id, &token()), Err(ClientError::Id(_))), "{id}");
    }
    assert!(matches!(client.number("1", &SecretString::from("a\nb")), Err(ClientError::Token(_))));
}
