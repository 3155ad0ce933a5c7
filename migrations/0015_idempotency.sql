-- Requests that must not take effect twice, by the key their sender chose. `executed` is written in the transaction of the effect itself;
-- the attempt is a fence: a request whose turn was given to another cannot commit.
create table idempotency_keys (
    organization_id uuid not null references organizations (id),
    actor           text not null,                      -- whose key it is: two members never share one
    key             text not null check (length(key) between 1 and 255),
    request_hash    bytea not null,                     -- method, path, query and body
    attempt         integer not null,
    state           text not null check (state in ('running', 'executed', 'answered')),
    lease_until     timestamptz not null,
    answer          bytea,                              -- sealed: status, headers, body
    created_at      timestamptz not null,
    primary key (organization_id, actor, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);
select tenant_table('idempotency_keys');
select across_tenants('idempotency_keys', 'crm_system', 'select, update, delete');
