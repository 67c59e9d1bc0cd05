//! How long to wait before a request is sent again.

use std::time::UNIX_EPOCH;

use wforge_model::Timestamp;

/// The wait before the first retry, in milliseconds; it doubles from one to the next.
const FIRST_WAIT_MS: u64 = 500;

/// What a server says in `Retry-After`, in seconds or as a date: milliseconds from now.
pub(crate) fn retry_after_ms(headers: &[(String, String)], now: Timestamp) -> Option<u64> {
    let (_, value) = headers.iter().find(|(name, _)| name == "retry-after")?;
    if let Ok(seconds) = value.trim().parse::<u64>() {
        return Some(seconds.saturating_mul(1_000));
    }
    let date = httpdate::parse_http_date(value.trim()).ok()?;
    let since_epoch = date.duration_since(UNIX_EPOCH).ok()?;
    let at = Timestamp(u64::try_from(since_epoch.as_millis()).ok()?);
    u64::try_from(at.since(now).as_millis()).ok()
}

/// The wait before the n-th retry, from 0, where the server does not say. Between half of it and
/// the whole, by the key of the request: those that were refused together come back apart, and a
/// replay waits as long as the first time.
pub(crate) fn backoff_ms(retry: u32, idempotency_key: &str, wait_ms_max: u64) -> u64 {
    let whole = FIRST_WAIT_MS.saturating_mul(1_u64.checked_shl(retry).unwrap_or(u64::MAX));
    let whole = whole.min(wait_ms_max);
    let mut hasher = blake3::Hasher::new();
    hasher.update(idempotency_key.as_bytes()).update(&retry.to_le_bytes());
    let [low, high, ..] = *hasher.finalize().as_bytes();
    let spread = whole / 2 * u64::from(u16::from_le_bytes([low, high])) / u64::from(u16::MAX);
    whole.div_ceil(2).saturating_add(spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: Option<u64>) {
        // 1994-11-06T08:49:37Z
        let now = Timestamp(784_111_777_000);
        let headers = [("retry-after".to_owned(), value.to_owned())];
        assert_eq!(retry_after_ms(&headers, now), expected, "{value}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        check("3", Some(3_000));
        check(" 120 ", Some(120_000));
        check("Sun, 06 Nov 1994 08:49:39 GMT", Some(2_000));
        check("Sun, 06 Nov 1994 08:49:00 GMT", Some(0));
        check("soon", None);
        check("-1", None);
        assert_eq!(retry_after_ms(&[], Timestamp(0)), None);
    }

    #[test]
    fn waits_double_up_to_the_most_and_are_spread_by_the_key() {
        for (retry, whole) in [(0, 500), (1, 1_000), (2, 2_000), (5, 3_000), (400, 3_000)] {
            let wait = backoff_ms(retry, "key", 3_000);
            assert!((whole / 2..=whole).contains(&wait), "{retry}: {wait}");
            assert_eq!(wait, backoff_ms(retry, "key", 3_000));
        }
        assert_ne!(backoff_ms(1, "one", 3_000), backoff_ms(1, "another", 3_000));
    }
}
