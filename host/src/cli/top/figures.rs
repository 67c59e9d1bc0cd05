//! Figures in Prometheus' text format, as far as they are looked at.

use std::collections::BTreeMap;

/// The samples of one answer.
#[derive(Debug, Default)]
pub(super) struct Figures(BTreeMap<String, Vec<Sample>>);

#[derive(Debug)]
struct Sample {
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Figures {
    /// Reads every line that is a sample; others are skipped, as the format asks.
    pub(super) fn read(text: &str) -> Self {
        let mut figures = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, sample)) = sample(line) {
                figures.0.entry(name).or_default().push(sample);
            }
        }
        figures
    }

    /// All samples of a name; none where there is none.
    pub(super) fn sum(&self, name: &str) -> Option<f64> {
        let samples = self.0.get(name)?;
        Some(samples.iter().map(|sample| sample.value).sum())
    }

    /// The samples of a name, added up by one of their labels.
    pub(super) fn by(&self, name: &str, label: &str) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        for sample in self.0.get(name).into_iter().flatten() {
            if let Some(value) = sample.labels.get(label) {
                *sums.entry(value.clone()).or_default() += sample.value;
            }
        }
        sums
    }
}

fn sample(line: &str) -> Option<(String, Sample)> {
    let (name, labels, rest) = match line.split_once('{') {
        Some((name, rest)) => {
            let (labels, rest) = labels(rest)?;
            (name, labels, rest)
        }
        None => {
            let (name, rest) = line.split_once(' ')?;
            (name, BTreeMap::new(), rest)
        }
    };
    // A timestamp may come after the value.
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some((name.trim().to_owned(), Sample { labels, value }))
}

/// `a="1",b="2"} …`: the labels, and what comes after them.
fn labels(text: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let (mut labels, mut rest) = (BTreeMap::new(), text);
    loop {
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, value) = rest.split_once("=\"")?;
        let (mut read, mut chars) = (String::new(), value.char_indices());
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => match chars.next()?.1 {
                    'n' => read.push('\n'),
                    c => read.push(c),
                },
                (_, c) => read.push(c),
            }
        };
        labels.insert(name.to_owned(), read);
        rest = value.get(end + 1..)?;
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_added_up_by_name_and_by_label() {
        let text = "# HELP a x\n# TYPE a counter\na{x=\"1\",y=\"p\\\"{},\\\\\"} 2\na{x=\"1\"} 3 170\n\
                    a{x=\"2\"} 4\nb 1.5\nno sample\n";
        let figures = Figures::read(text);
        assert_eq!(figures.sum("a"), Some(9.0));
        assert_eq!(figures.sum("b"), Some(1.5));
        assert_eq!(figures.sum("c"), None);
        let by = figures.by("a", "x");
        assert_eq!(by, BTreeMap::from([("1".to_owned(), 5.0), ("2".to_owned(), 4.0)]));
        assert_eq!(figures.by("a", "y"), BTreeMap::from([("p\"{},\\".to_owned(), 2.0)]));
    }
}
