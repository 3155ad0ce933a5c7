-- The job ledger: queue, outbox and history of all background work. Redis only says that there is something to look at.
create table jobs (
    id              uuid primary key,
    organization_id uuid,                           -- null: work of the installation
    kind            text not null,                  -- wire name of the job's type
    queue           text not null,
    payload         jsonb not null,
    -- waiting: may be claimed from run_at on; running: claimed, until lease_until; dead: given up, an operator decides
    state           text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'dead', 'discarded')),
    run_at          timestamptz not null default now(),
    attempts        integer not null default 0,     -- runs that ended in an error
    crashes         integer not null default 0,     -- crashes in a row without progress
    fence           bigint not null default 0,      -- grows by one with every claim
    lease_until     timestamptz,
    owner           uuid,                           -- the worker process that claimed it
    progressed      boolean not null default false, -- whether something was committed since the claim
    last_error      text,
    unique_key      text,
    trace_parent    text,                           -- W3C trace context of who enqueued it
    created_at      timestamptz not null default now(),
    started_at      timestamptz,                    -- the newest claim
    finished_at     timestamptz
) with (fillfactor = 70);

create index jobs_ready on jobs (queue, run_at) where state = 'waiting';
create index jobs_leases on jobs (lease_until) where state = 'running';
create index jobs_finished on jobs (finished_at) where state in ('done', 'discarded');
create index jobs_organization on jobs (organization_id, id);
create index jobs_dead on jobs (organization_id, id) where state = 'dead';
-- One job that waits and was never started for each key. A retry waits too, but it has been started: it may meet its successor.
create unique index jobs_unique_key
    on jobs (kind, coalesce(organization_id, '00000000-0000-0000-0000-000000000000'), unique_key)
    where state = 'waiting' and started_at is null and unique_key is not null;

select tenant_table('jobs', 'select, insert, update');
select across_tenants('jobs', 'crm_system', 'select, insert, update, delete');
-- Signing up or forgetting a password enqueues a mail before an organization is known.
select across_tenants('jobs', 'crm_identity', 'insert');
