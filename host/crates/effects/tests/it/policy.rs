//! Addresses and URLs against an oracle that is slow, and written down plainly from the registries.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, LazyLock, Mutex};

use proptest::prelude::*;
use tokio::runtime::Runtime;
use wforge_effects::outbound::{
    Egress, EgressOptions, Names, Outbound as _, OutboundError, is_public,
};

use crate::servers::get;

/// Every range that is not public, as text: address and prefix.
const RANGES_V4: [&str; 16] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

const RANGES_V6: [&str; 13] = [
    "::/128",
    "::1/128",
    "::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/32",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

/// The bits of an address as a text of 0 and 1.
fn bits(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.octets().iter().map(|byte| format!("{byte:08b}")).collect(),
        IpAddr::V6(address) => address.octets().iter().map(|byte| format!("{byte:08b}")).collect(),
    }
}

fn is_in(range: &str, address: IpAddr) -> bool {
    let (network, prefix) = range.split_once('/').unwrap();
    let (network, prefix): (IpAddr, usize) = (network.parse().unwrap(), prefix.parse().unwrap());
    network.is_ipv4() == address.is_ipv4() && bits(network)[..prefix] == bits(address)[..prefix]
}

/// The address of version 4 that stands at that bit.
fn inner(address: Ipv6Addr, at: usize) -> IpAddr {
    let bits = &bits(IpAddr::V6(address))[at..at + 32];
    IpAddr::V4(Ipv4Addr::from(u32::from_str_radix(bits, 2).unwrap()))
}

fn oracle(address: IpAddr) -> bool {
    let IpAddr::V6(wide) = address else {
        return !RANGES_V4.iter().any(|range| is_in(range, address));
    };
    for (range, at) in [("::ffff:0:0/96", 96), ("64:ff9b::/96", 96), ("2002::/16", 16)] {
        if is_in(range, address) {
            return oracle(inner(wide, at));
        }
    }
    let is_handed_out = is_in("2000::/3", address);
    is_handed_out && !RANGES_V6.iter().any(|range| is_in(range, address))
}

/// Any address of version 4, and often one at the border of a range.
fn v4() -> impl Strategy<Value = Ipv4Addr> {
    let near = (prop::sample::select(&RANGES_V4[..]), any::<u32>(), any::<bool>());
    prop_oneof![
        any::<u32>().prop_map(Ipv4Addr::from),
        near.prop_map(|(range, noise, is_before)| {
            let (network, prefix) = range.split_once('/').unwrap();
            let first = u32::from(network.parse::<Ipv4Addr>().unwrap());
            let free = 32 - prefix.parse::<u32>().unwrap();
            let host = noise & 1_u32.checked_shl(free).map_or(u32::MAX, |top| top.wrapping_sub(1));
            Ipv4Addr::from(if is_before { first.wrapping_sub(1) } else { first | host })
        }),
    ]
}

