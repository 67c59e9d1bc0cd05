//! Single values for built data: random numbers, readable text, text of a format or pattern.

use regex_syntax::hir::{Class, Hir, HirKind};
use serde_json::{Map, Value};

/// The longest text that is built.
const TEXT_CHARS_MAX: usize = 4_096;
/// Repetitions of a pattern without a bound of its own.
const REPEATS_MORE: u32 = 2;

/// A sequence of numbers that depends on its seed only.
/// Source: S. Vigna, "splitmix64".
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number less than `bound`; 0 where that is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// One of these.
    pub(super) fn pick<'t, T>(&mut self, items: &'t [T]) -> Option<&'t T> {
        let at = self.below(items.len() as u64);
        items.get(usize::try_from(at).ok()?)
    }
}

/// Text: of the format or pattern if one is asked for, else words that say what it stands for.
pub(super) fn text(schema: &Map<String, Value>, label: &str, random: &mut Random) -> String {
    let known = |keyword| schema.get(keyword).and_then(Value::as_str);
    if let Some(text) = known("format").and_then(|format| formatted(format, random)) {
        return text;
    }
    if let Some(text) = known("pattern").and_then(|pattern| matching(pattern, random)) {
        return text;
    }
    let length = |keyword| schema.get(keyword).and_then(Value::as_u64);
    let least = usize::try_from(length("minLength").unwrap_or(0)).unwrap_or(usize::MAX);
    let most = usize::try_from(length("maxLength").unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let mut text = format!("mock {label} {:04x}", random.below(1 << 16));
    if text.chars().count() > most {
        text = format!("{:04x}", random.below(1 << 16));
    }
    let short = least.min(TEXT_CHARS_MAX).saturating_sub(text.chars().count());
    text.extend(std::iter::repeat_n('.', short));
    text.chars().take(most).collect()
}

fn formatted(format: &str, random: &mut Random) -> Option<String> {
    let (day, second) = (1 + random.below(28), random.below(60));
    let number = random.below(1 << 16);
    Some(match format {
        "date-time" => format!("2024-01-{day:02}T12:00:{second:02}Z"),
        "date" => format!("2024-01-{day:02}"),
        "time" => format!("12:00:{second:02}Z"),
        "duration" => format!("PT{second}S"),
        "email" | "idn-email" => format!("mock-{number:04x}@example.com"),
        "hostname" | "idn-hostname" => format!("mock-{number:04x}.example.com"),
        "uri" | "uri-reference" | "iri" | "iri-reference" => {
            format!("https://example.com/mock-{number:04x}")
        }
        "uuid" => format!("00000000-0000-4000-8000-{number:012x}"),
        "ipv4" => format!("192.0.2.{}", random.below(256)),
        "ipv6" => format!("2001:db8::{number:x}"),
        "json-pointer" => format!("/mock-{number:04x}"),
        "regex" => format!("mock-{number:04x}"),
        _ => return None,
    })
}

/// Text that a pattern matches, as far as its parts say so.
pub(super) fn matching(pattern: &str, random: &mut Random) -> Option<String> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let mut text = String::new();
    write(&hir, random, &mut text);
    Some(text)
}

fn write(hir: &Hir, random: &mut Random, text: &mut String) {
    if text.len() > TEXT_CHARS_MAX {
        return;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => text.extend(member(class, random)),
        HirKind::Capture(capture) => write(&capture.sub, random, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, random, text)),
        HirKind::Alternation(options) => {
            if let Some(option) = random.pick(options) {
                write(option, random, text);
            }
        }
        HirKind::Repetition(repetition) => {
            let more = repetition.min.saturating_add(REPEATS_MORE);
            let most = repetition.max.map_or(more, |max| max.min(more));
            let spread = u64::from(most.saturating_sub(repetition.min)) + 1;
            let count = u64::from(repetition.min) + random.below(spread);
            for _ in 0..count.min(TEXT_CHARS_MAX as u64) {
                write(&repetition.sub, random, text);
            }
        }
    }
}

/// A character of a class; a letter or digit where there is one.
fn member(class: &Class, random: &mut Random) -> Option<char> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.ranges().iter().map(|r| (r.start(), r.end())).collect(),
        Class::Bytes(class) => {
            class.ranges().iter().map(|r| (r.start().into(), r.end().into())).collect()
        }
    };
    let within = |wanted: &char| ranges.iter().any(|(start, end)| (start..=end).contains(&wanted));
    let readable: Vec<char> =
        ('a'..='z').chain('0'..='9').chain('A'..='Z').filter(within).collect();
    random.pick(&readable).copied().or_else(|| ranges.first().map(|(start, _)| *start))
}

/// A number inside the bounds.
pub(super) fn number(schema: &Map<String, Value>, whole: bool, random: &mut Random) -> Value {
    let bound = |keyword| schema.get(keyword).and_then(Value::as_f64);
    let step = bound("multipleOf").filter(|step| *step > 0.0);
    let small = step.unwrap_or(if whole { 1.0 } else { 0.01 });
    let above = bound("exclusiveMinimum").map(|bound| bound + small);
    let below = bound("exclusiveMaximum").map(|bound| bound - small);
    let low = [bound("minimum"), above].into_iter().flatten().reduce(f64::max);
    let high = [bound("maximum"), below].into_iter().flatten().reduce(f64::min);
    let part = small_f64(random.below(101)) / 100.0;
    let free = if whole { 100.0 } else { 1.0 };
    let (low, high) = match (low, high) {
        (Some(low), Some(high)) => (low, high.max(low)),
        (Some(low), None) => (low, low + free),
        (None, Some(high)) => (high - free, high),
        (None, None) => (0.0, free),
    };
    let wanted = low + (high - low) * part;
    let snap = step.or(whole.then_some(1.0));
    let fitted = snap.map_or((wanted * 100.0).round() / 100.0, |step| snapped(wanted, step, low));
    let fitted = if snap.is_none() { fitted.clamp(low, high) } else { fitted };
    if whole || step.is_some_and(|step| step.fract() == 0.0) {
        let exact = crate::expression::whole_double(fitted);
        return exact.map_or(Value::from(fitted), Value::from);
    }
    Value::from(fitted)
}

/// The multiple of `step` at or below `wanted`, if it is not below `low`, else the one above.
fn snapped(wanted: f64, step: f64, low: f64) -> f64 {
    let down = (wanted / step).floor() * step;
    if down >= low { down } else { (low / step).ceil() * step }
}

fn small_f64(number: u64) -> f64 {
    u32::try_from(number).map_or(0.0, f64::from)
}
