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
        if is_never(address) || carried(address).is_some_and(|v4| is_never(IpAddr::V4(v4))) {
            return false;
        }
        match self {
            Self::Private => true,
            Self::Loopback => address.is_loopback() || is_public(address),
            Self::Public => is_public(address),
        }
    }
}

/// Where cloud machines are told their secrets although the address is not link-local: Alibaba, Oracle, Azure; EC2, Google.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192), Ipv4Addr::new(168, 63, 129, 16)];
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];

/// Nobody's model runs there, and cloud machines are told their secrets there, whatever the reach.
fn is_never(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || METADATA_V4.contains(&v4),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || METADATA_V6.contains(&v6),
    }
}

/// The IPv4 address that a translator or a tunnel takes a packet on to: NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo
/// (RFC 4380), and the older IPv4-compatible form.
fn carried(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match v6.segments() {
        [0x64, 0xff9b, 0 | 1, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(of(high, low)),
        [0x2001, 0, _, _, _, _, high, low] => Some(of(!high, !low)),
        _ => None,
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
    // Global unicast is 2000::/3. Of it 2001::/23 is for protocols, Teredo among them, and 6to4 carries IPv4 inside;
    // 2001:db8::/32 and 3fff::/20 are documentation.
    let global = segments[0] & 0xe000 == 0x2000;
    let protocols = segments[0] == 0x2001 && segments[1] < 0x0200;
    let documentation =
        (segments[0] == 0x2001 && segments[1] == 0x0db8) || (segments[0] == 0x3fff && segments[1] < 0x1000);
    global && !protocols && !documentation && segments[0] != 0x2002
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn each_reach_allows_what_its_name_says() {
        // Under each reach: public, loopback, private.
        const PUBLIC: [bool; 3] = [true, true, true];
        const LOOPBACK: [bool; 3] = [false, true, true];
        const PRIVATE: [bool; 3] = [false, false, true];
        const NEVER: [bool; 3] = [false, false, false];
        let cases = [
            (
                PUBLIC,
                "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 192.0.1.1 198.20.0.0",
            ),
            (
                PUBLIC,
                "223.255.255.255 169.253.255.255 2606:4700::1111 2a00:1450::1 2001:200::1 ::ffff:1.1.1.1",
            ),
            (LOOPBACK, "127.0.0.1 127.8.8.8 127.255.255.255 ::1 ::ffff:127.0.0.1 ::ffff:7f00:1"),
            (PRIVATE, "10.0.0.0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 ::ffff:10.0.0.1"),
            // shared address space, this network, protocols, 6to4 relays, benchmarking
            (
                PRIVATE,
                "100.64.0.1 100.127.255.255 0.0.0.0 0.1.2.3 192.0.0.1 192.88.99.1 198.18.0.1 198.19.255.255",
            ),
            // documentation, multicast, reserved, broadcast
            (
                PRIVATE,
                "192.0.2.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255",
            ),
            // unspecified, IPv4-compatible, unique local, site-local, multicast, discard-only, segment routing
            (
                PRIVATE,
                ":: ::127.0.0.1 ::10.0.0.1 ::1.1.1.1 fc00::1 fd12:3456::1 fec0::1 ff02::1 100::1 5f00::1",
            ),
            // NAT64, its local prefix, 6to4, Teredo, benchmarking, ORCHID, documentation
            (
                PRIVATE,
                "64:ff9b::a00:1 64:ff9b::1.1.1.1 64:ff9b:1::7f00:1 2002:a00:1:: 2002:7f00:1:: 2002:101:101::",
            ),
            (
                PRIVATE,
                "2001::1 2001:0:4136:e378:8000:63bf:80ff:fffe 2001:2::1 2001:20::1 2001:db8::1 3fff::1",
            ),
            // link-local and clouds' metadata, however it is written
            (NEVER, "169.254.0.1 169.254.169.254 fe80::1 febf::1 fd00:ec2::254 fd20:ce::254 100.100.100.200"),
            (
                NEVER,
                "192.0.0.192 168.63.129.16 ::ffff:169.254.169.254 ::169.254.169.254 64:ff9b::169.254.169.254",
            ),
            (NEVER, "64:ff9b:1::a9fe:a9fe 2002:a9fe:a9fe:: 2001:0:1:2:3:4:5601:5601"),
        ];
        for (expected, addresses) in cases {
            for text in addresses.split(' ') {
                let address: IpAddr = text.parse().unwrap();
                let allowed =
                    [Reach::Public, Reach::Loopback, Reach::Private].map(|reach| reach.allows(address));
                assert_eq!(allowed, expected, "{text}");
            }
        }
    }
}
