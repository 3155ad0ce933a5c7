//! HTTP in, effects out: the running API against a real database.

mod campaigns;
mod channels;
mod contacts;
mod crm_app;
mod health;
mod identity;
mod input;
mod jobs;
mod organizations;
mod templates;
mod webhooks;
