-- Organizations (tenants), users, their memberships and sessions.
create table organizations (
    id         uuid primary key,
    name       text not null check (length(name) between 1 and 200),
    slug       text not null unique check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    created_at timestamptz not null,
    updated_at timestamptz not null
);
alter table organizations enable row level security;
alter table organizations force row level security;
create policy tenant on organizations to crm_tenant using (id = nullif(current_setting('app.organization_id', true), '')::uuid);
grant select, update on organizations to crm_tenant;
select across_tenants('organizations', 'crm_identity', 'select, insert');

-- Global: one account per e-mail address in any letter case.
create table users (
    id                uuid primary key,
    email             text not null check (email = lower(email)),
    first_name        text not null check (length(first_name) between 1 and 100),
    last_name         text not null check (length(last_name) <= 100),
    phone_number      text,
    password_hash     text not null,
    terms_accepted_at timestamptz,
    created_at        timestamptz not null,
    updated_at        timestamptz not null
);
create unique index users_email on users (lower(email));
select across_tenants('users', 'crm_identity', 'select, insert, update');

create table memberships (
    organization_id uuid not null references organizations (id),
    user_id         uuid not null references users (id),
    role            text not null check (role in ('admin', 'marketing', 'agent', 'viewer')),
    created_at      timestamptz not null,
    primary key (organization_id, user_id)
);
create index memberships_user on memberships (user_id);
select tenant_table('memberships');
select across_tenants('memberships', 'crm_identity', 'select, insert');

create policy tenant on users for select to crm_tenant
    using (exists (select from memberships where memberships.user_id = users.id));
grant select (id, email, first_name, last_name, phone_number, created_at, updated_at) on users to crm_tenant;

-- A session is a family of refresh tokens: only the newest one is good, using an older one ends the family. A token names its family by a
-- secret part that stays the same (family_hash) and proves itself by a part that changes (token_hash; previous_hash is the one before).
create table sessions (
    id                uuid primary key,
    user_id           uuid not null references users (id) on delete cascade,
    organization_id   uuid not null references organizations (id),
    family_hash       bytea not null,
    token_hash        bytea not null,
    previous_hash     bytea,
    rotated_at        timestamptz not null,
    expires_at        timestamptz not null,
    absolute_expires_at timestamptz not null,
    revoked_at        timestamptz,
    created_at        timestamptz not null
);
create unique index sessions_family on sessions (family_hash);
create index sessions_user on sessions (user_id);
select across_tenants('sessions', 'crm_identity', 'select, insert, update, delete');
