//! Inviting members and changing how they stand.
//!
//! Changes are written in the caller's transaction. After its commit the caller has [`crate::identity::Identity::forget_member`] drop what
//! this process remembers.

use chrono::{DateTime, Utc};
use db::{DbError, IdentityTx, TenantTx, Tx};
use kernel::{EmailAddress, OrganizationId, Page, PageRequest, UserId};
use serde_json::json;

use super::{
    error::MemberError,
    model::{Authority, Invitation, Locked, Member},
    store,
};
use crate::{
    fields::{FieldError, FieldErrors},
    identity::{
        one_time::{self, OneTimeKeys, Purpose},
        permissions::Permission,
        rights::{Rights, Role, RoleName},
        roles,
        sessions::{self, EndReason},
        two_step,
    },
    mail::{self, MailKind, NewMail},
};

/// Members of the organization, newest first.
pub async fn list(tx: &mut TenantTx, request: PageRequest) -> Result<Page<Member>, MemberError> {
    Ok(store::list(tx, request).await?)
}

/// Active members whose role has the right, and where they are mailed.
pub async fn holding(tx: &mut TenantTx, right: Permission) -> Result<Vec<(UserId, EmailAddress)>, DbError> {
    let members = store::active(tx).await?;
    let holding = members.into_iter().filter(|(_, _, rights)| rights.contains(right));
    Ok(holding.filter_map(|(user, email, _)| Some((user, EmailAddress::parse(&email).ok()?))).collect())
}

/// One member.
pub async fn show<T: Tx>(tx: &mut T, organization: OrganizationId, user: UserId) -> Result<Member, MemberError> {
    store::find(tx, organization, user).await?.ok_or(MemberError::NotFound(user))
}

/// Makes an account without a password that belongs to the organization, and has a link mailed with which its owner joins.
pub async fn invite(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    links: &OneTimeKeys,
    authority: Authority,
    invitation: Invitation,
) -> Result<UserId, MemberError> {
    let role = grantable(tx, authority, &invitation.role).await?;
    let user = UserId::at(now);
    store::insert_user(tx, now, user, &invitation).await.map_err(|error| match error.constraint() {
        Some("users_email") => MemberError::EmailTaken,
        _ => error.into(),
    })?;
    store::insert_invited(tx, now, authority.organization, user, &role).await?;
    send_invitation(tx, now, links, authority.organization, (user, &invitation.email)).await?;
    Ok(user)
}

/// Has a new link mailed to somebody who has not joined yet; the one before is void.
pub async fn resend_invitation(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    links: &OneTimeKeys,
    authority: Authority,
    user: UserId,
) -> Result<(), MemberError> {
    let member = lock(tx, authority, user).await?;
    if member.joined {
        return Err(MemberError::AlreadyJoined);
    }
    if member.disabled {
        return Err(MemberError::Disabled);
    }
    store::update_invited(tx, now, authority.organization, user).await?;
    let email = show(tx, authority.organization, user).await?.email;
    let email = EmailAddress::parse(&email).map_err(|_| db::DbError::BadRow { table: "users", id: user.to_string(), column: "email" })?;
    send_invitation(tx, now, links, authority.organization, (user, &email)).await
}

/// Removes a member who has not joined yet, together with the account that was made for them: the link is void, and the address is free
/// again. Of a withdrawal and a joining at once, one finds what the other did.
pub async fn withdraw(tx: &mut IdentityTx, authority: Authority, user: UserId) -> Result<(), MemberError> {
    // The order in which joining locks: the account, then the membership.
    store::lock_account(tx, authority.organization, user).await?;
    if lock(tx, authority, user).await?.joined {
        return Err(MemberError::AlreadyJoined);
    }
    store::delete_invited(tx, authority.organization, user).await?;
    Ok(())
}

/// Gives a member another role; returns the one before when it was another. It counts within [`crate::identity::STANDING_TTL`].
pub async fn set_role(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    authority: Authority,
    user: UserId,
    word: &str,
) -> Result<Option<RoleName>, MemberError> {
    let role = grantable(tx, authority, word).await?;
    let member = lock(tx, authority, user).await?;
    if member.role == role {
        return Ok(None);
    }
    not_own(authority, user)?;
    if role != RoleName::BuiltIn(Role::Admin) {
        not_last_admin(tx, authority, &member).await?;
    }
    store::update_role(tx, now, authority.organization, user, &role).await?;
    Ok(Some(member.role))
}

