//! Writes the commented example of `docs/reference/wforge.toml`, and the defaults, from the table
//! of keys.

use super::key::Key;
use super::keys::KEYS;

/// Every default as a TOML text, in dotted keys.
pub(crate) fn defaults() -> String {
    KEYS.iter().filter_map(|key| Some(format!("{} = {}\n", key.name, key.default?))).collect()
}

/// The reference: every key, commented out, with its meaning and its variables.
pub(crate) fn reference() -> String {
    let mut out = String::from(HEAD);
    let mut table = "";
    for key in KEYS {
        let (its_table, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
        if its_table != table {
            table = its_table;
            out.push_str(&format!("\n[{table}]\n"));
        }
        out.push_str(&entry(key, name));
    }
    out
}

fn entry(key: &Key, name: &str) -> String {
    let docs: String = key.docs.iter().map(|line| format!("#{line}\n")).collect();
    let variables = match key.short {
        Some(short) => format!("{short} or {}", key.variable()),
        None => key.variable(),
    };
    let value = key.default.unwrap_or(match key.expected {
        "a path" => "\"…\"",
        "text" => "\"…\"",
        _ => "…",
    });
    let form = format!("# Value: {}. Variable: {variables}.", key.expected);
    let form = match form.len() {
        ..=COLUMNS_MAX => form,
        _ => form.replace(". Variable", ".\n# Variable"),
    };
    format!("\n{docs}{form}\n# {name} = {value}\n")
}

/// Of a line of the reference.
const COLUMNS_MAX: usize = 100;

const HEAD: &str = "\
# Every key of wforge.toml, with its default. The file is looked for from the current folder
# upwards; --config or WFORGE_CONFIG names another. Layers, the later wins: defaults, a login (see
# wforge context), this file, .env beside it, environment, flags. `wforge config show` says what
# holds and where it was written.
#
# Written from the table in host/src/config/keys.rs; a test holds it fresh.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_in_docs_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/wforge.toml");
        expect_test::expect_file![path].assert_eq(&reference());
    }

    #[test]
    fn every_line_of_the_reference_fits_a_hundred_columns() {
        let long: Vec<_> =
            reference().lines().filter(|l| l.chars().count() > 100).map(String::from).collect();
        assert_eq!(long, Vec::<String>::new());
    }

    #[test]
    fn the_reference_with_its_defaults_uncommented_is_a_configuration() {
        let uncommented: String = reference()
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if rest.contains(" = ") && !rest.contains('…') && is_key(rest) => rest,
                _ => line,
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        let parsed: toml::Table = toml::from_str(&uncommented).expect("TOML");
        assert_eq!(parsed["server"]["listen"].as_str(), Some("127.0.0.1:7420"));
    }

    fn is_key(line: &str) -> bool {
        line.split(" = ").next().is_some_and(|name| !name.contains(' '))
    }
}
