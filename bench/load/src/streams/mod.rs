//! Readers of runs that are torn off at random, on a server that is killed: each ends with the same
//! durable events, in the same order, as the store has when nobody serves it.

mod frames;
mod reader;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::Client;
use crate::server::Server;
use crate::verdict::{Verdict, say};
use reader::Read;

/// A round is two super-steps and a while in between; the run goes on by itself.
const WORKFLOW: &str = "apiVersion: workflowforge/v1
name: rounds
version: 1.0.0
state: { n: { default: 0 }, rounds: {} }
input: [rounds]
output: [n]
nodes:
  wait: { agent: mock, in: { n: state.n }, mock: { script: [{ sleep: 40ms }, { set: { n: input.n + 1 } }] } }
  look: { set: { rounds: state.rounds } }
edges:
  - { from: START, to: wait }
  - { from: wait, to: look }
  - { from: look, branch: [{ when: state.n < state.rounds, to: wait }, { to: END }] }
";

/// The last event of a run that came to its end.
const LAST: &str = "run_completed";
/// How a run stands that goes on by itself, as one that sleeps does. Any other gets no further.
const GOES_ON: [&str; 3] = ["running", "queued", "waiting"];
/// Super-steps of a round.
const STEPS: usize = 2;
/// Between two looks at how far the runs are.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Only a proof that hangs takes so long.
const PATIENCE: Duration = Duration::from_secs(600);

/// How much of everything there is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) readers: usize,
    pub(crate) runs: usize,
    pub(crate) rounds: usize,
    pub(crate) kills: usize,
}

/// Where the server listens now, and the key of those who read.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    url: Arc<Mutex<String>>,
    key: String,
}

impl Door {
    /// A client with connections of its own: each reader comes from a place of his own.
    fn client(&self) -> Result<Client> {
        let url = self.url.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Client::new(&url, &self.key)
    }

    fn moves(&self, server: &Server) {
        self.url.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&server.url);
    }
}

/// The whole proof.
pub(crate) async fn prove(
    server: Server,
    size: Size,
    seed: u64,
    verdict: &mut Verdict,
) -> Result<()> {
    ensure!(size.runs > 0 && size.readers >= size.runs, "there is a reader for each run at least");
    let door = door(&server).await?;
    let runs = start(&door, size).await?;
    say(&format!("{} runs go on, of {} super-steps each", runs.len(), size.rounds * STEPS));
    let mut readers = JoinSet::new();
    for (place, run) in runs.iter().cycle().take(size.readers).enumerate() {
        let chance = fastrand::Rng::with_seed(seed.wrapping_add(place as u64));
        let (door, run) = (door.clone(), run.clone());
        readers.spawn(async move { (run.clone(), reader::read(door, run, chance).await) });
    }
    let crashes = async {
        let server = crash(server, &door, &runs, size).await?;
        anyhow::Ok((server, readers.join_all().await))
    };
    let patience = format!("runs or readers have not come to an end in {PATIENCE:?}");
    let (mut server, read) = tokio::time::timeout(PATIENCE, crashes).await.context(patience)??;
    server.kill()?;
    compare(&server, size, read, verdict)
}

/// Somebody of the tenant that commands without a server look at too.
async fn door(server: &Server) -> Result<Door> {
    let owner = Client::new(&server.url, &server.key)?;
    owner.register(WORKFLOW).await?;
    let key = owner.tell("/v1/keys", &json!({ "name": "readers", "role": "operator" })).await?;
    let key = key.get("key").and_then(Value::as_str).context("a key")?.to_owned();
    Ok(Door { url: Arc::new(Mutex::new(server.url.clone())), key })
}

async fn start(door: &Door, size: Size) -> Result<Vec<String>> {
    let client = door.client()?;
    let body = json!({ "workflow": "rounds", "input": { "rounds": size.rounds } }).to_string();
    let mut runs = Vec::new();
    for _ in 0..size.runs {
        let run = client.post("/v1/runs", Bytes::from(body.clone())).await?.json()?;
        runs.push(run.get("id").and_then(Value::as_str).context("an id")?.to_owned());
    }
    Ok(runs)
}

/// Kills the server whenever the last run has come a share of its way, and starts it again.
/// The readers go on meanwhile.
async fn crash(mut server: Server, door: &Door, runs: &[String], size: Size) -> Result<Server> {
    let last = runs.last().context("a run")?;
    for kill in 1..=size.kills {
        let until = size.rounds * STEPS * kill / (size.kills + 1);
        pass(door, last, until).await?;
        server = tokio::task::spawn_blocking(move || server.crash()).await??;
        door.moves(&server);
        say(&format!("killed after {until} of {} super-steps", size.rounds * STEPS));
    }
    Ok(server)
}

