//! Clients: organizations as the staff of an installation sees them. Everything here works across organizations.

use db::IdentityTx;
use kernel::{Clock, OrganizationId, Page, PageRequest, UserId};
use queue::Enqueue;
use serde_json::json;

use super::{error::ClientError, model::Organization, rules, rules::Changes, service, store};
use crate::{
    audit::{self, Act, Actor},
    campaigns::jobs::PauseDeactivated,
    fields::{self, Change},
    identity::{
        OneTimeKeys, Role,
        members::{self, Authority, Invitation},
    },
};

/// An organization and what staff wants to know besides its profile.
#[derive(Clone, Debug)]
pub struct Client {
    /// The organization.
    pub organization: Organization,
    /// Members who have joined and are not disabled.
    pub members: i64,
}

/// What a list of clients is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct ClientFilter {
    /// Part of the name, in any letter case.
    pub text: Option<String>,
    /// Active ones only, or deactivated ones only.
    pub active: Option<bool>,
}

/// Whether a client may sign in and send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It may.
    Active,
    /// It may not.
    Deactivated,
}

/// Changes of a client, as they were typed.
#[derive(Clone, Debug, Default)]
pub struct ClientPatch {
    /// 1 to 200 characters.
    pub company_name: Change,
    /// International number.
    pub whatsapp_number: Change,
    /// Up to 100 characters.
    pub business_category: Change,
    /// IANA.
    pub timezone: Change,
    /// Switches the client on or off.
    pub activity: Option<Activity>,
}

/// A client to be made, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct NewClient {
    /// What it tells about itself, and whether it is active.
    pub profile: ClientPatch,
    /// Who runs it.
    pub admin: Option<NewAdmin>,
}

/// The first admin of a client, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct NewAdmin {
    /// Where the invitation goes.
    pub email: String,
    /// Given name, 1 to 100 characters.
    pub first_name: String,
    /// Family name, up to 100 characters.
    pub last_name: String,
}

/// A page of clients, the newest first.
pub async fn list(tx: &mut IdentityTx, filter: &ClientFilter, request: PageRequest) -> Result<Page<Client>, ClientError> {
    Ok(store::clients_page(tx, filter, request).await?)
}

/// One client.
pub async fn find(tx: &mut IdentityTx, id: OrganizationId) -> Result<Client, ClientError> {
    store::client_find(tx, id).await?.ok_or(ClientError::NotFound(id))
}

/// Makes an organization with a slug of its own, and invites its admin when one is named; links in mails are of `links`.
pub async fn create(
    tx: &mut IdentityTx,
    clock: &dyn Clock,
    links: &OneTimeKeys,
    staff: Staff,
    new: NewClient,
) -> Result<Client, ClientError> {
    let now = clock.now();
    let NewClient { mut profile, admin } = new;
    if profile.company_name == Change::Keep {
        profile.company_name = Change::Set(None);
    }
    let activity = profile.activity;
    let mut typed = Organization::new(now, String::new(), String::new());
    let mut changes = apply(&mut typed, profile);
    let admin = admin.and_then(|admin| admin.checked(&mut changes));
    changes.finish()?;
    let made = service::create(tx, now, &typed.name).await?;
    let organization =
        Organization { id: made.id, slug: made.slug, deactivated_at: (activity == Some(Activity::Deactivated)).then_some(now), ..typed };
    store::client_update(tx, &organization).await?;
    let invited = match admin {
        Some(admin) => Some(members::invite(tx, now, links, Authority::of_staff(organization.id), admin).await?),
        None => None,
    };
    let actor = Actor::User(staff.user);
    audit::record(tx, organization.id, now, Act::new(actor, "clients.create").on("organizations", organization.id)).await?;
    if let Some(user) = invited {
        let act = Act::new(actor, "users.invite").on("users", user).with(json!({ "role": Role::Admin.as_str() }));
        audit::record(tx, organization.id, now, act).await?;
    }
    Ok(Client { organization, members: 0 })
}

/// Changes a client, and switches it off or on.
///
/// Off: its members cannot sign in, its logins and keys stop within [`crate::identity::STANDING_TTL`], and a job pauses its campaigns; what
/// is in flight settles. Nothing of it is launched or resumed until it is on again; then its campaigns wait for somebody to resume them.
/// What was queued besides (imports, templates on their way to the provider, mails) runs to its end: it was asked for in time, writes to
/// nobody by WhatsApp, and would otherwise be left half done.
pub async fn patch(
    tx: &mut IdentityTx,
    clock: &dyn Clock,
    staff: Staff,
    id: OrganizationId,
    patch: ClientPatch,
) -> Result<Client, ClientError> {
    store::client_lock(tx, id).await?;
    // After the lock: what was launched before is older.
    let now = clock.now();
    let mut client = find(tx, id).await?;
    let activity = patch.activity.filter(|wanted| (*wanted == Activity::Active) != client.organization.is_active());
    if activity == Some(Activity::Deactivated) && staff.organization == id {
        return Err(ClientError::Own);
    }
    let fields = apply(&mut client.organization, patch).finish()?;
    if fields.is_empty() && activity.is_none() {
        return Ok(client);
    }
    let organization = &mut client.organization;
    match activity {
        Some(Activity::Active) => organization.deactivated_at = None,
        Some(Activity::Deactivated) => organization.deactivated_at = Some(now),
        None => {}
    }
    organization.updated_at = now;
    store::client_update(tx, organization).await?;
    if activity == Some(Activity::Deactivated) {
        tx.enqueue_for(id, PauseDeactivated { since: now }).await?;
    }
    let act = |action| Act::new(Actor::User(staff.user), action).on("organizations", id);
    if !fields.is_empty() {
        audit::record(tx, id, now, act("clients.update").with(json!({ "fields": fields }))).await?;
    }
    match activity {
        Some(Activity::Active) => audit::record(tx, id, now, act("clients.reactivate")).await?,
        Some(Activity::Deactivated) => audit::record(tx, id, now, act("clients.deactivate")).await?,
        None => {}
    }
    Ok(client)
}

/// Who of the staff acts.
#[derive(Clone, Copy, Debug)]
pub struct Staff {
    /// The person.
    pub user: UserId,
    /// The person's own organization.
    pub organization: OrganizationId,
}

fn apply(organization: &mut Organization, patch: ClientPatch) -> Changes {
    let mut changes = Changes::default();
    changes.set("companyName", &mut organization.name, patch.company_name, rules::name);
    changes.set("whatsappNumber", &mut organization.whatsapp_number, patch.whatsapp_number, rules::whatsapp_number);
    changes.set("businessCategory", &mut organization.business_category, patch.business_category, rules::business_category);
    changes.set("timezone", &mut organization.timezone, patch.timezone, rules::timezone);
    changes
}

impl NewAdmin {
    /// The invitation; broken rules go to `changes`.
    fn checked(self, changes: &mut Changes) -> Option<Invitation> {
        let email = changes.take(fields::email("adminEmail", &self.email));
        let first_name = changes.take(rules::first_name("adminFirstName", &self.first_name));
        let last_name = changes.take(fields::line("adminLastName", &self.last_name, 100));
        Some(Invitation { email: email?, first_name: first_name?, last_name: last_name?, role: Role::Admin.as_str().into() })
    }
}
