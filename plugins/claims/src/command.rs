//! What is to be run, as claims: that there is such a target, script, package or program, and the
//! files and flags that it is given.

use std::collections::BTreeSet;

use crate::claim::{Found, Kind};
use crate::known::is_outside;
use crate::path;
use crate::read::{Document, What};
use crate::shape::{is_env, is_flag, is_placeholder, is_small_word};
use crate::shell::{commands, is_shell};

/// Words before a program that run it.
const WRAPPERS: [&str; 8] = ["sudo", "time", "env", "exec", "nohup", "command", "builtin", "nice"];
/// Words of the shell itself.
const KEYWORDS: [&str; 16] = [
    "if", "then", "else", "elif", "fi", "for", "while", "do", "done", "case", "esac", "in",
    "function", "return", "trap", "wait",
];
/// Programs that run the file that they are given.
const INTERPRETERS: [&str; 13] = [
    "bash", "sh", "zsh", "fish", "python", "python3", "node", "deno", "ruby", "perl", "php",
    "source", ".",
];
/// Python's own modules, and others that no folder brings.
const OUTSIDE_MODULES: [&str; 9] = [
    "venv",
    "pip",
    "http.server",
    "unittest",
    "pytest",
    "json.tool",
    "build",
    "ensurepip",
    "timeit",
];

/// The commands of a document.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    /// What the document's blocks run that does not come from outside.
    programs: BTreeSet<String>,
}

impl Commands {
    pub(crate) fn of_document(document: &Document) -> Self {
        let blocks = document.parts.iter().filter(|part| match &part.what {
            What::Block(language) => is_shell(language, &part.text),
            What::Prose(_) | What::Code | What::Link => false,
        });
        let all = blocks.flat_map(|block| commands(&block.text));
        let programs = all.filter_map(|argv| {
            let program = stripped(&argv.words).first().cloned()?;
            is_own_program(&program).then_some(program)
        });
        Self { programs: programs.collect() }
    }

    /// The claims of a block that begins on that line.
    pub(crate) fn in_block(&self, line: usize, block: &str) -> Vec<Found> {
        let commands = commands(block);
        // What was cloned is somewhere else, and so is what follows.
        let clones = commands.iter().any(|argv| argv.words.iter().any(|word| word == "clone"));
        let kept = commands
            .iter()
            .filter(|argv| !clones || argv.words.first().is_none_or(|program| program != "cd"));
        kept.flat_map(|argv| claims(line + argv.line, &argv.words)).collect()
    }

    /// The claims of code within prose, if it is a command at all.
    pub(crate) fn in_prose(&self, line: usize, code: &str) -> Option<Vec<Found>> {
        let all = commands(code);
        let program = stripped(&all.first()?.words).first()?;
        let runs =
            matches!(&**program, "make" | "just" | "npm" | "yarn" | "pnpm" | "bun" | "cargo")
                || INTERPRETERS.contains(&&**program)
                || is_outside(program)
                || program.starts_with("./")
                || self.programs.contains(program);
        let claims = all.iter().flat_map(|argv| claims(line, &argv.words));
        runs.then(|| claims.collect())
    }
}

fn claims(line: usize, words: &[String]) -> Vec<Found> {
    let mut found: Vec<Found> = assignments(words)
        .filter(|name| is_env(name))
        .map(|name| Found::new(line, Kind::Env, &[name]))
        .collect();
    let words = stripped(words);
    let Some((program, arguments)) = words.split_first() else { return found };
    let command = |subjects: &[&str]| Found::new(line, Kind::Command, subjects);
    match &**program {
        "make" | "gmake" => found.extend(targets(arguments).map(|name| command(&["make", name]))),
        "just" => found.extend(targets(arguments).take(1).map(|name| command(&["just", name]))),
        "npm" | "pnpm" | "yarn" | "bun" => {
            found.extend(script(program, arguments).map(|name| command(&["npm", name])));
        }
        "cargo" => cargo(arguments, &mut |subjects| found.push(command(subjects))),
        "cd" | "pushd" | "cat" => found.extend(paths(line, arguments)),
        "export" => {
            let names = assignments(arguments).filter(|name| is_env(name));
            found.extend(names.map(|name| Found::new(line, Kind::Env, &[name])));
        }
        interpreter if INTERPRETERS.contains(&interpreter) => {
            found.extend(interpreted(line, arguments));
        }
        script if script.contains('/') => {
            found.extend(path::of_text(script).map(|path| command(&["file", &path])));
            found.extend(told(line, script, arguments));
        }
        own if is_own_program(own) => {
            found.extend(program_claim(line, own, arguments));
            found.extend(told(line, own, arguments));
        }
        _ => {}
    }
    found
}

/// The words without assignments and wrappers before the program.
fn stripped(words: &[String]) -> &[String] {
    let skipped = words
        .iter()
        .take_while(|word| name_of_assignment(word).is_some() || WRAPPERS.contains(&&***word));
    words.get(skipped.count()..).unwrap_or_default()
}

fn assignments(words: &[String]) -> impl Iterator<Item = &str> {
    words.iter().map_while(|word| name_of_assignment(word))
}

fn name_of_assignment(word: &str) -> Option<&str> {
    let (name, _) = word.split_once('=')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some(name)
}