/// Any address of version 6, and often one of a range or with one of version 4 inside.
fn v6() -> impl Strategy<Value = Ipv6Addr> {
    let wide = |high: u128, noise: u128, kept: u32| {
        let mask = u128::MAX.checked_shl(128 - kept).unwrap_or(0);
        Ipv6Addr::from((high & mask) | (noise & !mask))
    };
    let near = (prop::sample::select(&RANGES_V6[..]), any::<u128>(), 0..3_u32);
    let carried = (v4(), prop::sample::select(&[0_u8, 1, 2, 3][..]), any::<u64>());
    prop_oneof![
        any::<u128>().prop_map(Ipv6Addr::from),
        any::<u128>().prop_map(|noise| Ipv6Addr::from((noise >> 3) | (1_u128 << 125))),
        near.prop_map(move |(range, noise, shorter)| {
            let (network, prefix) = range.split_once('/').unwrap();
            let network = u128::from(network.parse::<Ipv6Addr>().unwrap());
            wide(network, noise, prefix.parse::<u32>().unwrap().saturating_sub(shorter))
        }),
        carried.prop_map(|(narrow, how, noise)| {
            let narrow = u128::from(u32::from(narrow));
            Ipv6Addr::from(match how {
                0 => (0xffff_u128 << 32) | narrow,
                1 => (0x0064_ff9b_u128 << 96) | narrow,
                2 => (0x2002_u128 << 112) | (narrow << 80) | u128::from(noise),
                _ => narrow,
            })
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn an_address_is_public_where_the_registries_say_so(
        address in prop_oneof![v4().prop_map(IpAddr::V4), v6().prop_map(IpAddr::V6)]
    ) {
        prop_assert_eq!(is_public(address), oracle(address), "{}", address);
    }
}

/// Ways to write an address of version 4 that browsers read.
fn written(address: Ipv4Addr, way: usize) -> String {
    let number = u32::from(address);
    let [a, b, c, d] = address.octets();
    let low = u32::from(c) << 8 | u32::from(d);
    match way % 9 {
        0 => address.to_string(),
        1 => number.to_string(),
        2 => format!("0x{number:x}"),
        3 => format!("0{number:o}"),
        4 => format!("{a}.{b}.{low}"),
        5 => format!("0x{a:X}.0{b:o}.{c}.{d}"),
        6 => format!("{a}.{}", u32::from(b) << 16 | low),
        7 => format!("{address}."),
        _ => format!("[::ffff:{address}]"),
    }
}

/// Says that names have an address of the documentation, and notes that it was asked.
#[derive(Debug, Default)]
struct Noted(Mutex<Vec<String>>);

impl Names for Noted {
    fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.0.lock().unwrap().push(name.to_owned());
        Ok(vec![[192, 0, 2, 1].into()])
    }
}

/// An outbound path without a server anywhere, used for all cases of a test.
struct Path {
    names: Arc<Noted>,
    egress: Egress,
    runtime: Mutex<Runtime>,
}

impl Path {
    fn new() -> Self {
        let names = Arc::<Noted>::default();
        let egress = Egress::with_names(EgressOptions::default(), names.clone()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { names, egress, runtime: Mutex::new(runtime) }
    }

    /// What it says of a URL.
    fn refusal(&self, url: &str) -> OutboundError {
        let tenant = "acme".parse().unwrap();
        let sent = self.egress.send(&tenant, get(url));
        self.runtime.lock().unwrap().block_on(sent).map(|_| ()).unwrap_err()
    }
}

static LITERALS: LazyLock<Path> = LazyLock::new(Path::new);
static URLS: LazyLock<Path> = LazyLock::new(Path::new);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_address_that_is_not_public_is_refused_however_it_is_written_and_without_a_lookup(
        address in v4().prop_filter("not public", |address| !oracle(IpAddr::V4(*address))),
        way in 0..9_usize,
    ) {
        let url = format!("http://{}/", written(address, way));
        let error = LITERALS.refusal(&url);
        prop_assert!(matches!(error, OutboundError::Forbidden { .. }), "{}: {:?}", url, error);
        prop_assert!(LITERALS.names.0.lock().unwrap().is_empty());
    }

    /// Whatever stands in a URL: it is refused before anything is sent, or it leads to the host
    /// that a plain reading finds between the scheme and the first of `/ ? #`.
    #[test]
    fn a_url_leads_where_a_plain_reading_says_or_nowhere(
        url in "https?://[a-z0-9.@:%\\\\\\[\\]#?/_ -]{1,24}"
    ) {
        let error = URLS.refusal(&url);
        let plain = url.split_once("://").unwrap().1;
        let plain = plain.split(['/', '?', '#']).next().unwrap().to_ascii_lowercase();
        match error {
            OutboundError::Invalid { .. } => {}
            OutboundError::Forbidden { host, .. } | OutboundError::Unreachable { host, .. } => {
                prop_assert!(!plain.contains('@') && !url.contains('\\'), "{} to {}", url, host);
                let is_name = host.parse::<IpAddr>().is_err() && !host.starts_with('[');
                let named = plain.rsplit_once(':').map_or(plain.as_str(), |(name, _)| name);
                if is_name && !plain.contains('%') && !plain.contains("xn--") {
                    prop_assert_eq!(&host, named, "{}", url);
                }
            }
            other => prop_assert!(false, "{}: {:?}", url, other),
        }
    }
}
