//! Has each attack made, looks at the server, and makes it again where the defence is down.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::arena::Arena;
use crate::fixture::{Control, Fixture, Outcome, Setting, Trace};
use crate::kept::Kept;
use crate::probe::Probe;
use crate::rows;
use crate::server::Start;
use crate::table;
use crate::victim::Victim;

/// The longest 99th percentile of a health check.
const HEALTH_MAX: Duration = Duration::from_millis(100);
/// What a server may keep of an attack, beyond the memory of one sandbox.
const KEPT_MIB_MAX: u64 = 64;
/// The longest time of attacks after which a storm's server has at hand what it keeps.
const WARM: Duration = Duration::from_secs(60);
/// The memory of one sandbox of these servers.
const QUOTA_MIB: u64 = 64;
/// How often the neighbour is measured beside an attack, where it was too slow before.
const MEASURED_MAX: usize = 3;
/// In which it must have let go of the rest.
const LET_GO: Duration = Duration::from_secs(5);

/// What is attacked.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) program: PathBuf,
    /// None: no controls are made.
    pub(crate) controls: Option<PathBuf>,
    pub(crate) plugins: PathBuf,
}

/// Goes through the list.
#[derive(Debug)]
pub(crate) struct Judge {
    programs: Programs,
    timed: bool,
    /// Servers by their settings: attacks that need the same share one.
    grounds: BTreeMap<Vec<Setting>, Ground>,
    passed: usize,
    failed: Vec<String>,
}

/// A server with its neighbour.
#[derive(Debug)]
struct Ground {
    arena: Arena,
    victim: Option<Victim>,
}

impl Judge {
    pub(crate) const fn new(programs: Programs, timed: bool) -> Self {
        Self { programs, timed, grounds: BTreeMap::new(), passed: 0, failed: Vec::new() }
    }

    /// Each attack once.
    pub(crate) fn all(&mut self, fixtures: &[Fixture]) -> Result<()> {
        table::head();
        for fixture in fixtures {
            let result = self.one(fixture).with_context(|| format!("row {}", fixture.row));
            let control = self.control(fixture).with_context(|| format!("row {}", fixture.row));
            let passed = result.is_ok() && control.is_ok();
            let told = |result: Result<String>| result.unwrap_or_else(|error| format!("{error:#}"));
            let (result, control) = (told(result), told(control));
            table::row(fixture, passed, &result, &control);
            if passed {
                self.passed += 1;
            } else {
                self.failed.push(format!("row {}: {result}; control: {control}", fixture.row));
            }
        }
        Ok(())
    }

    /// All attacks at once, for so long; then the server must be as it was when they had gone on
    /// for a while: what it keeps at hand, such as sandboxes and code that are ready, is there by
    /// then.
    pub(crate) fn storm(&mut self, fixtures: &[Fixture], seconds: u64) -> Result<()> {
        self.grounds.clear();
        let ground = self.open(&[])?;
        let pid = ground.arena.server().pid();
        let usual: Vec<&Fixture> = fixtures.iter().filter(|it| it.settings.is_empty()).collect();
        let at_first = ground.arena.server().resident_mib()?;
        rage(&ground.arena, &usual, Duration::from_secs(seconds / 4).min(WARM));
        std::thread::sleep(LET_GO);
        let before = ground.arena.server().resident_mib()?;
        let kept = Kept::of(&ground.arena)?;
        let probe = Probe::start(ground.arena.url());
        let made = rage(&ground.arena, &usual, Duration::from_secs(seconds));
        let outcome = self.stands(&ground, pid, before, probe);
        let told = outcome.as_ref().map_or_else(|error| format!("{error:#}"), Clone::clone);
        table::say(&format!(
            "storm of {seconds} s, {made} attacks by 8 threads: {told} \
             over {before} MiB when warm ({at_first} at first)"
        ));
        match Kept::of(&ground.arena) {
            Ok(now) => now.since(&kept).iter().for_each(|line| table::say(line)),
            // A server that is gone has failed already.
            Err(error) => table::say(&format!("  its figures cannot be read: {error:#}")),
        }
        match outcome {
            Ok(_) => self.passed += 1,
            Err(error) => self.failed.push(format!("storm: {error:#}")),
        }
        Ok(())
    }

