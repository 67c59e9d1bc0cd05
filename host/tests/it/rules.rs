//! The rules of durable effects, and that each has tests which bear its number.

use std::collections::BTreeMap;

use crate::repo;

/// Rules that the page of durable effects numbers.
const RULES: usize = 15;

#[test]
fn every_rule_of_durable_effects_has_a_test_with_its_number() {
    let mut tests: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for path in repo::rust_files() {
        for line in repo::read(&path).lines() {
            if let Some((number, name)) = rule_of(line) {
                tests.entry(number).or_default().push(format!("{path}: {name}"));
            }
        }
    }
    for (number, names) in &tests {
        eprintln!("rule {number}: {} tests", names.len());
    }
    let missing: Vec<usize> = (1..=RULES).filter(|number| !tests.contains_key(number)).collect();
    assert_eq!(missing, Vec::<usize>::new(), "no test bears these numbers");
    let unknown: Vec<_> = tests.keys().filter(|number| !(1..=RULES).contains(*number)).collect();
    assert!(unknown.is_empty(), "there are no such rules: {unknown:?}");
}

/// The number and the name of the test that a line begins.
fn rule_of(line: &str) -> Option<(usize, &str)> {
    let line = line.trim_start();
    let name = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "))?;
    let (name, _) = name.split_once('(')?;
    let (number, _) = name.strip_prefix("rule_")?.split_once('_')?;
    Some((number.parse().ok()?, name))
}

#[test]
fn a_tests_name_begins_with_its_rule() {
    let line = "    async fn rule_12_it_holds() {";
    assert_eq!(rule_of(line), Some((12, "rule_12_it_holds")));
    assert_eq!(rule_of("fn rules() {"), None);
    assert_eq!(rule_of("fn rule_of(line: &str) {"), None);
}