/// Disables a member and ends their logins, which counts within [`crate::identity::STANDING_TTL`]; an open invitation is void. Returns
/// whether it changed anything.
pub async fn disable(tx: &mut IdentityTx, now: DateTime<Utc>, authority: Authority, user: UserId) -> Result<bool, MemberError> {
    let member = lock(tx, authority, user).await?;
    not_own(authority, user)?;
    if member.disabled {
        return Ok(false);
    }
    not_last_admin(tx, authority, &member).await?;
    store::update_disabled(tx, now, authority.organization, user, Some(now)).await?;
    store::revoke_sessions(tx, now, authority.organization, user, "memberDisabled").await?;
    one_time::void(tx, now, authority.organization, user, Purpose::Invitation).await?;
    Ok(true)
}

/// Lets a disabled member sign in again. Returns whether it changed anything.
pub async fn enable(tx: &mut IdentityTx, now: DateTime<Utc>, authority: Authority, user: UserId) -> Result<bool, MemberError> {
    let member = lock(tx, authority, user).await?;
    if member.disabled {
        store::update_disabled(tx, now, authority.organization, user, None).await?;
    }
    Ok(member.disabled)
}

/// Ends all logins of a member; returns how many there were.
pub async fn revoke_sessions(tx: &mut IdentityTx, now: DateTime<Utc>, authority: Authority, user: UserId) -> Result<u64, MemberError> {
    lock(tx, authority, user).await?;
    Ok(store::revoke_sessions(tx, now, authority.organization, user, "revokedByColleague").await?)
}

/// Takes two-step login from a member who lost the app and the recovery codes: their logins end everywhere, and a mail tells them.
/// Returns how many logins there were.
pub async fn take_two_step(tx: &mut IdentityTx, now: DateTime<Utc>, authority: Authority, user: UserId) -> Result<u64, MemberError> {
    store::lock_account(tx, authority.organization, user).await?;
    lock(tx, authority, user).await?;
    if authority.user == Some(user) {
        return Err(MemberError::OwnTwoStep);
    }
    if !two_step::take_away(tx, now, authority.organization, user).await? {
        return Err(MemberError::TwoStepOff);
    }
    Ok(sessions::end_all(tx, now, user, EndReason::TwoStepTaken).await?)
}

/// The member, locked until the transaction ends, when whoever asks has all the rights that the member has.
async fn lock(tx: &mut IdentityTx, authority: Authority, user: UserId) -> Result<Locked, MemberError> {
    store::lock(tx, authority.organization, user).await?;
    // A statement of its own: it sees what was committed while the lock was waited for.
    let member = store::locked(tx, authority.organization, user).await?.ok_or(MemberError::NotFound(user))?;
    covered(authority, member.rights)?;
    Ok(member)
}

/// The role of a word, when whoever asks may give it away.
async fn grantable(tx: &mut IdentityTx, authority: Authority, word: &str) -> Result<RoleName, MemberError> {
    let Some((role, rights)) = roles::resolve(tx, authority.organization, word).await? else {
        let error = FieldError::new("role", "unknown", "neither a built-in role nor the key of one of the organization's own");
        return Err(FieldErrors::from(error).into());
    };
    covered(authority, rights)?;
    Ok(role)
}

fn covered(authority: Authority, rights: Rights) -> Result<(), MemberError> {
    if authority.rights.include(rights) { Ok(()) } else { Err(MemberError::RightsExceeded) }
}

fn not_own(authority: Authority, user: UserId) -> Result<(), MemberError> {
    if authority.user == Some(user) { Err(MemberError::Own) } else { Ok(()) }
}

async fn not_last_admin(tx: &mut IdentityTx, authority: Authority, member: &Locked) -> Result<(), MemberError> {
    if member.is_active_admin() && store::other_admins(tx, authority.organization, member.user).await? == 0 {
        return Err(MemberError::LastAdmin);
    }
    Ok(())
}

async fn send_invitation(
    tx: &mut IdentityTx,
    now: DateTime<Utc>,
    links: &OneTimeKeys,
    organization: OrganizationId,
    (user, email): (UserId, &EmailAddress),
) -> Result<(), MemberError> {
    let token = links.create(tx, now, organization, user, Purpose::Invitation).await?;
    let mail = NewMail { kind: MailKind::Invitation, to: email, user: Some(user), token: Some(token), variables: json!({}) };
    mail::queue(tx, organization, now, mail).await?;
    Ok(())
}
