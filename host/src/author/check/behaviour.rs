//! How a component behaves: what it takes, whether it does the same twice, what it makes of a no.

use wforge_model::limits::SandboxLimits;
use wforge_model::{Capability, Failure, Grants};

use super::Check;
use super::sample::{Sample, broken};
use crate::author::coverage;
use crate::author::sandbox::{Call, Effect, Outcome};
use crate::author::stage::{Played, Stage};

/// That no sample took more than the sandbox and the manifest leave to it.
pub(super) fn limits(stage: &Stage, seen: &[Played]) -> Check {
    let problems = seen.iter().filter_map(|played| match &played.outcome.result {
        Err(failure @ (Failure::Limit(_) | Failure::Timeout(_))) => broken(&Err(failure.clone())),
        _ => None,
    });
    let most = |read: fn(&Played) -> u64| seen.iter().map(read).max().unwrap_or(0);
    let memory_mib = most(|played| played.outcome.cost.memory_bytes).div_ceil(1 << 20);
    let cpu_ms = most(|played| played.outcome.cost.cpu_us).div_ceil(1_000);
    let calls = seen.len();
    let reason =
        format!("at most {memory_mib} MiB and {cpu_ms} ms of CPU time in each of {calls} calls");
    let problems: Vec<String> = problems.collect();
    let is_wrong = !problems.is_empty();
    let check = Check::of("limits", reason, problems);
    if is_wrong { check } else { check.with(beyond(stage)) }
}

/// Hints that ask for more than a host gives unless told.
fn beyond(stage: &Stage) -> Vec<String> {
    let (hints, host) = (&stage.admitted.manifest.limits, SandboxLimits::default());
    let counts = [
        ("memory_mib_max", hints.memory_mib_max.map(u64::from), host.memory_bytes_max >> 20),
        ("timeout_ms", hints.timeout_ms, host.wall_ms_max),
    ];
    let over = counts.into_iter().filter_map(|(name, asked, given)| {
        let asked = asked.filter(|asked| *asked > given)?;
        Some(format!("limits.{name} = {asked} is more than the {given} that a host gives"))
    });
    over.collect()
}

/// That the same call comes to the same, twice; and where the manifest promises it, whatever the
/// guest's randomness is.
pub(super) async fn determinism(
    stage: &Stage,
    samples: &[Sample],
    seen: &[Played],
) -> anyhow::Result<Check> {
    let promises = stage.admitted.manifest.behaviour.deterministic;
    let pairs = samples.iter().zip(seen);
    // Where exactly the sandbox ends a call that takes too much is no matter of the guest.
    let ended = pairs.filter(|(_, played)| !is_over_limit(&played.outcome));
    let ended: Vec<(&Sample, &Played)> = ended.collect();
    if ended.is_empty() {
        return Ok(Check::skipped("determinism", "every call took more than a sandbox has"));
    }
    let reason = format!("{} calls came to the same twice", ended.len());
    let mut problems = Vec::new();
    for (sample, first) in ended {
        let again = play(stage, sample, sample.call.clone()).await?;
        if let Some(difference) = difference(&first.outcome, &again.outcome) {
            problems.push(format!("{}: {difference} with the same seed", sample.name));
            continue;
        }
        if !promises {
            continue;
        }
        let other = Call { seed: sample.call.seed.wrapping_add(1), ..sample.call.clone() };
        let other = play(stage, sample, other).await?;
        if first.outcome.result != other.outcome.result {
            problems.push(format!(
                "{}: another output with other randomness, though behaviour.deterministic is true",
                sample.name
            ));
        }
    }
    Ok(Check::of("determinism", reason, problems))
}

fn is_over_limit(outcome: &Outcome) -> bool {
    matches!(&outcome.result, Err(Failure::Limit(_) | Failure::Timeout(_)))
        && broken(&outcome.result).is_some()
}

async fn play(stage: &Stage, sample: &Sample, call: Call) -> anyhow::Result<Played> {
    stage.play(&sample.agent, call, &sample.world()).await
}

/// In what two outcomes of the same call differ.
fn difference(first: &Outcome, second: &Outcome) -> Option<&'static str> {
    let lines = |outcome: &Outcome| outcome.effects.iter().map(Effect::line).collect::<Vec<_>>();
    if lines(first) != lines(second) {
        return Some("other effects");
    }
    if first.events != second.events {
        return Some("other events");
    }
    (first.result != second.result).then_some("another result")
}

/// That no denial breaks it: each need is denied to the samples that use it.
pub(super) async fn denial(
    stage: &Stage,
    samples: &[Sample],
    seen: &[Played],
) -> anyhow::Result<Check> {
    let needs = stage.needs();
    if needs.is_empty() {
        return Ok(Check::skipped("denial", "it asks for nothing that could be denied"));
    }
    let (mut problems, mut unused, mut denials) = (Vec::new(), Vec::new(), 0_usize);
    for need in &needs {
        let one = std::slice::from_ref(need);
        let users = samples.iter().zip(seen);
        let users = users
            .filter(|(_, played)| coverage::used(one, &played.outcome.effects).next().is_some());
        let mut is_used = false;
        for (sample, _) in users {
            is_used = true;
            denials += 1;
            problems.extend(denied(stage, sample, need).await?);
        }
        if !is_used {
            unused.push(format!("{need}: no case uses it, so nothing can be said of its denial"));
        }
    }
    if denials == 0 {
        let reason = "no case uses any of its needs: write cases, tests/*.yaml";
        return Ok(Check::skipped("denial", reason).with(unused));
    }
    let is_wrong = !problems.is_empty();
    let check = Check::of("denial", format!("{denials} denials, none broke it"), problems);
    Ok(if is_wrong { check } else { check.with(unused) })
}

/// What is wrong with how a sample ends where that need is denied, by whichever grant it has it.
async fn denied(
    stage: &Stage,
    sample: &Sample,
    need: &Capability,
) -> anyhow::Result<Option<String>> {
    let granted = sample.call.grants.iter();
    let left: Grants = granted.filter(|grant| !grant.covers(need)).cloned().collect();
    let call = Call { grants: left, ..sample.call.clone() };
    let played = play(stage, sample, call).await?;
    let name = &sample.name;
    Ok(broken(&played.outcome.result).map(|how| format!("{name}, {need} denied: {how}")))
}
