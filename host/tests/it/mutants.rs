//! Components that nobody would write, handed to a real server: mutated ones, and ones that
//! wasm-smith made. `hostile/fuzz/components` makes them, each from a seed and its number.
//!
//! `WFORGE_SEED` repeats a run, `WFORGE_COUNT` says how many there are of each kind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::harness::{Cli, TestHost, plugins};
use crate::repo;

/// Made, handed in and removed at once.
const BATCH: u64 = 250;
/// Uploads at once.
const WORKERS: usize = 4;
/// What a refusal may say.
const REASONS: [&str; 13] = [
    "not_wasm",
    "core_module",
    "precompiled",
    "truncated",
    "wrong_world",
    "no_manifest",
    "bad_manifest",
    "bad_schema",
    "unsupported_api",
    "too_large",
    "invalid",
    "compile_limit",
    "compile_failed",
];
/// Two of whom one may compile while the other does.
const ROUTES: [&str; 2] = ["/v1/plugins", "/v1/platform/plugins"];

/// What came of them.
#[derive(Debug, Default)]
struct Tally {
    /// How often by the kind of component and what the server said.
    answers: BTreeMap<(&'static str, String), u64>,
    /// The digests of those that were let in.
    taken: BTreeSet<String>,
    /// Those that were answered in another way, in words.
    wrong: Vec<String>,
}

#[test]
fn a_sample_of_what_nobody_would_write_is_refused_with_a_reason_or_taken() {
    let seed = number("WFORGE_SEED").unwrap_or(1);
    check(seed, [("mutated", 150), ("generated", 60)]);
}

#[test]
#[ignore = "takes long: scripts/components.sh"]
fn whatever_nobody_would_write_is_refused_with_a_reason_or_taken() {
    let count = number("WFORGE_COUNT").unwrap_or(5_000);
    let seed = number("WFORGE_SEED").expect("a seed");
    check(seed, [("mutated", count), ("generated", count)]);
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Hands them all in. The server refuses each with a reason or takes it, ends nowhere, keeps
/// nothing of what it refused, and is well.
fn check(seed: u64, counts: [(&'static str, u64); 2]) {
    let mut host = TestHost::on(without_quotas());
    let (pid, kept_before) = (host.pid(), kept(&host));
    let tally = Mutex::new(Tally::default());
    for (kind, count) in counts {
        for first in (0..count).step_by(usize::try_from(BATCH).expect("small")) {
            let folder = tempfile::tempdir().unwrap();
            make(kind, seed, first, BATCH.min(count - first), folder.path());
            hand_in(&host, kind, folder.path(), &tally);
            host.get("/healthz").status(200);
            assert!(host.pid().is_some() && host.pid() == pid, "{kind} from {first}: it ended");
        }
    }
    let tally = tally.into_inner().expect("nobody panicked with it");
    let refused = |digest: &String| !tally.taken.contains(digest) && !kept_before.contains(digest);
    let left: Vec<_> = kept(&host).into_iter().filter(refused).collect();
    for ((kind, answer), times) in &tally.answers {
        println!("{kind:<10} {times:>6}  {answer}");
    }
    let all: u64 = counts.iter().map(|(_, count)| count).sum();
    let failed = u64::try_from(tally.wrong.len()).expect("few");
    println!("seed {seed}, {} kept of those refused", left.len());
    println!("{} passed, {failed} failed", all - failed);
    assert_eq!(tally.wrong, Vec::<String>::new(), "seed {seed}");
    assert_eq!(left, Vec::<String>::new(), "kept although they were refused, seed {seed}");
    assert_eq!(tally.answers.values().sum::<u64>(), all);
    assert!(!host.log().contains("panicked"), "{}", host.log());
}

fn without_quotas() -> Cli {
    let limits = [
        ("TENANT__REQUESTS_PER_SECOND_MAX", "100000"),
        ("TENANT__REQUESTS_BURST_MAX", "100000"),
        ("API__UPLOADS_MAX", "16"),
        ("API__UPLOADS_PER_TENANT_MAX", "16"),
        ("ADMISSION__COMPILE_AT_ONCE_MAX", "2"),
    ];
    limits
        .iter()
        .fold(Cli::new(), |cli, (key, value)| cli.with(&format!("WFORGE_LIMITS__{key}"), value))
}

/// The digests of the components, and of the native code, that the server keeps.
fn kept(host: &TestHost) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![host.cli.data().join("components"), host.cli.data().join("aot")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
                found.insert(name);
            }
        }
    }
    found
}

fn make(kind: &str, seed: u64, first: u64, count: u64, folder: &Path) {
    let program = repo::root().join("target/fuzz/debug/wforge-hostile-components");
    assert!(program.is_file(), "{} is missing: run `make test`", program.display());
    let mut command = Command::new(program);
    command.arg(kind).args([seed, first, count].map(|number| number.to_string())).arg(folder);
    if kind == "mutated" {
        command.arg(plugins());
    }
    assert!(command.status().expect("it starts").success(), "{kind} {seed} {first} {count}");
}

/// Hands in the files of a folder, several at once.
fn hand_in(host: &TestHost, kind: &'static str, folder: &Path, tally: &Mutex<Tally>) {
    let entries = fs_err::read_dir(folder).unwrap();
    let files: Mutex<Vec<PathBuf>> = Mutex::new(entries.map(|file| file.unwrap().path()).collect());
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let files = &files;
            scope.spawn(move || {
                // Connections belong to the runtime that made them.
                let client = reqwest::Client::builder().no_proxy().build().unwrap();
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.unwrap();
                let next = || files.lock().expect("nobody panicked with it").pop();
                while let Some(file) = next() {
                    let bytes = fs_err::read(&file).unwrap();
                    let digest = hex(&Sha256::digest(&bytes));
                    let url = format!("{}{}", host.url(), ROUTES[worker % ROUTES.len()]);
                    let request = client.post(url).bearer_auth(host.key()).body(bytes);
                    let request = request.header("content-type", "application/wasm");
                    let answer = runtime.block_on(async {
                        let answer = request.send().await.expect("the server answers");
                        (answer.status().as_u16(), answer.text().await.expect("a text"))
                    });
                    tally.lock().expect("as above").note(kind, &file, digest, &answer);
                }
            });
        }
    });
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Tally {
    fn note(
        &mut self,
        kind: &'static str,
        file: &Path,
        digest: String,
        (status, text): &(u16, String),
    ) {
        let body: Value = serde_json::from_str(text).unwrap_or_default();
        let reason = body["reason"].as_str().unwrap_or_default();
        let answer = match status {
            201 => "installed".to_owned(),
            // Another component of the name and version is there already.
            409 => "taken, and its name is another's".to_owned(),
            422 if REASONS.contains(&reason) => format!("refused: {reason}"),
            _ => {
                self.wrong.push(format!("{}: {status} {text}", file.display()));
                return;
            }
        };
        if *status != 422 {
            self.taken.insert(digest);
        }
        *self.answers.entry((kind, answer)).or_default() += 1;
    }
}