    /// The last line; whether everything passed.
    pub(crate) fn finish(self) -> bool {
        for failed in &self.failed {
            table::say(&format!("FAILED {failed}"));
        }
        table::say(&format!("{} passed, {} failed", self.passed, self.failed.len()));
        self.failed.is_empty()
    }

    fn start(
        &self,
        program: &PathBuf,
        settings: Vec<Setting>,
        without: Option<&'static str>,
        harmless: bool,
        hosts: Option<&'static str>,
    ) -> Result<Arena> {
        let grants = rows::grants();
        let start = Start { program, settings, without, compiled: None, grants: &grants, hosts };
        Arena::open(&start, &self.programs.plugins, harmless)
    }

    fn open(&self, settings: &[Setting]) -> Result<Ground> {
        let (own, hosts) = rows::hosts_of(settings);
        let arena = self.start(&self.programs.program, own, None, false, hosts)?;
        let victim = self.timed.then(|| Victim::settle(&arena)).transpose()?;
        Ok(Ground { arena, victim })
    }

    /// The attack on the program as it is.
    fn one(&mut self, fixture: &Fixture) -> Result<String> {
        let key = fixture.settings.to_vec();
        if !self.grounds.contains_key(&key) {
            let ground = self.open(fixture.settings)?;
            self.grounds.insert(key.clone(), ground);
        }
        let ground = self.grounds.get(&key).context("the server that was just started")?;
        let judged = self.attack(ground, fixture);
        if judged.is_err() {
            // The next attack shall not fail for what this one did.
            self.grounds.remove(&key);
        }
        judged
    }

    fn attack(&self, ground: &Ground, fixture: &Fixture) -> Result<String> {
        let arena = &ground.arena;
        let pid = arena.server().pid();
        let before = arena.server().resident_mib()?;
        let counted = count(arena, fixture.trace)?;
        let probe = Probe::start(arena.url());
        let seen = match (fixture.make)(arena)? {
            Outcome::Held(seen) => seen,
            Outcome::Through(got) => anyhow::bail!("it got through: {got}"),
        };
        left_a_trace(arena, fixture.trace, counted)?;
        let mut told = vec![seen];
        if let Some(victim) = &ground.victim {
            for attackers in [1, 8] {
                told.push(neighbour(arena, victim, attackers, fixture)?);
            }
            told.push(self.stands(ground, pid, before, probe)?);
        } else {
            probe.finish();
            same_process(arena, pid)?;
        }
        Ok(told.join(", "))
    }

    /// The same process, healthy all the time, and its memory given back.
    fn stands(
        &self,
        ground: &Ground,
        pid: Option<u32>,
        before: u64,
        probe: Probe,
    ) -> Result<String> {
        let (p99, checks) = probe.finish();
        let log = || ground.arena.server().log();
        same_process(&ground.arena, pid).with_context(log)?;
        anyhow::ensure!(
            p99 < HEALTH_MAX,
            "the 99th percentile of {checks} health checks was {} ms",
            p99.as_millis()
        );
        let after = settles(&ground.arena, before + QUOTA_MIB + KEPT_MIB_MAX)?;
        let grown = after.saturating_sub(before);
        Ok(format!("health p99 {} ms of {checks}, +{grown} MiB", p99.as_millis()))
    }

    /// The attack where its defence is down.
    fn control(&self, fixture: &Fixture) -> Result<String> {
        let Some(controls) = &self.programs.controls else {
            return Ok("left out".to_owned());
        };
        let (own, hosts) = rows::hosts_of(fixture.settings);
        let (how, arena) = match fixture.control {
            Control::Set(settings) => {
                let names: Vec<String> =
                    settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let all = own.into_iter().chain(settings.iter().copied()).collect();
                let arena = self.start(&self.programs.program, all, None, false, hosts)?;
                (names.join(" "), arena)
            }
            Control::Without(defence) => {
                let arena = self.start(controls, own, Some(defence), false, hosts)?;
                (format!("without {defence}"), arena)
            }
            Control::Harmless => {
                let arena = self.start(&self.programs.program, own, None, true, hosts)?;
                ("the same without the attack".to_owned(), arena)
            }
        };
        // A server that does not live through it does not stop it either.
        match (fixture.make)(&arena) {
            Ok(Outcome::Through(got)) => Ok(format!("{how}: {got}")),
            Ok(Outcome::Held(seen)) => {
                anyhow::bail!("{how}, and it was stopped all the same: {seen}")
            }
            Err(_) if arena.server().pid().is_none() => Ok(format!("{how}: the server ended")),
            Err(error) => Err(error.context(how)),
        }
    }
}

