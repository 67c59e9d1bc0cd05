//! Hosts of a rule: a name, what is below a name, or an address.

use alloc::string::{String, ToString};
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::HttpRuleError;

/// The longest name and the longest label of DNS, in bytes.
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    Name(String),
    /// Names with one or more labels before this one, never the bare name.
    Below(String),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl Host {
    pub(super) fn parse(text: &str) -> Result<Self, HttpRuleError> {
        if let Some(inner) = text.strip_prefix('[') {
            let address = inner.strip_suffix(']').and_then(|inner| inner.parse().ok());
            return address.map(Self::V6).ok_or(HttpRuleError::HostBrackets);
        }
        if let Some(parent) = text.strip_prefix("*.") {
            return name(parent).map(Self::Below);
        }
        match text.parse() {
            Ok(address) => Ok(Self::V4(address)),
            Err(_) => name(text).map(Self::Name),
        }
    }

    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Below(parent), Self::Name(name)) => is_below(name, parent),
            (Self::Below(parent), Self::Below(name)) => name == parent || is_below(name, parent),
            (own, other) => own == other,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Below(parent) => write!(f, "*.{parent}"),
            Self::V4(address) => write!(f, "{address}"),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

/// Host and port of `host[:port]`.
pub(super) fn split_port(authority: &str) -> Result<(&str, Option<u16>), HttpRuleError> {
    let end = authority.find(']').map_or(0, |bracket| bracket + 1);
    let (bracketed, rest) = authority.split_at(end);
    let Some(colon) = rest.find(':') else {
        return Ok((authority, None));
    };
    let (host, port) = authority.split_at(bracketed.len() + colon);
    let port = port.strip_prefix(':').unwrap_or_default();
    if port.contains(':') {
        return Err(HttpRuleError::HostBrackets);
    }
    Ok((host, Some(self::port(port)?)))
}

fn port(text: &str) -> Result<u16, HttpRuleError> {
    // `parse` also takes a plus, and zeros in front.
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let number = text.parse().ok().filter(|_| is_plain);
    number.ok_or(HttpRuleError::Port)
}

fn is_below(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

fn name(text: &str) -> Result<String, HttpRuleError> {
    if !text.is_ascii() {
        return Err(HttpRuleError::HostLetters);
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(HttpRuleError::HostCapitals);
    }
    if text.len() > 1 && text.ends_with('.') {
        return Err(HttpRuleError::HostDot);
    }
    if text.len() > NAME_BYTES_MAX || !text.split('.').all(is_label) || ends_in_number(text) {
        return Err(HttpRuleError::Host);
    }
    Ok(text.to_string())
}

fn is_label(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LABEL_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

/// Whether others would read the name as an address in decimal, octal or hexadecimal.
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_hex = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    last.bytes().all(|byte| byte.is_ascii_digit()) || last.strip_prefix("0x").is_some_and(is_hex)
}
