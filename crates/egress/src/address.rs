//! Which addresses may be reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Deserialize;

/// How far beyond public addresses a tenant's URL may point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Reach {
    /// Public addresses only.
    #[serde(rename = "none")]
    Public,
    /// Public addresses and this machine's loopback: what a single-machine set-up wants.
    #[default]
    #[serde(rename = "loopback")]
    Loopback,
    /// Private networks too; never link-local addresses, where clouds keep their metadata.
    #[serde(rename = "all")]
    Private,
}

impl Reach {
    /// Whether `address` may be connected to.
    #[must_use]
    pub fn allows(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if is_link_local(address) {
            return false;
        }
        match self {
            Self::Private => true,
            Self::Loopback => address.is_loopback() || is_public(address),
            Self::Public => is_public(address),
        }
    }
}

/// Nobody's model runs there, and cloud machines are told their secrets there, whatever the reach.
fn is_link_local(address: IpAddr) -> bool {
    const EC2_METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6 == EC2_METADATA_V6,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// Not of the IANA special-purpose registry (RFC 6890 and its successors).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b)) // shared address space
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || (a == 192 && b == 88 && c == 99) // 6to4 relays
        || (a == 198 && (18..20).contains(&b)); // benchmarking
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // Global unicast is 2000::/3; of it, 6to4 and Teredo carry IPv4 inside, and 2001:db8::/32 is documentation.
    let global = segments[0] & 0xe000 == 0x2000;
    let tunnelled = segments[0] == 0x2002 || (segments[0] == 0x2001 && segments[1] == 0);
    let documentation = segments[0] == 0x2001 && segments[1] == 0x0db8;
    global && !tunnelled && !documentation
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn each_reach_allows_what_its_name_says() {
        let cases = [
            // address, public, loopback
            ("1.1.1.1", true, true),
            ("2606:4700::1111", true, true),
            ("127.0.0.1", false, true),
            ("127.8.8.8", false, true),
            ("::1", false, true),
            ("::ffff:127.0.0.1", false, true),
            ("::ffff:10.0.0.1", false, false),
            ("10.1.2.3", false, false),
            ("172.16.0.1", false, false),
            ("192.168.1.1", false, false),
            ("169.254.169.254", false, false),
            ("100.64.0.1", false, false),
            ("0.0.0.0", false, false),
            ("224.0.0.1", false, false),
            ("255.255.255.255", false, false),
            ("198.18.0.1", false, false),
            ("fe80::1", false, false),
            ("fc00::1", false, false),
            ("2002:a00:1::", false, false),
            ("64:ff9b::a00:1", false, false),
            ("::", false, false),
        ];
        for (address, public, loopback) in cases {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(Reach::Public.allows(address), public, "{address} public");
            assert_eq!(Reach::Loopback.allows(address), loopback, "{address} loopback");
            let private = !matches!(address.to_string().as_str(), "169.254.169.254" | "fe80::1");
            assert_eq!(Reach::Private.allows(address), private, "{address} private");
        }
    }
}
