-- Accounts, completed: roles of an organization's own, members who come and go, links that are good once, two-step login, API keys.
alter table users
    alter column password_hash drop not null,           -- invited, not yet joined
    add column username text check (username ~ '^[a-z0-9][a-z0-9._-]{2,39}$'),
    add column whatsapp_phone text,
    add column email_verified_at timestamptz,
    add column terms_version text,
    add column super_admin boolean not null default false;
create unique index users_username on users (username);
create unique index users_whatsapp_phone on users (whatsapp_phone);
grant select (username, whatsapp_phone, email_verified_at) on users to crm_tenant;

-- Roles beside the built-in ones: a name and a set of rights.
create table roles (
    organization_id uuid not null references organizations (id),
    id              uuid not null,
    key             text not null check (key ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(key) <= 60),
    name            text not null check (length(name) between 1 and 60),
    description     text not null default '' check (length(description) <= 500),
    permissions     text[] not null,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    primary key (organization_id, id),
    constraint roles_key unique (organization_id, key)
);
select tenant_table('roles');
select across_tenants('roles', 'crm_identity', 'select');

alter table memberships
    drop constraint memberships_role_check,
    add column custom_role_id uuid,
    add column invited_at timestamptz,
    add column joined_at timestamptz,                   -- null: invited, has not chosen a password
    add column disabled_at timestamptz,
    add column updated_at timestamptz,
    add constraint memberships_role check (
        role in ('admin', 'marketing', 'agent', 'viewer', 'acquisitions', 'caller', 'investor', 'custom')
        and (role = 'custom') = (custom_role_id is not null)
    ),
    add constraint memberships_custom_role foreign key (organization_id, custom_role_id) references roles (organization_id, id);
update memberships set joined_at = created_at, updated_at = created_at;
create index memberships_custom_role on memberships (organization_id, custom_role_id) where custom_role_id is not null;
grant update on memberships to crm_identity;
-- An invitation that is withdrawn goes with the account that was made for it.
grant delete on memberships, users to crm_identity;

-- Where and with what somebody signed in, and when who they are was last proved (password, and code where two steps are asked for).
alter table sessions
    add column user_agent text check (length(user_agent) <= 400),
    add column address inet,
    add column authenticated_at timestamptz,
    add column ended_reason text;
update sessions set authenticated_at = created_at;
alter table sessions alter column authenticated_at set not null;
create index sessions_ended on sessions (least(expires_at, absolute_expires_at));
-- Members are shown with when they were last seen, and nothing else of their logins.
create policy tenant on sessions for select to crm_tenant
    using (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);
grant select (organization_id, user_id, rotated_at) on sessions to crm_tenant;

-- A link in a mail: good once, for a while. The token itself is derived from the id, so that a mail sent again carries the same one.
create table one_time_tokens (
    id              uuid primary key,
    organization_id uuid not null references organizations (id),
    user_id         uuid not null references users (id) on delete cascade,
    purpose         text not null check (purpose in ('passwordReset', 'emailVerification', 'invitation')),
    token_hash      bytea not null,
    expires_at      timestamptz not null,
    used_at         timestamptz,
    created_at      timestamptz not null
);
create unique index one_time_tokens_hash on one_time_tokens (token_hash);
create index one_time_tokens_user on one_time_tokens (user_id, purpose);
select across_tenants('one_time_tokens', 'crm_identity', 'select, insert, update, delete');

-- Somebody forgot a password. Written for known and unknown addresses alike; a job finds out which it is.
create table password_reset_requests (
    id         uuid primary key,
    email      text not null check (length(email) <= 320),
    created_at timestamptz not null
);
select across_tenants('password_reset_requests', 'crm_identity', 'select, insert, delete');

-- Failed sign-ins, by a keyed hash of account and network: unknown addresses are counted like known ones.
create table login_failures (
    key            bytea primary key,
    failures       integer not null,
    last_failed_at timestamptz not null
);
create index login_failures_age on login_failures (last_failed_at);
select across_tenants('login_failures', 'crm_identity', 'select, insert, update, delete');

-- Two-step login. Begun, then confirmed by a first code; each time step is taken once.
create table two_step (
    user_id      uuid primary key references users (id) on delete cascade,
    secret       bytea not null,                        -- sealed
    confirmed_at timestamptz,
    last_step    bigint not null default 0,
    created_at   timestamptz not null
);
select across_tenants('two_step', 'crm_identity', 'select, insert, update, delete');

create table recovery_codes (
    user_id   uuid not null references users (id) on delete cascade,
    code_hash bytea not null,
    used_at   timestamptz,
    primary key (user_id, code_hash)
);
select across_tenants('recovery_codes', 'crm_identity', 'select, insert, update, delete');

-- Keys for programs. The key is shown once; its hash and the characters it begins with are kept.
create table api_keys (
    organization_id uuid not null references organizations (id),
    id              uuid not null,
    name            text not null check (length(name) between 1 and 100),
    prefix          text not null,
    key_hash        bytea not null,
    permissions     text[] not null,
    created_by      uuid references users (id),
    created_at      timestamptz not null,
    expires_at      timestamptz,
    last_used_at    timestamptz,
    revoked_at      timestamptz,
    primary key (organization_id, id)
);
create unique index api_keys_hash on api_keys (key_hash);
select tenant_table('api_keys', 'select, insert, update');
select across_tenants('api_keys', 'crm_identity', 'select, update');
