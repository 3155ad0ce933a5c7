-- Message templates and how their approval went.
create table templates (
    organization_id     uuid not null references organizations (id),
    id                  uuid not null,
    channel_id          uuid not null,
    business_account_id text not null,
    name                text not null check (name ~ '^[a-z0-9_]+$' and length(name) <= 512),
    language            text not null check (language ~ '^[a-z]{2,3}(_[A-Z]{2,4})?$'),
    category            text not null check (category in ('MARKETING', 'UTILITY', 'AUTHENTICATION')),
    parameter_format    text not null check (parameter_format in ('POSITIONAL', 'NAMED')),
    components          jsonb not null,
    -- DRAFT and SUBMITTING are ours; the others are the provider's words, and new ones may come
    status              text not null,
    reason              text,
    provider_id         text,
    quality             text,
    submitted_at        timestamptz,
    version             integer not null default 1,     -- grows with every change of the content
    created_at          timestamptz not null,
    updated_at          timestamptz not null,
    primary key (organization_id, id),
    unique (organization_id, business_account_id, name, language),
    foreign key (organization_id, channel_id) references channels (organization_id, id)
);
create index templates_provider on templates (organization_id, provider_id) where provider_id is not null;
create index templates_channel on templates (organization_id, channel_id);
select tenant_table('templates');

create table template_events (
    organization_id uuid not null,
    template_id     uuid not null,
    id              uuid not null,
    place           bigint generated always as identity,  -- clocks of two processes may disagree about the order
    status          text not null,
    reason          text,
    source          text not null check (source in ('user', 'job', 'webhook', 'reconcile')),
    created_at      timestamptz not null,
    primary key (organization_id, id),
    foreign key (organization_id, template_id) references templates (organization_id, id) on delete cascade
);
create index template_events_template on template_events (organization_id, template_id, place);
select tenant_table('template_events', 'select, insert, delete');
