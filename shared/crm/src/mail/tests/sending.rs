//! From the row to the mail server.

use std::time::Duration;

use chrono::TimeDelta;
use providers::mail::{Encryption, SmtpOptions};
use queue::{Outcome, testing::hurry};

use super::*;

/// The way to a mail server that is not there.
fn nowhere() -> Delivery {
    Delivery::Smtp(SmtpOptions {
        host: "127.0.0.1".into(),
        port: 9,
        encryption: Encryption::None,
        ca_file: None,
        login: None,
        timeout: Duration::from_secs(2),
    })
}

#[tokio::test]
async fn a_reset_mail_carries_the_link_and_is_recorded() {
    let post = Post::new().await;
    let (id, token) = post.reset_mail().await;
    post.run().await;
    let files = post.files();
    let [file] = &files[..] else { panic!("{} mails", files.len()) };
    let link = format!("https://crm.example.com/app/reset-password?token={}", post.keys.token(token, Purpose::PasswordReset));
    let mail = read(file);
    assert_eq!((mail.subject.as_str(), mail.message_id), ("Choose a new password for Test", format!("{id}@crm.example.com")));
    assert!(mail.html.contains(&format!("<a href=\"{link}\"")) && mail.html.contains("Hello Ada,"), "{}", mail.html);
    assert!(mail.text.lines().any(|line| line == link), "{}", mail.text);
    assert!(mail.text.contains("for 30 minutes: until 1 March 2026 at 10:30 UTC"), "{}", mail.text);
    assert!(file.contains("To: \"Ada Lovelace\" <ada@example.com>") || file.contains("To: Ada Lovelace <ada@example.com>"), "{file}");
    let row = post.mail(id).await;
    assert_eq!((row.state, row.error, row.sent_at), (MailState::Sent, None, Some(post.arranged.clock.now())));
}

#[tokio::test]
async fn a_mail_that_was_sent_but_not_recorded_goes_out_again_as_the_same_mail() {
    let post = Post::new().await;
    let (id, _) = post.reset_mail().await;
    post.run().await;
    let first = read(&post.files().concat());
    post.execute("update mails set state = 'queued', sent_at = null").await;
    post.execute("update jobs set state = 'waiting', run_at = now() - interval '1 second', finished_at = null").await;
    std::fs::remove_dir_all(post.path()).unwrap();
    post.arranged.clock.advance(TimeDelta::minutes(5));
    assert_eq!(post.run().await.len(), 1);
    let second = read(&post.files().concat());
    assert_eq!((second.text, second.message_id), (first.text, first.message_id));
    assert_eq!(second.html, first.html);
    assert_eq!(post.state(id).await, MailState::Sent);
}

#[tokio::test]
async fn a_mail_that_was_sent_is_not_sent_again_and_one_that_is_gone_is_done() {
    let post = Post::new().await;
    post.reset_mail().await;
    post.run().await;
    std::fs::remove_dir_all(post.path()).unwrap();
    post.execute("update jobs set state = 'waiting', run_at = now() - interval '1 second', finished_at = null").await;
    assert_eq!(post.run().await[0].outcome, Outcome::Done);
    post.execute("delete from mails").await;
    post.execute("update jobs set state = 'waiting', run_at = now() - interval '1 second', finished_at = null").await;
    assert_eq!(post.run().await[0].outcome, Outcome::Done);
    assert!(post.files().is_empty());
}

#[tokio::test]
async fn a_link_that_was_used_replaced_or_is_too_old_is_not_sent() {
    let post = Post::new().await;
    let (used, token) = post.reset_mail().await;
    let mut tx = post.arranged.db.identity("test").await.unwrap();
    let text = post.keys.token(token, Purpose::PasswordReset);
    crate::identity::one_time::take(&mut tx, post.arranged.clock.now(), Purpose::PasswordReset, &text).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let (replaced, _) = post.reset_mail().await;
    let (old, _) = post.reset_mail().await;
    post.arranged.clock.advance(TimeDelta::minutes(30));
    let gone = post.queue(MailKind::PasswordReset, Some(OneTimeTokenId::at(post.arranged.clock.now())), json!({})).await;
    post.run().await;
    for id in [used, replaced, old, gone] {
        assert_eq!(post.state(id).await, MailState::Expired);
    }
    assert!(post.files().is_empty());
}

