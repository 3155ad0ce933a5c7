//! Freezing: everybody who matches has a row, and who gets no message has a reason.

use std::collections::BTreeMap;

use kernel::SystemClock;
use serde_json::json;

use super::stage::Stage;
use crate::campaigns::{
    CampaignError,
    model::{UnknownPolicy, VariableSource},
    service,
};

#[tokio::test]
async fn who_is_left_out_is_a_row_with_a_reason() {
    let mut stage = Stage::new().await;
    stage.contacts(6).await;
    let nth = "(select phone_number from contacts order by phone_number offset $1 limit 1)";
    for (offset, change) in [
        (0, "update contacts set opt_in = 'optedOut' where phone_number = NTH"),
        (1, "update contacts set name = '  ' where phone_number = NTH"),
        (
            2,
            "insert into contact_exceptions select organization_id, phone_number, 'marketing', 'suppressed', now() from contacts where phone_number = NTH",
        ),
        (5, "update contacts set phone_number = null where phone_number = NTH"),
    ] {
        let changed = sqlx::query(sqlx::AssertSqlSafe(change.replace("NTH", nth))).bind(offset).execute(&mut stage.owner).await.unwrap();
        assert_eq!(changed.rows_affected(), 1, "{change}");
    }
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let reasons: Vec<(Option<String>, i64)> =
        sqlx::query_as("select reason, count(*) from campaign_messages where campaign_id = $1 group by reason")
            .bind(campaign)
            .fetch_all(&mut stage.owner)
            .await
            .unwrap();
    let reasons: BTreeMap<String, i64> = reasons.into_iter().map(|(reason, n)| (reason.unwrap_or_else(|| "planned".into()), n)).collect();
    let expected = [("missingVariable", 1), ("noAddress", 1), ("optedOut", 1), ("planned", 2), ("suppressed", 1)];
    assert_eq!(reasons, expected.into_iter().map(|(reason, n)| (reason.to_owned(), n)).collect());
    stage.assert_counters(campaign).await;
}

#[tokio::test]
async fn values_are_frozen_in_the_order_of_the_templates_variables() {
    let mut stage = Stage::new().await;
    stage.contacts(1).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    sqlx::query("update contacts set name = 'Somebody else'").execute(&mut stage.owner).await.unwrap();
    let rows = stage.rows(campaign).await;
    assert_eq!(rows[0].variables, ["Person 1", "20%"]);
}

#[tokio::test]
async fn values_of_optional_variables_stand_behind_the_others_and_skip_nobody() {
    let mut stage = Stage::new().await;
    stage.contacts(2).await;
    // The token stands in front of `1` in the request, and behind it in the rows.
    let components = json!([
        { "type": "HEADER", "format": "LOCATION" },
        { "type": "BODY", "text": "Hello {{1}}, enjoy {{2}} off." },
        { "type": "BUTTONS", "buttons": [{ "type": "FLOW", "text": "Sign up", "flow_id": "826" }] },
    ]);
    sqlx::query("update templates set components = $1").bind(components).execute(&mut stage.owner).await.unwrap();
    sqlx::query("update contacts set attributes = '{\"token\": \"t-1\"}' where name = 'Person 1'").execute(&mut stage.owner).await.unwrap();
    let text = |value: &str| VariableSource { field: None, fallback: None, value: Some(value.into()) };
    let mut draft = stage.draft(UnknownPolicy::GiveUp);
    draft.variables.extend([
        ("header.location.latitude".to_owned(), text("52.52")),
        ("header.location.longitude".to_owned(), text("13.405")),
        ("button.0.flow_token".to_owned(), VariableSource { field: Some("attributes.token".into()), fallback: None, value: None }),
    ]);
    let campaign = stage.launch_draft(draft.clone()).await;
    let mut rows: Vec<_> = stage.rows(campaign).await.into_iter().map(|row| row.variables).collect();
    rows.sort();
    let frozen = |name: &str, token: &str| ["52.52", "13.405", name, "20%", "", "", token].map(str::to_owned).to_vec();
    assert_eq!(rows, [frozen("Person 1", "t-1"), frozen("Person 2", "")]);

    let mut tx = stage.db.tenant(stage.organization).await.unwrap();
    draft.variables.insert("button.1.flow_token".to_owned(), text("t"));
    let refused = service::create(&mut tx, &SystemClock, draft.clone()).await.unwrap_err();
    assert!(matches!(&refused, CampaignError::Invalid(errors) if errors.0[0].field == "variables.button.1.flow_token"), "{refused:?}");
    draft.variables.remove("button.1.flow_token");
    draft.variables.remove("header.location.latitude");
    let refused = service::create(&mut tx, &SystemClock, draft).await.unwrap_err();
    assert!(matches!(&refused, CampaignError::Invalid(errors) if errors.0[0].field == "variables.header.location.latitude"), "{refused:?}");
}

#[tokio::test]
async fn chunks_cover_every_place_once() {
    let mut stage = Stage::new().await;
    stage.contacts(1_201).await;
    let campaign = stage.launch(UnknownPolicy::GiveUp).await;
    let chunks: Vec<(i32, i32, i32)> =
        sqlx::query_as("select chunk_no, seq_from, seq_to from campaign_chunks where campaign_id = $1 order by chunk_no")
            .bind(campaign)
            .fetch_all(&mut stage.owner)
            .await
            .unwrap();
    assert_eq!(chunks, [(0, 1, 500), (1, 501, 1_000), (2, 1_001, 1_201)]);
    assert_eq!(stage.rows(campaign).await.len(), 1_201);
}

#[tokio::test]
async fn a_frozen_ledger_has_statistics_before_anything_is_sent() {
    let mut stage = Stage::new().await;
    stage.contacts(500).await;
    stage.launch(UnknownPolicy::GiveUp).await;
    let without: i64 =
        sqlx::query_scalar("select count(*) from pg_class c join campaign_messages m on m.tableoid = c.oid where c.reltuples < 0")
            .fetch_one(&mut stage.owner)
            .await
            .unwrap();
    assert_eq!(without, 0);
}
