-- Mail out: what is to be sent and what became of it, and the texts an organization has changed.
create table mail_templates (
    organization_id uuid not null references organizations (id),
    kind            text not null,
    subject         text not null check (length(subject) between 1 and 200),
    html            text not null check (length(html) <= 100000),
    text            text not null check (length(text) <= 50000),
    updated_at      timestamptz not null,
    primary key (organization_id, kind)
);
select tenant_table('mail_templates');

-- Links are not kept: the job derives them from the token's id.
create table mails (
    organization_id uuid not null references organizations (id),
    id              uuid not null,
    kind            text not null,
    to_address      text not null,
    user_id         uuid references users (id) on delete set null,
    token_id        uuid,
    variables       jsonb not null default '{}',
    state           text not null check (state in ('queued', 'sent', 'bounced', 'failed', 'expired')),
    error           text,
    sent_at         timestamptz,
    bounced_at      timestamptz,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    primary key (organization_id, id)
);
create index mails_age on mails (created_at);
create index mails_user on mails (user_id) where user_id is not null;
select tenant_table('mails', 'select, insert, update');
select across_tenants('mails', 'crm_identity', 'insert');
-- Bounces come back with the id of the mail only; old rows are purged.
select across_tenants('mails', 'crm_system', 'select, update, delete');
create unique index mails_id on mails (id);
