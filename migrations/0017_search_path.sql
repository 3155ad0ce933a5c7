-- Functions with their owner's rights look for a name among temporary tables last: nobody who may make one can put it before ours.
alter function applied_migration() set search_path = pg_catalog, public, pg_temp;
alter function ensure_ledger_partitions(timestamptz) set search_path = pg_catalog, public, pg_temp;
alter function analyze_ledger(uuid) set search_path = pg_catalog, public, pg_temp;
alter function ensure_webhook_partitions(timestamptz) set search_path = pg_catalog, public, pg_temp;
alter function drop_webhook_partitions(timestamptz) set search_path = pg_catalog, public, pg_temp;
alter function ledger_identity() set search_path = pg_catalog, pg_temp;
