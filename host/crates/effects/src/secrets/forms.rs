//! The forms in which a secret is looked for: as it is, in base64 at each of its three alignments,
//! in hexadecimal digits, in percent-encoding and inside JSON text.
//!
//! Whoever sees a secret can write it in a form that nobody thought of; this is against accidents
//! and against the simple ways, and `secret:<name>:reveal` stays a grant of its own.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// All forms of a value, each once.
pub(super) fn forms(value: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::from([value.to_owned(), in_json(value)]);
    for alignment in 0..3 {
        forms.insert(in_base64(value, alignment, |bytes| STANDARD_NO_PAD.encode(bytes)));
        forms.insert(in_base64(value, alignment, |bytes| URL_SAFE_NO_PAD.encode(bytes)));
    }
    forms.insert(hex(value, |byte| format!("{byte:02x}")));
    forms.insert(hex(value, |byte| format!("{byte:02X}")));
    // What is left as it is differs: RFC 3986, JavaScript's `encodeURIComponent` and `encodeURI`,
    // and nothing at all.
    for kept in ["-_.~", "-_.~!*'()", "-_.~!*'();/?:@&=+$,#", "*-._"] {
        for digits in [upper, lower] {
            let escaped = percent(value, kept, digits);
            forms.insert(escaped.replace("%20", "+"));
            forms.insert(escaped);
        }
    }
    forms.insert(value.bytes().map(upper).collect());
    forms.insert(value.bytes().map(lower).collect());
    forms
}

/// The digits that the value alone decides, when so many bytes stand before it in their group.
fn in_base64(value: &str, alignment: usize, encode: impl Fn(&[u8]) -> String) -> String {
    let mut bytes = vec![0; alignment];
    bytes.extend_from_slice(value.as_bytes());
    let encoded = encode(&bytes);
    // A digit has 6 bits: those of the first that a byte before it shares, and those of the last
    // that one after it shares, are left out.
    let first = (alignment * 8).div_ceil(6);
    let end = bytes.len() * 8 / 6;
    encoded.get(first..end).unwrap_or_default().to_owned()
}

fn hex(value: &str, digits: impl Fn(u8) -> String) -> String {
    value.bytes().map(digits).collect()
}

fn percent(value: &str, kept: &str, digits: fn(u8) -> String) -> String {
    let is_kept = |byte: u8| byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte);
    let escape = |byte: u8| if is_kept(byte) { char::from(byte).to_string() } else { digits(byte) };
    value.bytes().map(escape).collect()
}

fn upper(byte: u8) -> String {
    format!("%{byte:02X}")
}

fn lower(byte: u8) -> String {
    format!("%{byte:02x}")
}

fn in_json(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    /// Whether one of the forms stands in that text.
    fn is_found(value: &str, text: &str) -> bool {
        forms(value).iter().any(|form| text.contains(form.as_str()))
    }

    #[test]
    fn base64_is_found_wherever_the_value_stands_in_what_was_encoded() {
        let value = "s3cr?t>>~value/9";
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "z", "zz", "zzz", "\n"] {
                let text = format!("{before}{value}{after}");
                for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
                    assert!(is_found(value, &encoded), "{text:?} as {encoded}");
                }
            }
        }
    }

    #[test]
    fn the_digits_of_base64_are_the_values_alone() {
        assert_eq!(in_base64("12345678", 0, |bytes| STANDARD.encode(bytes)), "MTIzNDU2Nz");
        assert_eq!(in_base64("12345678", 1, |bytes| STANDARD.encode(bytes)), "EyMzQ1Njc4");
        assert_eq!(in_base64("12345678", 2, |bytes| STANDARD.encode(bytes)), "xMjM0NTY3O");
    }

    #[test]
    fn every_way_of_writing_it_is_found() {
        let value = "a b/c+d=e\"f\\g";
        for text in [
            "x a b/c+d=e\"f\\g y",
            "6120622f632b643d6522665c67",
            "6120622F632B643D6522665C67",
            "?q=a%20b%2Fc%2Bd%3De%22f%5Cg",
            "?q=a%20b%2fc%2bd%3de%22f%5cg",
            "q=a+b%2Fc%2Bd%3De%22f%5Cg",
            "/a%20b/c+d=e%22f%5Cg",
            "%61%20%62%2F%63%2B%64%3D%65%22%66%5C%67",
            r#"{"k":"a b/c+d=e\"f\\g"}"#,
        ] {
            assert!(is_found(value, text), "{text}");
        }
        assert!(!is_found(value, "a b/c+d=e"));
    }
}
