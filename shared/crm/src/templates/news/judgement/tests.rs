use kernel::{ChannelId, TemplateId};
use serde_json::{Value, json};

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    format!("2026-03-01T{text}Z").parse().unwrap()
}

/// A template that came to its status at 10:00, by a webhook.
fn template(word: &str) -> Template {
    let now = at("09:00:00");
    Template {
        id: TemplateId::at(now),
        channel: ChannelId::at(now),
        business_account_id: "9001".into(),
        name: "offer".into(),
        language: "en_US".into(),
        category: Category::Marketing,
        parameter_format: crate::templates::ParameterFormat::Positional,
        components: json!([]),
        status: word.into(),
        reason: None,
        provider_id: Some("701".into()),
        quality: None,
        submitted_at: Some(at("09:30:00.700")),
        version: 1,
        created_at: now,
        updated_at: now,
        message_ttl_seconds: None,
        problems: Vec::new(),
        status_at: Some(at("10:00:00")),
        announced_category: None,
        announced_category_at: None,
        checked_at: None,
        deleted_at: None,
    }
}

fn status(word: &str) -> Told {
    Told::Status { status: word.into(), reason: None, details: Value::Null }
}

#[test]
fn newer_words_are_believed_and_older_ones_have_the_template_read() {
    let paused = template("PAUSED");
    for (told, instant, verdict) in [
        ("APPROVED", "10:00:01", Verdict::Apply),
        ("approved", "10:00:00", Verdict::ApplyAndConfirm),
        ("APPROVED", "09:59:59", Verdict::Ask),
        ("PAUSED", "10:00:01", Verdict::Apply),
        ("PAUSED", "09:59:59", Verdict::Ignore),
        ("PENDING", "10:00:00", Verdict::Ask),
        ("PENDING", "10:00:01", Verdict::ApplyAndRead),
    ] {
        assert_eq!(judge(&paused, &status(told), Some(at(instant)), at("10:00:02")), verdict, "{told} of {instant}");
    }
}

#[test]
fn what_arrives_late_or_seems_to_is_read_first() {
    let approved = template("APPROVED");
    assert_eq!(judge(&approved, &status("PAUSED"), Some(at("10:05:00")), at("10:06:00")), Verdict::Apply);
    assert_eq!(judge(&approved, &status("PAUSED"), Some(at("10:05:00")), at("10:06:01")), Verdict::Ask);
    // The provider's clock is ahead of ours.
    assert_eq!(judge(&approved, &status("PAUSED"), Some(at("10:30:00")), at("10:00:01")), Verdict::Apply);
    let quality = Told::Quality { quality: "RED".into() };
    assert_eq!(judge(&approved, &quality, Some(at("10:05:00")), at("10:05:10")), Verdict::Apply);
    assert_eq!(judge(&approved, &quality, Some(at("10:05:00")), at("10:09:00")), Verdict::Ask);
}

#[test]
fn what_is_older_than_a_look_is_read_again() {
    let looked = Template { checked_at: Some(at("10:10:00.400")), ..template("PAUSED") };
    assert_eq!(judge(&looked, &status("APPROVED"), Some(at("10:10:00")), at("10:10:30")), Verdict::Ask);
    assert_eq!(judge(&looked, &status("APPROVED"), Some(at("10:10:01")), at("10:10:30")), Verdict::ApplyAndConfirm);
    assert_eq!(judge(&looked, &status("APPROVED"), Some(at("10:15:00")), at("10:15:01")), Verdict::Apply);
    let reviewed = Template { checked_at: Some(at("10:10:00")), ..template("PENDING") };
    assert_eq!(judge(&reviewed, &status("APPROVED"), Some(at("10:10:00")), at("10:10:00")), Verdict::ApplyAndConfirm);
}

#[test]
fn words_that_are_no_status_have_the_template_read() {
    for word in ["FLAGGED", "REINSTATED", "UNARCHIVED", "SOMETHING_NEW", "LOCKED", ""] {
        assert_eq!(judge(&template("APPROVED"), &status(word), Some(at("10:00:01")), at("10:00:01")), Verdict::Ask, "{word}");
    }
}

#[test]
fn news_without_an_instant_count_when_nothing_else_can_be_meant() {
    for (word, told, verdict) in [
        ("SUBMITTING", "APPROVED", Verdict::Apply),
        ("PENDING", "REJECTED", Verdict::Apply),
        ("APPROVED", "PAUSED", Verdict::ApplyAndConfirm),
        ("APPROVED", "PENDING", Verdict::Ask),
        ("PAUSED", "APPROVED", Verdict::Ask),
        ("PAUSED", "PAUSED", Verdict::Ignore),
    ] {
        assert_eq!(judge(&template(word), &status(told), None, at("10:00:01")), verdict, "{told} of one that is {word}");
    }
}

#[test]
fn templates_that_change_here_are_left_alone() {
    let now = at("10:00:02");
    for (word, told, verdict) in [
        ("DRAFT", "APPROVED", Verdict::Ignore),
        ("DELETED", "APPROVED", Verdict::Ignore),
        ("DELETING", "PAUSED", Verdict::Ignore),
        ("DELETING", "PENDING_DELETION", Verdict::Ignore),
        ("DELETING", "DELETED", Verdict::Apply),
    ] {
        assert_eq!(judge(&template(word), &status(told), Some(at("10:00:01")), now), verdict, "{told} of one that is {word}");
    }
    let submitting = Template { status_at: None, ..template("SUBMITTING") };
    assert_eq!(judge(&submitting, &status("REJECTED"), Some(at("09:30:00")), at("09:30:01")), Verdict::Apply, "whole seconds");
    assert_eq!(judge(&submitting, &status("REJECTED"), Some(at("09:29:59")), at("09:30:01")), Verdict::Ignore, "of the content before");
    let resubmitted = Template { status_at: None, ..template("PENDING") };
    assert_eq!(judge(&resubmitted, &status("APPROVED"), Some(at("09:29:59")), at("09:30:01")), Verdict::Ask);
}

#[test]
fn a_category_is_announced_once_and_changes_at_once() {
    let marketing = template("APPROVED");
    let (announced, changed) = (
        |category: &str| Told::CategoryAnnounced { category: category.into(), from: None },
        |category: &str| Told::CategoryChanged { category: category.into() },
    );
    let judge = |told: &Told| judge(&marketing, told, Some(at("10:00:01")), at("10:00:02"));
    assert_eq!(judge(&announced("UTILITY")), Verdict::Apply);
    assert_eq!(judge(&announced("MARKETING")), Verdict::Ignore);
    assert_eq!(judge(&changed("utility")), Verdict::ApplyAndConfirm);
    assert_eq!(judge(&changed("MARKETING")), Verdict::Ignore);
    assert_eq!(judge(&changed("SOMETHING_NEW")), Verdict::Ask);
    assert_eq!(judge(&Told::Content), Verdict::Ask);
}
