//! Kills the host at every commit, and before and after every recording of an effect, of an agent
//! that asks models, posts, writes, asks people and sleeps; in each of three languages.
//!
//! After each restart the answer is the same as undisturbed, and the servers saw no request twice,
//! except the one that was under way, with the same idempotency key.

#![expect(clippy::print_stdout, reason = "a program whose output is its report")]
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a proof from outside, on the world's own clock; JSON that lacks a field reads as null"
)]

mod program;
#[path = "../../tests/it/stand_in/mod.rs"]
mod stand_in;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use program::{Left, Program};
use stand_in::Server;

const LANGUAGES: [&str; 3] = ["rust", "js", "python"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    if let Some(told) = stand_in::told() {
        stand_in::serve(told).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (mut passed, mut failed) = (0, 0);
    let chosen = |language: &&str| args.is_empty() || args.iter().any(|arg| arg == language);
    for language in LANGUAGES.into_iter().filter(chosen) {
        let folder = tempfile::tempdir().context("making a folder")?;
        let proof = Proof::prepare(language, folder.path()).await?;
        let points = proof.points;
        println!(
            "{language}: {points} kill points = {} commits + 2 x {} effects",
            proof.commits, proof.effects
        );
        for point in 1..=points {
            let before = (proof.models.arrived()?.len(), proof.posts.arrived()?.len());
            let revived = proof.kill_at(point).await.context("the same answer");
            let counted = proof.judge(before).context("nothing done twice");
            for check in [revived, counted] {
                match check {
                    Ok(()) => passed += 1,
                    Err(error) => {
                        failed += 1;
                        println!("{language}, kill point {point}: FAILED: {error:#}");
                    }
                }
            }
        }
    }
    println!("each kill point twice: the same answer, and nothing done twice");
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One language's undisturbed run, with which all others are compared.
struct Proof {
    workflow: String,
    folder: PathBuf,
    program: Program,
    models: Server,
    posts: Server,
    output: Value,
    points: u64,
    commits: usize,
    effects: usize,
}

impl Proof {
    async fn prepare(language: &str, folder: &Path) -> Result<Self> {
        let models = Server::start("models", folder.join("models.log"))?;
        let posts = Server::start("posts", folder.join("posts.log"))?;
        let workflow = format!("exactly-once-{language}");
        let program = Program {
            folder: folder.to_owned(),
            models: models.address.clone(),
            posts: posts.address.clone(),
        };
        fs_err::write(folder.join("workflow.yaml"), yaml(&workflow, language))?;
        fs_err::write(folder.join("grants.toml"), grants(language))?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let component = root.join(format!("target/plugins/proofs/wforge-effects-{language}.wasm"));
        let component = component.to_str().context("a path that is no text")?;
        let key = program.run(&["keys", "generate"])?;
        let mut private = std::os::unix::fs::OpenOptionsExt::mode(
            fs_err::OpenOptions::new().write(true).create(true).truncate(true).options_mut(),
            0o600,
        )
        .open(folder.join("bootstrap.key"))?;
        std::io::Write::write_all(&mut private, key.as_bytes())?;
        program.run(&["plugin", "install", component])?;
        program.run(&["workflow", "register", "workflow.yaml"])?;
        let mut proof = Self {
            workflow,
            folder: folder.to_owned(),
            program,
            models,
            posts,
            output: Value::Null,
            points: 0,
            commits: 0,
            effects: 0,
        };
        proof.undisturbed().await?;
        Ok(proof)
    }

    async fn undisturbed(&mut self) -> Result<()> {
        let log = self.folder.join("failpoints.undisturbed");
        let running = self.program.serve(&log, 0).await?;
        let run = running.start(&self.workflow, &self.program.posts, "undisturbed").await?;
        let run = run.context("the server died")?;
        let Left::Completed(output) = running.finish(&run).await? else {
            bail!("the server died undisturbed")
        };
        let passed = fs_err::read_to_string(&log)?;
        self.commits = passed.lines().filter(|line| line.ends_with("committed")).count();
        self.effects = passed.lines().filter(|line| line.ends_with("performed")).count();
        self.points = u64::try_from(passed.lines().count())?;
        ensure!(
            passed.lines().count() == self.commits + 2 * self.effects,
            "the failpoints do not add up: {passed}"
        );
        self.output = output;
        Ok(())
    }

    async fn kill_at(&self, point: u64) -> Result<()> {
        let key = format!("point-{point}");
        let log = self.folder.join(format!("failpoints.{point}"));
        let mut first = self.program.serve(&log, point).await?;
        let begun = first.start(&self.workflow, &self.program.posts, &key).await?;
        if let Some(run) = &begun
            && let Left::Completed(_) = first.finish(run).await?
        {
            // The last point comes with the end; the answer may be faster than the signal.
            ensure!(point == self.points, "it ended before its kill point");
        }
        ensure!(first.died_by_itself()?, "the server did not die by SIGKILL");
        let second = self.program.serve(&self.folder.join("failpoints.rest"), 0).await?;
        // What was not acknowledged is asked for again, under the same key.
        let run = match begun {
            Some(run) => run,
            None => second
                .start(&self.workflow, &self.program.posts, &key)
                .await?
                .context("the second server died")?,
        };
        let Left::Completed(output) = second.finish(&run).await? else {
            bail!("the second server died")
        };
        ensure!(output == self.output, "another answer: {output}, not {}", self.output);
        Ok(())
    }

    /// No request twice but the one that was under way, and that with the same key.
    fn judge(&self, (models, posts): (usize, usize)) -> Result<()> {
        let mut repeated = 0;
        for (server, before, expected) in [(&self.models, models, 5), (&self.posts, posts, 5)] {
            let mut times: BTreeMap<(String, String), usize> = BTreeMap::new();
            for arrived in server.arrived()?.into_iter().skip(before) {
                *times.entry((arrived.key, arrived.digest)).or_default() += 1;
            }
            ensure!(
                times.len() == expected,
                "{} different requests, not {expected}: {times:?}",
                times.len()
            );
            repeated += times.values().map(|times| times - 1).sum::<usize>();
        }
        ensure!(repeated <= 1, "{repeated} requests arrived once more");
        Ok(())
    }
}

fn yaml(name: &str, language: &str) -> String {
    format!(
        "apiVersion: workflowforge/v1
name: {name}
version: 1.0.0
state:
  model: {{ schema: {{ type: string }} }}
  url: {{ schema: {{ type: string }} }}
  seen: {{}}
input: [model, url]
output: [seen]
nodes:
  once:
    agent: wforge/effects-{language}.exactly-once
    in: {{ model: state.model, url: state.url }}
    out: {{ seen: result }}
edges: [{{ from: START, to: once }}]
"
    )
}

fn grants(language: &str) -> String {
    format!(
        "[[grant]]
plugin = \"wforge/effects-{language}\"
capabilities = [\"llm:*\", \"http:*\", \"kv:run\", \"ask\"]
reason = \"the proof of durable effects\"
"
    )
}
