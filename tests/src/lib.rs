//! The test support library: the provider simulator, and what drives the whole product.

pub mod app;
pub mod clock;
pub mod demo;
pub mod simulator;
pub mod world;
