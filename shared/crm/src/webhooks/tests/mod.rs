//! Intake and fold against a real database.

mod fixture;
mod folding;
mod intake;
mod late;
mod poison;
mod races;