fn is_own_program(word: &str) -> bool {
    is_small_word(word)
        && !word.contains([':', '.'])
        && !is_outside(word)
        && !KEYWORDS.contains(&word)
        && !INTERPRETERS.contains(&word)
        && !matches!(
            word,
            "make" | "gmake" | "just" | "npm" | "pnpm" | "yarn" | "bun" | "cargo" | "cd" | "pushd"
        )
}

/// What `make` is to make: neither flags, nor what follows `-C` and `-f`, nor assignments.
fn targets(arguments: &[String]) -> impl Iterator<Item = &str> {
    let mut takes_next = false;
    arguments.iter().map(String::as_str).filter(move |word| {
        let taken = std::mem::replace(&mut takes_next, matches!(*word, "-C" | "-f"));
        !taken && !word.starts_with('-') && !word.contains('=') && !is_placeholder(word)
    })
}

/// The script that `npm run` and its like are told to run.
fn script<'a>(program: &str, arguments: &'a [String]) -> Option<&'a str> {
    let mut words = arguments.iter().map(String::as_str).filter(|word| !word.starts_with('-'));
    let script = match (program, words.next()?) {
        (_, "run" | "run-script") => words.next()?,
        ("bun", _) => return None,
        (_, script @ ("test" | "start")) => script,
        _ => return None,
    };
    (is_small_word(script) && !is_placeholder(script)).then_some(script)
}

/// Subcommands of cargo that work on a package of the folder.
const CARGO_HERE: [&str; 12] = [
    "build", "check", "test", "run", "bench", "doc", "clippy", "fmt", "fix", "tree", "package",
    "nextest",
];
/// Others that come with cargo or from outside.
const CARGO_OUTSIDE: [&str; 30] = [
    "add",
    "audit",
    "binstall",
    "clean",
    "component",
    "deny",
    "expand",
    "fetch",
    "fuzz",
    "generate-lockfile",
    "help",
    "init",
    "install",
    "llvm-cov",
    "login",
    "machete",
    "metadata",
    "miri",
    "mutants",
    "new",
    "outdated",
    "publish",
    "remove",
    "rustc",
    "rustdoc",
    "search",
    "uninstall",
    "update",
    "vendor",
    "watch",
];

fn cargo(arguments: &[String], claim: &mut dyn FnMut(&[&str])) {
    let mut words = arguments.iter().map(String::as_str).filter(|word| !word.starts_with('+'));
    let Some(subcommand) = words.next().filter(|word| is_small_word(word)) else { return };
    if !CARGO_HERE.contains(&subcommand) {
        if !CARGO_OUTSIDE.contains(&subcommand) {
            claim(&["cargo", "alias", subcommand]);
        }
        return;
    }
    claim(&["cargo"]);
    while let Some(word) = words.next() {
        let (flag, given) = word.split_once('=').unwrap_or((word, ""));
        let what = match flag {
            "-p" | "--package" => "package",
            "--bin" | "--example" | "--test" | "--bench" => "target",
            "-F" | "--features" => "feature",
            "--" => return,
            _ => continue,
        };
        let names = if given.is_empty() { words.next().unwrap_or_default() } else { given };
        for name in names.split([',', ' ']) {
            if !name.is_empty() && !name.starts_with('-') && !is_placeholder(name) {
                claim(&["cargo", what, name]);
            }
        }
    }
}

/// `python tools/x.py`, `python -m tools.x`.
fn interpreted(line: usize, arguments: &[String]) -> Option<Found> {
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "-m" => {
                let module = words.next()?;
                let own = !OUTSIDE_MODULES.contains(&module) && !is_placeholder(module);
                let subjects = ["module", module];
                return own.then(|| Found::new(line, Kind::Command, &subjects));
            }
            "-c" | "-e" | "-p" => return None,
            flag if flag.starts_with('-') => {}
            file => {
                let path = path::of_text(file)?;
                return Some(Found::new(line, Kind::Command, &["file", &path]));
            }
        }
    }
    None
}

/// That a program of the folder has a subcommand; a program alone may be anybody's.
fn program_claim(line: usize, program: &str, arguments: &[String]) -> Option<Found> {
    let subcommand = arguments.first().map(String::as_str).filter(|word| {
        is_small_word(word) && !word.contains([':', '.']) && !is_placeholder(word)
    })?;
    Some(Found::new(line, Kind::Command, &["program", program, subcommand]))
}

/// Flags and files that a program of the folder is given.
fn told(line: usize, program: &str, arguments: &[String]) -> Vec<Found> {
    let name = program.rsplit('/').next().unwrap_or(program);
    let flags = arguments.iter().filter_map(|word| {
        let flag = word.split('=').next().filter(|flag| is_flag(flag))?;
        Some(Found::new(line, Kind::Flag, &[flag, name]))
    });
    flags.chain(paths(line, arguments)).collect()
}

/// The files among the arguments that are there before: none that the program writes.
fn paths(line: usize, arguments: &[String]) -> Vec<Found> {
    let mut is_written = false;
    let mut found = Vec::new();
    for word in arguments {
        let flag = word.split('=').next().unwrap_or_default();
        let writes = matches!(flag, "-o" | "--out" | "--output" | "--html" | "--save");
        if std::mem::replace(&mut is_written, writes) || writes {
            continue;
        }
        let file = word.rsplit(['@', '=']).next().unwrap_or_default();
        // A name alone is as often a file of the reader's.
        let is_marked = word.contains('@') || file.contains('/');
        if let Some(path) = path::of_text(file).filter(|_| is_marked) {
            found.push(Found::new(line, Kind::Path, &[&path]));
        }
    }
    found
}
