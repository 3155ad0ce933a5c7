//! Use cases of contacts.

use db::TenantTx;
use kernel::{Clock, ContactId, Page, PageRequest, PhoneNumber};

use super::{
    error::ContactError,
    model::{Contact, ContactFilter, ContactPatch, NewContact, OptIn},
    store,
};
use crate::fields::FieldErrors;

/// Creates a contact.
///
/// An address that opted out earlier stays so unless the input says `optedIn`: deleting and creating a contact lifts no refusal.
pub async fn create(tx: &mut TenantTx, clock: &dyn Clock, input: NewContact) -> Result<Contact, ContactError> {
    let stated = input.opt_in;
    let mut contact = input.validated(clock.now())?;
    if let Some(address) = &contact.phone_number
        && stated != Some(OptIn::OptedIn)
        && store::exceptions_is_opted_out(tx, address).await?
    {
        contact.opt_in = OptIn::OptedOut;
    }
    store::insert(tx, &contact).await?;
    record_consent(tx, clock, &contact).await?;
    Ok(contact)
}

/// Reads a contact.
pub async fn get(tx: &mut TenantTx, id: ContactId) -> Result<Contact, ContactError> {
    store::find(tx, id).await?.ok_or(ContactError::NotFound(id))
}

/// Lists contacts, newest first.
pub async fn list(tx: &mut TenantTx, filter: &ContactFilter, page: PageRequest) -> Result<Page<Contact>, ContactError> {
    Ok(store::page(tx, filter, page).await?)
}

/// Changes a contact. A refusal follows it to a new number, and stays with the old one.
pub async fn patch(tx: &mut TenantTx, clock: &dyn Clock, id: ContactId, patch: ContactPatch) -> Result<Contact, ContactError> {
    let before = store::find_locked(tx, id).await?.ok_or(ContactError::NotFound(id))?;
    let stated = patch.opt_in;
    let number_before = before.phone_number.clone();
    let opt_in_before = before.opt_in;
    if opt_in_before == OptIn::OptedOut && stated == Some(OptIn::Unknown) {
        let mut errors = FieldErrors::default();
        errors.add("optIn", "opted-out", "a refusal is lifted by `optedIn` only");
        return Err(errors.into());
    }
    let mut contact = before.patched(patch, clock.now())?;
    if let Some(address) = &contact.phone_number
        && contact.phone_number != number_before
        && stated != Some(OptIn::OptedIn)
        && store::exceptions_is_opted_out(tx, address).await?
    {
        contact.opt_in = OptIn::OptedOut;
    }
    store::update(tx, &contact).await?;
    if contact.opt_in != opt_in_before || contact.phone_number != number_before {
        record_consent(tx, clock, &contact).await?;
    }
    Ok(contact)
}

/// Deletes a contact. What its address refused stays refused.
pub async fn delete(tx: &mut TenantTx, id: ContactId) -> Result<(), ContactError> {
    if store::delete(tx, id).await? { Ok(()) } else { Err(ContactError::NotFound(id)) }
}

/// Brings what sending obeys in line with what the contact says. Nothing known changes nothing.
async fn record_consent(tx: &mut TenantTx, clock: &dyn Clock, contact: &Contact) -> Result<(), ContactError> {
    let Some(address): Option<&PhoneNumber> = contact.phone_number.as_ref() else { return Ok(()) };
    match contact.opt_in {
        OptIn::OptedOut => store::exceptions_opt_out(tx, address, clock.now()).await?,
        OptIn::OptedIn => store::exceptions_opt_in(tx, address).await?,
        OptIn::Unknown => {}
    }
    Ok(())
}
