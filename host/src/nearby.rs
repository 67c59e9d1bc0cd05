//! What is on this machine, so that nobody listens in between.

use std::net::IpAddr;

/// Whether the host of an address is this machine.
pub(crate) fn is_this_machine(host: &str) -> bool {
    // In addresses those of IPv6 have brackets around them.
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let address = inside.unwrap_or(host).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Whether the server of an address is this machine. What is no address is nowhere.
pub(crate) fn is_on_this_machine(url: &str) -> bool {
    let url = reqwest::Url::parse(url);
    url.is_ok_and(|url| url.host_str().is_some_and(is_this_machine))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_this_machine() {
        for near in ["http://localhost/x", "http://127.0.0.1:4318", "http://[::1]:4318/v1"] {
            assert!(is_on_this_machine(near), "{near}");
        }
        for far in [
            "http://localhost.example/",
            "http://10.0.0.1:80",
            "http://[2001:db8::1]/",
            // What stands before the @ is no host.
            "http://localhost:80@collector.example/",
            "http://127.0.0.1:80@collector.example/",
            "localhost",
            "",
        ] {
            assert!(!is_on_this_machine(far), "{far}");
        }
    }
}
