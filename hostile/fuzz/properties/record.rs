//! What is kept: segments and frames of the journal, keys of rows, and recorded effects. No bytes
//! make a reader panic; what was read writes itself as it stood; a changed frame is none.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what does not hold panics, for fuzzer and test alike"
)]

use wforge_store::formats::{self, Changes, Salt};

/// What a frame may nest at most where it holds JSON, as the store writes it.
const DEPTH_MAX: u32 = 512;
const SALT: Salt = *b"saltsalt";
const HEADER_BYTES: usize = 16;

/// Whether it is a segment, a payload or an effect.
pub(crate) fn check(bytes: &[u8]) -> bool {
    let is_segment = formats::segment(bytes).is_some_and(|(first, salt)| {
        check_frames(salt, first, bytes.get(32..).unwrap_or_default());
        true
    });
    assert!(formats::payload(SALT, 1, bytes).is_none_or(|(payload, taken)| {
        taken == HEADER_BYTES + payload.len() && taken <= bytes.len()
    }));
    if let Some((_, family)) = formats::record_key(bytes) {
        assert!(bytes.starts_with(family));
    }
    let is_payload = formats::changes(bytes).is_some_and(|changes| {
        check_changes(bytes, &changes);
        true
    });
    is_segment | is_payload | is_effect(bytes)
}

/// Frames behind each other, with numbers that go on.
fn check_frames(salt: Salt, first: u64, mut bytes: &[u8]) {
    let mut number = first;
    while let Some((payload, taken)) = formats::payload(salt, number, bytes) {
        assert!(formats::payload(salt, number ^ 1, bytes).is_none(), "a frame of two numbers");
        if let Some(changes) = formats::changes(payload) {
            check_changes(payload, &changes);
        }
        bytes = &bytes[taken..];
        number = number.wrapping_add(1);
    }
}

/// Written as a frame they are read again, and no bit of it may change.
fn check_changes(payload: &[u8], changes: &Changes) {
    let mut frame = formats::frame(SALT, 7, changes).expect("small enough");
    let (written, taken) = formats::payload(SALT, 7, &frame).expect("a frame");
    assert_eq!(taken, frame.len());
    assert_eq!(formats::changes(written).as_ref(), Some(changes));
    // Keys that come twice or out of order are written once, in order.
    if is_in_order(payload) {
        assert_eq!(written, payload);
    }
    let at = payload.iter().fold(0_usize, |sum, byte| (sum * 31 + usize::from(*byte)) & 0xffff);
    let at = at % frame.len();
    frame[at] ^= 1 << (at % 8);
    assert!(formats::payload(SALT, 7, &frame).is_none(), "a changed frame is read");
}

/// Whether its keys come in order, none of them twice.
fn is_in_order(payload: &[u8]) -> bool {
    let number = |at: usize| {
        let bytes = payload.get(at..at + 4).expect("it was read before");
        bytes.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let (mut at, mut last) = (4, None);
    while at < payload.len() {
        let (key, value) = (number(at), number(at + 4));
        let next = payload.get(at + 8..at + 8 + key);
        if last.is_some() && next <= last {
            return false;
        }
        last = next;
        at += 8 + key + if value == 0xffff_ffff { 0 } else { value };
    }
    true
}

/// What was sealed is never deeper than what the store takes, so deeper bytes are not handed in.
fn is_effect(bytes: &[u8]) -> bool {
    let opening = bytes.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
    if opening > DEPTH_MAX as usize {
        return false;
    }
    let Some(phase) = formats::phase(bytes) else {
        return false;
    };
    let written = serde_json::to_vec(&phase).expect("JSON");
    assert_eq!(formats::phase(&written).as_ref(), Some(&phase));
    true
}
