//! Personal data: mail addresses, bank accounts, payment cards, telephone numbers and addresses of
//! machines. Numbers with check digits count only where these are right.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use crate::Kind;
use crate::span::{Span, digits, is_inside_word, runs, trim};

pub(crate) fn find(line: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    if line.contains('@') {
        spans.extend(runs(line, is_email_part).filter_map(email));
    }
    spans.extend(runs(line, is_account_part).filter_map(|run| iban(line, run)));
    spans.extend(runs(line, |c| c.is_ascii_digit() || " -".contains(c)).filter_map(|run| {
        let run = trim(run, &[' ', '-']);
        (is_card(run.1) && !is_inside_word(line, &run.0))
            .then_some(Span { kind: Kind::CreditCard, bytes: run.0 })
    }));
    spans.extend(runs(line, is_ip_part).filter_map(|run| ip_address(line, run)));
    spans.extend(runs(line, is_phone_part).filter_map(|run| phone(line, run)));
    spans
}

fn is_email_part(c: char) -> bool {
    c.is_alphanumeric() || "@.!#$%&'*+/=?^_{|}~-".contains(c)
}

fn email(run: (Range<usize>, &str)) -> Option<Span> {
    let (bytes, text) = trim(run, &['.', '*', '_', '\'', '!', '?', '/', '=', '|', '~']);
    let (name, domain) = text.split_once('@')?;
    let (_, top) = domain.rsplit_once('.')?;
    let right = !name.is_empty()
        && !name.contains("..")
        && domain.split('.').all(is_label)
        && top.len() >= 2
        && top.chars().all(char::is_alphabetic);
    right.then_some(Span { kind: Kind::Email, bytes })
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_alphanumeric() || c == '-')
}

fn is_account_part(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' '
}

/// The longest written IBAN, with its blanks, in bytes.
const IBAN_BYTES_MAX: usize = 42;

/// Other words in capitals may stand around it, so each word can begin it and each can end it.
fn iban(line: &str, (run, text): (Range<usize>, &str)) -> Option<Span> {
    let blanks = || text.match_indices(' ').map(|(at, _)| at);
    for begin in std::iter::once(0).chain(blanks().map(|at| at + 1)) {
        let rest = text.get(begin..)?;
        if !is_iban_head(rest) {
            continue;
        }
        let short = rest.get(..IBAN_BYTES_MAX).unwrap_or(rest);
        let ends = short.match_indices(' ').map(|(at, _)| at).chain([short.len()]);
        let found = ends.map(|end| run.start + begin..run.start + begin + end).find(|bytes| {
            line.get(bytes.clone()).is_some_and(is_iban) && !is_inside_word(line, bytes)
        });
        if let Some(bytes) = found {
            return Some(Span { kind: Kind::Iban, bytes });
        }
    }
    None
}

fn is_iban_head(text: &str) -> bool {
    let mut head = text.chars().take(4).enumerate();
    text.len() >= 4
        && head.all(|(at, c)| if at < 2 { c.is_ascii_uppercase() } else { c.is_ascii_digit() })
}

/// ISO 13616: country, check digits and account, of which the whole is 1 modulo 97.
fn is_iban(text: &str) -> bool {
    let compact: String = text.chars().filter(|c| *c != ' ').collect();
    let (Some(head), Some(account)) = (compact.get(..4), compact.get(4..)) else { return false };
    let (country, check) = head.split_at(2);
    let shape = (15..=34).contains(&compact.len())
        && country.chars().all(|c| c.is_ascii_uppercase())
        && check.chars().all(|c| c.is_ascii_digit());
    let moved = account.chars().chain(head.chars());
    let remainder = moved
        .filter_map(|c| c.to_digit(36))
        .fold(0, |rest, value| (if value > 9 { rest * 100 } else { rest * 10 } + value) % 97);
    shape && remainder == 1
}

/// 13 to 19 digits that a card could begin with, with the check digit of ISO 7812 (Luhn).
fn is_card(text: &str) -> bool {
    let digits = digits(text);
    let sum: u32 = digits.iter().rev().enumerate().map(|(at, digit)| luhn(at, *digit)).sum();
    (13..=19).contains(&digits.len())
        && matches!(digits.first(), Some(2..=6))
        && digits.iter().any(|digit| Some(digit) != digits.first())
        && sum.is_multiple_of(10)
}

fn luhn(at: usize, digit: u32) -> u32 {
    match (at % 2, digit * 2) {
        (0, _) => digit,
        (_, double) if double > 9 => double - 9,
        (_, double) => double,
    }
}

fn is_ip_part(c: char) -> bool {
    c.is_ascii_hexdigit() || c == '.' || c == ':'
}

fn ip_address(line: &str, run: (Range<usize>, &str)) -> Option<Span> {
    let (bytes, text) = trim(run, &['.']);
    // A port after the address, or the colon of a sentence.
    let text = match text.matches(':').count() {
        0 => text,
        1 => text.split(':').next()?,
        _ => text,
    };
    let bytes = bytes.start..bytes.start + text.len();
    let before = line.get(..bytes.start)?.chars().next_back();
    let version = before.is_some_and(|c| c.is_alphanumeric() || ".-_/".contains(c) && c != '/');
    (!version && !is_inside_word(line, &bytes) && is_somebody(text))
        .then_some(Span { kind: Kind::IpAddress, bytes })
}

/// An address that leads to somebody: not this machine, not nobody.
fn is_somebody(text: &str) -> bool {
    let four = text.parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    let six = || {
        let long = text.len() >= 6 && text.matches(':').count() >= 2;
        long.then(|| text.parse::<Ipv6Addr>().ok().map(IpAddr::V6)).flatten()
    };
    four.or_else(six).is_some_and(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

fn is_phone_part(c: char) -> bool {
    c.is_ascii_digit() || "+() -/.".contains(c)
}

/// `+49 30 1234567`, `(030) 123 45 67`, `030/1234567`: a plus or a leading zero or bracket, and
/// groups that no date or version has.
fn phone(line: &str, run: (Range<usize>, &str)) -> Option<Span> {
    let (bytes, text) = trim(run, &[' ', '-', '/', '.', ')']);
    let text = text.strip_suffix('(').unwrap_or(text).trim_end();
    let bytes = bytes.start..bytes.start + text.len();
    let digits = digits(text).len();
    let international = text.starts_with('+') && (8..=15).contains(&digits);
    let national = (text.starts_with("(0") || text.starts_with('0') && text.contains([' ', '/']))
        && (8..=13).contains(&digits)
        && !text.contains('.');
    let one = text.matches('+').count() <= 1 && !text.contains("  ");
    ((international || national) && one && !is_inside_word(line, &bytes))
        .then_some(Span { kind: Kind::Phone, bytes })
}
