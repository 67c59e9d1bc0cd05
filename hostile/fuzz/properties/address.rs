//! Which addresses may be reached. The oracle knows ranges by their first and last address as
//! numbers, from the registries of special addresses at IANA, and shares no code with the filter.
//!
//! A seed is an address as 4 or 16 bytes, or text: an address, a port, and exceptions, a line each.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "what does not hold panics, for fuzzer and test alike"
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use wforge_effects::outbound::{Exception, is_public, may_reach};

/// The IPv4 registry, with multicast and the addresses that clouds keep for their own.
const CLOSED_V4: [(&str, &str); 16] = [
    ("0.0.0.0", "0.255.255.255"),
    ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("168.63.129.16", "168.63.129.16"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"),
    ("192.0.2.0", "192.0.2.255"),
    ("192.88.99.0", "192.88.99.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("198.18.0.0", "198.19.255.255"),
    ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"),
    ("224.0.0.0", "239.255.255.255"),
    ("240.0.0.0", "255.255.255.255"),
];

/// What is not global unicast, and of that the protocols' and the documentation's.
const CLOSED_V6: [(&str, &str); 5] = [
    ("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
];

/// Ranges that hold an address of version 4, and by how many bits it is to be moved down.
const CARRIERS: [(&str, &str, u32); 3] = [
    ("::ffff:0:0", "::ffff:ffff:ffff", 0),
    ("64:ff9b::", "64:ff9b::ffff:ffff", 0),
    ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 80),
];

/// Whether it may be reached.
pub(crate) fn check(bytes: &[u8]) -> bool {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return check_address(IpAddr::V4(Ipv4Addr::from(octets)));
    }
    if let Ok(octets) = <[u8; 16]>::try_from(bytes) {
        return check_address(IpAddr::V6(Ipv6Addr::from(octets)));
    }
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let address = lines.next().and_then(|line| line.trim().parse().ok());
    let port = lines.next().and_then(|line| line.trim().parse().ok());
    let exceptions: Vec<(Exception, Range)> = lines.filter_map(exception).collect();
    let Some(address) = address else {
        return false;
    };
    check_address(address);
    let allow: Vec<Exception> = exceptions.iter().map(|(exception, _)| exception.clone()).collect();
    let expected = public(address) || exceptions.iter().any(|(_, range)| range.has(address, port));
    assert_eq!(may_reach(&allow, address, port), expected, "{text}");
    expected
}

fn check_address(address: IpAddr) -> bool {
    let expected = public(address);
    assert_eq!(is_public(address), expected, "{address}");
    assert_eq!(may_reach(&[], address, Some(443)), expected, "{address}");
    // The same address in the longer form is as public.
    if let IpAddr::V4(narrow) = address {
        assert_eq!(is_public(IpAddr::V6(narrow.to_ipv6_mapped())), expected, "{address}");
    }
    expected
}

fn public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !CLOSED_V4.iter().any(|(first, last)| {
            (number_v4(first)..=number_v4(last)).contains(&u128::from(u32::from(address)))
        }),
        IpAddr::V6(address) => {
            let number = u128::from(address);
            let is_in = |first, last| (number_v6(first)..=number_v6(last)).contains(&number);
            let carrier = CARRIERS.iter().find(|(first, last, _)| is_in(first, last));
            if let Some((_, _, shift)) = carrier {
                let narrow = (number >> shift) & 0xffff_ffff;
                let octets = [narrow >> 24, narrow >> 16, narrow >> 8, narrow].map(|n| n as u8);
                return public(IpAddr::V4(Ipv4Addr::from(octets)));
            }
            !CLOSED_V6.iter().any(|(first, last)| is_in(first, last))
        }
    }
}

fn number_v4(text: &str) -> u128 {
    text.split('.').fold(0, |sum, part| sum * 256 + part.parse::<u128>().expect("a number"))
}

fn number_v6(text: &str) -> u128 {
    u128::from(text.parse::<Ipv6Addr>().expect("an address"))
}

/// The numbers that an exception is for: of version 4 those of `::ffff:0:0/96`.
struct Range {
    ranges: Vec<(u128, u128)>,
    port: Option<u16>,
}

const MAPPED: u128 = 0xffff_0000_0000;

impl Range {
    fn has(&self, address: IpAddr, port: Option<u16>) -> bool {
        let number = match address {
            IpAddr::V4(address) => MAPPED + u128::from(u32::from(address)),
            IpAddr::V6(address) => u128::from(address),
        };
        let is_v4 = |number: u128| number >> 32 == MAPPED >> 32;
        (self.port.is_none() || self.port == port)
            // Of version 6 a range may lie around the mapped ones, and is not for those.
            && self.ranges.iter().any(|(first, last)| {
                *first <= number && number <= *last && is_v4(*first) == is_v4(number)
            })
    }
}

/// A line that the host takes for an exception, and what it is for.
fn exception(line: &str) -> Option<(Exception, Range)> {
    let exception: Exception = line.parse().ok()?;
    let shown = exception.to_string();
    assert_eq!(shown.parse().as_ref(), Ok(&exception), "{line} is shown as {shown}");
    let range = range(line).unwrap_or_else(|| panic!("{line:?} is taken for an exception"));
    Some((exception, range))
}

fn range(line: &str) -> Option<Range> {
    if let Some(rest) = line.strip_prefix("localhost") {
        let first = MAPPED + number_v4("127.0.0.0");
        let ranges = vec![(first, MAPPED + number_v4("127.255.255.255")), (1, 1)];
        return Some(Range { ranges, port: port(rest)? });
    }
    let (address, rest) = match line.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => line.split_at(line.find(['/', ':']).unwrap_or(line.len())),
    };
    let address: IpAddr = address.parse().ok()?;
    let (number, width) = match address {
        IpAddr::V4(address) => (MAPPED + u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let (prefix, rest) = match rest.strip_prefix('/') {
        Some(rest) => rest.split_at(rest.find(':').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let prefix: u32 = if prefix.is_empty() { width } else { prefix.parse().ok()? };
    let mut size = 1_u128;
    for _ in prefix..width {
        size = size.wrapping_mul(2);
    }
    // All of version 6 is one more than a number holds.
    let last = number.wrapping_add(size.wrapping_sub(1));
    Some(Range { ranges: vec![(number, last)], port: port(rest)? })
}

/// None inside: each port.
fn port(rest: &str) -> Option<Option<u16>> {
    match rest.strip_prefix(':') {
        Some(port) => port.parse().ok().map(Some),
        None => rest.is_empty().then_some(None),
    }
}
