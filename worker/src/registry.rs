//! The page of all background work: every kind of job there is.

use queue::Registry;

/// Every kind of job. A kind that is no longer enqueued stays here for one release, so that queued ones are still run.
pub fn registry() -> Registry {
    Registry::default()
        .register::<crm::audit::Anchor>()
        .register::<crm::campaigns::jobs::PauseDeactivated>()
        .register::<crm::campaigns::jobs::Prepare>()
        .register::<crm::channels::jobs::Connect>()
        .register::<crm::contacts::import::Import>()
        .register::<crm::files::jobs::SweepOrphans>()
        .register::<crm::identity::jobs::Purge>()
        .register::<crm::identity::jobs::RequestPasswordReset>()
        .register::<crm::mail::jobs::Purge>()
        .register::<crm::mail::jobs::Send>()
        .register::<crm::idempotency::Purge>()
        .register::<crm::maintenance::EnsurePartitions>()
        .register::<crm::templates::jobs::Delete>()
        .register::<crm::templates::jobs::Poll>()
        .register::<crm::templates::jobs::Reconcile>()
        .register::<crm::templates::jobs::Refresh>()
        .register::<crm::templates::jobs::Submit>()
        .register::<crm::templates::jobs::Sync>()
        .register::<crm::webhooks::jobs::ApplyTemplateNews>()
        .register::<crm::webhooks::jobs::ApplyTemplateUpdate>()
        .register::<queue::Purge>()
}
