//! Words that lists, pages and progress share.

use wforge_model::event::{AssignedBy, InterruptedAt};

/// Why nobody stands in for a task that could be stood in for.
pub const AFTER_WRITE: &str = "nobody stands in, since the task has written something: \
                               fallback_on: [after_write] lets somebody";

/// `before` or `after`.
#[must_use]
pub const fn when_text(when: InterruptedAt) -> &'static str {
    match when {
        InterruptedAt::Before => "before",
        InterruptedAt::After => "after",
    }
}

/// For how many super-steps a run goes on, after `continued by …`.
#[must_use]
pub fn for_steps(steps: Option<u32>) -> String {
    match steps {
        None => String::new(),
        Some(1) => " for one super-step".to_owned(),
        Some(steps) => format!(" for {steps} super-steps"),
    }
}

/// How a run was ended before its own end.
#[must_use]
pub fn cancelled(reason: &str, by: &str, rolled_back: bool) -> String {
    let what = if rolled_back { "rolled back" } else { "cancelled" };
    // Logs of before do not say who did.
    let by = if by.is_empty() { String::new() } else { format!(" by {by}") };
    format!("{what}{by}: {reason}")
}

/// To whom a question was put, and why.
#[must_use]
pub fn assigned(assignee: Option<&str>, note: Option<&str>, by: &AssignedBy) -> String {
    let to =
        assignee.map_or_else(|| "left to whoever comes".to_owned(), |to| format!("put to {to}"));
    let by = match by {
        AssignedBy::Person(name) => format!("by {name}"),
        AssignedBy::Escalation => "since nobody had answered".to_owned(),
    };
    let note = note.map(|note| format!(": {note}")).unwrap_or_default();
    format!("{to} {by}{note}")
}

/// Milliseconds as people write them.
#[must_use]
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        3_600_000..86_400_000 => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
        _ => format!("{} d {} h", ms / 86_400_000, ms % 86_400_000 / 3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cancelled_is_left_out_where_it_is_not_known() {
        assert_eq!(cancelled("enough", "ann", false), "cancelled by ann: enough");
        assert_eq!(cancelled("enough", "", true), "rolled back: enough");
        assert_eq!(
            [None, Some(1), Some(2)].map(for_steps).concat(),
            " for one super-step for 2 super-steps"
        );
    }

    #[test]
    fn durations_read_as_people_write_them() {
        let texts = [0, 999, 3_240, 59_999, 61_000].map(duration);
        assert_eq!(texts, ["0 ms", "999 ms", "3.2 s", "59.9 s", "1 min 1 s"]);
        let texts = [3_599_999, 3_660_000, 25 * 3_600_000].map(duration);
        assert_eq!(texts, ["59 min 59 s", "1 h 1 min", "1 d 1 h"]);
    }
}
