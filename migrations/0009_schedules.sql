-- The cron page: when each entry fired last, which of its ticks have fired, and who leads.
create table schedules (
    id           text primary key,                   -- name of the entry on the page; never changes
    expression   text not null,
    zone         text not null,
    last_tick_at timestamptz,                        -- newest tick that was fired or given up
    next_tick_at timestamptz,
    updated_at   timestamptz not null default now()
);
select across_tenants('schedules', 'crm_system', 'select, insert, update');

-- Every tick that inserted its job. The key is what makes two schedulers fire it once.
create table schedule_ticks (
    schedule_id text not null,
    tick_at     timestamptz not null,
    job_id      uuid,                                -- null: one of the kind was waiting already
    fired_at    timestamptz not null default now(),
    primary key (schedule_id, tick_at)
);
create index schedule_ticks_fired on schedule_ticks (fired_at);
select across_tenants('schedule_ticks', 'crm_system', 'select, insert, update (job_id), delete');

-- Leadership saves work; nothing is wrong when two lead.
create table leaders (
    role        text primary key,
    owner       uuid not null,
    fence       bigint not null default 1,
    lease_until timestamptz not null
);
select across_tenants('leaders', 'crm_system', 'select, insert, update');
