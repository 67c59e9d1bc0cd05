//! Rules of HTTP: what they cover, what is none, and what holds for all of them.

use proptest::prelude::*;
use wforge_model::HttpRule;

fn rule(text: &str) -> HttpRule {
    HttpRule::parse(text).unwrap_or_else(|error| panic!("\"{text}\": {error}"))
}

#[test]
fn a_rule_covers_these_requests() {
    let check = |own: &str, others: &[&str]| {
        for other in others {
            assert!(rule(own).covers(&rule(other)), "{own} does not cover {other}");
        }
    };
    check("*", &["*", "GET@*", "http://a.example:1/x", "GET@https://[::1]:443/a%2fb"]);
    check("GET@*", &["GET@a.example", "GET@http://10.0.0.1:8080/x"]);
    check("GET,POST@a.example", &["GET@a.example", "POST@a.example/x", "POST,GET@a.example"]);
    check(
        "a.example",
        &["https://a.example", "a.example:443", "GET@https://a.example:443/", "a.example/x/y"],
    );
    check("http://a.example", &["http://a.example:80", "GET@http://a.example:80/x"]);
    check("*.a.example", &["b.a.example", "c.b.a.example", "*.b.a.example", "xn--b-1ga.a.example"]);
    check(
        "a.example/v1/",
        &["a.example/v1/", "a.example/v1/*", "a.example/v1/x", "a.example/v1/x/"],
    );
    check("a.example/v1/*", &["a.example/v1/", "a.example/v1/x/y", "a.example/v1//x"]);
    check("a.example/v1/", &["a.example/v1/100%25", "a.example/v1/%C3%A4", "a.example/v1/a%20b"]);
    check("a.example/v1", &["GET@a.example/v1"]);
    check("a.example/a%2Fb", &["a.example/a%2Fb"]);
    check("a.example", &["a.example/a%2Fb", "a.example/a..b", "a.example/@x", "a.example/a://b"]);
    check("127.0.0.1:8080", &["https://127.0.0.1:8080/x"]);
    check("[2001:db8::1]", &["[2001:DB8:0::1]:443"]);
}

#[test]
fn a_rule_does_not_cover_these_requests() {
    let check = |own: &str, others: &[&str]| {
        for other in others {
            assert!(!rule(own).covers(&rule(other)), "{own} covers {other}");
        }
    };
    check(
        "a.example",
        &["*", "b.example", "a.example.evil", "x.a.example", "aa.example", "example"],
    );
    check(
        "a.example",
        &["http://a.example", "http://a.example:443", "a.example:8443", "a.example:80"],
    );
    check("http://a.example:443", &["a.example"]);
    check("*.a.example", &["a.example", "xa.example", "b.a.example.evil", "*.example", "*"]);
    check("GET@a.example", &["a.example", "POST@a.example", "GET,POST@a.example", "GE@a.example"]);
    check("GET@*", &["*", "HEAD@a.example"]);
    check("a.example/v1/", &["a.example", "a.example/", "a.example/v1", "a.example/v1evil"]);
    check("a.example/v1/", &["a.example/V1/x", "a.example/v2/v1/x", "a.example/x"]);
    check("a.example/v1", &["a.example/v1/", "a.example/v1/x", "a.example/v1x", "a.example"]);
    check(
        "a.example/v1/",
        &[
            "a.example/v1/%2e%2e%2fx",
            "a.example/v1/%2E%2E/x",
            "a.example/v1/..%2Fx",
            "a.example/v1/..%5cx",
            "a.example/v1/..%5Cx",
            "a.example/v1/%252e%252e/x",
            "a.example/v1/%25252fx",
            "a.example/v1/%25%32ex",
            "a.example/v1/%%32e",
            "a.example/v1/%u002e",
            "a.example/v1/%2",
            "a.example/v1/..;/x",
            "a.example/v1/.;a/x",
        ],
    );
    check("a.example/", &["a.example", "a.example/a%2Fb"]);
    check("a.example/a%2Fb", &["a.example/a%2fb", "a.example/a/b"]);
    check("127.0.0.1", &["127.0.0.2", "[::ffff:127.0.0.1]", "[::1]"]);
}

