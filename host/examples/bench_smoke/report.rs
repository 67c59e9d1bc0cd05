//! Durations, put together and put into words.

use crate::marks::Mark;

/// Many durations of one thing.
pub(crate) struct Spread(Vec<u64>);

impl Spread {
    pub(crate) fn of(mut times_ns: Vec<u64>) -> Self {
        times_ns.sort_unstable();
        Self(times_ns)
    }

    /// The duration that this share in hundred does not exceed, in microseconds.
    pub(crate) fn us(&self, share: usize) -> u64 {
        let place = (self.0.len().saturating_sub(1)) * share / 100;
        self.0.get(place).map_or(0, |ns| ns.div_ceil(1_000))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

/// The durable steps of chains: how long each took, and where.
#[derive(Default)]
pub(crate) struct Steps {
    whole: Vec<u64>,
    call: Vec<u64>,
    decide: Vec<u64>,
    commit: Vec<u64>,
    start: Vec<u64>,
    /// Commits that ended no super-step: more than one for a step.
    pub(crate) extra_commits: usize,
}

impl Steps {
    /// Takes the notes of one run: from each call to the next is one step.
    pub(crate) fn add(&mut self, notes: &[(Mark, u64)]) {
        let begins = notes.iter().enumerate().filter(|(_, (mark, _))| *mark == Mark::Called);
        let begins: Vec<usize> = begins.map(|(place, _)| place).collect();
        for pair in begins.windows(2) {
            if let [from, to] = pair
                && let Some(step) = notes.get(*from..=*to)
            {
                self.add_step(step);
            }
        }
    }

    fn add_step(&mut self, notes: &[(Mark, u64)]) {
        let [
            (Mark::Called, called),
            (Mark::Returned, returned),
            (Mark::CommitBegun { step: true }, begun),
            (Mark::CommitEnded, ended),
            (Mark::Called, next),
        ] = notes
        else {
            self.extra_commits += 1;
            return;
        };
        self.whole.push(next - called);
        self.call.push(returned - called);
        self.decide.push(begun - returned);
        self.commit.push(ended - begun);
        self.start.push(next - ended);
    }

    /// The parts by name, the whole first.
    pub(crate) fn parts(self) -> [(&'static str, Spread); 5] {
        [
            ("a durable step", Spread::of(self.whole)),
            ("  the call in its sandbox", Spread::of(self.call)),
            ("  back to the run, decide", Spread::of(self.decide)),
            ("  wait for the commit", Spread::of(self.commit)),
            ("  apply, publish, start the next", Spread::of(self.start)),
        ]
    }
}

/// One row of the table.
pub(crate) fn row(name: &str, spread: &Spread) -> String {
    let (median, high, count) = (spread.us(50), spread.us(99), spread.count());
    format!("{name:<36} {median:>6} {high:>6} {count:>7}")
}
