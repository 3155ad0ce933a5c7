//! Real processes, real faults, two ledgers: whatever happens, each recipient is messaged at most once and nobody is forgotten.

mod answers;
mod builds;
mod control;
mod crashes;
mod logos;
mod pace;
mod stops;
mod storage;
mod template_campaigns;
mod template_crashes;
mod template_news;