/// Eight threads that make one attack after the other, each in another order; how many they made.
fn rage(arena: &Arena, attacks: &[&Fixture], time: Duration) -> usize {
    let until = Instant::now() + time;
    let attack = |first: usize| {
        let mut made = 0_usize;
        while Instant::now() < until {
            let Some(fixture) = attacks.get((first + made * 7) % attacks.len()) else { break };
            // What comes of it was judged before.
            let _ = (fixture.make)(arena);
            made += 1;
        }
        made
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|first| scope.spawn(move || attack(first))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum()
    })
}

fn same_process(arena: &Arena, pid: Option<u32>) -> Result<()> {
    let now = arena.server().pid();
    anyhow::ensure!(now.is_some() && now == pid, "the server ended");
    Ok(())
}

/// How often it was noted so far, and how many entries there are.
fn count(arena: &Arena, trace: Trace) -> Result<(u64, usize)> {
    match trace {
        Trace::Stopped { what, code } => {
            Ok((arena.stopped(what, code)?, arena.audited(action(what), code)?))
        }
        Trace::Counted(metric) => Ok((arena.metric(metric)?, 0)),
        Trace::Inert(_) => Ok((0, 0)),
    }
}

fn left_a_trace(arena: &Arena, trace: Trace, before: (u64, usize)) -> Result<()> {
    let after = count(arena, trace)?;
    match trace {
        Trace::Stopped { what, code } => {
            anyhow::ensure!(
                after.0 > before.0,
                "wforge_stopped_total of {what} {code} stands still"
            );
            anyhow::ensure!(after.1 > before.1, "no entry {} {code}", action(what));
        }
        Trace::Counted(metric) => anyhow::ensure!(after.0 > before.0, "{metric} stands still"),
        Trace::Inert(_) => {}
    }
    Ok(())
}

/// The action of the audit log for what was stopped.
fn action(what: &str) -> &'static str {
    match what {
        "task" => "task.stop",
        "run" => "run.stop",
        "host_call" => "host_call.refuse",
        "log" => "log.drop",
        "secret" => "secret.redact",
        "plugin" => "plugin.refuse",
        _ => "workflow.refuse",
    }
}

/// The neighbour's calls take at most twice their time and 10 ms. Where they take more it is
/// measured again: what an attack does to them it does each time, what else this machine does not.
fn neighbour(arena: &Arena, victim: &Victim, attackers: usize, of: &Fixture) -> Result<String> {
    let alone = victim.alone();
    let mut slow = Vec::new();
    for _ in 0..MEASURED_MAX {
        let (median, made) = victim.beside(arena, attackers, of.make)?;
        if median <= alone * 2 + Duration::from_millis(10) {
            let (median, alone) = (median.as_millis(), alone.as_millis());
            let before: String = slow.iter().map(|(ms, _)| format!(" after {ms}")).collect();
            return Ok(format!("neighbour {median}/{alone} ms by {attackers}{before}"));
        }
        slow.push((median.as_millis(), made));
    }
    let took: Vec<String> =
        slow.iter().map(|(ms, made)| format!("{ms} ms ({made} attacks)")).collect();
    anyhow::bail!(
        "beside {attackers} attackers the neighbour took {}, alone {} ms",
        took.join(", "),
        alone.as_millis()
    )
}

/// The resident memory once it is at most that, or what it is after the time for it.
fn settles(arena: &Arena, most: u64) -> Result<u64> {
    let began = Instant::now();
    loop {
        let now = arena.server().resident_mib()?;
        if now <= most {
            return Ok(now);
        }
        anyhow::ensure!(began.elapsed() < LET_GO, "{now} MiB are resident after 5 s, not {most}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
