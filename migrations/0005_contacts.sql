-- Contacts, who must not be messaged, and imports.
create table contacts (
    organization_id uuid not null references organizations (id),
    id              uuid not null,
    phone_number    text check (phone_number ~ '^\+[0-9]{5,15}$'),
    name            text not null check (length(name) <= 200),
    email           text,
    tags            text[] not null default '{}',
    attributes      jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object'),
    opt_in          text not null check (opt_in in ('optedIn', 'optedOut', 'unknown')),
    locale          text,
    time_zone       text,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    primary key (organization_id, id),
    unique (organization_id, phone_number)
);
select tenant_table('contacts');

-- Tags and attributes after an import added some: nothing is taken away, and what would pass the limit of a contact is left as it was.
create function merged_tags(present text[], added text[]) returns text[]
language sql immutable parallel safe
set search_path = pg_catalog
return (present || array(select tag from unnest(added) with ordinality as given (tag, place) where tag <> all (present) order by place))[1:50];

create function merged_attributes(present jsonb, added jsonb) returns jsonb
language sql immutable parallel safe
set search_path = pg_catalog
return case when octet_length((present || added)::text) > 16384 then present else present || added end;

-- Addresses that must not be messaged. Outlives the contact: merging or erasing it changes nothing here.
create table contact_exceptions (
    organization_id uuid not null,
    address         text not null,
    scope           text not null check (scope in ('all', 'marketing')),
    reason          text not null check (reason in ('optedOut', 'suppressed', 'blocked')),
    created_at      timestamptz not null,
    primary key (organization_id, address)
);
select tenant_table('contact_exceptions');
select across_tenants('contact_exceptions', 'crm_system', 'select, insert, update, delete');

create table contact_imports (
    organization_id uuid not null references organizations (id),
    id              uuid not null,
    state           text not null check (state in ('queued', 'running', 'completed', 'failed')),
    object_key      text not null,              -- where the uploaded file lies
    file_name       text,
    size            bigint not null,            -- bytes of the file
    mapping         jsonb not null,             -- renames of columns, as the client gave them
    dry_run         boolean not null,
    layout          jsonb,                      -- delimiter and columns, once the header has been read
    -- Where the next step goes on: byte offset in the file, and the number of the next line.
    next_offset     bigint not null default 0,
    next_line       bigint not null default 1,
    total           integer not null default 0,
    created         integer not null default 0,
    updated         integer not null default 0,
    skipped         integer not null default 0,
    rejected        integer not null default 0,
    reason          text,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    finished_at     timestamptz,
    primary key (organization_id, id)
);
create index contact_imports_unfinished on contact_imports (organization_id) where state in ('queued', 'running');
select tenant_table('contact_imports');

-- Numbers that an import has met so far: the first row of a number counts, later ones are skipped, also after a crash. Emptied at the end.
create table contact_import_numbers (
    organization_id uuid not null,
    import_id       uuid not null,
    phone_number    text not null,
    primary key (organization_id, import_id, phone_number),
    foreign key (organization_id, import_id) references contact_imports (organization_id, id) on delete cascade
);
select tenant_table('contact_import_numbers', 'select, insert, delete');

create table contact_import_rejections (
    organization_id uuid not null,
    import_id       uuid not null,
    line            bigint not null,
    field           text,
    code            text not null,
    message         text not null,
    raw             text not null,
    primary key (organization_id, import_id, line),
    foreign key (organization_id, import_id) references contact_imports (organization_id, id) on delete cascade
);
select tenant_table('contact_import_rejections');
