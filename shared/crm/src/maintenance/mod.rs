//! Work of the installation that belongs to no domain alone.

mod partitions;

pub use partitions::EnsurePartitions;
