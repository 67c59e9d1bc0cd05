//! What was used of models adds up, and names few of them.

use wforge_model::usage::{OTHER_MODELS, USAGE_MODELS_MAX};
use wforge_model::{ModelUsage, SandboxUse, Usage};

const ONE: ModelUsage = ModelUsage { calls: 1, failed: 0, input_tokens: 3, output_tokens: 2 };

#[test]
fn what_further_models_used_is_added_up_under_one_name() {
    let mut usage = Usage::default();
    for n in 0..USAGE_MODELS_MAX + 5 {
        usage.take(&format!("m{n:02}"), &ONE);
    }
    assert_eq!(usage.models.len(), USAGE_MODELS_MAX + 1);
    assert_eq!(usage.models.get(OTHER_MODELS).map(|other| other.calls), Some(5));
    assert_eq!(usage.total.input_tokens, 3 * (USAGE_MODELS_MAX as u64 + 5));
}

#[test]
fn what_came_since_is_what_was_added() {
    let mut before = Usage::default();
    before.take("fast", &ONE);
    let mut after = before.clone();
    after.take("fast", &ModelUsage { failed: 1, ..ONE });
    after.take("deep", &ONE);
    let since = after.since(&before);
    assert_eq!((since.total.calls, since.total.failed, since.models.len()), (2, 1, 2));
    before.add(&since);
    assert_eq!(before, after);
    assert!(after.since(&after).is_none());
}

#[test]
fn of_sandboxes_the_time_adds_up_and_of_memory_the_most_counts() {
    let took = |cpu_us, memory_bytes_peak| Usage {
        sandbox: SandboxUse { cpu_us, memory_bytes_peak },
        ..Usage::default()
    };
    let mut usage = took(5, 70);
    usage.add(&took(7, 30));
    assert_eq!(usage, took(12, 70));
    assert!(!usage.is_none());
    assert_eq!(usage.since(&took(5, 70)).sandbox.cpu_us, 7);
    let text = serde_json::to_string(&usage).unwrap();
    assert_eq!(serde_json::from_str::<Usage>(&text).unwrap(), usage);
}

#[test]
fn it_reads_back_as_it_was_written() {
    let mut usage = Usage::default();
    usage.take("fast", &ONE);
    let text = serde_json::to_string(&usage).unwrap();
    assert_eq!(
        text,
        r#"{"calls":1,"input_tokens":3,"output_tokens":2,"models":{"fast":{"calls":1,"input_tokens":3,"output_tokens":2}}}"#
    );
    assert_eq!(serde_json::from_str::<Usage>(&text).unwrap(), usage);
}
