//! Which address a request comes from. Proxies say it in a header that anybody can write, so only the configured ones are believed.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{Extensions, HeaderMap, HeaderName, header},
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;
use runtime::config::{ApiConfig, ForwardedHeader};

use crate::state::AppState;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

#[derive(Clone, Copy)]
struct ClientAddress(IpAddr);

/// Finds the address out, for whatever is inside.
pub async fn locate(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let address = origin(peer.ip(), request.headers(), &state.config.api);
        request.extensions_mut().insert(ClientAddress(address));
    }
    next.run(request).await
}

/// The address that was found; none for requests that came through no listener.
pub fn address(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ClientAddress>().map(|ClientAddress(address)| *address)
}

/// Who asked the first of the trusted proxies: each is believed about the one before it, whoever is not trusted about nobody.
fn origin(peer: IpAddr, headers: &HeaderMap, config: &ApiConfig) -> IpAddr {
    let mut client = peer.to_canonical();
    if config.trusted_proxies.is_empty() {
        return client;
    }
    let (name, node): (_, fn(&str) -> Option<IpAddr>) = match config.forwarded_header {
        ForwardedHeader::XForwardedFor => (X_FORWARDED_FOR, address_of),
        ForwardedHeader::Forwarded => (header::FORWARDED, forwarded_for),
    };
    let lines: Vec<&str> = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        match node(hop.trim()).filter(|_| is_trusted(client, &config.trusted_proxies)) {
            Some(address) => client = address.to_canonical(),
            None => break,
        }
    }
    client
}

fn is_trusted(address: IpAddr, proxies: &[IpNet]) -> bool {
    proxies.iter().any(|network| network.contains(&address))
}

/// `for` of one element of `Forwarded` (RFC 7239, section 4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, node) = pairs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    address_of(node.trim_matches('"'))
}

/// An address with or without port and brackets; none for `unknown` and names that hide an address.
fn address_of(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const PROXY: &str = "10.0.0.9";

    fn behind(header: ForwardedHeader, peer: &str, lines: &[(&'static str, &'static str)]) -> String {
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let config = ApiConfig { trusted_proxies, forwarded_header: header, ..ApiConfig::default() };
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        origin(peer.parse().unwrap(), &headers, &config).to_string()
    }

    #[test]
    fn the_right_most_address_that_is_no_proxy_is_the_client() {
        let told = |lines: &[_]| behind(ForwardedHeader::XForwardedFor, PROXY, lines);
        assert_eq!(told(&[("x-forwarded-for", "203.0.113.7")]), "203.0.113.7");
        assert_eq!(told(&[("x-forwarded-for", "1.2.3.4, 203.0.113.7, 10.1.1.1")]), "203.0.113.7");
        assert_eq!(told(&[("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "203.0.113.7")]), "203.0.113.7");
        assert_eq!(told(&[("x-forwarded-for", "203.0.113.7:4711")]), "203.0.113.7");
        assert_eq!(told(&[("x-forwarded-for", "[2001:db8::7]:4711")]), "2001:db8::7");
        assert_eq!(told(&[("x-forwarded-for", "::ffff:203.0.113.7")]), "203.0.113.7");
        assert_eq!(told(&[("x-forwarded-for", "10.2.2.2, 10.1.1.1")]), "10.2.2.2");
    }

    #[test]
    fn what_cannot_be_read_ends_the_walk_at_who_said_it() {
        let told = |line| behind(ForwardedHeader::XForwardedFor, PROXY, &[("x-forwarded-for", line)]);
        assert_eq!(told("1.2.3.4, unknown, 10.1.1.1"), "10.1.1.1");
        assert_eq!(told("nonsense"), PROXY);
        assert_eq!(told(""), PROXY);
    }

    #[test]
    fn who_is_no_proxy_says_nothing() {
        for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
            let lines = [("x-forwarded-for", "1.2.3.4"), ("forwarded", "for=1.2.3.4"), ("x-real-ip", "1.2.3.4")];
            assert_eq!(behind(header, "203.0.113.7", &lines), "203.0.113.7");
        }
    }

    #[test]
    fn only_the_configured_header_counts() {
        let lines = [("x-forwarded-for", "1.2.3.4"), ("forwarded", "For=\"[2001:db8::7]:80\";proto=https, for=10.1.1.1")];
        assert_eq!(behind(ForwardedHeader::Forwarded, "fd00::1", &lines), "2001:db8::7");
        assert_eq!(behind(ForwardedHeader::XForwardedFor, "fd00::1", &lines), "1.2.3.4");
    }
}
