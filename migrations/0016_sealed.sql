-- Columns whose bytes are sealed say so: the command that changes keys is compared with these marks.
comment on column channels.access_token is 'sealed';
comment on column two_step.secret is 'sealed';
comment on column idempotency_keys.answer is 'sealed';
