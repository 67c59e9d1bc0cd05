//! Rows 25 to 27: where a granted request may go, how long and how large its answer may be, and what
//! it may say in its headers.

use std::io::Write as _;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::addresses::{judged, refused};
use super::gzip;
use crate::arena::Arena;
use crate::cast;
use crate::fixture::{Control, Fixture, Outcome, Setting, Trace};
use crate::stand_in::{StandIn, send};

/// Loopback is let be, so that something else than its address stops a request; and no call ends
/// before its exchange has.
pub(super) const LOOPBACK: &[Setting] =
    &[("OUTBOUND__ALLOW", "127.0.0.0/8"), ("LIMITS__SANDBOX__WALL_MS_MAX", "20000")];
/// The same where a small body is large.
const SMALL: &[Setting] = &[
    ("OUTBOUND__ALLOW", "127.0.0.0/8"),
    ("LIMITS__HTTP__RESPONSE_BYTES_MAX", "1048576"),
    ("LIMITS__SANDBOX__WALL_MS_MAX", "20000"),
];

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 25,
        attack: "ports and hosts that no grant names",
        defence: "grants name scheme, host and port",
        settings: LOOPBACK,
        make: scans_ports,
        control: Control::Without("grants"),
        trace: Trace::Stopped { what: "host_call", code: "denied" },
    },
    Fixture {
        row: 26,
        attack: "a server that never comes to an end",
        defence: "the time of an exchange",
        settings: LOOPBACK,
        make: drips,
        control: Control::Set(&[
            ("LIMITS__HTTP__TIMEOUT_MS", "15000"),
            ("LIMITS__HTTP__TIMEOUT_MS_MAX", "15000"),
        ]),
        trace: Trace::Stopped { what: "host_call", code: "timeout" },
    },
    Fixture {
        row: 26,
        attack: "a body without an end",
        defence: "the size of a response",
        settings: SMALL,
        make: floods,
        control: Control::Set(&[("LIMITS__HTTP__RESPONSE_BYTES_MAX", "8388608")]),
        trace: Trace::Stopped { what: "host_call", code: "response_bytes" },
    },
    Fixture {
        row: 26,
        attack: "a body that unpacks to a thousand times its size",
        defence: "bodies are handed on as they come",
        settings: SMALL,
        make: unpacks,
        control: Control::Harmless,
        trace: Trace::Inert("nothing is unpacked"),
    },
    Fixture {
        row: 27,
        attack: "headers that end the request, or many of them",
        defence: "headers are checked and counted",
        settings: LOOPBACK,
        make: splits_requests,
        control: Control::Set(&[
            ("LIMITS__OUTBOUND__HEADERS_MAX", "16384"),
            ("LIMITS__OUTBOUND__HEADER_BYTES_MAX", "1048576"),
        ]),
        trace: Trace::Stopped { what: "host_call", code: "bad_request" },
    },
];

/// It asks for one port of one address, and is granted that.
pub(super) const SCANNER: (&str, &[&str]) = (
    "wforge/scanner",
    &["http:GET@http://127.0.0.2:8080/", "kv:run", "ask", "tool:none", "llm:mock"],
);

fn scans_ports(arena: &Arena) -> Result<Outcome> {
    let canaries = [
        StandIn::canary("127.0.0.1:0")?,
        StandIn::canary("127.0.0.1:0")?,
        StandIn::canary("127.0.0.2:0")?,
    ];
    let urls = [
        format!("http://127.0.0.1:{}/", canaries[0].port()),
        format!("http://127.0.0.1:{}/", canaries[1].port()),
        // The granted address, and another port of it.
        format!("http://127.0.0.2:{}/", canaries[2].port()),
        format!("http://127.0.0.2:{}/:8080/", canaries[2].port()),
        "https://127.0.0.2:8080/".to_owned(),
        "http://127.0.0.3:8080/".to_owned(),
    ];
    let mut deeds: Vec<Value> =
        urls.iter().map(|url| json!({ "do": "fetch", "url": url, "timeout_ms": 300 })).collect();
    let posted = "http://127.0.0.2:8080/";
    deeds.push(json!({ "do": "fetch", "url": posted, "method": "POST", "timeout_ms": 300 }));
    let mallory = (&arena.mallory, "mallory");
    let ran = cast::act(arena, mallory, SCANNER, &json!(deeds))?;
    let arrived = canaries.iter().map(StandIn::arrived).sum();
    judged(arrived, refused(&ran, deeds.len(), &["Denied"]), deeds.len(), &ran)
}

