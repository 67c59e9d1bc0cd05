//! Exceptions that the operator makes for addresses that are not public, such as a model's server
//! on the same machine.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::addresses::{Network, is_public};

/// Addresses that may be reached although they are not public, written `address[/prefix][:port]`:
/// `127.0.0.1:8080`, `10.0.0.0/8`, `[fd00::]/8:443`; `localhost[:port]` stands for this machine in
/// both versions. Other names are none: an exception is for addresses, to which names are resolved
/// first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    whom: Whom,
    /// None: each.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Whom {
    Localhost,
    Network(Network),
}

/// Text that is no exception.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no exception: {reason}")]
pub struct ParseExceptionError {
    text: String,
    reason: &'static str,
}

const SHAPE: &str = "write an address, with a prefix and a port where they are meant: \
                     127.0.0.1:8080, 10.0.0.0/8, [fd00::]/8:443 or localhost:8080";
const BRACKETS: &str = "write an address of version 6 in brackets, such as [::1]:8080";
const MAPPED: &str = "write an address of version 4 as such, not inside of one of version 6";
const PREFIX: &str = "a prefix is a number of bits, at most 32, of version 6 at most 128";
const HOST_BITS: &str = "the address has bits beyond its prefix: write the first of the network";
const PORT: &str = "a port is a number from 1 to 65535";

impl Exception {
    /// The port that it is for; none: each.
    pub(crate) const fn port(&self) -> Option<u16> {
        self.port
    }

    fn holds(&self, address: IpAddr, port: Option<u16>) -> bool {
        let has_port = self.port.is_none() || self.port == port;
        has_port
            && match &self.whom {
                Whom::Localhost => address.to_canonical().is_loopback(),
                Whom::Network(network) => network.contains(address),
            }
    }
}

/// Whether that address may be reached at that port. No port stands for one that no exception
/// names.
#[must_use]
pub fn may_reach(allow: &[Exception], address: IpAddr, port: Option<u16>) -> bool {
    is_public(address) || allow.iter().any(|exception| exception.holds(address, port))
}

impl FromStr for Exception {
    type Err = ParseExceptionError;

    fn from_str(text: &str) -> Result<Self, ParseExceptionError> {
        parse(text).map_err(|reason| ParseExceptionError { text: text.to_owned(), reason })
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.whom {
            Whom::Localhost => f.write_str("localhost")?,
            Whom::Network(Network { address: IpAddr::V4(address), prefix }) => {
                write!(f, "{address}/{prefix}")?;
            }
            Whom::Network(Network { address: IpAddr::V6(address), prefix }) => {
                write!(f, "[{address}]/{prefix}")?;
            }
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

fn parse(text: &str) -> Result<Exception, &'static str> {
    if let Some(rest) = text.strip_prefix("localhost") {
        return Ok(Exception { whom: Whom::Localhost, port: port(rest)? });
    }
    let (address, rest) = address(text)?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let (prefix, rest) = prefix(rest, width)?;
    let network = Network { address, prefix };
    if first_of(network) != address {
        return Err(HOST_BITS);
    }
    Ok(Exception { whom: Whom::Network(network), port: port(rest)? })
}

/// The address at the beginning and what follows it.
fn address(text: &str) -> Result<(IpAddr, &str), &'static str> {
    if let Some(inner) = text.strip_prefix('[') {
        let (address, rest) = inner.split_once(']').ok_or(BRACKETS)?;
        let address: Ipv6Addr = address.parse().map_err(|_| BRACKETS)?;
        // It would hold for nothing: whatever is reached is known by its version 4 alone.
        return match address.to_ipv4_mapped() {
            Some(_) => Err(MAPPED),
            None => Ok((IpAddr::V6(address), rest)),
        };
    }
    if text.parse::<Ipv6Addr>().is_ok() || text.contains("::") {
        return Err(BRACKETS);
    }
    let (address, rest) = text.split_at(text.find(['/', ':']).unwrap_or(text.len()));
    Ok((IpAddr::V4(address.parse::<Ipv4Addr>().map_err(|_| SHAPE)?), rest))
}

/// The prefix at the beginning, all bits where none is written, and what follows it.
fn prefix(text: &str, width: u8) -> Result<(u8, &str), &'static str> {
    let Some(text) = text.strip_prefix('/') else {
        return Ok((width, text));
    };
    let (prefix, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
    let bits = number(prefix).and_then(|bits| u8::try_from(bits).ok());
    Ok((bits.filter(|bits| *bits <= width).ok_or(PREFIX)?, rest))
}

fn port(text: &str) -> Result<Option<u16>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let port = number(text.strip_prefix(':').ok_or(SHAPE)?);
    port.filter(|port| *port > 0).map(Some).ok_or(PORT)
}

