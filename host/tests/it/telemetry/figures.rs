//! The figures: their text, and that what dashboard and alerts are about is among them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use super::{ask, with_probe};
use crate::harness::{Cli, TestHost};
use crate::repo;

const DASHBOARD: &str = "deploy/grafana/wforge.json";
const ALERTS: &str = "deploy/prometheus/alerts.yaml";
const GUIDE: &str = "docs/guides/observability.md";

/// A family as it was exported.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    /// Names and labels of its samples.
    samples: Vec<(String, BTreeMap<String, String>)>,
}

type Families = BTreeMap<String, Family>;

/// The text format 0.0.4, strictly: each family has its help and type once, before its samples,
/// which are together; each sample is a number and there once.
fn parsed(text: &str) -> Families {
    let mut families = Families::new();
    let (mut current, mut seen) = (String::new(), BTreeSet::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect(line);
            assert!(!help.trim().is_empty(), "{line}");
            assert!(families.insert(name.to_owned(), Family::default()).is_none(), "twice: {line}");
            name.clone_into(&mut current);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect(line);
            assert_eq!(name, current, "type under another help");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            let family = families.get_mut(name).expect(line);
            assert!(family.kind.is_empty() && family.samples.is_empty(), "{line}");
            kind.clone_into(&mut family.kind);
        } else {
            assert!(seen.insert(line.rsplit_once(' ').expect(line).0.to_owned()), "twice: {line}");
            let (name, labels) = sample(line);
            let family = families.get_mut(&current).expect(line);
            let suffix = name.strip_prefix(current.as_str()).expect(line);
            match family.kind.as_str() {
                "histogram" => assert!(["_bucket", "_sum", "_count"].contains(&suffix), "{line}"),
                kind => assert!(suffix.is_empty() && !kind.is_empty(), "{line}"),
            }
            family.samples.push((name, labels));
        }
    }
    assert!(text.ends_with('\n'));
    families
}

fn sample(line: &str) -> (String, BTreeMap<String, String>) {
    let (series, value) = line.rsplit_once(' ').expect(line);
    let value: f64 = value.parse().expect(line);
    assert!(value.is_finite(), "{line}");
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    assert!(
        name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
        "{line}"
    );
    let mut rest = labels.strip_suffix('}').expect(line);
    let mut found = BTreeMap::new();
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").expect(line);
        let end = after.find('"').expect(line);
        assert!(!after[..end].contains('\\'), "no label of ours needs escapes: {line}");
        assert!(found.insert(label.to_owned(), after[..end].to_owned()).is_none(), "{line}");
        rest = after[end + 1..].trim_start_matches(',');
    }
    (name.to_owned(), found)
}

/// A server that has done a bit of everything.
fn busy() -> TestHost {
    let cli = Cli::new();
    let models = cli.file("models.toml", "[[model]]\nname = \"fast\"\nprovider = \"mock\"\n");
    let cli = cli.with("WFORGE_LLM__MODELS_FILE", models.to_str().expect("UTF-8"));
    let host = with_probe(cli);
    ask(&host, &[]);
    host.run(&["grants", "approve", "wforge/probe", "--all"]).exits(0);
    ask(&host, &[]);
    host.get("/v1/nothing").status(404);
    host.install(b"no wasm").status(422);
    host
}

fn exported(host: &TestHost) -> Families {
    parsed(&host.get_as("/metrics", None).status(200).text)
}

#[test]
fn the_figures_are_prometheus_text_with_names_as_its_conventions_want() {
    let families = exported(&busy());
    for (name, family) in &families {
        assert!(name.starts_with("wforge_") || name.starts_with("process_"), "{name}");
        let is_total = name.ends_with("_total");
        assert_eq!(family.kind == "counter", is_total, "{name} is a {}", family.kind);
        if family.kind == "histogram" {
            assert!(name.ends_with("_seconds"), "{name}");
        }
        for label in family.samples.iter().flat_map(|(_, labels)| labels.keys()) {
            assert!(
                !["tenant", "run", "plugin", "host", "url"].contains(&label.as_str()),
                "{name}"
            );
        }
    }
    for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"] {
        assert_eq!(families[name].samples.len(), 1, "{name}");
    }
}