/// A server that says nothing for three seconds, and one that says a byte now and then.
fn drips(arena: &Arena) -> Result<Outcome> {
    let server = StandIn::start("127.0.0.1:0", |asked, stream| {
        if asked.starts_with("GET /silent ") {
            std::thread::sleep(Duration::from_secs(3));
            return send(stream, "200 OK", &[], b"at last");
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
        for _ in 0..15 {
            stream.write_all(b"x")?;
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    })?;
    // It asks for more time than there is.
    let fetch = |path: &str| {
        let url = format!("http://127.0.0.1:{}/{path}", server.port());
        json!({ "do": "fetch", "url": url, "timeout_ms": 600_000 })
    };
    let ran = arena.act(&json!([fetch("silent"), fetch("drips")]))?;
    match (exchanged(ran.deed(0), "timeout")?, exchanged(ran.deed(1), "timeout")?) {
        (Outcome::Held(_), Outcome::Held(_)) => Outcome::held("timeout of both"),
        (Outcome::Through(got), _) | (_, Outcome::Through(got)) => Outcome::through(got),
    }
}

/// Pieces as fast as they are taken, four MiB of them.
fn floods(arena: &Arena) -> Result<Outcome> {
    let server = StandIn::start("127.0.0.1:0", |_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
        let piece = [b'x'; 64 << 10];
        (0..64).try_for_each(|_| stream.write_all(&piece))
    })?;
    let url = format!("http://127.0.0.1:{}/", server.port());
    let ran = arena.act(&json!([{ "do": "fetch", "url": url }]))?;
    exchanged(ran.deed(0), "response_bytes")
}

/// Stopped by that; or a whole answer.
fn exchanged(deed: &Value, code: &str) -> Result<Outcome> {
    if deed.pointer("/ok/status").and_then(Value::as_u64) == Some(200) {
        return Outcome::through("the whole answer came");
    }
    anyhow::ensure!(deed.to_string().contains(code), "{deed}");
    Outcome::held(code)
}

/// 32 MiB of zeros in 32 KiB. Where it is harmless, 32 KiB that are no more than that.
fn unpacks(arena: &Arena) -> Result<Outcome> {
    let bomb = gzip::zeros(32 << 20);
    let (size, harmless) = (bomb.len(), arena.harmless);
    let server = StandIn::start("127.0.0.1:0", move |_, stream| {
        let packed: &[(&str, &str)] = &[("content-encoding", "gzip")];
        send(stream, "200 OK", if harmless { &[] } else { packed }, &bomb)
    })?;
    let url = format!("http://127.0.0.1:{}/", server.port());
    let ran = arena.act(&json!([{ "do": "fetch", "url": url }]))?;
    let came = ran.deed(0).pointer("/ok/bytes").and_then(Value::as_u64);
    anyhow::ensure!(came == u64::try_from(size).ok(), "{size} were sent: {}", ran.run);
    let seen = format!("{} KiB came as {} KiB", size >> 10, size >> 10);
    if harmless { Outcome::through(seen) } else { Outcome::held(seen) }
}

/// More headers than one request may have, and fewer than the control lets be.
const HEADERS: usize = 200;
/// More than a map of headers can hold.
const HEADERS_TOO_MANY: usize = 33_000;

fn splits_requests(arena: &Arena) -> Result<Outcome> {
    let server = StandIn::start("127.0.0.1:0", |asked, stream| {
        if asked.starts_with("GET /many ") {
            let mut answer = "HTTP/1.1 200 OK\r\nconnection: close\r\n".to_owned();
            (0..HEADERS_TOO_MANY).for_each(|n| answer.push_str(&format!("x{n}: y\r\n")));
            return stream.write_all(format!("{answer}\r\n").as_bytes());
        }
        send(stream, "200 OK", &[], b"")
    })?;
    let url = format!("http://127.0.0.1:{}/", server.port());
    let with = |headers: Value| json!({ "do": "fetch", "url": url, "headers": headers });
    let many = |count: usize| (0..count).map(|n| json!([format!("x-{n}"), "y"])).collect();
    let deeds = [
        with(many(HEADERS)),
        with(many(HEADERS_TOO_MANY)),
        json!({ "do": "fetch", "url": format!("{url}many") }),
        with(json!([["x-a", "b\r\nx-injected: yes"]])),
        with(json!([["x-a", "b\nx-injected: yes"]])),
        with(json!([["x-a: b\r\nx-injected", "yes"]])),
        with(json!([["host", "elsewhere.example"]])),
        with(json!([["transfer-encoding", "chunked"]])),
        with(json!([["content-length", "4"]])),
        with(json!([["connection", "x-a"]])),
        with(json!([["upgrade", "h2c"]])),
    ];
    let ran = arena.act(&json!(deeds))?;
    let asked = server.asked();
    let has = |text: &str| asked.iter().any(|asked| asked.to_lowercase().contains(text));
    for never in ["x-injected", "elsewhere.example", "chunked", "h2c"] {
        anyhow::ensure!(!has(never), "{never} was sent: {asked:?}");
    }
    let refused = refused(&ran, deeds.len(), &["bad_header", "bad_request", "broken"]);
    if has("x-199: y") {
        return Outcome::through(format!("{HEADERS} headers were sent"));
    }
    anyhow::ensure!(refused == deeds.len(), "{refused} refused: {}", ran.run);
    Outcome::held(format!("{refused} of {} refused", deeds.len()))
}