#[test]
fn what_is_no_rule_is_refused_in_words() {
    let check = |reason: &str, texts: &[&str]| {
        for text in texts {
            let error = HttpRule::parse(text).map(|rule| rule.to_string());
            let error = error.expect_err(text).to_string();
            assert!(error.contains(reason), "\"{text}\": {error}");
        }
    };
    check("methods in capitals", &["get@a.example", "@a.example", "GET,@a.example", "GET POST@a"]);
    check(
        "methods in capitals",
        &["user@a.example", "G3T@a.example", &format!("{}@a", "A".repeat(33))],
    );
    check(
        "no user information",
        &["https://user@a.example", "GET@user@a.example", "u:p@a.example"],
    );
    check("no user information", &["GET@https://a.example@evil.example/x", "https://@a.example"]);
    check("the scheme is", &["ftp://a.example", "HTTPS://a.example", "://a.example", "GET@ws://a"]);
    check(
        "a host is a name",
        &["", "GET@", "https://", "/v1", "a..example", ".a.example", "a b", "."],
    );
    check("a host is a name", &["**.a.example", "*.", "a.*.example", "*a.example", "*.*", "a%2eb"]);
    check(
        "a host is a name",
        &["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "1.2.3.256", "a.1"],
    );
    check("a host is a name", &["*.10.0.0.1", &format!("{}a", "a.".repeat(127)), &"a".repeat(64)]);
    check("small letters", &["A.example", "a.Example/x"]);
    check("xn--", &["bücher.example", "ａ.example", "*.bücher.example"]);
    check("without a dot", &["a.example.", "*.a.example.", "a.example.:443", "a.example./x"]);
    check("in brackets", &["::1", "[::1", "[a.example]", "[::1]x", "a.example:80:80", "[]"]);
    check(
        "a port is",
        &["a.example:", "a.example:0", "a.example:65536", "a.example:+80", "a.example:08"],
    );
    check("a port is", &["a.example:*", "[::1]:", "a.example:8 0"]);
    check("no query", &["a.example/x?y", "a.example?y", "a.example/#z"]);
    check("escape them", &["a.example/a b", "a.example/ä", "a.example/a\\b", "a.example/\n"]);
    check("no segment", &["a.example/..", "a.example/v1/../x", "a.example/./x", "a.example/v1/.."]);
    check(
        "whole last segment",
        &["a.example/v1*", "a.example/*/x", "a.example/**", "a.example/a*b/"],
    );
    check(
        "hides no slash",
        &["a.example/v1%2f/", "a.example/%2e%2e/*", "a.example/%252e/", "a.example/..;/"],
    );
}

#[test]
fn the_written_form_is_the_shortest() {
    let check = |text: &str, expected: &str| assert_eq!(rule(text).to_string(), expected);
    check("POST,GET@https://a.example:443/v1/*", "GET,POST@a.example/v1/");
    check("GET@http://a.example:80/x", "GET@http://a.example/x");
    check("http://a.example:443", "http://a.example:443");
    check("*.a.example:8443", "*.a.example:8443");
    check("[2001:db8:0:0::1]:443", "[2001:db8::1]");
    check("GET@*", "GET@*");
}

/// Rules over a small world, so that one often covers another.
fn any_rule() -> impl Strategy<Value = String> {
    let methods = prop::sample::select(vec!["", "GET@", "POST@", "GET,POST@", "GET,HEAD,POST@"]);
    let scheme = prop::sample::select(vec!["", "https://", "http://"]);
    let host = prop::sample::select(vec![
        "a.example",
        "b.a.example",
        "*.a.example",
        "*.b.a.example",
        "c.b.a.example",
        "*.example",
        "127.0.0.1",
        "[::1]",
        "xn--a.example",
    ]);
    let port = prop::sample::select(vec!["", ":80", ":443", ":8080"]);
    let path = prop::sample::select(vec![
        "",
        "/",
        "/*",
        "/v1",
        "/v1/",
        "/v1/*",
        "/v1/x",
        "/v1/x/",
        "/v1x",
        "/v1/%2e%2e",
        "/a%2Fb",
        "/v1/..;",
        "//",
        "/v1//",
    ]);
    let placed = (methods.clone(), scheme, host, port, path).prop_map(
        |(methods, scheme, host, port, path)| [methods, scheme, host, port, path].concat(),
    );
    let everywhere = methods.prop_map(|methods| format!("{methods}*"));
    prop_oneof![12 => placed, 1 => everywhere]
}

/// A rule as its five parts, by a second reading that is slow and plain.
fn parts(text: &str) -> (Option<Vec<String>>, Option<[String; 4]>) {
    let (methods, rest) = match text.split_once('@') {
        Some((methods, rest)) => (Some(methods.split(',').map(str::to_owned).collect()), rest),
        None => (None, text),
    };
    if rest == "*" {
        return (methods, None);
    }
    let (scheme, rest) = rest.split_once("://").unwrap_or(("https", rest));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let default = if scheme == "http" { "80" } else { "443" };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        Some(_) | None => (authority, default),
    };
    let place = [scheme, host, port, path.trim_end_matches('*')];
    (methods, Some(place.map(str::to_owned)))
}