#[tokio::test]
async fn a_mail_server_that_is_away_costs_nothing_but_time() {
    let post = Post::new().await;
    let (id, _) = post.reset_mail().await;
    for _ in 0..3 {
        assert_eq!(post.run_with(mailer(nowhere())).await[0].outcome, Outcome::Snoozed);
        hurry(&post.arranged.database).await;
    }
    let waiting = post.mail(id).await;
    assert_eq!(waiting.state, MailState::Queued);
    assert!(waiting.error.unwrap().contains("connecting"));
    assert_eq!(post.arranged.count("select attempts::bigint from jobs").await, 0);
    post.run().await;
    let sent = post.mail(id).await;
    assert_eq!((sent.state, sent.error, post.files().len()), (MailState::Sent, None, 1));
}

#[tokio::test]
async fn a_notice_waits_for_a_day_and_is_given_up_after_three() {
    let post = Post::new().await;
    let id = post.queue(MailKind::PasswordChanged, None, json!({})).await;
    for (hours, wanted) in [(25, Outcome::Snoozed), (48, Outcome::Done)] {
        post.arranged.clock.advance(TimeDelta::hours(hours));
        hurry(&post.arranged.database).await;
        assert_eq!(post.run_with(mailer(nowhere())).await[0].outcome, wanted, "after {hours} hours more");
    }
    assert_eq!(post.state(id).await, MailState::Failed);
}

#[tokio::test]
async fn a_text_that_cannot_be_filled_in_does_not_keep_a_mail_back() {
    let post = Post::new().await;
    post.execute(
        "insert into mail_templates (organization_id, kind, subject, html, text, updated_at)
         select id, 'passwordReset', 'Mine', '{{ gone }} {{ link }}', '{{ link }}', now() from organizations",
    )
    .await;
    post.reset_mail().await;
    post.run().await;
    assert_eq!(read(&post.files()[0]).subject, "Choose a new password for Test");
}

#[tokio::test]
async fn a_test_mail_shows_the_organizations_text_with_a_link_that_opens_nothing() {
    let post = Post::new().await;
    post.execute(
        "insert into mail_templates (organization_id, kind, subject, html, text, updated_at)
         select id, 'invitation', 'Come in', '<p>{{ inviter }}: {{ link }}</p>', '{{ inviter }}: {{ link }}', now() from organizations",
    )
    .await;
    let mut tx = post.arranged.begin().await;
    let id = service::send_test(&mut tx, &*post.arranged.clock, MailKind::Invitation, post.member).await.unwrap();
    tx.commit().await.unwrap();
    post.run().await;
    let mail = read(&post.files()[0]);
    assert_eq!(mail.subject, "[Test] Come in");
    assert_eq!(mail.text.trim(), "Ada Lovelace: https://crm.example.com/app/accept-invitation?token=example");
    assert_eq!(post.mail(id).await.to, MEMBER);
}

#[tokio::test]
async fn mails_are_seen_by_their_organization_only_and_forgotten_after_their_time() {
    let post = Post::new().await;
    let (id, _) = post.reset_mail().await;
    let mut tx = post.arranged.db.tenant(post.arranged.other).await.unwrap();
    assert!(service::get(&mut tx, id).await.is_err());
    tx.rollback().await.unwrap();
    post.run().await;
    post.arranged.clock.advance(TimeDelta::days(90));
    let young = post.queue(MailKind::PasswordChanged, None, json!({})).await;
    post.arranged.clock.advance(TimeDelta::seconds(1));
    for _ in 0..2 {
        let mut tx = post.arranged.db.system("test").await.unwrap();
        queue::Enqueue::enqueue(&mut tx, Purge { keep_days: 90 }).await.unwrap();
        tx.commit().await.unwrap();
        post.run().await;
        assert_eq!(post.arranged.count("select count(*) from mails").await, 1);
    }
    assert_eq!(post.mail(young).await.id, young);
}

#[tokio::test]
async fn lists_are_newest_first_and_can_be_narrowed() {
    use kernel::PageRequest;

    use super::super::model::MailFilter;
    let post = Post::new().await;
    let (reset, _) = post.reset_mail().await;
    post.run().await;
    post.arranged.clock.advance(TimeDelta::seconds(1));
    let notice = post.queue(MailKind::PasswordChanged, None, json!({})).await;
    let list = async |filter: MailFilter, limit: i64| {
        let mut tx = post.arranged.begin().await;
        let page = service::list(&mut tx, filter, PageRequest { limit, after: None }).await.unwrap();
        (page.data.iter().map(|mail| mail.id).collect::<Vec<_>>(), page.next.is_some())
    };
    assert_eq!(list(MailFilter::default(), 10).await, (vec![notice, reset], false));
    assert_eq!(list(MailFilter::default(), 1).await, (vec![notice], true));
    assert_eq!(list(MailFilter { state: Some(MailState::Sent), kind: None }, 10).await, (vec![reset], false));
    assert_eq!(list(MailFilter { state: None, kind: Some(MailKind::PasswordChanged) }, 10).await, (vec![notice], false));
}
