//! HTTP in, effects out: the running API against a real database.

mod channels;
mod contacts;
mod crm_app;
mod campaigns;
mod health;
mod identity;
mod input;
mod jobs;
mod organizations;
mod templates;
mod webhooks;