fn slow_covers(own: &str, other: &str) -> bool {
    let ((methods, place), (other_methods, other_place)) = (parts(own), parts(other));
    let has_methods = methods.is_none_or(|own| {
        other_methods.is_some_and(|other| other.iter().all(|method| own.contains(method)))
    });
    let Some([scheme, host, port, path]) = place else {
        return has_methods;
    };
    let Some([other_scheme, other_host, other_port, other_path]) = other_place else {
        return false;
    };
    let has_host = host == other_host
        || host.strip_prefix('*').is_some_and(|end| {
            other_host.len() > end.len() && other_host.ends_with(end) && other_host != end
        });
    let hides = ["%2e", "%2F", ";"].iter().any(|sign| other_path.contains(sign));
    let has_path = path.is_empty()
        || path == other_path
        || path.ends_with('/') && other_path.starts_with(&path) && !hides;
    has_methods && scheme == other_scheme && port == other_port && has_host && has_path
}

proptest! {
    #[test]
    fn a_rule_covers_itself_and_its_written_form(text in any_rule()) {
        let (own, written) = (rule(&text), rule(&rule(&text).to_string()));
        prop_assert!(own.covers(&own));
        prop_assert_eq!(own, written);
    }

    #[test]
    fn what_covers_a_rule_covers_what_that_covers(
        a in any_rule(), b in any_rule(), c in any_rule(),
    ) {
        let (a, b, c) = (rule(&a), rule(&b), rule(&c));
        prop_assert!(!(a.covers(&b) && b.covers(&c)) || a.covers(&c), "{} {} {}", a, b, c);
    }

    #[test]
    fn two_that_cover_each_other_are_the_same(a in any_rule(), b in any_rule()) {
        let (a, b) = (rule(&a), rule(&b));
        prop_assert!(!(a.covers(&b) && b.covers(&a)) || a == b, "{} {}", a, b);
    }

    #[test]
    fn it_covers_what_a_plain_reading_says(own in any_rule(), other in any_rule()) {
        let covers = rule(&own).covers(&rule(&other));
        prop_assert_eq!(covers, slow_covers(&own, &other), "{} {}", own, other);
    }

    #[test]
    fn any_text_is_a_rule_or_none_and_never_a_panic(
        text in "\\PC{0,40}|[A-Z@:/.*%\\[\\]a-f0-9]{0,40}",
    ) {
        if let Ok(parsed) = HttpRule::parse(&text) {
            prop_assert_eq!(&rule(&parsed.to_string()), &parsed);
            prop_assert!(parsed.covers(&parsed));
        }
    }
}
