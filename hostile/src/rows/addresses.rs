//! Rows 21 to 24: addresses that are none of the public internet, however they are written and
//! whatever leads there.

use anyhow::Result;
use serde_json::{Value, json};

use crate::arena::{Arena, Ran};
use crate::fixture::{Control, Fixture, Outcome, Setting, Trace};
use crate::rows::HOSTS;
use crate::stand_in::{StandIn, send};

/// No address is refused.
const ANYWHERE: Control = Control::Set(&[("OUTBOUND__ALLOW", "0.0.0.0/0,[::]/0")]);
const DENIED: Trace = Trace::Stopped { what: "host_call", code: "denied" };
/// The server that redirects may be reached, and no other.
const REDIRECTS_FROM: Setting = ("OUTBOUND__ALLOW", "127.0.0.2/32");
/// One name with two faces.
const TWO_FACED: Setting = (HOSTS, "8.8.8.8 two-faced.test\n127.0.0.1 two-faced.test\n");

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 21,
        attack: "requests to addresses inside",
        defence: "each address is checked",
        settings: &[],
        make: reaches_inside,
        control: ANYWHERE,
        trace: DENIED,
    },
    Fixture {
        row: 22,
        attack: "addresses in disguise",
        defence: "one canonical URL is checked and sent",
        settings: &[],
        make: disguises,
        control: ANYWHERE,
        trace: DENIED,
    },
    Fixture {
        row: 23,
        attack: "a name with an address inside",
        defence: "all addresses of a name are checked",
        settings: &[TWO_FACED],
        make: rebinds,
        control: Control::Without("names"),
        trace: DENIED,
    },
    Fixture {
        row: 24,
        attack: "a redirect to an address inside",
        defence: "redirects are not followed",
        settings: &[REDIRECTS_FROM],
        make: redirects,
        control: Control::Without("redirects"),
        trace: DENIED,
    },
];

/// Those that lead to this machine, and so to a canary.
const HERE: [&str; 6] =
    ["127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::]"];
/// Those that would lead elsewhere. At a port where nobody listens: none is to be reached, not even
/// by the control.
const ELSEWHERE: [&str; 16] = [
    "169.254.169.254",
    "168.63.129.16",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[fe80::1]",
    "[fd00::1]",
    "[ff02::1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:7f00:1::1]",
    "[2001:db8::1]",
];

/// Requests that answer or give up soon.
fn fetches(urls: impl Iterator<Item = String>, timeout_ms: u64) -> Value {
    urls.map(|url| json!({ "do": "fetch", "url": url, "timeout_ms": timeout_ms })).collect()
}

/// What came of each deed: of how many nothing but an error that has one of these words.
pub(super) fn refused(ran: &Ran, count: usize, words: &[&str]) -> usize {
    let is_refused = |place: &usize| {
        let error = ran.deed(*place).get("error").and_then(Value::as_str).unwrap_or_default();
        words.iter().any(|word| error.contains(word))
    };
    (0..count).filter(is_refused).count()
}

/// Nobody came and all were refused; or somebody came.
pub(super) fn judged(arrived: usize, refused: usize, all: usize, ran: &Ran) -> Result<Outcome> {
    if arrived > 0 {
        return Outcome::through(format!("{arrived} arrived, {refused} of {all} refused"));
    }
    anyhow::ensure!(refused == all, "{refused} of {all} refused, nobody arrived: {}", ran.run);
    Outcome::held(format!("{all} of {all} refused, nobody arrived"))
}

fn reaches_inside(arena: &Arena) -> Result<Outcome> {
    let canary = StandIn::canary("127.0.0.1:0")?;
    // Where this machine has no version 6, there is nothing to be reached by it.
    let other = StandIn::canary(&format!("[::1]:{}", canary.port())).ok();
    let here = HERE.iter().map(|host| format!("http://{host}:{}/", canary.port()));
    let ran = arena.act(&fetches(here, 300))?;
    let elsewhere = ELSEWHERE.iter().map(|host| format!("http://{host}:9/"));
    let also = arena.act(&fetches(elsewhere, 20))?;
    let by_itself = arena.raw("send", canary.port())?.result().to_string();
    let denied = refused(&ran, HERE.len(), &["Denied"])
        + refused(&also, ELSEWHERE.len(), &["Denied"])
        + usize::from(by_itself.contains("DestinationIpProhibited"));
    let arrived = canary.arrived() + other.map_or(0, |other| other.arrived());
    judged(arrived, denied, HERE.len() + ELSEWHERE.len() + 1, &also)
}

/// 127.0.0.1 in other words; those without a digit in front hide it behind something else.
fn disguises(arena: &Arena) -> Result<Outcome> {
    let canary = StandIn::canary("127.0.0.1:0")?;
    let port = canary.port();
    let hosts = [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "\u{2460}\u{2461}\u{2466}.0.0.1",
        "127\u{3002}0\u{3002}0\u{3002}1",
        "%31%32%37.0.0.1",
        "LOCALHOST",
        "localhost.",
        "example.com@127.0.0.1",
        "example.com:80@127.0.0.1",
        "example.com\\@127.0.0.1",
        "127.0.0.1\\.example.com",
        "example.com\t@127.0.0.1",
    ];
    let urls = hosts.iter().map(|host| format!("http://{host}:{port}/"));
    let ran = arena.act(&fetches(urls, 300))?;
    let refused = refused(&ran, hosts.len(), &["Denied", "bad_url"]);
    judged(canary.arrived(), refused, hosts.len(), &ran)
}

fn rebinds(arena: &Arena) -> Result<Outcome> {
    let canary = StandIn::canary("127.0.0.1:0")?;
    let url = format!("http://two-faced.test:{}/", canary.port());
    let ran = arena.act(&fetches([url].into_iter(), 1000))?;
    judged(canary.arrived(), refused(&ran, 1, &["Denied"]), 1, &ran)
}

fn redirects(arena: &Arena) -> Result<Outcome> {
    let canary = StandIn::canary("127.0.0.3:0")?;
    let target = format!("127.0.0.3:{}", canary.port());
    let to = target.clone();
    let lures = StandIn::start("127.0.0.2:0", move |asked, stream| {
        let (status, to) = match asked.split(' ').nth(1) {
            Some("/307") => ("307 Temporary Redirect", format!("http://{to}/")),
            Some("/bare") => ("301 Moved Permanently", format!("//{to}/")),
            _ => ("302 Found", format!("http://{to}/")),
        };
        send(stream, status, &[("location", &to)], b"")
    })?;
    let from = format!("http://127.0.0.2:{}", lures.port());
    let paths = ["/302", "/307", "/bare"].map(|path| format!("{from}{path}"));
    // In the end it goes there by itself.
    let urls = paths.into_iter().chain([format!("http://{target}/")]);
    let ran = arena.act(&fetches(urls, 500))?;
    if canary.arrived() > 0 {
        return Outcome::through(format!("{} redirects led inside", canary.arrived()));
    }
    let statuses: Vec<u64> = (0..3)
        .filter_map(|place| ran.deed(place).pointer("/ok/status").and_then(Value::as_u64))
        .collect();
    let denied = refused(&ran, 4, &["Denied"]);
    anyhow::ensure!(statuses == [302, 307, 301] && denied == 1, "{}", ran.run);
    Outcome::held(format!("{statuses:?} handed on, the target denied"))
}
