//! Work that a fold leaves to the organization concerned.

mod apply_template_update;

pub use apply_template_update::ApplyTemplateUpdate;
