//! Where a request goes and whether a rule covers it. The oracle reads both again in the simplest
//! way: it takes the host's canonical form apart by hand, derives it from the text where that is
//! plain, and compares part by part.
//!
//! A seed is three lines: a method, a URL and a rule.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what does not hold panics, for fuzzer and test alike"
)]

use std::net::{Ipv4Addr, Ipv6Addr};

use wforge_effects::Target;
use wforge_model::{Capability, HttpRule};

/// Whether the rule covers the request.
pub(crate) fn check(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default().trim_end_matches('\r');
    let (method, url, rule) = (line(), line(), line());
    let is_rule = HttpRule::parse(rule).is_ok();
    let Ok(target) = Target::read(method, url) else {
        assert!(expected(url).is_none() || !is_method(method), "{method} {url} is refused");
        return false;
    };
    let place = Place::of(target.url());
    check_form(method, &target, &place);
    if let Some(expected) = expected(url) {
        assert_eq!(target.url(), expected, "{url}");
    }
    let wanted = Capability::of("http", target.rule());
    let covered = Capability::of("http", rule).covers(&wanted);
    assert_eq!(covered, is_rule && covers(rule, method, &place), "{rule:?} for {wanted}");
    assert!(Capability::of("http", "*").covers(&wanted), "{wanted}");
    assert!(wanted.covers(&wanted), "{wanted}");
    covered
}

/// What every URL that is sent to is like.
fn check_form(method: &str, target: &Target, place: &Place<'_>) {
    let url = target.url();
    assert!(is_method(method), "{method}");
    assert!(url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'), "{url}");
    assert!(matches!(place.scheme, "http" | "https"), "{url}");
    assert!(!place.host.is_empty() && !place.host.ends_with('.'), "{url}");
    assert!(place.port > 0 && !url.contains('#'), "{url}");
    let is_letter = |c: char| !c.is_ascii_uppercase() && !"@/?#%<>^|\"`{}".contains(c);
    assert!(place.host.chars().all(is_letter), "{url}");
    let segments = place.path.strip_prefix('/').expect("a path").split('/');
    let is_dots = |segment: &str| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    };
    assert!(!segments.into_iter().any(is_dots), "{url}");
    // Read again it is the same: what was checked is what is sent.
    let again = Target::read(method, url).expect("it was read before");
    assert_eq!((again.url(), again.rule()), (url, target.rule()));
    // An address is written in the one form by which it is checked.
    let inner = place.host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = inner.parse::<Ipv4Addr>() {
        assert_eq!(inner, address.to_string(), "{url}");
    } else if place.host.starts_with('[') {
        assert_eq!(inner, compressed(inner.parse().expect("an address")), "{url}");
    } else {
        assert!(!ends_in_number(inner), "{url}");
    }
}

fn is_method(method: &str) -> bool {
    let is_plain = method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    (1..=32).contains(&method.len()) && is_plain && !["CONNECT", "TRACE"].contains(&method)
}

/// The parts of a canonical URL.
#[derive(Debug, PartialEq)]
struct Place<'a> {
    scheme: &'a str,
    host: &'a str,
    port: u32,
    path: &'a str,
}

impl<'a> Place<'a> {
    fn of(url: &'a str) -> Self {
        let (scheme, rest) = url.split_once("://").expect("a scheme");
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let path = rest.split('?').next().unwrap_or_default();
        let (host, port) = split_port(authority);
        let by_default = if scheme == "https" { 443 } else { 80 };
        Self { scheme, host, port: port.unwrap_or(by_default), path }
    }
}

fn split_port(authority: &str) -> (&str, Option<u32>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse().expect("a port"))),
        _ => (authority, None),
    }
}

/// Whether a rule, known to be one, covers the request.
fn covers(rule: &str, method: &str, place: &Place<'_>) -> bool {
    let begins = |c: char| c.is_ascii_uppercase() || c == '-' || c == ',';
    let rest = match rule.split_once('@') {
        Some((methods, rest)) if methods.chars().all(begins) => {
            if !methods.split(',').any(|one| one == method) {
                return false;
            }
            rest
        }
        _ => rule,
    };
    if rest == "*" {
        return true;
    }
    let (scheme, rest) = match rest.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => (scheme, rest),
        _ => ("https", rest),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = split_port(authority);
    let by_default = if scheme == "https" { 443 } else { 80 };
    scheme == place.scheme
        && port.unwrap_or(by_default) == place.port
        && covers_host(host, place.host)
        && covers_path(path, &place.path.replace('*', "%2A"))
}

fn covers_host(rule: &str, host: &str) -> bool {
    if let Some(inner) = rule.strip_prefix('[') {
        let parse = |text: &str| text.trim_end_matches(']').parse::<Ipv6Addr>().ok();
        return host.strip_prefix('[').and_then(parse) == parse(inner) && host.starts_with('[');
    }
    match rule.strip_prefix("*.") {
        Some(parent) => {
            let own: Vec<&str> = host.rsplit('.').collect();
            let above: Vec<&str> = parent.rsplit('.').collect();
            let is_name = !host.starts_with('[') && host.parse::<Ipv4Addr>().is_err();
            is_name && own.len() > above.len() && own[..above.len()] == above[..]
        }
        None => rule == host,
    }
}

