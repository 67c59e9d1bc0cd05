//! What was checked: a line each, and the count.

use wforge_api::Route;

/// All lines.
#[derive(Debug, Default)]
pub(super) struct Report {
    passed: usize,
    failed: Vec<String>,
}

impl Report {
    /// One check of a route.
    pub(super) fn row(&mut self, route: &Route, who: &str, found: &str, expected: &str) {
        self.line(&format!("{:<4} {}", route.method, route.path), who, found, expected);
    }

    /// One check.
    pub(super) fn line(&mut self, what: &str, who: &str, found: &str, expected: &str) {
        let fits = found == expected;
        let mark = if fits { "ok    " } else { "FAILED" };
        let line = format!("{mark} {what:<58} {who:<24} {found}");
        println!("{line}");
        if fits {
            self.passed += 1;
        } else {
            self.failed.push(format!("{line}, not {expected}"));
        }
    }

    /// A line that is no check.
    pub(super) fn note(&self, text: &str) {
        println!("       {text}");
    }

    /// The last line; fails where something did.
    pub(super) fn finish(self, routes: usize, roles: usize, tenants: usize) {
        println!("{routes} routes x {roles} roles x {tenants} tenants");
        println!("{} passed, {} failed", self.passed, self.failed.len());
        assert!(self.failed.is_empty(), "{:#?}", self.failed);
        assert!(self.passed >= 200, "{} checks are too few to say much", self.passed);
    }
}
