//! What a list of measurements comes to.

use std::time::Duration;

/// The nearest rank. None of nothing.
pub(crate) fn percentile(took: &[Duration], of: usize) -> Option<Duration> {
    let mut sorted = took.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * of).div_ceil(100).max(1) - 1;
    sorted.get(rank).copied()
}

/// In milliseconds, for people.
pub(crate) fn ms(took: Option<Duration>) -> String {
    took.map_or_else(|| "-".to_owned(), |took| format!("{:.1} ms", took.as_secs_f64() * 1e3))
}

/// How much `y` grows for each unit of `x`, by least squares. None where all `x` are the same.
pub(crate) fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = f64::from(u32::try_from(points.len()).ok()?);
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let together: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let alone: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    (alone > 0.0).then(|| together / alone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_measurements() {
        let took: Vec<_> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&took, 50), Some(Duration::from_millis(100)));
        assert_eq!(percentile(&took, 99), Some(Duration::from_millis(198)));
        assert_eq!(percentile(&took, 100), Some(Duration::from_millis(200)));
        assert_eq!(percentile(&[], 99), None);
    }

    #[test]
    fn the_slope_is_that_of_the_line_through_the_noise() {
        let line: Vec<_> = (0..100)
            .map(|x| (f64::from(x), 3.0 * f64::from(x) + if x % 2 == 0 { 5.0 } else { -5.0 }))
            .collect();
        let found = slope(&line).unwrap();
        assert!((found - 3.0).abs() < 0.02, "{found}");
        assert_eq!(slope(&[(1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(slope(&[]), None);
    }
}
