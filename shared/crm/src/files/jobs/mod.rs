//! Background work of files.

mod sweep_orphans;

pub use sweep_orphans::SweepOrphans;
