//! Where and with what somebody signs in.

use std::net::{IpAddr, Ipv6Addr};

/// Longest description of a program that is kept, in characters.
const MAX_USER_AGENT: usize = 400;

/// Where and with what somebody signs in.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// The address at the other end.
    pub address: Option<IpAddr>,
    user_agent: Option<String>,
}

impl Device {
    /// The device that asks from `address` and calls itself `user_agent`.
    pub fn new(address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        let user_agent = user_agent.map(|text| text.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect());
        Self { address: address.map(|address| address.to_canonical()), user_agent }
    }

    /// What it calls itself, at most 400 characters.
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// The network that counts as one place: /24 of IPv4, /64 of IPv6.
    pub fn network(&self) -> Option<String> {
        self.address.map(|address| match address {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Option<String> {
        Device::new(Some(address.parse().unwrap()), None).network()
    }

    #[test]
    fn neighbours_are_one_place() {
        assert_eq!(network("192.0.2.7").as_deref(), Some("192.0.2.0/24"));
        assert_eq!(network("::ffff:192.0.2.7").as_deref(), Some("192.0.2.0/24"));
        assert_eq!(network("2001:db8:1:2:3::4").as_deref(), Some("2001:db8:1:2::/64"));
        assert_eq!(Device::default().network(), None);
    }

    #[test]
    fn a_long_name_is_cut() {
        let device = Device::new(None, Some(&format!("a\tb{}", "é".repeat(500))));
        assert_eq!(device.user_agent().unwrap().chars().count(), 400);
        assert!(device.user_agent().unwrap().starts_with("abé"));
    }
}
