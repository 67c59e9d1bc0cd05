//! Takes out of a text what differs from run to run.

/// Ids become `[run]`, `[task]` and so on, digests `[digest]`, durations `[ms]`, moments `[time]`.
pub(crate) fn redacted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.' | '-') {
            word.push(c);
        } else {
            out.push_str(&redacted_word(&word));
            word.clear();
            out.push(c);
        }
    }
    out.push_str(&redacted_word(&word));
    out
}

fn redacted_word(word: &str) -> String {
    let (core, tail) = match word.strip_suffix([':', '.']) {
        Some(core) => (core, &word[core.len()..]),
        None => (word, ""),
    };
    for kind in ["run", "task", "ask", "thread"] {
        if core.strip_prefix(kind).and_then(|rest| rest.strip_prefix('_')).is_some_and(is_id) {
            return format!("[{kind}]{tail}");
        }
    }
    if core.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64) {
        return format!("[digest]{tail}");
    }
    if is_moment(core) {
        return format!("[time]{tail}");
    }
    if core.strip_suffix("ms").is_some_and(is_number) {
        return format!("[ms]{tail}");
    }
    word.to_owned()
}

fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// `2026-11-24T03:51:35.123Z`.
fn is_moment(text: &str) -> bool {
    let Some(text) = text.strip_suffix('Z') else {
        return false;
    };
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape.starts_with("0000-00-00T00:00:00")
}

#[test]
fn what_differs_from_run_to_run_is_taken_out() {
    let id = "0123456789abcdef0123456789abcdef";
    let text = format!("run_{id}: task_{id} at 2026-11-24T03:51:35.123Z took 12ms, not 7");
    assert_eq!(redacted(&text), "[run]: [task] at [time] took [ms], not 7");
}
