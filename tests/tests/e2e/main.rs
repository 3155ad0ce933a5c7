//! HTTP in, effects out: the running API against a real database.

mod health;
mod identity;
mod input;
mod jobs;
mod organizations;
