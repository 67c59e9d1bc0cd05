//! Every command says the same with the engine in its own process and over the API of a server.
//!
//! The commands come from clap's own tree, so a new one fails here until it has a line in the
//! script or a reason why it has one way only.

mod plain;
mod script;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::harness::{Cli, Ran, TestHost, component};
use plain::{plain_json, plain_text};
use script::{FILES, ONE_WAY, READS, SCRIPT, Step};

/// One of both ways, with what its commands told so far.
struct World {
    cli: Cli,
    /// `--server` and its address, where there is one.
    server: Vec<String>,
    known: BTreeMap<String, String>,
    #[expect(dead_code, reason = "serves as long as it is held")]
    host: Option<TestHost>,
}

/// Commands over a file of grants, without the plugins of development.
fn commands(cli: Cli) -> Cli {
    let grants = "[[grant]]\nplugin = \"wforge/probe\"\ncapabilities = [\"ask\", \"llm:*\"]\n";
    let grants = cli.file("grants.toml", grants);
    let grants = grants.to_str().expect("UTF-8").to_owned();
    cli.with("WFORGE_PLUGINS__GRANTS_FILE", &grants).with("WFORGE_ENV", "testing")
}

impl World {
    fn of(cli: Cli, server: Vec<String>, host: Option<TestHost>) -> Self {
        let mut known = BTreeMap::new();
        let path = |path: std::path::PathBuf| path.to_str().expect("UTF-8").to_owned();
        known.insert("probe".to_owned(), path(component("wforge/probe")));
        for (name, text) in FILES {
            known.insert((*name).to_owned(), path(cli.file(name, text)));
        }
        let signer = wforge_testkit::SigningKey::of(7);
        known.insert("signer.pub".to_owned(), path(cli.file("signer.pub", signer.public_file())));
        Self { cli, server, known, host }
    }

    /// A data directory that a server had before, so that it has the first key as well.
    fn embedded() -> Self {
        let cli = TestHost::on(commands(Cli::new())).into_cli();
        Self::of(cli, Vec::new(), None)
    }

    fn served() -> Self {
        let host = TestHost::on(commands(Cli::new()));
        let cli = commands(host.stranger());
        let server = vec!["--server".to_owned(), host.url()];
        Self::of(cli, server, Some(host))
    }

    /// Runs a command, whose words may name what others told.
    fn run(&self, words: &str, more: &[&str]) -> Ran {
        let mut args: Vec<String> =
            words.split_whitespace().map(|word| self.filled(word)).collect();
        args.extend(self.server.iter().cloned());
        args.extend(more.iter().map(|&word| word.to_owned()));
        self.cli.run(args)
    }

    fn filled(&self, word: &str) -> String {
        let mut filled = word.to_owned();
        for (name, value) in &self.known {
            filled = filled.replace(&format!("{{{name}}}"), value);
        }
        assert!(!filled.contains("{"), "{word} is not known");
        filled
    }

    fn learn(&mut self, step: &Step, ran: &Ran) {
        for (name, pointer) in step.tells {
            let json: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
            let value = json.pointer(pointer).and_then(Value::as_str);
            let value = value.unwrap_or_else(|| panic!("{}: no {pointer} in {ran:?}", step.words));
            self.known.insert((*name).to_owned(), value.to_owned());
        }
    }
}

#[test]
fn every_command_says_the_same_embedded_and_over_the_api() {
    let (mut embedded, mut served) = (World::embedded(), World::served());
    let mut differ = Vec::new();
    for step in SCRIPT {
        let json = ["--output", "json"];
        let (here, there) = (embedded.run(step.words, &json), served.run(step.words, &json));
        here.exits(step.ends);
        if step.compares {
            differ.extend(difference(step.words, &plain_json(&here), &plain_json(&there)));
        }
        differ.extend(difference(step.words, &here.code.to_string(), &there.code.to_string()));
        embedded.learn(step, &here);
        served.learn(step, &there);
        if READS.iter().any(|read| is_of(step.words, read)) {
            let (here, there) = (embedded.run(step.words, &[]), served.run(step.words, &[]));
            differ.extend(difference(step.words, &plain_text(&here), &plain_text(&there)));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

fn difference(words: &str, here: &str, there: &str) -> Option<String> {
    (here != there).then(|| format!("wforge {words}\n--- embedded\n{here}\n--- served\n{there}\n"))
}

/// Whether the words are of that command.
fn is_of(words: &str, command: &str) -> bool {
    let mut words = words.split_whitespace();
    command.split_whitespace().all(|part| words.next() == Some(part))
}

#[test]
fn every_command_is_compared_or_says_why_it_has_one_way_only() {
    let listed = Cli::new().run(["commands"]);
    let commands: BTreeSet<&str> = listed.exits(0).stdout.lines().collect();
    assert!(commands.contains("runs show") && commands.contains("inbox"), "{commands:?}");
    let longest = |words: &'static str| {
        let of = commands.iter().copied().filter(|command| is_of(words, command));
        of.max_by_key(|command| command.len())
    };
    let mut told = BTreeSet::new();
    for step in SCRIPT {
        let command = longest(step.words);
        told.insert(command.unwrap_or_else(|| panic!("\"{}\" is no command", step.words)));
    }
    for (command, why) in ONE_WAY {
        assert!(commands.contains(command), "there is no {command}");
        assert!(!told.contains(command), "{command} is compared as well: {why}");
        told.insert(*command);
    }
    let missing: Vec<_> = commands.difference(&told).collect();
    assert!(missing.is_empty(), "neither in SCRIPT nor in ONE_WAY: {missing:?}");
}
