//! Components that were whole before something happened to them.

use anyhow::{Result, ensure};

use crate::binary::{
    DATA, HEADER_BYTES, MODULE, Section, custom, leb, sections, split_custom, whole,
};
use crate::chance::Chance;

/// The most bytes that one mutation moves or takes away.
const RANGE_MAX: usize = 4 << 10;
/// The sections that a host reads before anything else.
const OURS: &str = "workflowforge:";

/// Breaks whole components.
#[derive(Debug)]
pub(crate) struct Mutator {
    sources: Vec<Vec<u8>>,
}

type Mutation = fn(&Mutator, &mut Vec<u8>, &mut Chance);

/// In turn, so that each has its share.
const MUTATIONS: [Mutation; 15] = [
    |_, bytes, chance| flip_bits(bytes, chance),
    |_, bytes, chance| overwrite(bytes, chance),
    |_, bytes, chance| remove(bytes, chance),
    |_, bytes, chance| repeat(bytes, chance),
    |_, bytes, chance| swap(bytes, chance),
    |_, bytes, chance| zero(bytes, chance),
    |_, bytes, chance| truncate(bytes, chance),
    |_, bytes, chance| in_sections(bytes, chance, |all, chance| shuffle(all, chance)),
    |_, bytes, chance| in_sections(bytes, chance, repeat_section),
    |_, bytes, chance| resize(bytes, chance),
    |_, bytes, chance| overflow(bytes, chance),
    |mutator, bytes, chance| mutator.splice(bytes, chance),
    |mutator, bytes, chance| mutator.exchange_sections(bytes, chance),
    |_, bytes, chance| in_sections(bytes, chance, |all, chance| in_module(all, chance)),
    |_, bytes, chance| in_sections(bytes, chance, in_manifest),
];

impl Mutator {
    pub(crate) fn of(sources: Vec<Vec<u8>>) -> Result<Self> {
        ensure!(sources.iter().all(|source| sections(source).is_some()), "one is broken already");
        Ok(Self { sources })
    }

    pub(crate) fn make(&self, seed: u64, number: u64) -> Vec<u8> {
        let mut chance = Chance::of(seed, number);
        let mut bytes = self.source(&mut chance).to_vec();
        let turn = usize::try_from(number).unwrap_or_default() % MUTATIONS.len();
        MUTATIONS[turn](self, &mut bytes, &mut chance);
        // One in four has more than one thing wrong.
        while chance.once_in(4) {
            MUTATIONS[chance.below(MUTATIONS.len())](self, &mut bytes, &mut chance);
        }
        bytes
    }

    fn source(&self, chance: &mut Chance) -> &[u8] {
        &self.sources[chance.below(self.sources.len())]
    }

    /// The beginning of one and the end of another.
    fn splice(&self, bytes: &mut Vec<u8>, chance: &mut Chance) {
        let other = self.source(chance);
        bytes.truncate(HEADER_BYTES + chance.below(bytes.len()));
        bytes.extend(&other[chance.below(other.len())..]);
    }

    /// Whole sections of another in place of some of its own.
    fn exchange_sections(&self, bytes: &mut Vec<u8>, chance: &mut Chance) {
        let other = sections(self.source(chance)).unwrap_or_default();
        in_sections(bytes, chance, |own, chance| {
            for _ in 0..=chance.below(3) {
                let (from, to) = (chance.below(other.len()), chance.below(own.len()));
                if let (Some(from), Some(to)) = (other.get(from), own.get_mut(to)) {
                    *to = from.clone();
                }
            }
        });
    }
}

fn flip_bits(bytes: &mut [u8], chance: &mut Chance) {
    for _ in 0..=chance.below(8) {
        let at = chance.below(bytes.len());
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << chance.below(8);
        }
    }
}

fn overwrite(bytes: &mut [u8], chance: &mut Chance) {
    let range = chance.range(bytes.len(), 16);
    for byte in &mut bytes[range] {
        *byte = chance.byte();
    }
}

fn remove(bytes: &mut Vec<u8>, chance: &mut Chance) {
    bytes.drain(chance.range(bytes.len(), RANGE_MAX));
}

fn repeat(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let taken = bytes[chance.range(bytes.len(), RANGE_MAX)].to_vec();
    let at = chance.below(bytes.len());
    bytes.splice(at..at, taken);
}

fn swap(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let taken: Vec<u8> = bytes.drain(chance.range(bytes.len(), RANGE_MAX)).collect();
    let at = chance.below(bytes.len());
    bytes.splice(at..at, taken);
}

fn zero(bytes: &mut [u8], chance: &mut Chance) {
    let range = chance.range(bytes.len(), RANGE_MAX);
    bytes[range].fill(0);
}

fn truncate(bytes: &mut Vec<u8>, chance: &mut Chance) {
    bytes.truncate(chance.below(bytes.len()));
}

