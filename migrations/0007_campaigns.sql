-- Campaigns, and the ledger that says of every recipient what happened.
create table campaigns (
    organization_id uuid not null references organizations (id),
    id              uuid not null,
    name            text not null check (length(name) between 1 and 200),
    channel_id      uuid not null,
    template_id     uuid not null,
    audience        jsonb not null,
    variables       jsonb not null,
    unknown_policy  text not null default 'giveUp' check (unknown_policy in ('giveUp', 'resendOnce', 'ask')),
    messages_per_second integer check (messages_per_second between 1 and 100000),
    state           text not null check (state in (
        'draft', 'pendingApproval', 'scheduled', 'preparing', 'running', 'paused', 'finishing', 'completed',
        'completedWithErrors', 'cancelling', 'cancelled', 'failed', 'expired')),
    state_reason    text,
    version         integer not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    launched_at     timestamptz,
    finished_at     timestamptz,
    primary key (organization_id, id),
    foreign key (organization_id, channel_id) references channels (organization_id, id),
    foreign key (organization_id, template_id) references templates (organization_id, id)
);
create index campaigns_template on campaigns (organization_id, template_id);
select tenant_table('campaigns');
select across_tenants('campaigns', 'crm_system', 'select, update (state, state_reason, version, updated_at, finished_at)');

-- The ledger's own copy of what sending must know. No foreign keys from here on: frozen evidence.
create table campaign_runs (
    organization_id uuid not null,
    campaign_id     uuid not null,
    channel_id      uuid not null,
    phone_number_id text not null,
    state           text not null check (state in ('preparing', 'running', 'paused', 'cancelling', 'finished')),
    epoch           integer not null default 1,     -- grows with every pause and resume
    category        text not null,
    content         jsonb not null,                 -- the template as it was at launch
    unknown_policy  text not null,
    grace_seconds   integer not null,               -- how long an unknown row waits for evidence
    messages_per_second integer,
    audience        integer not null,
    not_before      timestamptz,
    not_before_reason text,
    launched_at     timestamptz not null,
    primary key (organization_id, campaign_id)
) with (fillfactor = 70);
create index campaign_runs_open on campaign_runs (organization_id, channel_id) where state in ('running', 'paused', 'cancelling');
select tenant_table('campaign_runs', 'select, insert, update');
select across_tenants('campaign_runs', 'crm_system', 'select, update');

-- Everybody who matched the audience, frozen at launch; who gets no message has a skipped row that says why. No address: the person
-- has none, or it was erased. The only change ever is erasure of address and variables.
create table campaign_recipients (
    organization_id uuid not null,
    campaign_id     uuid not null,
    seq             integer not null,
    contact_id      uuid not null,
    address         text,
    variables       jsonb not null,                 -- texts in the order of the run's variable names
    variant         smallint,
    primary key (organization_id, campaign_id, seq),
    unique (organization_id, campaign_id, address)
) partition by range (campaign_id);
create index campaign_recipients_contact on campaign_recipients (organization_id, contact_id);
select tenant_table('campaign_recipients', 'select, insert');
select across_tenants('campaign_recipients', 'crm_system', 'select');

-- What happened. States: 0 planned, 1 held, 2 claimed, 3 unknown, 4 unconfirmed, 5 accepted, 6 sent, 7 failed, 8 delivered,
-- 9 read, 20 skipped, 21 cancelled, 22 expired. From 5 to 9 the greater one holds.
create table campaign_messages (
    organization_id uuid not null,
    campaign_id     uuid not null,
    seq             integer not null,
    state           smallint not null,
    attempt_no      smallint not null default 1,    -- the attempt that is current or, while planned or held, comes next
    retries         smallint not null default 0,    -- rejections that were charged
    duplicate_suspected boolean not null default false,
    nonce           bigint,
    fence           bigint,
    error_code      integer,
    claimed_at      timestamptz,
    accepted_at     timestamptz,
    sent_at         timestamptz,
    delivered_at    timestamptz,
    read_at         timestamptz,
    failed_at       timestamptz,
    provider_id     text,
    reason          text,                           -- of a skip, a hold, a failure
    primary key (organization_id, campaign_id, seq)
) partition by range (campaign_id);
select tenant_table('campaign_messages', 'select, insert, update');
select across_tenants('campaign_messages', 'crm_system', 'select, update');

-- Ranges of 500 recipients, walked by the lane's owner. state: 0 untouched, 1 started, 2 done. Only started ones can hold claims.
create table campaign_chunks (
    organization_id uuid not null,
    campaign_id     uuid not null,
    chunk_no        integer not null,
    seq_from        integer not null,
    seq_to          integer not null,
    state           smallint not null default 0,
    not_before      timestamptz,
    primary key (organization_id, campaign_id, chunk_no)
) with (fillfactor = 50);
create index campaign_chunks_open on campaign_chunks (organization_id, campaign_id, state, chunk_no) where state < 2;
select tenant_table('campaign_chunks', 'select, insert, update');
select across_tenants('campaign_chunks', 'crm_system', 'select, update');

-- Rows off the straight path. A row outlives its claim; only the statement that writes an outcome deletes it.
create table campaign_due (
    organization_id uuid not null,
    campaign_id     uuid not null,
    seq             integer not null,
    channel_id      uuid not null,
    not_before      timestamptz not null,
    kind            text not null check (kind in ('retry', 'held', 'unknown', 'inFlight')),
    primary key (organization_id, campaign_id, seq)
) with (fillfactor = 70);
create index campaign_due_channel on campaign_due (organization_id, channel_id, not_before);
select tenant_table('campaign_due', 'select, insert, update, delete');
select across_tenants('campaign_due', 'crm_system', 'select, insert, update, delete');

