//! What is refused before anybody is asked who they are: too many headers, host names that this
//! server does not answer for, and web pages of other origins.
//!
//! The one page that may call is the server's own, `/docs`: its origin is the host that it asks.
//!
//! A page whose name was made to resolve to 127.0.0.1 (DNS rebinding) reaches a server on this
//! machine; the name in its `Host` header gives it away.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Request};

use crate::codes;
use crate::cors::Origins;
use crate::error::ApiError;

/// The host names that a server answers for, whatever the port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostNames(BTreeSet<String>);

impl HostNames {
    /// The names of a listener: one that a client on this machine reaches by loopback answers for
    /// the loopback names, any other for its own address; and each for those that the operator
    /// names besides.
    #[must_use]
    pub fn of_listener(address: SocketAddr, more: impl IntoIterator<Item = String>) -> Self {
        let ip = address.ip();
        let own = if ip.is_loopback() || ip.is_unspecified() {
            vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()]
        } else {
            vec![match ip {
                IpAddr::V4(ip) => ip.to_string(),
                IpAddr::V6(ip) => format!("[{ip}]"),
            }]
        };
        Self(own.into_iter().chain(more).map(|name| name.to_ascii_lowercase()).collect())
    }

    fn answer_for(&self, authority: &str) -> bool {
        let Ok(authority) = authority.parse::<Authority>() else {
            return false;
        };
        let plain = !authority.as_str().contains('@');
        let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
        plain && self.0.contains(&name)
    }
}

/// # Errors
/// The request's head is one that no route of this server answers.
pub(crate) fn check_head<B>(
    request: &Request<B>,
    names: &HostNames,
    origins: &Origins,
    header_bytes_max: usize,
) -> Result<(), ApiError> {
    check_size(request, header_bytes_max)?;
    check_host(request, names)?;
    let host = single(request.headers()).unwrap_or_default();
    let may = |origin: &HeaderValue| is_own(origin, host) || origins.allow(origin);
    if request.headers().get_all(ORIGIN).iter().all(may) {
        return Ok(());
    }
    let detail = "no page of that origin may call the API; its operator adds origins in \
                  server.cors_origins, and programs send no Origin header";
    Err(ApiError::new(&codes::ORIGIN, detail))
}

/// Whether that is the origin of what this server itself sends under that name, which was checked.
/// A proxy may speak TLS for it.
fn is_own(origin: &HeaderValue, host: &str) -> bool {
    let origin = origin.to_str().unwrap_or_default();
    let named = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    named.is_some_and(|named| named.eq_ignore_ascii_case(host))
}

fn check_size<B>(request: &Request<B>, max: usize) -> Result<(), ApiError> {
    let fields: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let target = request.uri().path().len() + request.uri().query().map_or(0, str::len);
    if fields + target <= max {
        return Ok(());
    }
    let detail = format!("the headers may have {max} bytes together");
    Err(ApiError::new(&codes::HEADERS, detail))
}

fn check_host<B>(request: &Request<B>, names: &HostNames) -> Result<(), ApiError> {
    let from_target = request.uri().authority().map(Authority::as_str);
    let from_header = single(request.headers());
    let known = |name: Option<&str>| name.is_some_and(|name| names.answer_for(name));
    // A target with a host of its own goes before the header, so both must be ours.
    if known(from_header) && (from_target.is_none() || known(from_target)) {
        return Ok(());
    }
    let detail = "call the server by a name that it answers for, such as localhost; an operator \
                  adds names in its configuration";
    Err(ApiError::new(&codes::WRONG_HOST, detail))
}

fn single(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(HOST).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    value.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uri: &str, headers: &[(&str, &str)]) -> &'static str {
        let names = HostNames::of_listener("127.0.0.1:0".parse().unwrap(), []);
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        check_head(&request, &names, &Origins::default(), 200)
            .err()
            .map_or("passes", |error| error.code.id)
    }

    #[test]
    fn a_loopback_listener_answers_for_loopback_names_on_any_port() {
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1:7700", "[::1]:7700", "localhost."] {
            assert_eq!(check("/", &[("host", host)]), "passes", "{host}");
        }
    }

    #[test]
    fn any_other_listener_answers_for_its_address_and_the_names_that_are_added() {
        let answers = |listener: &str, host: &str| {
            let more = ["Forge.Example".to_owned()];
            HostNames::of_listener(listener.parse().unwrap(), more).answer_for(host)
        };
        assert!(answers("192.0.2.1:80", "192.0.2.1"));
        assert!(answers("[2001:db8::1]:80", "[2001:db8::1]:80"));
        assert!(answers("192.0.2.1:80", "forge.example:443"));
        assert!(!answers("192.0.2.1:80", "localhost"));
        assert!(answers("0.0.0.0:80", "localhost"));
    }

    #[test]
    fn any_other_name_is_refused() {
        for host in ["evil.example", "127.0.0.1.evil.example", "a@localhost", "", "localhost/x"] {
            assert_eq!(check("/", &[("host", host)]), "WF0421", "{host}");
        }
        assert_eq!(check("/", &[]), "WF0421");
        assert_eq!(check("/", &[("host", "localhost"), ("host", "localhost")]), "WF0421");
        assert_eq!(check("http://evil.example/", &[("host", "localhost")]), "WF0421");
    }

    #[test]
    fn the_servers_own_page_may_call() {
        let asks = |origin| check("/", &[("host", "localhost:7700"), ("origin", origin)]);
        assert_eq!(asks("http://localhost:7700"), "passes");
        for other in ["http://localhost", "http://localhost:7701", "http://localhost:7700/", "null"]
        {
            assert_eq!(asks(other), "WF1005", "{other}");
        }
    }

    #[test]
    fn any_other_web_page_is_refused_whatever_its_origin() {
        for origin in ["null", "http://localhost:7700", "https://evil.example"] {
            assert_eq!(check("/", &[("host", "localhost"), ("origin", origin)]), "WF1005");
        }
    }

    #[test]
    fn headers_count_together_with_the_target() {
        let long = "x".repeat(150);
        assert_eq!(check("/", &[("host", "localhost"), ("x-long", &long)]), "passes");
        let target = format!("/{}", "y".repeat(50));
        assert_eq!(check(&target, &[("host", "localhost"), ("x-long", &long)]), "WF0431");
    }
}