/// A section says that it is longer or shorter than it is.
fn resize(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let wrong = |length: usize, chance: &mut Chance| match chance.below(4) {
        0 => leb(length + 1 + chance.below(64)),
        1 => leb(length.saturating_sub(1 + chance.below(64))),
        2 => leb(chance.below(usize::from(u16::MAX))),
        _ => leb(0xffff_ffff),
    };
    with_length(bytes, chance, wrong);
}

/// A section's length as a number that is longer than numbers are, or larger.
fn overflow(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let wrong = |length: usize, chance: &mut Chance| {
        let mut number = leb(length);
        // The same number in more bytes, up to one byte too many.
        let wider = number.len() + 1 + chance.below(10);
        if let Some(last) = number.last_mut() {
            *last |= 0x80;
        }
        number.resize(wider, 0x80);
        *number.last_mut().expect("more than one") = if chance.once_in(2) { 0 } else { 0x7f };
        number
    };
    with_length(bytes, chance, wrong);
}

/// Writes one section's length as that.
fn with_length(
    bytes: &mut Vec<u8>,
    chance: &mut Chance,
    wrong: impl Fn(usize, &mut Chance) -> Vec<u8>,
) {
    let (Some(all), Some(header)) = (sections(bytes), bytes.get(..HEADER_BYTES)) else {
        return;
    };
    let chosen = chance.below(all.len());
    let (before, rest) = all.split_at(chosen);
    let Some((section, behind)) = rest.split_first() else {
        return;
    };
    let mut out = whole(header, before);
    out.push(section.id);
    out.extend(wrong(section.content.len(), chance));
    out.extend(&section.content);
    out.extend(whole(&[], behind));
    *bytes = out;
}

fn in_sections(
    bytes: &mut Vec<u8>,
    chance: &mut Chance,
    change: impl FnOnce(&mut Vec<Section>, &mut Chance),
) {
    let (Some(mut all), Some(header)) = (sections(bytes), bytes.get(..HEADER_BYTES)) else {
        return;
    };
    change(&mut all, chance);
    *bytes = whole(header, &all);
}

fn shuffle(sections: &mut [Section], chance: &mut Chance) {
    for _ in 0..=chance.below(4) {
        let (from, to) = (chance.below(sections.len()), chance.below(sections.len()));
        if !sections.is_empty() {
            sections.swap(from, to);
        }
    }
}

/// One twice, one not at all, or one of another kind.
fn repeat_section(sections: &mut Vec<Section>, chance: &mut Chance) {
    if sections.is_empty() {
        return;
    }
    let (from, to) = (chance.below(sections.len()), chance.below(sections.len()));
    match chance.below(3) {
        0 => sections.insert(to, sections[from].clone()),
        1 => drop(sections.remove(from)),
        _ => sections[from].id = chance.byte() % 16,
    }
}

/// Something inside a module that the component holds, whose frame stays whole: what only the
/// validator or the compiler meets.
fn in_module(sections_of_it: &mut [Section], chance: &mut Chance) {
    let modules = sections_of_it.iter_mut().filter(|section| section.id == MODULE);
    let mut modules: Vec<&mut Section> = modules.collect();
    let chosen = chance.below(modules.len());
    let Some(module) = modules.get_mut(chosen) else {
        return;
    };
    in_sections(&mut module.content, chance, |inside, chance| {
        // Mostly where the code is, by far the largest, and where data is, which stays valid.
        let Some(section) = (match chance.below(4) {
            0 => inside.get_mut(chance.below(12)),
            1 => inside.iter_mut().find(|section| section.id == DATA),
            _ => inside.iter_mut().max_by_key(|section| section.content.len()),
        }) else {
            return;
        };
        match chance.below(4) {
            0 => overwrite(&mut section.content, chance),
            1 => remove(&mut section.content, chance),
            _ => flip_bits(&mut section.content, chance),
        }
    });
}

/// What the component says about itself.
fn in_manifest(sections: &mut Vec<Section>, chance: &mut Chance) {
    let is_ours = |section: &Section| {
        split_custom(section).is_some_and(|(name, _)| name.starts_with(OURS.as_bytes()))
    };
    let ours: Vec<usize> = (0..sections.len()).filter(|at| is_ours(&sections[*at])).collect();
    let Some(at) = ours.get(chance.below(ours.len())).copied() else {
        sections.push(custom("workflowforge:manifest", b"{}"));
        return;
    };
    match chance.below(5) {
        0 => drop(sections.remove(at)),
        1 => sections.push(sections[at].clone()),
        2 => sections.insert(0, custom("workflowforge:manifest", &chance.bytes(64))),
        3 => sections.insert(0, custom("workflowforge:api", b"9.9.9")),
        _ => {
            let content = &mut sections[at].content;
            // Behind the name, so that it is still read.
            let behind = chance.range(content.len(), 8);
            for byte in content[behind].iter_mut().filter(|byte| byte.is_ascii_alphanumeric()) {
                *byte = b"aZ9{}[]\",:\\ \xff\0-"[chance.below(15)];
            }
        }
    }
}
