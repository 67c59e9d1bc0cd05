//! Signatures and public keys of minisign, as text that strangers send. What is taken has the form
//! that is read here once more; and of the four bytes `test` one signature alone is right, however
//! it is written.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "what does not hold panics, for fuzzer and test alike"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wforge_engine::{Minisign, PublicKey};

const BYTES_MAX: usize = 4 << 10;
/// Made by the program minisign: the key of its manual, and what it signed.
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const RIGHT: [&str; 3] = [
    "RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=",
    "trusted comment: timestamp:1633700835\tfile:test\tprehashed",
    "wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==",
];

/// Whether it is a signature or a key.
pub(crate) fn check(bytes: &[u8]) -> bool {
    let signature = Minisign::parse(bytes, BYTES_MAX);
    if let Ok(signature) = &signature {
        check_signature(bytes, signature);
    }
    let text = String::from_utf8_lossy(bytes);
    let key = PublicKey::parse(&text);
    if let Ok(key) = &key {
        check_key(&text, key);
    }
    signature.is_ok() | key.is_ok()
}

fn check_signature(bytes: &[u8], signature: &Minisign) {
    assert!(bytes.len() <= BYTES_MAX && signature.text().as_bytes() == bytes);
    let lines: Vec<&str> = signature.text().trim_end().lines().collect();
    let [_, line, comment, whole] = lines.as_slice() else { panic!("{} lines", lines.len()) };
    assert_eq!(signature.key().to_string(), id(line, b"ED", 74), "{line}");
    let own = PublicKey::parse(KEY).expect("a key");
    assert!(signature.verify(&own, b"another text").is_err(), "it signs what nobody signed");
    if signature.verify(&own, b"test").is_ok() {
        assert_eq!([*line, *comment, *whole], RIGHT, "a second signature of the same bytes");
    }
}

fn check_key(text: &str, key: &PublicKey) {
    assert!(text.contains(key.line()));
    assert_eq!(key.id().to_string(), id(key.line(), b"Ed", 42), "{text}");
    assert_eq!(key.id().to_string().parse(), Ok(key.id()));
    let again = PublicKey::parse(key.line()).expect("it was read before");
    assert_eq!((again.id(), again.line()), (key.id(), key.line()));
}

/// The id in a line of so many bytes that begin so: the number behind, written as numbers are.
fn id(line: &str, algorithm: &[u8], bytes: usize) -> String {
    let decoded = STANDARD.decode(line).expect("base64");
    assert!(decoded.len() == bytes && decoded.starts_with(algorithm), "{line}");
    let number = decoded.get(2..10).expect("long enough").try_into().expect("eight bytes");
    format!("{:016X}", u64::from_le_bytes(number))
}
