//! Background work of campaigns.

mod prepare;

pub use prepare::Prepare;
