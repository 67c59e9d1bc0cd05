//! Times with a unit: `500ms`, `1.5s`, `10m`, `24h`, `7d`.

/// The units with their milliseconds.
const UNITS: [(&str, f64); 5] =
    [("ms", 1.0), ("s", 1_000.0), ("m", 60_000.0), ("h", 3_600_000.0), ("d", 86_400_000.0)];
/// The longest time, a hundred years.
const MS_MAX: f64 = 36_500.0 * 86_400_000.0;

/// What a time looks like, for messages.
pub(super) const EXAMPLES: &str = "write a number with a unit: 500ms, 1.5s, 10m, 24h or 7d";

/// The milliseconds that the text stands for.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked first"
)]
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(split);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let ms = number.parse::<f64>().ok()? * factor;
    (0.0..=MS_MAX).contains(&ms).then_some(ms.round() as u64)
}
