//! What every binary needs before it does its own work: settings, logs and traces, metrics, health, an orderly end.
//!
//! It knows nothing of the product: no SQL, no provider, no tenant.

pub mod config;
pub mod health;
pub mod lifecycle;
pub mod prometheus;
pub mod telemetry;
pub mod tls;

pub use self::{
    config::{Config, ConfigError},
    health::Health,
    lifecycle::{Shutdown, Tasks},
};
