//! Background work of campaigns.

mod pause_deactivated;
mod prepare;

pub use pause_deactivated::PauseDeactivated;
pub use prepare::Prepare;
