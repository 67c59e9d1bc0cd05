//! What is counted of requests: how many by route, method and status, and how long by route.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::text::{Text, seconds};

/// Upper bounds of the buckets in milliseconds; the last bucket has none.
const BOUNDS_MS: [u64; 8] = [1, 5, 25, 100, 500, 2_500, 10_000, 60_000];

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

#[derive(Debug, Default)]
struct Durations {
    /// How many were at most as long as the bound of the same place.
    within: [u64; BOUNDS_MS.len()],
    count: u64,
    sum_ns: u64,
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
        let durations = counts.durations.entry(route.to_owned()).or_default();
        durations.count += 1;
        durations.sum_ns = durations.sum_ns.saturating_add(elapsed_ns);
        for (within, bound_ms) in durations.within.iter_mut().zip(BOUNDS_MS) {
            *within += u64::from(elapsed_ns <= bound_ms * 1_000_000);
        }
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
            for (within, bound_ms) in durations.within.iter().zip(BOUNDS_MS) {
                let bound = bound(bound_ms);
                let labels = [("route", route.as_str()), ("le", bound.as_str())];
                family.line("_bucket", &labels, &within.to_string());
            }
            let count = durations.count.to_string();
            family.line("_bucket", &[("route", route), ("le", "+Inf")], &count);
            family.line("_sum", &[("route", route)], &seconds(durations.sum_ns));
            family.line("_count", &[("route", route)], &count);
        }
    }
}

/// A bound in seconds, as short as it can be written.
fn bound(ms: u64) -> String {
    let text = format!("{}.{:03}", ms / 1_000, ms % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn buckets_count_everything_up_to_their_bound() {
        let metrics = HttpMetrics::default();
        for (status, ms) in [(200, 1), (200, 30), (404, 70_000)] {
            let refused = (status == 404).then_some(("WF0404", ""));
            let seen = Seen { route: "/v1/runs", method: "GET", status, refused };
            metrics.count(seen, ms * 1_000_000);
        }
        let mut text = Text::default();
        metrics.write(&mut text);
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
            wforge_http_request_duration_seconds_bucket{route="/v1/runs",le="0.001"} 1
            wforge_http_request_duration_seconds_bucket{route="/v1/runs",le="0.005"} 1
            wforge_http_request_duration_seconds_bucket{route="/v1/runs",le="0.025"} 1
            wforge_http_request_duration_seconds_bucket{route="/v1/runs",le="0.1"} 2
            wforge_http_request_duration_seconds_bucket{route="/v1/runs",le="0.5"} 2
            wforge_http_request_duration_seconds_bucket{route="/v1/runs",le="2.5"} 2
            wforge_http_request_duration_seconds_bucket{route="/v1/runs",le="10"} 2
            wforge_http_request_duration_seconds_bucket{route="/v1/runs",le="60"} 2
            wforge_http_request_duration_seconds_bucket{route="/v1/runs",le="+Inf"} 3
            wforge_http_request_duration_seconds_sum{route="/v1/runs"} 70.031000000
            wforge_http_request_duration_seconds_count{route="/v1/runs"} 3
        "#]]
        .assert_eq(&text.finish());
    }
}
