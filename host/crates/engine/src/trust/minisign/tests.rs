use proptest::prelude::*;
use wforge_testkit::SigningKey;

use super::*;

const BYTES_MAX: usize = 4 << 10;

/// Made by the program minisign: the key of its manual, and a signature of the four bytes `test`.
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const SIGNATURE: &str = "untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1633700835\tfile:test\tprehashed
wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==
";
/// The same of the old form.
const LEGACY: &str = "untrusted comment: signature from minisign secret key
RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=
trusted comment: timestamp:1555779966\tfile:test
QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==
";

fn check(key: &str, signature: &str, bytes: &[u8]) -> Result<(), BadSignature> {
    let key = PublicKey::parse(key).unwrap();
    Minisign::parse(signature.as_bytes(), BYTES_MAX)?.verify(&key, bytes)
}

#[test]
fn what_the_program_signed_is_verified() {
    assert_eq!(check(KEY, SIGNATURE, b"test"), Ok(()));
    let key = PublicKey::parse(KEY).unwrap().id();
    assert_eq!(key.to_string(), "E7620F1842B4E81F");
    assert_eq!(check(KEY, SIGNATURE, b"Test"), Err(BadSignature::Mismatch { key }));
    assert_eq!(check(KEY, LEGACY, b"test"), Err(BadSignature::Legacy));
}

#[test]
fn what_our_tests_sign_is_verified_too() {
    let key = SigningKey::of(7);
    let (file, line) = (key.public_file(), key.public_line());
    let signature = key.sign(b"a component");
    assert_eq!(check(&file, &signature, b"a component"), Ok(()));
    assert_eq!(check(&line, &signature.replace('\n', "\r\n"), b"a component"), Ok(()));
    assert_eq!(PublicKey::parse(&file).unwrap().id().to_string(), key.id());
    assert_eq!(check(&line, &key.sign_legacy(b"a component"), b"a"), Err(BadSignature::Legacy));
}

#[test]
fn another_key_of_the_same_id_signs_nothing() {
    let key = SigningKey::of(7);
    let forged = SigningKey::of(8).posing_as(&key).sign(b"x");
    let mismatch = Err(BadSignature::Mismatch { key: key.id().parse().unwrap() });
    assert_eq!(check(&key.public_line(), &forged, b"x"), mismatch);
}

#[test]
fn the_trusted_comment_is_signed_and_the_untrusted_is_not() {
    let key = SigningKey::of(7);
    let signature = key.sign(b"x");
    let comment = signature.replace("file:plugin.wasm", "file:another.wasm");
    assert!(matches!(
        check(&key.public_line(), &comment, b"x"),
        Err(BadSignature::Mismatch { .. })
    ));
    let comment = signature.replace("minisign secret key", "somebody");
    assert_eq!(check(&key.public_line(), &comment, b"x"), Ok(()));
}

#[test]
fn what_is_no_signature_is_refused_before_anything_is_hashed() {
    let signature = SigningKey::of(7).sign(b"x");
    let lines: Vec<&str> = signature.lines().collect();
    let more = format!("{signature}one more line\n");
    let fewer = lines[..3].join("\n");
    let hashed = signature.replace("RU", "RX");
    let no_comment = signature.replace("\ntrusted comment: ", "\nuntrusted comment: ");
    let bad = |text: &str| Minisign::parse(text.as_bytes(), BYTES_MAX).unwrap_err();
    for text in ["", "\n\n\n\n", "{}", &more, &fewer, &hashed, &no_comment, &lines[1].repeat(4)] {
        assert_eq!(bad(text), BadSignature::Form, "{text}");
    }
    assert_eq!(Minisign::parse(b"\xff\xfe", BYTES_MAX).unwrap_err(), BadSignature::Form);
    let bytes = signature.len();
    assert!(Minisign::parse(signature.as_bytes(), bytes).is_ok());
    let too_large = BadSignature::TooLarge { bytes, bytes_max: bytes - 1 };
    assert_eq!(Minisign::parse(signature.as_bytes(), bytes - 1).unwrap_err(), too_large);
}

#[test]
fn what_is_no_public_key_is_refused() {
    let key = SigningKey::of(7);
    let line = key.public_line();
    let secret = "RWRTY0IyzoOfOkBPmVaLS0JGYFTBqsLTEIUgNDSuHoYyBkjzd/1lB7BiAAAAEAAAAAAAAAAAAQAAAA==";
    let long = format!("untrusted comment: {}\n{line}", "x".repeat(PUBLIC_KEY_BYTES_MAX));
    for text in ["", "RW", secret, &format!("{line}\n{line}"), &line.replace("RW", "RU"), &long] {
        assert_eq!(PublicKey::parse(text).unwrap_err(), BadPublicKey, "{text}");
    }
}

proptest! {
    #[test]
    fn no_bytes_break_the_parsers(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Minisign::parse(&bytes, BYTES_MAX);
        let _ = PublicKey::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_change_of_a_signature_breaks_the_parser_or_is_taken(
        at in 0_usize..300,
        byte in any::<u8>(),
    ) {
        let key = SigningKey::of(7);
        let public = PublicKey::parse(&key.public_line()).unwrap();
        let mut changed = key.sign(b"x").into_bytes();
        let at = at % changed.len();
        prop_assume!(changed[at] != byte);
        changed[at] = byte;
        let untrusted = changed.iter().position(|byte| *byte == b'\n').unwrap_or(0);
        if let Ok(signature) = Minisign::parse(&changed, BYTES_MAX) {
            let whitespace = byte.is_ascii_whitespace();
            let taken = signature.verify(&public, b"x").is_ok();
            prop_assert!(!taken || at <= untrusted || whitespace, "{at} {byte}");
        }
    }
}
