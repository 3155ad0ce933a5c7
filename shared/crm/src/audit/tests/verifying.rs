//! What verifying finds when somebody wrote to the tables past the application.

use super::*;

#[tokio::test]
async fn every_column_is_covered_by_the_hash() {
    let app = Arranged::with_entries().await;
    let changes = [
        "at = at + interval '1 microsecond'",
        "actor_kind = 'nobody'",
        "actor_id = 'tesT'",
        "actor_id = null",
        "action = 'tests.acted'",
        "target_kind = 'test'",
        "target_kind = null",
        "target_id = '30'",
        "target_id = null",
        "details = '{\"number\": 3}'",
        "hash = decode(repeat('00', 32), 'hex')",
        "hash = decode('00', 'hex')",
    ];
    for change in changes {
        app.tamper("create table kept as select * from audit_events where organization_id = $1 and seq = 3").await;
        let fault = app.fault_after(&format!("update audit_events set {change} where organization_id = $1 and seq = 3")).await;
        assert_eq!(fault, Some((3, FaultKind::Changed)), "{change}");
        app.tamper(
            "delete from audit_events where organization_id = $1 and seq = 3; insert into audit_events select * from kept; drop table kept",
        )
        .await;
        assert_eq!(app.verified().await.faults, [], "{change} undone");
    }
}

#[tokio::test]
async fn a_deleted_entry_is_named() {
    let app = Arranged::with_entries().await;
    let fault = app.fault_after("delete from audit_events where organization_id = $1 and seq = 2").await;
    assert_eq!(fault, Some((2, FaultKind::Deleted)));
    let fault = app.fault_after("delete from audit_events where organization_id = $1 and seq = 1").await;
    assert_eq!(fault, Some((1, FaultKind::Deleted)));
}

#[tokio::test]
async fn entries_that_changed_places_are_named() {
    let app = Arranged::with_entries().await;
    let fault = app
        .fault_after(
            "update audit_events set seq = -2 where organization_id = $1 and seq = 2;
             update audit_events set seq = 2 where organization_id = $1 and seq = 4;
             update audit_events set seq = 4 where organization_id = $1 and seq = -2",
        )
        .await;
    assert_eq!(fault, Some((2, FaultKind::Reordered)));
}

#[tokio::test]
async fn an_entry_of_another_organization_does_not_fit_in() {
    let app = Arranged::with_entries().await;
    let other = app.other;
    let fault = app
        .fault_after(&format!(
            "delete from audit_events where organization_id = $1 and seq = 1;
             update audit_events set organization_id = $1 where organization_id = '{other}' and seq = 1;
             delete from audit_events where organization_id = '{other}'; delete from audit_heads where organization_id = '{other}'"
        ))
        .await;
    assert_eq!(fault, Some((1, FaultKind::Changed)));
}

#[tokio::test]
async fn a_log_that_was_cut_off_is_noticed() {
    let app = Arranged::with_entries().await;
    let fault = app.fault_after("delete from audit_events where organization_id = $1 and seq >= 4").await;
    assert_eq!(fault, Some((4, FaultKind::CutOff)));
    let fault = app.fault_after("delete from audit_events where organization_id = $1").await;
    assert_eq!(fault, Some((1, FaultKind::CutOff)));
}

#[tokio::test]
async fn a_wrong_or_missing_head_is_noticed() {
    for change in [
        "update audit_heads set hash = decode(repeat('00', 32), 'hex') where organization_id = $1",
        "update audit_heads set seq = 4 where organization_id = $1",
        "delete from audit_heads where organization_id = $1",
    ] {
        let app = Arranged::with_entries().await;
        assert_eq!(app.fault_after(change).await, Some((5, FaultKind::BadHead)), "{change}");
    }
}

