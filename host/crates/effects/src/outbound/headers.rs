//! Headers that a request may carry, and those of a response as plain text.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::{EgressOptions, OutboundError};

/// Those that belong to the connection, or say where a message goes and where it ends: one that a
/// stranger could write would make the server see another request than the one that was checked.
const HOSTS_OWN: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A header, if a request may carry it; else why it may not.
pub(crate) fn checked(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "it is no name of a header")?;
    if HOSTS_OWN.contains(&name.as_str()) {
        return Err("it belongs to the host");
    }
    // `HeaderValue` takes tabs, and no other control character.
    let value = HeaderValue::from_bytes(value.trim_matches([' ', '\t']).as_bytes());
    Ok((name, value.map_err(|_| "its value has control characters")?))
}

/// The headers as they are sent.
pub(crate) fn outgoing(
    headers: &[(String, String)],
    options: &EgressOptions,
) -> Result<HeaderMap, OutboundError> {
    let headers_max = options.headers_held();
    if headers.len() > headers_max {
        let reason = format!("a request has at most {headers_max} headers");
        return Err(OutboundError::Invalid { reason });
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > options.header_bytes_max {
        let reason = format!("the headers have more than {} bytes", options.header_bytes_max);
        return Err(OutboundError::Invalid { reason });
    }
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let (name, value) = checked(name, value).map_err(|reason| OutboundError::Invalid {
            reason: format!("header {name:?}: {reason}"),
        })?;
        map.append(name, value);
    }
    Ok(map)
}

/// The headers of a response, without those that are no text; none where they are too large.
pub(crate) fn incoming(headers: &HeaderMap, bytes_max: usize) -> Option<Vec<(String, String)>> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let text = |value: &HeaderValue| str::from_utf8(value.as_bytes()).ok().map(str::to_owned);
    let pair = |(name, value): (&HeaderName, &HeaderValue)| Some((name.to_string(), text(value)?));
    (bytes <= bytes_max).then(|| headers.iter().filter_map(pair).collect())
}

#[cfg(test)]
mod tests {
    use super::{checked, outgoing};
    use crate::outbound::{EgressOptions, HEADERS_MAX};

    #[test]
    fn no_limit_lets_a_map_of_headers_overflow() {
        let options = EgressOptions {
            headers_max: usize::MAX,
            header_bytes_max: usize::MAX,
            ..EgressOptions::default()
        };
        let headers = |count: usize| -> Vec<(String, String)> {
            (0..count).map(|n| (format!("x-{n}"), String::new())).collect()
        };
        let map = outgoing(&headers(HEADERS_MAX), &options).unwrap();
        assert_eq!(map.len(), HEADERS_MAX);
        let error = outgoing(&headers(40_000), &options).unwrap_err();
        assert_eq!(error.to_string(), "a request has at most 16384 headers");
    }

    #[test]
    fn a_request_carries_no_header_of_the_connection() {
        for name in ["Host", "content-length", "Transfer-Encoding", "CONNECTION", "te", "upgrade"] {
            assert_eq!(checked(name, "x").unwrap_err(), "it belongs to the host", "{name}");
        }
    }

    #[test]
    fn a_header_has_a_name_and_a_value_without_control_characters() {
        for name in ["", "a b", "a:b", "a\r\nb", "ä", ":method"] {
            assert_eq!(checked(name, "x").unwrap_err(), "it is no name of a header", "{name}");
        }
        for value in ["a\r\nb: c", "a\nb", "a\0b", "\u{7f}", "a\u{b}"] {
            assert_eq!(checked("a", value).unwrap_err(), "its value has control characters");
        }
        for value in ["", "a\tb", "ä", " a "] {
            checked("a", value).unwrap();
        }
    }
}
