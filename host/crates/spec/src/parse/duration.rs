//! Times with a unit: `500ms`, `1.5s`, `10m`, `24h`, `7d`.

/// The units with their milliseconds.
const UNITS: [(&str, f64); 5] =
    [("ms", 1.0), ("s", 1_000.0), ("m", 60_000.0), ("h", 3_600_000.0), ("d", 86_400_000.0)];
/// The longest time, a hundred years.
const MS_MAX: f64 = 36_500.0 * 86_400_000.0;

/// What a time looks like, for messages.
pub(super) const EXAMPLES: &str = "write a number with a unit: 500ms, 1.5s, 10m, 24h or 7d";

/// What is too long, for messages.
pub(super) const TOO_LONG: &str = "the longest time is 36500d, a hundred years";

/// Why a text stands for no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoTime {
    /// It is no number with a unit.
    Malformed,
    /// It is longer than the longest.
    TooLong,
}

/// The milliseconds that the text stands for.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked first"
)]
pub(super) fn milliseconds(text: &str) -> Result<u64, NoTime> {
    let malformed = NoTime::Malformed;
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(malformed)?;
    let (number, unit) = text.split_at(split);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(malformed)?;
    let ms = number.parse::<f64>().map_err(|_| malformed)? * factor;
    if ms > MS_MAX { Err(NoTime::TooLong) } else { Ok(ms.round() as u64) }
}
