-- Who did what: append-only, each row chained to the one before it in its organization by a hash.
create table audit_events (
    organization_id uuid not null references organizations (id),
    seq             bigint not null,
    at              timestamptz not null,
    actor_kind      text not null check (actor_kind in ('user', 'apiKey', 'system', 'nobody')),
    actor_id        text,                               -- of a user or key; the name of a program
    action          text not null,
    target_kind     text,
    target_id       text,
    details         text not null,                      -- JSON, kept as text: the hash is over these very characters
    hash            bytea not null,
    primary key (organization_id, seq)
);
create index audit_events_action on audit_events (organization_id, action, seq);
create index audit_events_actor on audit_events (organization_id, actor_id, seq);
create index audit_events_target on audit_events (organization_id, target_id, seq);
select tenant_table('audit_events', 'select, insert');
select across_tenants('audit_events', 'crm_identity', 'insert');
select across_tenants('audit_events', 'crm_system', 'select, insert');

-- The newest link of each chain; locked by whoever appends, which keeps the chain a line.
create table audit_heads (
    organization_id uuid primary key references organizations (id),
    seq             bigint not null,
    hash            bytea not null
);
select tenant_table('audit_heads', 'select, insert, update');
select across_tenants('audit_heads', 'crm_identity', 'select, insert, update');
select across_tenants('audit_heads', 'crm_system', 'select, insert, update');

create function audit_is_append_only() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
    raise exception 'the audit log is append-only';
end
$$;
revoke all on function audit_is_append_only() from public;
create trigger append_only before update or delete or truncate on audit_events
    for each statement execute function audit_is_append_only();
