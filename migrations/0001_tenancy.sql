-- Roles, and the functions by which every later table gets its row security.
--
-- crm_owner     migrates and owns (the role that runs this file)
-- crm_app       logs in; has no right of its own, only the right to become one of the next three
-- crm_tenant    sees the rows of the organization named by app.organization_id
-- crm_identity  sees accounts, memberships and sessions
-- crm_system    sees the ledgers of all organizations
do $$
declare
    wanted text;
begin
    foreach wanted in array array['crm_tenant', 'crm_identity', 'crm_system', 'crm_app'] loop
        begin
            if not exists (select from pg_roles where rolname = wanted) then
                execute format('create role %I noinherit', wanted);
            end if;
        exception when duplicate_object or unique_violation then
            null;   -- another database of the cluster migrates at the same moment
        end;
    end loop;
    if not (select rolcanlogin from pg_roles where rolname = 'crm_app') then
        alter role crm_app login;
    end if;
    grant crm_tenant, crm_identity, crm_system to crm_app;
end
$$;

revoke all on schema public from public;
grant usage on schema public to crm_app, crm_tenant, crm_identity, crm_system;

-- The organization of the transaction; null when none is set, so that a forgotten setting shows no rows.
create function current_organization() returns uuid
language sql stable parallel safe
set search_path = pg_catalog
return nullif(current_setting('app.organization_id', true), '')::uuid;

grant execute on function current_organization() to crm_tenant;

-- Makes `name` a tenant table: forced row security, the tenant's policy, and rights for crm_tenant.
create function tenant_table(name regclass, rights text default 'select, insert, update, delete') returns void
language plpgsql
set search_path = pg_catalog, public
as $$
begin
    execute format('alter table %s enable row level security', name);
    execute format('alter table %s force row level security', name);
    execute format(
        'create policy tenant on %s to crm_tenant using (organization_id = nullif(current_setting(''app.organization_id'', true), '''')::uuid)',
        name
    );
    execute format('grant %s on %s to crm_tenant', rights, name);
end
$$;

-- Opens `name` to crm_system or crm_identity across organizations, with just these rights.
create function across_tenants(name regclass, role_name name, rights text) returns void
language plpgsql
set search_path = pg_catalog, public
as $$
begin
    execute format('alter table %s enable row level security', name);
    execute format('alter table %s force row level security', name);
    execute format('create policy %I on %s to %I using (true)', role_name, name, role_name);
    execute format('grant %s on %s to %I', rights, name, role_name);
end
$$;

revoke all on function tenant_table(regclass, text), across_tenants(regclass, name, text) from public;

-- Newest migration that was applied: what readiness compares with its build.
create function applied_migration() returns bigint
language plpgsql stable security definer
set search_path = pg_catalog, public
as $$
begin
    return (select max(version) from public._sqlx_migrations where success);
exception when undefined_table then
    return null;
end
$$;

revoke all on function applied_migration() from public;
grant execute on function applied_migration() to crm_app, crm_tenant, crm_system, crm_identity;
