-- Webhook requests as they came, which of them still have to be applied, and what became of the others.
--
-- Three tables, because they are written at different moments: the raw body once and never again (an update would copy it), its id in
-- the queue until it is folded, its outcome when it was.
create table webhook_events (
    id          uuid not null,
    received_at timestamptz not null default clock_timestamp(),
    app         smallint not null,                   -- which app secret verified it
    body        bytea not null,
    primary key (id, received_at)
) partition by range (received_at);

-- Folders take from here with skip locked: never a watermark over ids. Fresh rows stand first, parked ones behind them by the time
-- of their next try, so that a take never walks past what cannot be applied yet.
create table webhook_pending (
    not_before  timestamptz not null default '-infinity',
    id          uuid not null,
    received_at timestamptz not null,
    tries       smallint not null default 0,
    primary key (not_before, id)
);
select across_tenants('webhook_pending', 'crm_system', 'select, insert, update, delete');

create table webhook_outcomes (
    id              uuid not null,
    received_at     timestamptz not null,
    -- received: parked or replayed, to be applied later; applied; deadLetter: cannot be applied, see reason
    state           text not null check (state in ('received', 'applied', 'deadLetter')),
    field           text,                            -- the provider's word for what it is about
    organization_id uuid,                            -- when all of it belongs to one
    applied_at      timestamptz not null default clock_timestamp(),
    changed         integer not null default 0,      -- rows that it changed
    reason          text,
    primary key (id, received_at)
) partition by range (received_at);
create index webhook_outcomes_organization on webhook_outcomes (organization_id, id) where organization_id is not null;
create index webhook_outcomes_nobody on webhook_outcomes (id) where organization_id is null and state <> 'applied';
select across_tenants('webhook_outcomes', 'crm_system', 'select, insert, update');

-- A tenant sees what became of its own requests, and that there are requests which belong to nobody; of bodies only its own.
create policy tenant on webhook_outcomes for select to crm_tenant using (
    organization_id = nullif(current_setting('app.organization_id', true), '')::uuid
    or (organization_id is null and state <> 'applied')
);
grant select on webhook_outcomes to crm_tenant;

select across_tenants('webhook_events', 'crm_system', 'select, insert');
create policy tenant on webhook_events for select to crm_tenant using (exists (
    select from webhook_outcomes o
    where o.id = webhook_events.id
      and o.received_at = webhook_events.received_at
      and o.organization_id = nullif(current_setting('app.organization_id', true), '')::uuid
));
grant select on webhook_events to crm_tenant;

-- Makes the daily partitions that are missing, for the day of `at` and the seven days after it, and the default ones.
create function ensure_webhook_partitions(at timestamptz) returns void
language plpgsql security definer
set search_path = pg_catalog, public
as $$
declare
    parent text;
    day timestamptz;
    partition text;
begin
    perform pg_advisory_xact_lock(7238);
    foreach parent in array array['webhook_events', 'webhook_outcomes'] loop
        for step in 0..7 loop
            day := date_trunc('day', at at time zone 'UTC') at time zone 'UTC' + make_interval(days => step);
            partition := format('%s_%s', parent, to_char(day at time zone 'UTC', 'YYYYMMDD'));
            continue when to_regclass('public.' || partition) is not null;
            execute format('create table public.%I partition of public.%I for values from (%L) to (%L)', partition, parent, day, day + interval '24 hours');
        end loop;
        if to_regclass('public.' || parent || '_default') is null then
            execute format('create table public.%I partition of public.%I default', parent || '_default', parent);
        end if;
    end loop;
end
$$;
revoke all on function ensure_webhook_partitions(timestamptz) from public;
grant execute on function ensure_webhook_partitions(timestamptz) to crm_system;
select ensure_webhook_partitions(now());

-- Drops the daily partitions whose every row is older than `before`; returns how many.
create function drop_webhook_partitions(before timestamptz) returns integer
language plpgsql security definer
set search_path = pg_catalog, public
as $$
declare
    partition text;
    dropped integer := 0;
begin
    perform pg_advisory_xact_lock(7238);
    for partition in
        select child.relname
        from pg_class child
        join pg_inherits on inhrelid = child.oid
        where inhparent in ('public.webhook_events'::regclass, 'public.webhook_outcomes'::regclass)
          and child.relname ~ '_[0-9]{8}$'
          and to_date(right(child.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC' + interval '24 hours' <= before
    loop
        execute format('drop table public.%I', partition);
        dropped := dropped + 1;
    end loop;
    return dropped;
end
$$;
revoke all on function drop_webhook_partitions(timestamptz) from public;
grant execute on function drop_webhook_partitions(timestamptz) to crm_system;
