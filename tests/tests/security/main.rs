//! What an attacker would try. Tests of one case begin with the number of its requirement in OWASP ASVS 5.0.
//!
//! One module for each chapter. They know the API by HTTP alone, besides tokens that they forge.

mod authentication;
mod authorization;
mod enumeration;
mod forge;
mod isolation;
mod mailbox;
mod median;
mod passwords;
mod recovery;
mod sessions;
mod tokens;
mod two_step;
mod web;
