-- Templates after their first approval: changes, versions, deletion, and what the provider said of a submission.
alter table templates
    add column message_ttl_seconds integer check (message_ttl_seconds = -1 or message_ttl_seconds between 30 and 2592000),
    -- what the provider's refusal of the last submission says of fields: [{ "field", "code", "message" }]
    add column problems jsonb not null default '[]',
    -- the instant that the newest news of the status speak of: older ones are not applied
    add column status_at timestamptz,
    -- the provider announced another category, and when it comes
    add column announced_category text,
    add column announced_category_at timestamptz,
    -- when the provider was last asked about it
    add column checked_at timestamptz,
    add column deleted_at timestamptz;

-- What was deleted keeps its row, as campaigns name it; its name may be used again.
alter table templates drop constraint templates_organization_id_business_account_id_name_language_key;
create unique index templates_name on templates (organization_id, business_account_id, name, language) where status <> 'DELETED';
create index templates_account on templates (organization_id, business_account_id);

-- A change of a template that the provider has, until the provider took it. The template stays as it is meanwhile.
create table template_drafts (
    organization_id     uuid not null,
    template_id         uuid not null,
    category            text not null check (category in ('MARKETING', 'UTILITY', 'AUTHENTICATION')),
    components          jsonb not null,
    message_ttl_seconds integer check (message_ttl_seconds = -1 or message_ttl_seconds between 30 and 2592000),
    state               text not null default 'draft' check (state in ('draft', 'submitting')),
    problems            jsonb not null default '[]',
    created_at          timestamptz not null,
    updated_at          timestamptz not null,
    primary key (organization_id, template_id),
    foreign key (organization_id, template_id) references templates (organization_id, id) on delete cascade
);
select tenant_table('template_drafts');

-- Every content that a template had. The newest one is also in its row.
create table template_versions (
    organization_id     uuid not null,
    template_id         uuid not null,
    version             integer not null,
    category            text not null,
    components          jsonb not null,
    message_ttl_seconds integer,
    source              text not null check (source in ('user', 'job', 'webhook', 'reconcile')),
    created_at          timestamptz not null,
    -- when the provider was first asked to take it: what it was never offered is not ours there
    submitted_at        timestamptz,
    primary key (organization_id, template_id, version),
    foreign key (organization_id, template_id) references templates (organization_id, id) on delete cascade
);
select tenant_table('template_versions', 'select, insert, update, delete');
-- A draft may have been changed since it was offered.
insert into template_versions (organization_id, template_id, version, category, components, source, created_at, submitted_at)
select organization_id, id, version, category, components, 'user', updated_at, case when status <> 'DRAFT' then submitted_at end from templates;

-- Changes that the provider took of an approved template: it takes one in 24 hours and ten in 30 days.
create table template_edits (
    organization_id uuid not null,
    template_id     uuid not null,
    edited_at       timestamptz not null,
    primary key (organization_id, template_id, edited_at),
    foreign key (organization_id, template_id) references templates (organization_id, id) on delete cascade
);
select tenant_table('template_edits', 'select, insert, delete');

-- The way of a template has more than statuses.
alter table template_events
    add column kind text not null default 'status'
        check (kind in ('status', 'category', 'categoryAnnounced', 'quality', 'content')),
    add column details jsonb not null default '{}';

-- Creations of templates, by the provider's account: it takes 100 in an hour, whoever asks.
create table template_creations (
    business_account_id text not null,
    created_at          timestamptz not null,
    id                  uuid not null,
    primary key (business_account_id, created_at, id)
);
select across_tenants('template_creations', 'crm_system', 'select, insert, delete');

-- The category and version that a campaign was launched with, to tell when its template is another one: the run keeps them from its freezing on.
alter table campaigns add column template_version integer, add column template_category text;
update campaigns c set template_version = t.version, template_category = t.category
from templates t
where t.organization_id = c.organization_id and t.id = c.template_id and c.launched_at is not null;
alter table campaign_runs
    add column template_version integer not null default 1,
    -- how often in a row the provider refused its template, and how many messages it had taken by the last time
    add column template_refusals integer not null default 0,
    add column accepted_at_refusal bigint not null default 0;
-- What is under way goes on with the template as it is.
update campaign_runs r set template_version = t.version
from campaigns c
join templates t on t.organization_id = c.organization_id and t.id = c.template_id
where c.organization_id = r.organization_id and c.id = r.campaign_id;
update campaign_runs r set category = t.category
from campaigns c
join templates t on t.organization_id = c.organization_id and t.id = c.template_id
where c.organization_id = r.organization_id and c.id = r.campaign_id and r.state <> 'finished' and r.category <> t.category;
create index campaigns_template_under_way on campaigns (organization_id, template_id)
    where state in ('preparing', 'running', 'paused', 'finishing');

-- Samples of media headers.
alter table files drop constraint files_kind_check;
alter table files add constraint files_kind_check check (kind in ('logo', 'templateMedia'));
-- The sweep of files asks which samples are still named, by a template, its change, or a content that it had; it lets go of the others.
select across_tenants('templates', 'crm_system', 'select (organization_id, id, components)');
select across_tenants('template_drafts', 'crm_system', 'select (organization_id, template_id, components)');
select across_tenants('template_versions', 'crm_system', 'select (organization_id, template_id, version, components)');
grant update (state, updated_at) on files to crm_system;
