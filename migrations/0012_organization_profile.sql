-- Profiles of organizations, and organizations that an installation's staff switch off.
alter table organizations
    add column description text not null default '' check (length(description) <= 2000),
    add column address text not null default '' check (length(address) <= 500),
    add column city text not null default '' check (length(city) <= 200),
    add column state text not null default '' check (length(state) <= 200),
    add column zip_code text not null default '' check (length(zip_code) <= 20),
    add column country text check (country ~ '^[A-Z]{2}$'),           -- ISO 3166-1 alpha-2
    add column currency text not null default 'USD' check (currency ~ '^[A-Z]{3}$'),   -- ISO 4217
    add column timezone text not null default 'UTC' check (length(timezone) <= 64),    -- IANA
    add column whatsapp_number text,
    add column business_category text not null default '' check (length(business_category) <= 100),
    add column logo_file_id uuid,
    add column onboarding_dismissed_at timestamptz,
    add column deactivated_at timestamptz;

-- Who belongs to an organization may not switch it on again.
revoke update on organizations from crm_tenant;
grant update (
    name, description, address, city, state, zip_code, country, currency, timezone, whatsapp_number, business_category, logo_file_id,
    onboarding_dismissed_at, updated_at
) on organizations to crm_tenant;
grant update on organizations to crm_identity;
create policy crm_system on organizations for select to crm_system using (true);
grant select (id, name, deactivated_at) on organizations to crm_system;

-- What lies in the object store, and what it is. An object without a row, or whose row stayed pending, is an orphan.
create table files (
    organization_id uuid not null references organizations (id),
    id              uuid not null,
    object_key      text not null,
    kind            text not null check (kind in ('logo')),
    original_name   text not null default '' check (length(original_name) <= 255),
    content_type    text not null,
    size            bigint not null check (size >= 0),
    state           text not null check (state in ('pending', 'live', 'replaced')),
    created_by      uuid references users (id),
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    primary key (organization_id, id),
    constraint files_object_key unique (object_key)
);
create index files_sweep on files (updated_at) where state <> 'live';
select tenant_table('files');
select across_tenants('files', 'crm_system', 'select, delete');
alter table organizations add constraint organizations_logo foreign key (id, logo_file_id) references files (organization_id, id);
-- The sweep of orphans asks which uploads imports still need.
select across_tenants('contact_imports', 'crm_system', 'select');
