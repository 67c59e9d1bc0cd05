//! Random workflows that are meant to be valid: a run's own, `middle` and `inner`, each of which
//! may run those after it. Nodes n0 to nN, edges mostly forwards, loops with an end, and a handler
//! `h` in each, to which failures, exits and sends lead.

use std::fmt::Write as _;

/// Takes one choice after the other from a tape, and the first of each once it has run out: so a
/// shorter tape is a plainer workflow.
#[derive(Debug)]
pub(super) struct Draw<'a> {
    tape: std::slice::Iter<'a, u32>,
}

impl<'a> Draw<'a> {
    pub(super) fn from(tape: &'a [u32]) -> Self {
        Self { tape: tape.iter() }
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.tape.next().map_or(0, |number| u64::from(*number) % end)
    }

    /// False where the tape has run out.
    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == count - 1
    }

    fn of<'b>(&mut self, choices: &[&'b str]) -> &'b str {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

/// The files of one case: the run's own workflow, then its parts.
#[derive(Debug, Clone)]
pub(super) struct Texts {
    pub(super) root: String,
    pub(super) parts: [String; 2],
}

/// Which of the three a workflow is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rank {
    Root,
    Middle,
    Inner,
}

impl Rank {
    const fn name(self) -> &'static str {
        match self {
            Self::Root => "random",
            Self::Middle => "middle",
            Self::Inner => "inner",
        }
    }

    const fn runs(self) -> &'static [&'static str] {
        match self {
            Self::Root => &["middle", "inner"],
            Self::Middle => &["inner"],
            Self::Inner => &[],
        }
    }
}

pub(super) fn texts(draw: &mut Draw<'_>) -> Texts {
    let root = text(draw, Rank::Root);
    Texts { root, parts: [text(draw, Rank::Middle), text(draw, Rank::Inner)] }
}

fn text(draw: &mut Draw<'_>, rank: Rank) -> String {
    let nodes = if rank == Rank::Root { 3 + draw.below(8) } else { 1 + draw.below(4) };
    let steps = if rank == Rank::Root { 40 } else { 15 };
    let mut text = format!(
        "apiVersion: workflowforge/v1\nname: {}\nversion: 1.0.0\nstate:\n  \
         log: {{ reducer: append }}\n  total: {{ reducer: sum }}\n  seen: {{ reducer: union }}\n  \
         best: {{ reducer: max }}\n  by: {{ reducer: merge }}\n  talk: {{ reducer: messages }}\n  \
         last: {{ reducer: any, default: 0 }}\n  round: {{ reducer: sum }}\n  \
         seed: {{ default: 0 }}\n  once: {{ ephemeral: true }}\n  gone: {{ persist: false, \
         reducer: sum }}\n\
         input: [seed]\noutput: [log, total]\nlimits: {{ steps: {steps} }}\n",
        rank.name()
    );
    if draw.one_in(4) {
        let node = draw.below(nodes);
        let when = draw.of(&["before", "after"]);
        writeln!(text, "interrupt: {{ {when}: [n{node}] }}").unwrap();
    }
    text.push_str("nodes:\n");
    for node in 0..nodes {
        let defer = if draw.one_in(7) { "defer: true, " } else { "" };
        writeln!(text, "  n{node}: {{ {defer}{} }}", work(draw, rank, node)).unwrap();
    }
    writeln!(text, "  h: {{ set: {{ log: [\"'h:' + (sent == null ? '' : sent.node)\"] }} }}")
        .unwrap();
    text.push_str("edges:\n  - { from: START, to: n0 }\n");
    for node in 0..nodes {
        edges(draw, node, nodes, &mut text);
    }
    // Whatever is reached only by chance is reached for sure.
    let rest: String = (1..nodes).map(|node| format!("n{node}, ")).collect();
    writeln!(
        text,
        "  - {{ from: n0, branch: [{{ when: \"state.total < 0\", to: [{rest}h] }}, {{ to: END }}] }}"
    )
    .unwrap();
    text
}

fn work(draw: &mut Draw<'_>, rank: Rank, node: u64) -> String {
    let name = format!("'n{node}'");
    let common = format!("log: [\"{name}\"], total: \"1\", last: \"{node}\"");
    match draw.below(13) {
        0 => format!("set: {{ {common}, seen: [\"{name}\"], round: \"1\", gone: \"1\" }}"),
        1 => format!("set: {{ {common}, best: \"{node}\", by: {{ n{node}: state.total }} }}"),
        2 => format!(
            "ask: {{ prompt: \"{node}?\", schema: {{ type: integer }} }}, out: {{ total: result, \
             log: [\"{name}\"] }}"
        ),
        9 | 10 if !rank.runs().is_empty() => subgraph(draw, rank, node),
        9 | 11 => format!(
            "agent: t/a, in: {{ seed: state.total }}, out: {{ {common} }}{}{}",
            draw.of(&["", ", retry: [{ on: [upstream], max_attempts: 2, initial: 1s }]"]),
            draw.of(&["", ", on_error: h", ", fallback: t/b", ", fallback: mock"])
        ),
        12 => {
            format!("set: {{ log: {{ overwrite: [\"{name}\"] }}, total: \"1\", once: \"{node}\" }}")
        }
        kind => format!("agent: mock, {}", script(draw, rank, kind, &name, &common)),
    }
}