/// Waits until a run is so far. One that ended or was stopped is the end of the proof: nobody
/// should wait for it.
async fn pass(door: &Door, run: &str, until: usize) -> Result<()> {
    loop {
        let shown = door.client()?.get(&format!("/v1/runs/{run}")).await?;
        // A server that was just started may not be ready yet.
        if shown.status != 503 && is_past(&shown.json()?, until)? {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn is_past(run: &Value, until: usize) -> Result<bool> {
    let field = |name: &'static str| run.get(name).context(name);
    let step = usize::try_from(field("step")?.as_u64().context("a step")?)?;
    let status = field("status")?.as_str().context("a status")?;
    let goes_on = step >= until || GOES_ON.contains(&status);
    let error = run.get("error").unwrap_or(&Value::Null);
    ensure!(goes_on, "a run is {status} after {step} of {until} super-steps: {error}");
    Ok(step >= until)
}

/// Each reader against the store, which nobody serves any more.
fn compare(
    server: &Server,
    size: Size,
    read: Vec<(String, Result<Read>)>,
    verdict: &mut Verdict,
) -> Result<()> {
    let mut stored = BTreeMap::new();
    let (mut left, mut broken, mut events) = (0, 0, 0);
    for (run, read) in read {
        let of_store = match stored.remove(&run) {
            Some(log) => log,
            None => log(server, &run)?,
        };
        let difference = match read {
            Err(error) => Some(format!("{error:#}")),
            Ok(read) => {
                (left, broken) = (left + read.left, broken + read.broken);
                events += read.events.len();
                difference(&read.events, &of_store)
            }
        };
        if let Some(difference) = &difference {
            say(&format!("FAILED a reader of {run}: {difference}"));
        }
        verdict.count(difference.is_none());
        stored.insert(run, of_store);
    }
    let whole = |log: &Vec<Value>| kind(log.last()) == LAST;
    let completed = stored.values().filter(|log| whole(log)).count();
    say(&format!("{events} durable events were read; readers left {left} times, {broken} broke"));
    verdict.check(
        completed == size.runs,
        "every run came to its end",
        &format!("{completed} of {}", size.runs),
    );
    verdict.check(
        left >= size.readers && broken >= size.kills * size.runs,
        "readers were torn off at least once each, and at each kill",
        &format!("{left} and {broken} times, of {} readers", size.readers),
    );
    Ok(())
}

/// A run's log, as a command reads it that opens the store itself.
fn log(server: &Server, run: &str) -> Result<Vec<Value>> {
    let shown = server.command().args(["runs", "show", run, "--events"]).output()?;
    let complaint = String::from_utf8_lossy(&shown.stderr);
    ensure!(shown.status.success(), "runs show {run}: {complaint}");
    let text = String::from_utf8(shown.stdout)?;
    let event = |line| as_streamed(&serde_json::from_str(line).ok()?);
    text.lines().map(|line| event(line).with_context(|| format!("no event: {line}"))).collect()
}

/// An event of a log as streams tell it: its kind beside its data.
fn as_streamed(event: &Value) -> Option<Value> {
    let (kind, data) = match event.get("kind")? {
        Value::Object(tagged) => tagged.iter().next()?,
        Value::String(kind) => (kind, &Value::Null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return None,
    };
    Some(json!({ "seq": event.get("seq")?, "at": event.get("at")?, "kind": kind, "data": data }))
}

/// Where they part, if they do.
fn difference(read: &[Value], stored: &[Value]) -> Option<String> {
    let parts = read.iter().zip(stored).position(|(read, stored)| read != stored);
    if let Some(at) = parts {
        let (read, stored) = (read.get(at), stored.get(at));
        return Some(format!("event {at}: read {read:?}, stored {stored:?}"));
    }
    (read.len() != stored.len())
        .then(|| format!("{} events were read, {} are stored", read.len(), stored.len()))
}

fn kind(event: Option<&Value>) -> &str {
    event.and_then(|event| event.get("kind")).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_gets_no_further_is_not_waited_for() {
        let run = |step: u64, status: &str| json!({ "step": step, "status": status });
        assert!(!is_past(&run(3, "running"), 4).unwrap());
        assert!(is_past(&run(4, "running"), 4).unwrap());
        assert!(is_past(&run(9, "failed"), 4).unwrap());
        for status in ["completed", "failed", "cancelled", "paused", "blocked"] {
            let error = is_past(&run(3, status), 4).unwrap_err().to_string();
            assert!(error.starts_with(&format!("a run is {status} after 3 of 4")), "{error}");
        }
    }

    #[test]
    fn readers_who_miss_repeat_or_swap_an_event_are_found() {
        let log = [json!({ "seq": 1 }), json!({ "seq": 2 }), json!({ "seq": 3 })];
        let [one, two, three] = log.clone();
        assert_eq!(difference(&log, &log), None);
        let part = difference(&[one.clone(), two.clone()], &log);
        assert_eq!(part.as_deref(), Some("2 events were read, 3 are stored"));
        for wrong in [
            vec![one.clone(), three.clone()],
            vec![one.clone(), two.clone(), two.clone(), three.clone()],
            vec![one, three, two],
        ] {
            let found = difference(&wrong, &log).unwrap();
            assert!(found.starts_with("event "), "{found}");
        }
    }
}
