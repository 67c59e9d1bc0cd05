//! An open loop: requests come when they are due, whatever became of those before.
//!
//! A loop that waits for each answer before it sends the next asks a slow server less, and so never
//! sees what its clients would have waited: coordinated omission. Here each request has a moment at
//! which it is due, drawn before anything is sent, and its time counts from that moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::Client;
use crate::figures::percentile;
use crate::site::{START, start_body};

/// Requests of one source that are under way at the same time: far more than a server lets in. More
/// than these are not sent but counted, and no proof holds where there are any.
const AT_ONCE_MAX: usize = 8_192;

/// Somebody who starts runs.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) client: Client,
    /// On average; when each comes is chance, as with people who do not know of each other.
    pub(crate) per_second: f64,
}

/// What a source heard.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// How long it went on.
    pub(crate) lasted: Duration,
    /// Requests that were due.
    pub(crate) offered: usize,
    /// Runs that were answered as completed before the end, and those that came after it.
    in_time: usize,
    /// What each run that completed took.
    pub(crate) done: Vec<Duration>,
    /// What each refusal took that says when to come back.
    pub(crate) refused: Vec<Duration>,
    /// Everything else, which must not be.
    pub(crate) wrong: BTreeMap<String, usize>,
    /// How much after they were due requests were sent.
    late: Vec<Duration>,
    /// Requests that were not sent, for the generator was full.
    pub(crate) unsent: usize,
}

impl Heard {
    /// Completed runs a second.
    pub(crate) fn goodput(&self) -> f64 {
        rate(self.in_time, self.lasted)
    }

    /// Requests a second that were really due.
    pub(crate) fn rate(&self) -> f64 {
        rate(self.offered, self.lasted)
    }

    /// The generator's own lateness.
    pub(crate) fn late(&self) -> Option<Duration> {
        percentile(&self.late, 99)
    }

    /// Two sources as one.
    pub(crate) fn with(mut self, other: Self) -> Self {
        self.lasted = self.lasted.max(other.lasted);
        self.offered += other.offered;
        self.in_time += other.in_time;
        self.done.extend(other.done);
        self.refused.extend(other.refused);
        for (what, count) in other.wrong {
            *self.wrong.entry(what).or_default() += count;
        }
        self.late.extend(other.late);
        self.unsent += other.unsent;
        self
    }

    /// The same source at another time.
    pub(crate) fn then(self, other: Self) -> Self {
        let lasted = self.lasted + other.lasted;
        Self { lasted, ..self.with(other) }
    }

    fn take(&mut self, answer: Answer) {
        let Answer { came, took, late, what } = answer;
        self.late.push(late);
        match what {
            What::Done => {
                self.in_time += usize::from(came <= self.lasted);
                self.done.push(took);
            }
            What::Refused => self.refused.push(took),
            What::Wrong(what) => *self.wrong.entry(what).or_default() += 1,
        }
    }
}

fn rate(count: usize, lasted: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / lasted.as_secs_f64()
}

/// What became of one request.
#[derive(Debug)]
struct Answer {
    /// Since the beginning.
    came: Duration,
    /// Since it was due.
    took: Duration,
    /// Between when it was due and when it was sent.
    late: Duration,
    what: What,
}

#[derive(Debug)]
enum What {
    Done,
    Refused,
    Wrong(String),
}

/// Has all sources send for so long; what each heard, in their order.
pub(crate) async fn drive(sources: &[Source], lasts: Duration, seed: u64) -> Result<Vec<Heard>> {
    let mut tasks = JoinSet::new();
    for (place, source) in sources.iter().cloned().enumerate() {
        let chance = fastrand::Rng::with_seed(seed ^ ((place as u64) << 32));
        tasks.spawn(async move { (place, send(source, lasts, chance).await) });
    }
    let mut heard: Vec<(usize, Heard)> = Vec::new();
    while let Some(of_one) = tasks.join_next().await {
        heard.push(of_one?);
    }
    heard.sort_by_key(|(place, _)| *place);
    Ok(heard.into_iter().map(|(_, heard)| heard).collect())
}

