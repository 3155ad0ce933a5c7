//! Promises that hold for every route and every table, also for those that are still to come.

mod access;
mod document;
mod schema;