fn script(draw: &mut Draw<'_>, rank: Rank, kind: u64, name: &str, common: &str) -> String {
    match kind {
        3 => format!(
            "mock: {{ script: [{{ interrupt: \"'a'\" }}, {{ set: {{ {common} }} }}, {{ interrupt: \
             \"'b'\" }}, {{ set: {{ seen: [\"answers[1]\"] }} }}] }}"
        ),
        4 => format!(
            "retry: [{{ on: [failed], max_attempts: 2, initial: 1s }}], mock: {{ script: [{{ fail: \
             {{ times: 1 }} }}, {{ set: {{ {common} }} }}] }}"
        ),
        5 => format!(
            "mock: {{ script: [{{ sleep: 2s }}, {{ set: {{ {common} }} }}, {{ count: best }}] }}"
        ),
        6 => format!(
            "retry: [{{ on: [failed], max_attempts: 2 }}]{}, mock: {{ script: [{{ fail: {{ times: 5 \
             }} }}] }}",
            draw.of(&["", ", on_error: h"])
        ),
        7 => format!(
            "mock: {{ script: [{{ set: {{ talk: {{ content: \"{name}\" }}, {common} }} }}] }}"
        ),
        _ => {
            let leaves = if rank == Rank::Root { &["h"][..] } else { &["h", "parent:h"] };
            let to = draw.of(leaves);
            let exit = draw.of(&["goto: x", "send: { exit: x, input: { node: NAME } }"]);
            let exit = exit.replace("NAME", &format!("\"{name}\""));
            format!(
                "goto: {{ x: \"{to}\" }}, mock: {{ script: [{{ set: {{ {common} }} }}, {{ {exit} }}] }}"
            )
        }
    }
}

/// A node that runs a part: its state kept or not, its keys mapped or not, its failure handled,
/// tried again or neither.
fn subgraph(draw: &mut Draw<'_>, rank: Rank, node: u64) -> String {
    let name = draw.of(rank.runs());
    let persist = draw.of(&["none", "run", "thread"]);
    let given = draw.of(&["", ", in: { seed: state.total }"]);
    let out = [
        format!(", out: {{ by: {{ n{node}: result.log }}, total: \"1\" }}"),
        String::new(),
        ", out: { seen: result.log, log: [result.total] }".into(),
    ];
    let out = &out[usize::try_from(draw.below(3)).unwrap()];
    let handled = draw.of(&["", ", on_error: h", ", retry: [{ on: [failed], max_attempts: 2 }]"]);
    format!("workflow: {name}, persist: {persist}{given}{out}{handled}")
}

fn edges(draw: &mut Draw<'_>, node: u64, nodes: u64, text: &mut String) {
    let after = node + 1 + draw.below(nodes - node);
    let to = |target: u64| if target < nodes { format!("n{target}") } else { "END".into() };
    let edge = match draw.below(8) {
        0 | 1 => format!("{{ from: n{node}, to: {} }}", to(after)),
        2 if node + 1 < nodes => {
            let second = node + 1 + draw.below(nodes - node - 1);
            format!("{{ from: n{node}, to: [{}, n{second}] }}", to(after))
        }
        3 => {
            let back = draw.below(node + 1);
            format!(
                "{{ from: n{node}, branch: [{{ when: \"state.round < 3 && state.total < 20\", to: \
                 n{back} }}, {{ to: {} }}] }}",
                to(after)
            )
        }
        4 if node > 0 => {
            let other = draw.below(node);
            let join = draw.of(&["", ", join: any", ", join: 2"]);
            let target = if after < nodes { after } else { node };
            format!("{{ from: [n{other}, n{node}], to: n{target}{join} }}")
        }
        6 if after < nodes => {
            let items = draw.of(&["[1, 2]", "state.log.size() > 4 ? [] : [state.total]"]);
            format!("{{ from: n{node}, each: \"{items}\", as: item, to: n{after}, empty: h }}")
        }
        7 => format!(
            "{{ from: n{node}, branch: [{{ when: \"state.total > 30\", to: END, outcome: o{} }}, \
             {{ to: {} }}] }}",
            draw.below(2),
            to(after)
        ),
        _ => format!("{{ from: n{node}, to: {} }}", to(node + 1)),
    };
    writeln!(text, "  - {edge}").unwrap();
}
