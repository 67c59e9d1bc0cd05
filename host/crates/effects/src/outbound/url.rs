//! URLs that are sent to: read once into their canonical form, so that what is checked is what is
//! connected to.

use reqwest::Url;

/// The longest URL by default, in bytes.
pub(crate) const URL_BYTES_MAX: usize = 8 << 10;

/// Why nothing is sent to a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadUrl {
    #[error("the URL has more than {0} bytes")]
    TooLong(usize),
    #[error("write an absolute URL that begins with http:// or https:// and a host")]
    NotAbsolute,
    #[error("a URL has no spaces, backslashes or control characters: escape them with %")]
    Text,
    #[error("a URL has no user information before its host: send a header")]
    UserInfo,
    #[error("write the host without a dot at its end")]
    HostDot,
    #[error("a port is a number from 1 to 65535")]
    Port,
    #[error("it is no URL")]
    Other,
}

/// The URL in the form in which it is checked and sent: the host in small letters, as ASCII, an
/// address in its usual form; no `.` and `..` in its path; without fragment.
///
/// The parser is the browsers' and repairs a lot; what it would have to repair is refused first.
pub(crate) fn canonical(text: &str, bytes_max: usize) -> Result<Url, BadUrl> {
    if text.len() > bytes_max {
        return Err(BadUrl::TooLong(bytes_max));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(BadUrl::Text);
    }
    check_authority(text)?;
    let mut url = Url::parse(text).map_err(|error| match error.to_string().as_str() {
        "invalid port number" => BadUrl::Port,
        _ => BadUrl::Other,
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadUrl::UserInfo);
    }
    if url.host_str().is_none_or(str::is_empty) || !matches!(url.scheme(), "http" | "https") {
        return Err(BadUrl::NotAbsolute);
    }
    if url.host_str().is_some_and(|host| host.ends_with('.')) {
        return Err(BadUrl::HostDot);
    }
    if url.port() == Some(0) {
        return Err(BadUrl::Port);
    }
    url.set_fragment(None);
    if url.as_str().len() > bytes_max {
        return Err(BadUrl::TooLong(bytes_max));
    }
    Ok(url)
}

/// What the parser drops without a trace.
fn check_authority(text: &str) -> Result<(), BadUrl> {
    let (scheme, rest) = text.split_once("://").ok_or(BadUrl::NotAbsolute)?;
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(BadUrl::NotAbsolute);
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority {
        "" => Err(BadUrl::NotAbsolute),
        _ if authority.contains('@') => Err(BadUrl::UserInfo),
        _ if authority.ends_with(':') => Err(BadUrl::Port),
        _ => Ok(()),
    }
}

/// Where a URL leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Peer {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Peer {
    /// Of a canonical URL.
    pub(crate) fn of(url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default().to_owned();
        // The schemes that `canonical` lets through have a port by default.
        Self { host, port: url.port_or_known_default().unwrap_or_default() }
    }

    /// Its address, where it is written as one: then nothing is resolved before the connection.
    pub(crate) fn literal(&self) -> Option<std::net::IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{URL_BYTES_MAX, canonical};

    #[test]
    fn a_url_is_read_into_the_form_that_is_sent() {
        for (text, expected) in [
            ("https://API.Example.com", "https://api.example.com/"),
            ("HTTPS://a.example:443/x#y", "https://a.example/x"),
            ("http://a.example:443", "http://a.example:443/"),
            ("http://a.example/a/../b/./c?q=../x", "http://a.example/b/c?q=../x"),
            ("http://a.example/%2e%2E/b", "http://a.example/b"),
            ("http://a.example/a%2Fb", "http://a.example/a%2Fb"),
            ("http://2130706433/", "http://127.0.0.1/"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("http://0177.0.0.01/", "http://127.0.0.1/"),
            ("http://%31%32%37.1/", "http://127.0.0.1/"),
            ("http://①②⑦.0.0.1/", "http://127.0.0.1/"),
            ("http://127.0.0.1./", "http://127.0.0.1/"),
            ("http://[0:0::1]:80/", "http://[::1]/"),
            ("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
            ("http://bücher.example/", "http://xn--bcher-kva.example/"),
            ("http://a.example/ä", "http://a.example/%C3%A4"),
            ("http://a.example/http://evil.example/", "http://a.example/http://evil.example/"),
            ("http://a.example/@evil.example", "http://a.example/@evil.example"),
            ("http://a.example?x@evil.example", "http://a.example/?x@evil.example"),
        ] {
            let url = canonical(text, URL_BYTES_MAX).map(|url| url.to_string());
            assert_eq!(url.as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_to_send_to_is_refused_in_words() {
        let check = |reason: &str, texts: &[&str]| {
            for text in texts {
                let error = canonical(text, URL_BYTES_MAX).expect_err(text).to_string();
                assert!(error.contains(reason), "{text}: {error}");
            }
        };
        check(
            "absolute",
            &["", "/v1", "a.example", "//a.example", "http:a.example", "http:/a.example"],
        );
        check("absolute", &["http://", "http:///a.example", "https://?x", "http://#x"]);
        check(
            "absolute",
            &["ftp://a.example", "file:///etc/passwd", "data:text/plain,x", "ws://a"],
        );
        check(
            "user information",
            &["http://u@a.example", "http://u:p@a.example", "http://@a.example"],
        );
        check("user information", &["http://good.example@evil.example/", "http://:@a.example"]);
        check("backslashes", &["http://good.example\\@evil.example", "http:\\\\a.example"]);
        check(
            "control",
            &["http://a.example/\n", "ht\ttp://a.example", " http://a.example", "http://a b"],
        );
        check("without a dot", &["http://a.example./", "https://a.example.:443/"]);
        check("a port", &["http://a.example:0/", "http://a.example:65536/", "http://a.example:/"]);
        check("a port", &["http://a.example:80a/", "http://a.example:80:80/"]);
        check("no URL", &["http://[::1", "http://1.2.3.256/", "http://a%00/"]);
        let long = format!("http://a.example/{}", "ä".repeat(URL_BYTES_MAX / 4));
        check("more than 8192 bytes", &[&long, &"h".repeat(URL_BYTES_MAX + 1)]);
    }
}
