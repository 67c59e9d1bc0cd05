//! What is counted of requests: how many by route, method and status, and how long by route.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use wforge_ports::figures::Durations;

use super::text::Text;

/// A request as it is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    /// The route of the table, or `unmatched`.
    pub(crate) route: &'a str,
    /// The method, or `other`.
    pub(crate) method: &'static str,
    /// The status of the response.
    pub(crate) status: u16,
    /// The code under which it was refused, and the reason where the code has several.
    pub(crate) refused: Option<(&'static str, &'static str)>,
}

/// The counts. As many entries as routes times statuses: clients cannot add any.
#[derive(Debug, Default)]
pub(crate) struct HttpMetrics(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    requests: BTreeMap<(String, &'static str, u16), u64>,
    refusals: BTreeMap<(&'static str, &'static str), u64>,
    durations: BTreeMap<String, Durations>,
}

impl HttpMetrics {
    /// Counts a request that was answered.
    pub(crate) fn count(&self, seen: Seen<'_>, elapsed_ns: u64) {
        let Seen { route, method, status, refused } = seen;
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.requests.entry((route.to_owned(), method, status)).or_default() += 1;
        if let Some(refused) = refused {
            *counts.refusals.entry(refused).or_default() += 1;
        }
        counts.durations.entry(route.to_owned()).or_default().count_ns(elapsed_ns);
    }

    /// Writes all families.
    pub(crate) fn write(&self, text: &mut Text) {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut requests = text.counter("wforge_http_requests_total", "Requests answered.");
        for ((route, method, status), count) in &counts.requests {
            let status = status.to_string();
            let labels = [("route", route.as_str()), ("method", method), ("status", &status)];
            requests.sample(&labels, *count);
        }
        let mut refusals = text.counter("wforge_http_refusals_total", "Requests refused, by code.");
        for ((code, reason), count) in &counts.refusals {
            refusals.sample(&[("code", code), ("reason", reason)], *count);
        }
        let help = "From the headers to the response.";
        let mut family = text.histogram("wforge_http_request_duration_seconds", help);
        for (route, durations) in &counts.durations {
            family.durations(&[("route", route)], &durations.read());
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn requests_are_counted_by_route_method_and_status_and_refusals_by_code() {
        let metrics = HttpMetrics::default();
        for (status, ms) in [(200, 1), (200, 30), (404, 70_000)] {
            let refused = (status == 404).then_some(("WF0404", ""));
            let seen = Seen { route: "/v1/runs", method: "GET", status, refused };
            metrics.count(seen, ms * 1_000_000);
        }
        let mut text = Text::default();
        metrics.write(&mut text);
        let text = text.finish();
        // How long is told by the same buckets as everywhere, of which `text` has a test.
        let lines = text.lines().filter(|line| !line.contains("_bucket{"));
        expect![[r#"
            # HELP wforge_http_requests_total Requests answered.
            # TYPE wforge_http_requests_total counter
            wforge_http_requests_total{route="/v1/runs",method="GET",status="200"} 2
            wforge_http_requests_total{route="/v1/runs",method="GET",status="404"} 1
            # HELP wforge_http_refusals_total Requests refused, by code.
            # TYPE wforge_http_refusals_total counter
            wforge_http_refusals_total{code="WF0404",reason=""} 1
            # HELP wforge_http_request_duration_seconds From the headers to the response.
            # TYPE wforge_http_request_duration_seconds histogram
            wforge_http_request_duration_seconds_sum{route="/v1/runs"} 70.031000000
            wforge_http_request_duration_seconds_count{route="/v1/runs"} 3
        "#]]
        .assert_eq(&lines.flat_map(|line| [line, "\n"]).collect::<String>());
    }
}