async fn send(source: Source, lasts: Duration, mut chance: fastrand::Rng) -> Heard {
    let mut heard = Heard { lasted: lasts, ..Heard::default() };
    let (answers, mut answered) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(AT_ONCE_MAX));
    let begun = Instant::now();
    let mut due = Duration::ZERO;
    loop {
        due += until_next(source.per_second, &mut chance);
        if due >= lasts {
            break;
        }
        tokio::time::sleep_until(begun + due).await;
        heard.offered += 1;
        match Arc::clone(&room).try_acquire_owned() {
            Ok(place) => {
                let (client, answers) = (source.client.clone(), answers.clone());
                tokio::spawn(async move {
                    // Nobody hears it where the proof has broken off.
                    let _ = answers.send(ask(&client, begun, due, place).await);
                });
            }
            Err(_) => heard.unsent += 1,
        }
        while let Ok(answer) = answered.try_recv() {
            heard.take(answer);
        }
    }
    drop(answers);
    while let Some(answer) = answered.recv().await {
        heard.take(answer);
    }
    heard
}

/// Until the next request of those that come so often on average: a Poisson process.
fn until_next(per_second: f64, chance: &mut fastrand::Rng) -> Duration {
    Duration::from_secs_f64(-(1.0 - chance.f64()).ln() / per_second)
}

async fn ask(
    client: &Client,
    begun: Instant,
    due: Duration,
    _place: OwnedSemaphorePermit,
) -> Answer {
    let late = begun.elapsed().saturating_sub(due);
    let what = match client.post(START, start_body()).await {
        Ok(reply) => match reply.status {
            200 if is_completed(&reply.body) => What::Done,
            429 | 503 if reply.retry_after => What::Refused,
            status => What::Wrong(status.to_string()),
        },
        Err(error) => What::Wrong(format!("{error:#}")),
    };
    let came = begun.elapsed();
    Answer { came, took: came.saturating_sub(due), late, what }
}

fn is_completed(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Run<'a> {
        status: &'a str,
    }
    serde_json::from_slice::<Run<'_>>(body).is_ok_and(|run| run.status == "completed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_come_as_often_as_they_should_and_never_all_at_once() {
        let mut chance = fastrand::Rng::with_seed(7);
        let gaps: Vec<_> = (0..20_000).map(|_| until_next(500.0, &mut chance)).collect();
        let all: Duration = gaps.iter().sum();
        assert!((38.0..42.0).contains(&all.as_secs_f64()), "{all:?}");
        assert!(percentile(&gaps, 99).unwrap() > Duration::from_millis(8));
    }

    #[test]
    fn a_time_counts_from_when_the_request_was_due() {
        let mut heard = Heard { lasted: Duration::from_secs(1), ..Heard::default() };
        let answer = |came: u64, what| Answer {
            came: Duration::from_millis(came),
            took: Duration::from_millis(came),
            late: Duration::from_millis(3),
            what,
        };
        heard.take(answer(10, What::Done));
        heard.take(answer(1_010, What::Done));
        heard.take(answer(4, What::Refused));
        heard.take(answer(4, What::Wrong("500".into())));
        assert_eq!((heard.goodput(), heard.done.len(), heard.refused.len()), (1.0, 2, 1));
        assert_eq!(heard.late(), Some(Duration::from_millis(3)));
        assert_eq!(heard.wrong, BTreeMap::from([("500".to_owned(), 1)]));
    }

    #[test]
    fn only_a_run_that_completed_counts() {
        assert!(is_completed(br#"{"kind":"run","status":"completed","tasks":[]}"#));
        assert!(!is_completed(br#"{"status":"running","tasks":[{"status":"completed"}]}"#));
        assert!(!is_completed(b"completed"));
    }
}
