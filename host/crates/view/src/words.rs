//! Words that lists, pages and progress share.

use wforge_model::event::InterruptedAt;

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

/// Milliseconds as people write them.
#[must_use]
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        let texts = [0, 999, 3_240, 59_999, 61_000].map(duration);
        assert_eq!(texts, ["0 ms", "999 ms", "3.2 s", "59.9 s", "1 min 1 s"]);
    }
}
