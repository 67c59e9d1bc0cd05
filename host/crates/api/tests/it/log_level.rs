//! What a server logs, changed over the API.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use wforge_api::{HostLog, LogFigures};

use crate::bench::{Bench, bench, idle};

const PATH: &str = "/v1/system/log-level";

/// A log that is a word, and that takes no level called `loud`.
#[derive(Debug)]
pub(crate) struct Words(Mutex<String>);

impl Default for Words {
    fn default() -> Self {
        Self(Mutex::new("warn".into()))
    }
}

impl HostLog for Words {
    fn figures(&self) -> LogFigures {
        LogFigures { lines_lost: 2, spans_dropped: 3, ..LogFigures::default() }
    }

    fn level(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn configured_level(&self) -> String {
        "warn".into()
    }

    fn set_level(&self, level: &str) -> Result<(), String> {
        if level == "loud" {
            return Err("\"loud\" is no level".into());
        }
        level.clone_into(&mut self.0.lock().unwrap());
        Ok(())
    }
}

async fn put(bench: &Bench, body: &Value) -> (String, Value) {
    let call = bench.call("PUT", PATH).typed("application/json", body.to_string());
    let reply = call.of("acme/platform").send().await;
    (reply.outcome(), reply.json())
}

/// Whoever waits for a moment finds it come.
async fn sleepers_wake(bench: &Bench) {
    for _ in 0..10 {
        idle().await;
        let _ = bench.clock.advance_to_next_sleeper();
    }
    idle().await;
}

async fn shown(bench: &Bench) -> Value {
    bench.get(PATH).of("acme/platform").send().await.json()
}

#[tokio::test]
async fn a_level_that_is_set_for_a_while_goes_back_by_itself() {
    let bench = bench();
    let (outcome, set) = put(&bench, &json!({ "level": "debug", "for_s": 60 })).await;
    assert_eq!((outcome.as_str(), &set["level"]), ("200", &json!("debug")));
    assert_eq!(set["until"], 1_700_000_060_000_u64);
    assert_eq!((&set["kind"], &set["configured"]), (&json!("log_level"), &json!("warn")));
    sleepers_wake(&bench).await;
    let after = shown(&bench).await;
    assert_eq!((&after["level"], &after["until"]), (&json!("warn"), &Value::Null));
}

#[tokio::test]
async fn what_is_set_later_stays_when_an_earlier_while_ends() {
    let bench = bench();
    put(&bench, &json!({ "level": "debug", "for_s": 60 })).await;
    put(&bench, &json!({ "level": "trace" })).await;
    sleepers_wake(&bench).await;
    assert_eq!(shown(&bench).await["level"], "trace");
    put(&bench, &json!({})).await;
    assert_eq!(shown(&bench).await["level"], "warn");
}

#[tokio::test]
async fn a_level_that_is_none_and_a_while_that_is_too_long_change_nothing() {
    let bench = bench();
    for body in [
        json!({ "level": "loud" }),
        json!({ "level": "x".repeat(2_000) }),
        json!({ "level": "info", "for_s": 0 }),
        json!({ "level": "info", "for_s": 86_401 }),
    ] {
        assert_eq!(put(&bench, &body).await.0, "422 WF0422", "{body}");
    }
    assert_eq!(shown(&bench).await["level"], "warn");
    let refused = bench.get(PATH).of("acme/admin").send().await;
    assert_eq!(refused.outcome(), "403 WF0403");
}

#[tokio::test]
async fn figures_of_process_and_log_are_exported_in_their_units() {
    let text = bench().get("/metrics").send().await.text;
    for line in [
        "process_cpu_seconds_total 1.500",
        "process_start_time_seconds 1700000000.000",
        "process_resident_memory_bytes 655360",
        "wforge_resident_bytes{kind=\"anonymous\"} 524288",
        "wforge_resident_bytes{kind=\"file\"} 131072",
        "wforge_allocator_bytes{kind=\"allocated\"} 262144",
        "wforge_log_lines_lost_total 2",
        "wforge_trace_spans_total{outcome=\"dropped\"} 3",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    // What the machine does not say is no 0.
    assert!(!text.contains("process_open_fds"), "{text}");
}