fn number(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

fn first_of(network: Network) -> IpAddr {
    let free = |width: u32| width.saturating_sub(u32::from(network.prefix));
    match network.address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(free(32)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from(u32::from(address) & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(free(128)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(address) & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Exception, may_reach};

    #[test]
    fn an_exception_reads_and_writes_itself() {
        for (text, expected) in [
            ("127.0.0.1:8080", "127.0.0.1/32:8080"),
            ("127.0.0.1/32:8080", "127.0.0.1/32:8080"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("localhost", "localhost"),
            ("localhost:11434", "localhost:11434"),
            ("[::1]", "[::1]/128"),
            ("[fd00::]/8:443", "[fd00::]/8:443"),
            ("[::]/0", "[::]/0"),
        ] {
            let exception: Exception = text.parse().unwrap();
            assert_eq!(exception.to_string(), expected, "{text}");
            assert_eq!(expected.parse(), Ok(exception), "{text}");
        }
    }

    #[test]
    fn what_is_no_exception_is_refused_in_words() {
        let check = |reason: &str, texts: &[&str]| {
            for text in texts {
                let error = text.parse::<Exception>().map(|exception| exception.to_string());
                let error = error.expect_err(text).to_string();
                assert!(error.contains(reason), "\"{text}\": {error}");
            }
        };
        check(
            "write an address",
            &["", "db.internal", "*", "10.0", "127.1:80", "0x7f.0.0.1", "[::1]80"],
        );
        check("write an address", &["localhosts", "localhost.evil.example:80", "http://127.0.0.1"]);
        check("in brackets", &["::1", "fd00::/8", "[::1", "[127.0.0.1]", "[fd00::/8]"]);
        check(
            "a prefix is",
            &["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "[::]/129", "10.0.0.0/+8"],
        );
        check("of version 4 as such", &["[::ffff:10.0.0.0]/104", "[::ffff:a00:1]:80"]);
        check("bits beyond", &["10.0.0.1/8", "[fd00::1]/8", "1.0.0.0/0"]);
        check(
            "a port is",
            &["127.0.0.1:0", "127.0.0.1:", "localhost:65536", "[::1]:x", "10.0.0.0/8:+1"],
        );
    }

    /// Whether the address may be reached at that port under these exceptions.
    fn check(allow: &str, address: &str, port: u16, expected: bool) {
        let allow: Vec<Exception> =
            allow.split_whitespace().map(|text| text.parse().unwrap()).collect();
        let reached = may_reach(&allow, address.parse().unwrap(), Some(port));
        assert_eq!(reached, expected, "{address} at {port} under {allow:?}");
    }

    #[test]
    fn an_exception_is_for_its_addresses_and_its_port() {
        check("", "8.8.8.8", 80, true);
        check("", "127.0.0.1", 80, false);
        check("127.0.0.1:8080", "127.0.0.1", 8080, true);
        check("127.0.0.1:8080", "::ffff:127.0.0.1", 8080, true);
        check("127.0.0.1:8080", "127.0.0.1", 8081, false);
        check("127.0.0.1:8080", "127.0.0.2", 8080, false);
        check("10.0.0.0/8", "10.255.255.255", 1, true);
        check("10.0.0.0/8", "11.0.0.0", 1, true);
        check("10.0.0.0/8", "9.255.255.255", 1, true);
        check("10.0.0.0/8", "192.168.0.1", 1, false);
        check("10.0.0.0/9", "10.128.0.0", 1, false);
        check("10.0.0.0/8 192.168.0.0/16", "192.168.7.7", 1, true);
        check("10.0.0.0/8", "64:ff9b::a00:1", 1, false);
        check("10.0.0.0/8", "2002:a00:1::", 1, false);
        check("localhost:80", "127.8.8.8", 80, true);
        check("localhost:80", "::1", 80, true);
        check("localhost:80", "::1", 81, false);
        check("localhost", "10.0.0.1", 80, false);
        check("[fd00::]/8", "fdff::1", 80, true);
        check("[fd00::]/8", "fe80::1", 80, false);
        check("0.0.0.0/0", "169.254.169.254", 80, true);
        check("0.0.0.0/0", "::1", 80, false);
        check("[::]/0", "::1", 80, true);
    }

    #[test]
    fn a_port_that_no_exception_names_gets_only_those_for_each() {
        let allow: Vec<Exception> = vec!["127.0.0.1:80".parse().unwrap(), "[::1]".parse().unwrap()];
        assert!(!may_reach(&allow, "127.0.0.1".parse().unwrap(), None));
        assert!(may_reach(&allow, "::1".parse().unwrap(), None));
    }
}
