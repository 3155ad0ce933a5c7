//! Who is counted: whoever is proved without asking anybody, otherwise the address.

use std::net::{IpAddr, Ipv6Addr};

use axum::{extract::Request, http::header};
use crm::identity::api_keys::PresentedKey;
use kernel::{ApiKeyId, EmailAddress, OrganizationId, UserId};

use crate::{extract::API_KEY, layers::client, state::AppState};

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A client's address; of IPv6 the network, because one customer has a whole /64.
    Address(IpAddr),
    /// Somebody who is signed in, with however many logins.
    User(UserId),
    /// A program.
    Key(ApiKeyId),
    /// All of an organization together.
    Organization(OrganizationId),
    /// Whoever asks for something that concerns this address.
    Email(EmailAddress),
    /// A request that came through no listener is not counted.
    Nobody,
}

impl Identity {
    /// Of a request. A token counts when its signature is right, a key when it was found in the database within the last seconds: what is
    /// invented leads to no quota of its own, and finding out costs no question to anybody.
    pub(super) fn of(request: &Request, state: &AppState) -> Self {
        let headers = request.headers();
        let now = state.clock.now();
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let proved = match (text(header::AUTHORIZATION), text(API_KEY)) {
            (Some(value), None) => {
                let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
                token.and_then(|(_, token)| state.identity.keys().verify(token.trim(), now).ok()).map(|access| Self::User(access.user))
            }
            (None, Some(key)) => PresentedKey::parse(key).and_then(|key| state.identity.remembered_key(now, &key)).map(Self::Key),
            _ => None,
        };
        proved.unwrap_or_else(|| client::address(request.extensions()).into())
    }
}

impl From<Option<IpAddr>> for Identity {
    fn from(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                Self::Address(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            Some(address) => Self::Address(address),
            None => Self::Nobody,
        }
    }
}

impl From<UserId> for Identity {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

impl From<ApiKeyId> for Identity {
    fn from(key: ApiKeyId) -> Self {
        Self::Key(key)
    }
}

impl From<OrganizationId> for Identity {
    fn from(organization: OrganizationId) -> Self {
        Self::Organization(organization)
    }
}

impl From<&EmailAddress> for Identity {
    fn from(address: &EmailAddress) -> Self {
        Self::Email(address.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let of = |text: &str| Identity::from(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