/// What an expression is about: figures with the labels that it picks, and labels it groups by.
fn used(expression: &str) -> (BTreeMap<String, BTreeSet<String>>, BTreeSet<String>) {
    let (mut figures, mut groups) = (BTreeMap::<String, BTreeSet<String>>::new(), BTreeSet::new());
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut rest = expression;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '_') {
        let word = &rest[start..];
        let end = word.find(|c| !is_part(c)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        rest = after;
        if word.starts_with("wforge_") || word.starts_with("process_") {
            let labels = figures.entry(word.to_owned()).or_default();
            if let Some(inside) = after.strip_prefix('{') {
                let (inside, after) = inside.split_once('}').expect(expression);
                labels.extend(inside.split(',').filter(|pair| !pair.trim().is_empty()).map(
                    |pair| {
                        let name = pair.split(['=', '!']).next().expect(expression);
                        name.trim().to_owned()
                    },
                ));
                rest = after;
            }
        } else if word == "by" {
            let inside = after.trim_start().strip_prefix('(').expect(expression);
            let (inside, after) = inside.split_once(')').expect(expression);
            groups.extend(inside.split(',').map(|label| label.trim().to_owned()));
            rest = after;
        }
    }
    (figures, groups)
}

/// All expressions of the dashboard and of the alerts.
fn expressions() -> Vec<String> {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("expr").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| walk(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(&serde_json::from_str(&repo::read(DASHBOARD)).expect("JSON"), &mut found);
    let of_dashboard = found.len();
    let alerts = repo::read(ALERTS);
    found.extend(
        alerts.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).map(str::to_owned),
    );
    assert!(of_dashboard > 10 && found.len() > of_dashboard + 5);
    found
}

#[test]
fn dashboard_and_alerts_are_about_figures_and_labels_that_the_server_exports() {
    let families = exported(&busy());
    let scraped = ["job", "instance", "le"];
    for expression in expressions() {
        let (figures, groups) = used(&expression);
        assert!(!figures.is_empty(), "about nothing: {expression}");
        let mut known: BTreeSet<&str> = scraped.into();
        for (name, labels) in &figures {
            let samples = families.values().flat_map(|family| &family.samples);
            let of_it: Vec<_> = samples.filter(|(of, _)| of == name).collect();
            assert!(!of_it.is_empty(), "{name} is not exported: {expression}");
            known.extend(of_it.iter().flat_map(|(_, labels)| labels.keys().map(String::as_str)));
            for label in labels.iter().filter(|label| !scraped.contains(&label.as_str())) {
                assert!(
                    of_it[0].1.contains_key(label),
                    "{name} has no label {label}: {expression}"
                );
            }
        }
        for group in groups {
            assert!(known.contains(group.as_str()), "no label {group}: {expression}");
        }
    }
}

#[test]
fn the_guide_has_every_figure_and_no_other() {
    let exported: BTreeSet<String> = exported(&busy()).into_keys().collect();
    let guide = repo::read(GUIDE);
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let told: BTreeSet<String> = rows
        .map(|(name, _)| name.split('{').next().unwrap_or_default().to_owned())
        .filter(|name| name.starts_with("wforge_") || name.starts_with("process_"))
        .collect();
    assert_eq!(told, exported);
}

#[test]
fn promtool_takes_the_alerts_where_there_is_one() {
    let rules = repo::root().join(ALERTS);
    match Command::new("promtool").args(["check", "rules"]).arg(&rules).output() {
        Ok(checked) => {
            let said = String::from_utf8_lossy(&checked.stderr).into_owned();
            assert!(checked.status.success(), "{said}");
        }
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
    }
}

#[test]
fn what_an_expression_is_about_is_found() {
    let (figures, groups) =
        used("sum by (outcome) (rate(wforge_a_total{code=~\"x|y\",reason!=\"\"}[5m])) / wforge_b");
    let labels: Vec<_> = figures["wforge_a_total"].iter().map(String::as_str).collect();
    assert_eq!(labels, ["code", "reason"]);
    assert!(figures["wforge_b"].is_empty());
    assert_eq!(groups, ["outcome".to_owned()].into());
}
