//! Promises that hold for every route and every table, also for those that are still to come.

mod document;
mod entry;
mod lists;
mod people;
mod recorded;
mod records;
mod request;
mod rights;
mod schema;
mod template_rules;
mod tenancy;