fn covers_path(rule: &str, path: &str) -> bool {
    if rule.is_empty() {
        return true;
    }
    let below = rule.strip_suffix('*').unwrap_or(rule);
    if !below.ends_with('/') {
        return rule == path;
    }
    path.starts_with(below) && !decodes_otherwise(path)
}

/// Whether a server that decodes once or twice sees other segments than are written.
fn decodes_otherwise(path: &str) -> bool {
    let Some(once) = decoded(path) else { return true };
    let slashes = |path: &str| path.matches(['/', '\\']).count();
    let is_dots = |one: &str| matches!(one.split(';').next(), Some("." | ".."));
    let lower = path.to_ascii_lowercase();
    // A percent sign that is escaped, and may begin an escape again.
    let begins_again = |after: &str| after.starts_with(|c: char| c == '%' || c.is_ascii_hexdigit());
    path.split('/').any(is_dots)
        || lower.contains("%2e")
        || slashes(&once) != slashes(path)
        || lower.split("%25").skip(1).any(begins_again)
}

/// With each escape replaced; none where one is broken.
fn decoded(path: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| (byte? as char).to_digit(16);
        let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// The canonical form of a URL that is plain enough to derive it by hand: of printable ASCII, its
/// host without escapes and without names in another alphabet.
fn expected(url: &str) -> Option<String> {
    if url.len() > 2_048 || !url.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return None;
    }
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let host = plain_host(host)?;
    let port = match port {
        Some(port) => Some(plain_port(port)?),
        None => None,
    };
    let port = port.filter(|port| *port != if scheme == "https" { 443 } else { 80 });
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    let query = query.map_or_else(String::new, |query| format!("?{}", escaped(query, "\"<>'")));
    let url = format!("{scheme}://{host}{port}{}{query}", without_dots(path));
    // What such a path stands for cannot be said, so that nothing is sent there.
    let path = Place::of(&url).path;
    (!path.ends_with('/') || !decodes_otherwise(path)).then(|| url.clone())
}

fn plain_port(text: &str) -> Option<u32> {
    let is_plain = !text.is_empty() && text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|port| is_plain && (1..=65_535).contains(port))
}

fn plain_host(text: &str) -> Option<String> {
    if let Some(inner) = text.strip_prefix('[') {
        let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{}]", compressed(address)));
    }
    let host = text.to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with("xn--")
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    let name = host.strip_suffix('.').unwrap_or(&host);
    if name.len() > 253 || !name.split('.').all(is_label) {
        return None;
    }
    if ends_in_number(name) {
        return number_of(name).map(|number| Ipv4Addr::from(number).to_string());
    }
    (name == host).then_some(host)
}

/// Whether a browser would read the name as an address.
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    hex || !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit())
}

/// An address of version 4 of one to four numbers, each decimal, octal or hexadecimal.
fn number_of(name: &str) -> Option<u32> {
    let parts: Vec<&str> = name.split('.').collect();
    let number = |text: &str| match text.strip_prefix("0x") {
        Some("") => Some(0),
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None if text.len() > 1 && text.starts_with('0') => u64::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    };
    let numbers: Vec<u64> = parts.iter().map(|part| number(part)).collect::<Option<_>>()?;
    let (last, before) = numbers.split_last()?;
    if numbers.len() > 4 || before.iter().any(|number| *number > 255) {
        return None;
    }
    let free_bits = 32 - 8 * before.len();
    if *last >= 1_u64 << free_bits {
        return None;
    }
    let high = before.iter().fold(0_u64, |sum, number| sum << 8 | number);
    u32::try_from(high << free_bits | last).ok()
}

/// Eight groups, of which the first longest run of two or more zeros is left out.
fn compressed(address: Ipv6Addr) -> String {
    let groups = address.segments();
    let run = |start: usize| groups[start..].iter().take_while(|group| **group == 0).count();
    let longest = (0..8)
        .map(|start| (run(start), start))
        .fold((0, 0), |best, next| if next.0 > best.0 { next } else { best });
    let shown = |groups: &[u16]| {
        groups.iter().map(|group| format!("{group:x}")).collect::<Vec<_>>().join(":")
    };
    match longest {
        (length, start) if length > 1 => {
            format!("{}::{}", shown(&groups[..start]), shown(&groups[start + length..]))
        }
        _ => shown(&groups),
    }
}

/// The path without `.` and `..`, an escaped dot being one, by RFC 3986, 5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    for (place, segment) in segments.iter().enumerate() {
        let is_last = place + 1 == segments.len();
        match segment.to_ascii_lowercase().replace("%2e", ".").as_str() {
            "." if is_last => kept.push(""),
            "." => {}
            ".." => {
                kept.pop();
                if is_last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    escaped(&format!("/{}", kept.join("/")), "\"<>`{}")
}

fn escaped(text: &str, special: &str) -> String {
    let escape = |c: char| match special.contains(c) {
        true => format!("%{:02X}", c as u32),
        false => c.to_string(),
    };
    text.chars().map(escape).collect()
}
