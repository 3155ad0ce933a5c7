//! What leaves the house: the WhatsApp Cloud API, the object store, mail, HTTP clients. Every error is typed and classified.
//!
//! Nothing here knows tenants, campaigns or the database.

pub mod http;
pub mod mail;
pub mod objects;
pub mod whatsapp;
