//! Whether the time of a refusal tells that a key's id is known.
//!
//! The test: 10,000 requests with a known id and a wrong secret, 10,000 with an unknown id, in
//! turns over one connection; the 99.9 % confidence interval of the difference of the means of both
//! halves, each without its slowest tenth (what the machine did meanwhile), must lie within ±5 µs.
//! Its power is printed: the smallest difference that it finds in 99 of 100 runs at that level.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use wforge_api::Role;

use super::report::Report;
use super::world::World;

const TRIES: usize = 10_000;
const REFUSALS: usize = 2_000;
/// Two-sided 99.9 %.
const Z_LEVEL: f64 = 3.291;
/// One-sided 99 %.
const Z_POWER: f64 = 2.326;
const BOUND_US: f64 = 5.0;

struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Self { reader: BufReader::new(stream) }
    }

    /// Sends one request and reads its answer; the microseconds that it took.
    fn ask(&mut self, request: &[u8]) -> f64 {
        let (taken, body) = self.exchange(request);
        assert!(body.windows(6).any(|six| six == b"WF0401"), "refused");
        taken
    }

    /// The same with the answer's body, whatever it says.
    fn exchange(&mut self, request: &[u8]) -> (f64, Vec<u8>) {
        let begun = Instant::now();
        self.reader.get_mut().write_all(request).expect("written");
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            self.reader.read_line(&mut line).expect("a line");
            if line == "\r\n" {
                break;
            }
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().expect("a number");
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).expect("a body");
        (begun.elapsed().as_secs_f64() * 1e6, body)
    }
}

/// A key of the form, with that id and a secret that nothing has.
fn forged(id: &str, number: usize) -> Vec<u8> {
    let body = format!("wf_{id}_{number:064x}");
    let key = format!("{body}_{:08x}", crc32c::crc32c(body.as_bytes()));
    format!("GET /v1/runs HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n")
        .into()
}

/// Mean and variance without the slowest tenth.
fn trimmed(mut times: Vec<f64>) -> (f64, f64, f64) {
    times.sort_by(f64::total_cmp);
    times.truncate(times.len() * 9 / 10);
    let count = times.len() as f64;
    let mean = times.iter().sum::<f64>() / count;
    let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, variance, count)
}

/// How long a tenant that is too fast waits to hear so: 99 of 100 must be below 10 ms.
fn refusals(world: &World, report: &mut Report) {
    let quotas = serde_json::json!({ "requests_per_second_max": 1, "requests_burst_max": 1 });
    world.platform("/v1/tenants/other/quotas", &quotas);
    let key = world.key("other", Role::Viewer);
    let request =
        format!("GET /v1/runs HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n");
    let mut connection = Connection::open(world.address());
    let mut times: Vec<f64> = Vec::new();
    while times.len() < REFUSALS {
        let (taken, body) = connection.exchange(request.as_bytes());
        if body.windows(6).any(|six| six == b"WF1010") {
            times.push(taken);
        }
    }
    times.sort_by(f64::total_cmp);
    let (median, p99) = (times[REFUSALS / 2], times[REFUSALS * 99 / 100]);
    report.note(&format!("{REFUSALS} refusals by 429: median {median:.0} µs, p99 {p99:.0} µs"));
    let found = if p99 < 10_000.0 { "below" } else { "above" };
    report.line("GET  /v1/runs", "429 within 10 ms (p99)", found, "below");
}

pub(super) fn check(world: &World, report: &mut Report) {
    key_ids(world, report);
    refusals(world, report);
}

fn key_ids(world: &World, report: &mut Report) {
    let known = world.key("acme", Role::Viewer).split('_').nth(1).expect("an id").to_owned();
    let mut connection = Connection::open(world.address());
    let (mut of_known, mut of_unknown) = (Vec::new(), Vec::new());
    for number in 0..TRIES {
        // Ids that nobody has, each another one, as a guesser's would be.
        let unknown = format!("{:012x}", 0xf000_0000_0000_u64 + number as u64);
        of_known.push(connection.ask(&forged(&known, number)));
        of_unknown.push(connection.ask(&forged(&unknown, number)));
    }
    let ((mean_a, var_a, n_a), (mean_b, var_b, n_b)) = (trimmed(of_known), trimmed(of_unknown));
    let difference = mean_a - mean_b;
    let error = (var_a / n_a + var_b / n_b).sqrt();
    let (low, high) = (difference - Z_LEVEL * error, difference + Z_LEVEL * error);
    let power = (Z_LEVEL + Z_POWER) * error;
    report.note(&format!("{TRIES} tries each: known {mean_a:.2} µs, unknown {mean_b:.2} µs"));
    report
        .note(&format!("difference {difference:+.3} µs, 99.9 % within {low:+.3} … {high:+.3} µs"));
    report.note(&format!("power: a difference of {power:.3} µs is found in 99 of 100 runs"));
    let found = if low > -BOUND_US && high < BOUND_US { "within" } else { "beyond" };
    report.line("GET  /v1/runs", "known and unknown ids, ±5 µs", found, "within");
}
