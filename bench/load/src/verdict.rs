//! What is printed, and the count of what held.

/// Prints a line.
#[expect(clippy::print_stdout, reason = "the one place that prints")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// Prints why the proof cannot go on.
#[expect(clippy::print_stderr, reason = "the one place that complains")]
pub(crate) fn complain(line: &str) {
    eprintln!("load: {line}");
}

/// What held so far.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    passed: usize,
    failed: usize,
}

impl Verdict {
    /// One thing that must hold, and what was measured of it.
    pub(crate) fn check(&mut self, held: bool, what: &str, measured: &str) {
        let mark = if held { "ok    " } else { "FAILED" };
        say(&format!("{mark} {what}: {measured}"));
        self.count(held);
    }

    /// One thing that is not worth a line where it holds.
    pub(crate) fn count(&mut self, held: bool) {
        if held {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    /// The last line; whether everything held. A proof of nothing does not.
    pub(crate) fn finish(&self) -> bool {
        say(&format!("{} passed, {} failed", self.passed, self.failed));
        self.passed > 0 && self.failed == 0
    }
}
