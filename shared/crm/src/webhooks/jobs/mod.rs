//! Work that a fold leaves to the organization concerned.

mod apply_template_news;
mod apply_template_update;

pub use apply_template_news::ApplyTemplateNews;
pub use apply_template_update::ApplyTemplateUpdate;
