//! Prometheus' text format, version 0.0.4: a family is its help, its type and its samples.

use std::fmt::Write as _;

use wforge_ports::figures::{BOUNDS_US, DurationFigures};

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

    /// Writes milliseconds as seconds.
    pub(crate) fn millis(&mut self, labels: &[(&str, &str)], ms: u64) {
        self.line("", labels, &format!("{}.{:03}", ms / 1_000, ms % 1_000));
    }

    /// Writes the lines of one histogram.
    pub(crate) fn durations(&mut self, labels: &[(&str, &str)], figures: &DurationFigures) {
        let count = figures.count.to_string();
        for (within, bound_us) in figures.within.iter().zip(BOUNDS_US) {
            self.bucket(labels, &bound(bound_us), &within.to_string());
        }
        self.bucket(labels, "+Inf", &count);
        self.line("_sum", labels, &seconds(figures.sum_ns));
        self.line("_count", labels, &count);
    }

    fn bucket(&mut self, labels: &[(&str, &str)], bound: &str, count: &str) {
        let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("le", bound)]).collect();
        self.line("_bucket", &labels, count);
    }

    /// Writes one line of the family under its name and that suffix.
    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: &str) {
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
fn seconds(ns: u64) -> String {
    format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000)
}

/// A bound in seconds, as short as it can be written.
fn bound(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_buckets_of_a_histogram_grow_to_its_count() {
        let durations = wforge_ports::figures::Durations::default();
        durations.count_ms(2);
        durations.count_ms(7_200_000);
        let mut text = Text::default();
        text.histogram("a_seconds", "One.").durations(&[("x", "y")], &durations.read());
        let text = text.finish();
        for line in [
            r#"a_seconds_bucket{x="y",le="0.001"} 0"#,
            r#"a_seconds_bucket{x="y",le="0.0025"} 1"#,
            r#"a_seconds_bucket{x="y",le="3600"} 1"#,
            r#"a_seconds_bucket{x="y",le="+Inf"} 2"#,
            r#"a_seconds_sum{x="y"} 7200.002000000"#,
            r#"a_seconds_count{x="y"} 2"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }

    #[test]
    fn a_family_has_help_type_and_samples_with_escaped_labels() {
        let mut text = Text::default();
        text.gauge("a", "One.").sample(&[], 3);
        text.counter("b_seconds_total", "Two.").millis(&[("x", "q\"\\\n")], 1_501);
        expect![[r#"
            # HELP a One.
            # TYPE a gauge
            a 3
            # HELP b_seconds_total Two.
            # TYPE b_seconds_total counter
            b_seconds_total{x="q\"\\\n"} 1.501
        "#]]
        .assert_eq(&text.finish());
    }
}
