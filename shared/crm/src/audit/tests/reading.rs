use super::*;

/// Rows of the log that the statements of the transaction have read so far.
async fn rows_read(tx: &mut db::TenantTx) -> i64 {
    sqlx::query_scalar("select (seq_tup_read + idx_tup_fetch)::bigint from pg_stat_xact_user_tables where relname = 'audit_events'")
        .fetch_one(tx.conn())
        .await
        .unwrap()
}

#[tokio::test]
async fn what_was_done_by_or_to_somebody_is_found_without_reading_the_whole_log() {
    let app = Arranged::new().await;
    let mut owner = app.database.owner().await;
    sqlx::query(
        "insert into audit_events (organization_id, seq, at, actor_kind, actor_id, action, target_kind, target_id, details, hash)
         select $1, n, now(), 'system', case when n % 7000 = 1 then 'rare' else 'busy ' || n % 5 end, 'tests.act', 'tests', (n / 3)::text, '{}', ''
         from generate_series(1, 30000) as n",
    )
    .bind(app.organization)
    .execute(&mut owner)
    .await
    .unwrap();
    sqlx::query("analyze audit_events").execute(&mut owner).await.unwrap();

    let target = AuditFilter { target: Some("7".into()), ..AuditFilter::default() };
    let actor = AuditFilter { actor: Some("rare".into()), ..AuditFilter::default() };
    let mut tx = app.db.tenant(app.organization).await.unwrap();
    // More often than it takes the server to think of a plan for whatever filters there may be.
    for _ in 0..12 {
        for (filter, seqs) in
            [(&target, vec![23, 22, 21]), (&actor, vec![28001, 21001, 14001, 7001, 1]), (&AuditFilter::default(), Vec::new())]
        {
            let before = rows_read(&mut tx).await;
            let page = service::list(&mut tx, filter, ALL).await.unwrap();
            let read = rows_read(&mut tx).await - before;
            assert!(read <= 200, "{read} rows were read for {filter:?}");
            let found: Vec<_> = page.data.iter().map(|event| event.seq).collect();
            assert!(seqs.is_empty() || found == seqs, "{found:?}");
        }
    }
}
