-- Channels: numbers that send and receive; and the lanes that workers send on.
create table channels (
    organization_id     uuid not null references organizations (id),
    id                  uuid not null,
    kind                text not null check (kind in ('cloudApi')),
    display_name        text not null check (length(display_name) between 1 and 200),
    phone_number_id     text not null check (phone_number_id ~ '^[0-9]{1,32}$'),
    business_account_id text not null check (business_account_id ~ '^[0-9]{1,32}$'),
    -- connecting: a job reads number and account with the token; disconnected: the provider refused it, see state_reason
    state               text not null check (state in ('connecting', 'connected', 'disconnected')),
    state_reason        text,
    access_token        bytea not null,             -- sealed: see secrets
    messages_per_second integer not null check (messages_per_second between 1 and 100000),
    display_phone_number text,
    verified_name       text,
    quality             text,
    messaging_tier      text,
    throughput          text,
    version             integer not null default 1,
    created_at          timestamptz not null,
    updated_at          timestamptz not null,
    primary key (organization_id, id)
);
-- Nobody can squat on a number: it is unique only where a token proved the right to it.
create unique index channels_connected_number on channels (phone_number_id) where state = 'connected';
create index channels_business_account on channels (business_account_id) where state = 'connected';
select tenant_table('channels');
-- What sending and folding must know of a number, and the map from numbers to organizations.
select across_tenants('channels', 'crm_system', 'select');

-- Who may send on a number. Written by workers only.
create table lanes (
    organization_id uuid not null,
    channel_id      uuid not null,
    owner           uuid,                            -- the worker process that holds the lease
    fence           bigint not null default 0,       -- grows by one with every taking
    lease_until     timestamptz,
    seen_seq        bigint not null default 0,
    next_due        timestamptz,
    rate_factor     real not null default 1 check (rate_factor > 0 and rate_factor <= 1),
    released_at     timestamptz,                     -- when its last owner gave it back
    not_before      timestamptz,                     -- the whole lane rests until then
    not_before_reason text,
    primary key (organization_id, channel_id)
) with (fillfactor = 50);
select tenant_table('lanes', 'select, insert');
select across_tenants('lanes', 'crm_system', 'select, insert, update, delete');

-- Says that a lane may have something new. Written by producers only, as the last statement before their commit.
create table lane_signals (
    organization_id uuid not null,
    channel_id      uuid not null,
    wake_seq        bigint not null default 0,
    primary key (organization_id, channel_id)
) with (fillfactor = 50);
select tenant_table('lane_signals', 'select, insert, update');
select across_tenants('lane_signals', 'crm_system', 'select, insert, update, delete');