-- Attempts that ended in rejection or were superseded, and late evidence for them. Insert-only.
create table campaign_attempts (
    organization_id uuid not null,
    campaign_id     uuid not null,
    seq             integer not null,
    attempt_no      smallint not null,
    at              timestamptz not null default clock_timestamp(),
    nonce           bigint,
    outcome         text not null,                  -- rejected | superseded | status:<provider word>
    error_code      integer,
    detail          text,
    provider_id     text
) partition by range (campaign_id);
create index campaign_attempts_row on campaign_attempts (organization_id, campaign_id, seq);
select tenant_table('campaign_attempts', 'select');
select across_tenants('campaign_attempts', 'crm_system', 'select, insert');

-- How many rows went from one state to another, one row per campaign, batch and kind of move; rolled up into campaign_counters.
create table campaign_counter_deltas (
    organization_id uuid not null,
    campaign_id     uuid not null,
    from_state      smallint not null,
    to_state        smallint not null,
    n               integer not null
);
create index campaign_counter_deltas_campaign on campaign_counter_deltas (organization_id, campaign_id);
select tenant_table('campaign_counter_deltas', 'select, insert');
select across_tenants('campaign_counter_deltas', 'crm_system', 'select, insert, update, delete');

create table campaign_counters (
    organization_id uuid not null,
    campaign_id     uuid not null,
    state           smallint not null,
    n               integer not null,
    primary key (organization_id, campaign_id, state)
) with (fillfactor = 50);
select tenant_table('campaign_counters', 'select, insert, update');
select across_tenants('campaign_counters', 'crm_system', 'select, insert, update');

-- From the provider's message ids to our rows: for statuses that come without our attempt id, and for quotes.
create table provider_ids (
    organization_id uuid not null,
    channel_id      uuid not null,
    provider_id     text not null,
    kind            smallint not null,              -- 1 campaign, 2 message
    id              uuid not null,
    seq             integer not null,
    primary key (organization_id, channel_id, provider_id)
);
select tenant_table('provider_ids', 'select');
select across_tenants('provider_ids', 'crm_system', 'select, insert');

-- The first UUIDv7 of an instant.
create function uuid_floor(at timestamptz) returns uuid
language sql immutable parallel safe
set search_path = pg_catalog
return (lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid;

-- Makes the quarterly partitions of the ledger that are missing, from the quarter of `at` to two quarters ahead.
create function ensure_ledger_partitions(at timestamptz) returns void
language plpgsql security definer
set search_path = pg_catalog, public
as $$
declare
    parent text;
    quarter timestamptz;
    partition text;
begin
    perform pg_advisory_xact_lock(7237);
    foreach parent in array array['campaign_recipients', 'campaign_messages', 'campaign_attempts'] loop
        for step in 0..2 loop
            quarter := date_trunc('quarter', at at time zone 'UTC') at time zone 'UTC';
            quarter := (quarter at time zone 'UTC' + make_interval(months => 3 * step)) at time zone 'UTC';
            partition := format('%s_%s', parent, to_char(quarter at time zone 'UTC', 'YYYY"q"Q'));
            continue when to_regclass('public.' || partition) is not null;
            execute format(
                'create table public.%I partition of public.%I for values from (%L) to (%L) %s',
                partition, parent, public.uuid_floor(quarter),
                public.uuid_floor((quarter at time zone 'UTC' + interval '3 months') at time zone 'UTC'),
                case parent when 'campaign_messages' then 'with (fillfactor = 27)' else '' end
            );
        end loop;
        if to_regclass('public.' || parent || '_default') is null then
            execute format('create table public.%I partition of public.%I default', parent || '_default', parent);
        end if;
    end loop;
end
$$;
revoke all on function ensure_ledger_partitions(timestamptz) from public;
grant execute on function ensure_ledger_partitions(timestamptz) to crm_system;
select ensure_ledger_partitions(now());

-- Brings the statistics of the ledger partitions of one campaign up to date when they are missing or more than 10 % behind: a plan made
-- on an empty table is a trap. Owner's function, because ANALYZE by another role only warns.
create function analyze_ledger(campaign uuid) returns void
language plpgsql security definer
set search_path = pg_catalog, public
as $$
declare
    partition regclass;
begin
    for partition in
        select child.oid::regclass
        from pg_class child
        join pg_inherits on inhrelid = child.oid
        join pg_class parent on parent.oid = inhparent
        left join pg_stat_all_tables stat on stat.relid = child.oid
        where parent.oid in ('public.campaign_recipients'::regclass, 'public.campaign_messages'::regclass)
          and (child.reltuples < 0 or stat.n_mod_since_analyze > 0.1 * greatest(child.reltuples, 1))
          and child.oid in (
              select tableoid from public.campaign_messages where campaign_id = campaign
              union
              select tableoid from public.campaign_recipients where campaign_id = campaign
              limit 4)
    loop
        execute format('analyze %s', partition);
    end loop;
end
$$;
revoke all on function analyze_ledger(uuid) from public;
grant execute on function analyze_ledger(uuid) to crm_tenant, crm_system;