#[tokio::test]
async fn only_the_organization_that_was_asked_for_is_walked() {
    let app = Arranged::with_entries().await;
    app.tamper("delete from audit_events where organization_id = $1 and seq = 2").await;
    let report = verify(&app.db, Some(app.other), &Anchors::default()).await.unwrap();
    assert_eq!(report, Report { chains: 1, entries: 2, faults: vec![] });
    let report = verify(&app.db, Some(app.organization), &Anchors::default()).await.unwrap();
    assert_eq!(report.faults, [Fault { organization: app.organization, seq: 2, kind: FaultKind::Deleted }]);
    assert!(report.faults[0].to_string().contains(&format!("{}: entry 2 was deleted", app.organization)), "{}", report.faults[0]);
}

/// Writes the log of the organization anew with a changed third entry, head and all, as an attacker would who knows this code.
async fn rewrite(app: &Arranged) {
    let mut tx = app.db.system("test").await.unwrap();
    let part = store::part(&mut tx, app.organization, 0, 100).await.unwrap();
    tx.rollback().await.unwrap();
    let mut last = Link::beginning(app.organization);
    let mut statements = Vec::new();
    for entry in &part.entries {
        let canonical = entry.canonical(app.organization);
        let details = if entry.seq == 3 { "{}" } else { canonical.details };
        last = last.then(&Canonical { details, ..canonical });
        statements.push(format!(
            "update audit_events set details = '{details}', hash = decode('{}', 'hex') where organization_id = $1 and seq = {}",
            last.hash, entry.seq
        ));
    }
    statements.push(format!("update audit_heads set hash = decode('{}', 'hex') where organization_id = $1", last.hash));
    app.tamper(&statements.join("; ")).await;
}

#[tokio::test]
async fn a_log_that_was_written_anew_is_whole_but_not_the_one_that_was_anchored() {
    let app = Arranged::with_entries().await;
    let mut anchors = Anchors::default();
    app.heads().await.into_iter().for_each(|head| anchors.add(head));
    app.act(app.organization, 6).await;
    rewrite(&app).await;
    assert_eq!(app.verified().await.faults, [], "nothing in the database gives it away");
    let report = verify(&app.db, None, &anchors).await.unwrap();
    assert_eq!(report.faults, [Fault { organization: app.organization, seq: 5, kind: FaultKind::Rewritten }]);
}

#[tokio::test]
async fn anchors_know_of_entries_that_are_gone_with_their_head() {
    let app = Arranged::with_entries().await;
    let mut anchors = Anchors::default();
    app.heads().await.into_iter().for_each(|head| anchors.add(head));
    app.tamper(
        "delete from audit_events where organization_id = $1 and seq > 3;
         update audit_heads set seq = 3, hash = (select hash from audit_events where organization_id = $1 and seq = 3) where organization_id = $1",
    )
    .await;
    assert_eq!(app.verified().await.faults, []);
    let cut = |seq| [Fault { organization: app.organization, seq, kind: FaultKind::CutOff }];
    assert_eq!(verify(&app.db, None, &anchors).await.unwrap().faults, cut(4));
    app.tamper("delete from audit_events where organization_id = $1; delete from audit_heads where organization_id = $1").await;
    assert_eq!(app.verified().await.faults, []);
    assert_eq!(verify(&app.db, None, &anchors).await.unwrap().faults, cut(1));
}

#[tokio::test]
async fn verifying_while_entries_are_written_finds_nothing_wrong() {
    let app = Arranged::new().await;
    let writing = async {
        for number in 0..60 {
            app.act(app.organization, number).await;
        }
    };
    tokio::pin!(writing);
    let mut looks = 0;
    loop {
        tokio::select! {
            () = &mut writing => break,
            report = app.verified() => {
                assert_eq!(report.faults, []);
                looks += 1;
            }
        }
    }
    assert!(looks > 0);
    assert_eq!(app.verified().await.entries, 60);
}

#[tokio::test]
async fn a_long_log_is_walked_in_parts() {
    let app = Arranged::new().await;
    let mut tx = app.begin().await;
    for number in 0..2_001 {
        record(&mut tx, app.organization, app.clock.now(), act(number)).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(app.verified().await, Report { chains: 1, entries: 2_001, faults: vec![] });
    assert_eq!(
        app.fault_after("delete from audit_events where organization_id = $1 and seq = 2001").await,
        Some((2_001, FaultKind::CutOff))
    );
}
