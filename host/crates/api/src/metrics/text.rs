//! Prometheus' text format, version 0.0.4: a family is its help, its type and its samples.

use std::fmt::Write as _;

/// Text that is being written.
#[derive(Debug, Default)]
pub(crate) struct Text(String);

/// A family whose samples are being written.
#[derive(Debug)]
pub(crate) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Text {
    /// Begins a family of figures that go up and down.
    pub(crate) fn gauge(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, help, "gauge")
    }

    /// Begins a family of figures that only grow.
    pub(crate) fn counter(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, help, "counter")
    }

    /// Begins a family of counts by size.
    pub(crate) fn histogram(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, help, "histogram")
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.0
    }

    // Writing to a String cannot fail, so the results below are dropped.
    fn family(&mut self, name: &'static str, help: &str, kind: &str) -> Family<'_> {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { text: &mut self.0, name }
    }
}

impl Family<'_> {
    /// Writes a whole number.
    pub(crate) fn sample(&mut self, labels: &[(&str, &str)], value: u64) {
        self.line("", labels, &value.to_string());
    }

    /// Writes nanoseconds as seconds.
    pub(crate) fn seconds(&mut self, labels: &[(&str, &str)], ns: u64) {
        self.line("", labels, &seconds(ns));
    }

    /// Writes one line of the family under its name and that suffix.
    pub(crate) fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: &str) {
        let name = self.name;
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let _ = if labels.is_empty() {
            writeln!(self.text, "{name}{suffix} {value}")
        } else {
            writeln!(self.text, "{name}{suffix}{{{}}} {value}", labels.join(","))
        };
    }
}

/// Nanoseconds as seconds, without a float's rounding.
pub(crate) fn seconds(ns: u64) -> String {
    format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000)
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_family_has_help_type_and_samples_with_escaped_labels() {
        let mut text = Text::default();
        text.gauge("a", "One.").sample(&[], 3);
        text.counter("b_seconds_total", "Two.").seconds(&[("x", "q\"\\\n")], 1_500_000_001);
        expect![[r#"
            # HELP a One.
            # TYPE a gauge
            a 3
            # HELP b_seconds_total Two.
            # TYPE b_seconds_total counter
            b_seconds_total{x="q\"\\\n"} 1.500000001
        "#]]
        .assert_eq(&text.finish());
    }
}
