//! A claim as a question that a folder can answer.

use crate::claim::Kind;

/// The question; the words of a document are quoted, never followed.
pub(crate) fn question(kind: Kind, subjects: &[String]) -> String {
    let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
    let first = subjects.first().copied().unwrap_or_default();
    match (kind, subjects.as_slice()) {
        (Kind::Command, subjects) => command(subjects),
        (Kind::Path, _) => format!("Is there a file or folder `{first}`?"),
        (Kind::Link, _) => format!("Does the link to `{first}` lead to a file?"),
        (Kind::Flag, [_, program, ..]) => format!("Does `{program}` take the flag `{first}`?"),
        (Kind::Flag, _) => format!("Is there a flag `{first}`?"),
        (Kind::Env, _) => format!("Does anything read the variable `{first}`?"),
        (Kind::Key, [_, section, ..]) => format!("Is there a key `{first}` in `{section}`?"),
        (Kind::Key, _) => format!("Is there a key `{first}`?"),
        (Kind::Number, [_, name, ..]) => format!("Are there {first} {name}?"),
        (Kind::Version, [_, name, ..]) => format!("Is it version {first} of {name}?"),
        (Kind::Number | Kind::Version | Kind::Name, _) => {
            format!("Is there something called `{first}`?")
        }
    }
}

fn command(subjects: &[&str]) -> String {
    match subjects {
        ["make", target, ..] => format!("Does a Makefile have the target `{target}`?"),
        ["just", recipe, ..] => format!("Does a justfile have the recipe `{recipe}`?"),
        ["npm", script, ..] => format!("Does a package.json have the script `{script}`?"),
        ["cargo"] => "Is there a Cargo.toml?".to_owned(),
        ["cargo", what, name, ..] => format!("Does cargo know the {what} `{name}` here?"),
        ["file", path, ..] => format!("Is there a file `{path}` to run?"),
        ["module", name, ..] => format!("Is there a Python module `{name}`?"),
        ["program", program, subcommand, ..] => {
            format!("Does `{program}`, if it is made here, have the subcommand `{subcommand}`?")
        }
        _ => format!("Can `{}` be run here?", subjects.join(" ")),
    }
}
