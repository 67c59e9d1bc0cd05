//! Which addresses are those of the public internet, and so may be reached by whoever has a grant
//! for the host.
//!
//! Of version 6 only what is handed out for unicast (2000::/3) is public, and the three forms that
//! carry an address of version 4 are as public as that. The rest is named range by range.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ranges of version 4 that lead to this machine, to its neighbours, to many at once or nowhere.
const SPECIAL_V4: [Network; 16] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    // Instance metadata of every large cloud.
    v4([169, 254, 0, 0], 16),
    // The control channel of virtual machines on Azure: by its range public, by its use not.
    v4([168, 63, 129, 16], 32),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// Global unicast of version 6.
const UNICAST: Network = v6([0x2000, 0], 3);
/// What within it is for protocols (Teredo among them), documentation and documentation again.
const SPECIAL_V6: [Network; 3] =
    [v6([0x2001, 0], 23), v6([0x2001, 0xdb8], 32), v6([0x3fff, 0], 20)];
/// Addresses of version 4 in their last 32 bits, translated by a gateway of the network.
const NAT64: Network = v6([0x64, 0xff9b], 96);
/// Addresses of version 4 in the bits after the first 16.
const SIX_TO_FOUR: Network = v6([0x2002, 0], 16);

/// Whether the address is one of the public internet.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(_) => !SPECIAL_V4.iter().any(|special| special.contains(address)),
        IpAddr::V6(wide) => match embedded(wide) {
            Some(narrow) => is_public(IpAddr::V4(narrow)),
            None => {
                UNICAST.contains(address)
                    && !SPECIAL_V6.iter().any(|special| special.contains(address))
            }
        },
    }
}

/// The address of version 4 to which a translator or a relay passes this one on.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [_, a, b, _, _, _, c, d] = address.segments();
    let narrow = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    if NAT64.contains(IpAddr::V6(address)) {
        return Some(narrow(c, d));
    }
    SIX_TO_FOUR.contains(IpAddr::V6(address)).then(|| narrow(a, b))
}

/// The addresses that share their first bits with this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
}

impl Network {
    /// Whether it contains the address; one of version 4 that is written as version 6 is that.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differing = u32::from(own) ^ u32::from(other);
                self.host_bits(32).is_none_or(|bits| differing >> bits == 0)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differing = u128::from(own) ^ u128::from(other);
                self.host_bits(128).is_none_or(|bits| differing >> bits == 0)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// How many bits after the prefix are free; none where all of them are.
    fn host_bits(&self, width: u32) -> Option<u32> {
        let bits = width.saturating_sub(u32::from(self.prefix));
        (bits < width).then_some(bits)
    }
}

const fn v4(octets: [u8; 4], prefix: u8) -> Network {
    let [a, b, c, d] = octets;
    Network { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
}

/// The network whose address begins with these two groups.
const fn v6(groups: [u16; 2], prefix: u8) -> Network {
    let [a, b] = groups;
    Network { address: IpAddr::V6(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0)), prefix }
}
