-- Tells a ledger from its own past: a copy put back from a backup, a snapshot of the volume, a replica that lagged behind.

-- One row: when a worker that sends last looked, by the database's clock. It goes forward only, so a value below one that was seen
-- before says that what was written in between is gone, and from when on.
create table ledger_beats (
    one boolean primary key default true check (one),
    at  timestamptz not null
);
insert into ledger_beats (at) values (clock_timestamp());
select across_tenants('ledger_beats', 'crm_system', 'select, update (at)');

-- Which cluster this is, on which timeline, and up to where its log is written. No row on a server that only replays another's log.
create function ledger_identity(out system_identifier bigint, out timeline text, out wal_position bigint) returns setof record
language sql volatile security definer
set search_path = pg_catalog
as $$
    select s.system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8), (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint
    from pg_control_system() s
    where not pg_is_in_recovery()
$$;
revoke all on function ledger_identity() from public;
grant execute on function ledger_identity() to crm_system;
