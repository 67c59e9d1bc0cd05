//! Labels: what people write on runs so that they find them again.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

/// Labels of one run at most.
pub const LABELS_MAX: usize = 16;
/// Bytes of a label's key at most.
pub const LABEL_KEY_BYTES_MAX: usize = 63;
/// Bytes of a label's value at most.
pub const LABEL_VALUE_BYTES_MAX: usize = 255;

/// Keys with values. [`Labels::new`] is the door for what people write; what a log holds went
/// through it when it was written, and is read as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Labels(BTreeMap<String, String>);

/// Labels that are not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLabels {
    /// There are too many.
    #[error("{given} labels are more than {max}", max = LABELS_MAX)]
    TooMany {
        /// How many.
        given: usize,
    },
    /// A key is none.
    #[error(
        "\"{key}\" is no key of a label: it has 1 to {max} letters, digits and . _ / -, and begins \
         with a letter or a digit",
        max = LABEL_KEY_BYTES_MAX
    )]
    Key {
        /// The key.
        key: String,
    },
    /// A value is none.
    #[error(
        "the value of label {key} has at most {max} bytes, and neither commas nor control \
         characters",
        max = LABEL_VALUE_BYTES_MAX
    )]
    Value {
        /// The key.
        key: String,
    },
    /// Text is no pair.
    #[error("\"{text}\" is no label: write key=value")]
    Pair {
        /// The text.
        text: String,
    },
}

impl Labels {
    /// # Errors
    /// There are too many, or a key or a value is none. A list of labels in a query is parted by
    /// commas, so a value has none.
    pub fn new(labels: BTreeMap<String, String>) -> Result<Self, BadLabels> {
        if labels.len() > LABELS_MAX {
            return Err(BadLabels::TooMany { given: labels.len() });
        }
        for (key, value) in &labels {
            if !is_key(key) {
                return Err(BadLabels::Key { key: key.clone() });
            }
            let is_plain = !value.chars().any(|c| c == ',' || c.is_control());
            if value.len() > LABEL_VALUE_BYTES_MAX || !is_plain {
                return Err(BadLabels::Value { key: key.clone() });
            }
        }
        Ok(Self(labels))
    }

    /// From texts such as `team=search`; the last of a key counts.
    ///
    /// # Errors
    /// One is none, or there are too many.
    pub fn of_pairs<'a>(pairs: impl IntoIterator<Item = &'a str>) -> Result<Self, BadLabels> {
        let mut labels = BTreeMap::new();
        for text in pairs {
            let pair = text.split_once('=');
            let (key, value) = pair.ok_or_else(|| BadLabels::Pair { text: text.into() })?;
            labels.insert(String::from(key), String::from(value));
        }
        Self::new(labels)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each key with its value, in order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether all of `wanted` are among these.
    #[must_use]
    pub fn has_all(&self, wanted: &Self) -> bool {
        wanted.0.iter().all(|(key, value)| self.0.get(key) == Some(value))
    }
}

/// `key=value, key=value`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (key, value)) in self.iter().enumerate() {
            let between = if place == 0 { "" } else { ", " };
            write!(f, "{between}{key}={value}")?;
        }
        Ok(())
    }
}

fn is_key(key: &str) -> bool {
    let begins = key.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let of_key = |byte: u8| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte);
    begins && key.len() <= LABEL_KEY_BYTES_MAX && key.bytes().all(of_key)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString as _;
    use alloc::vec::Vec;

    use super::*;

    fn labels(pairs: &[&str]) -> Result<Labels, BadLabels> {
        Labels::of_pairs(pairs.iter().copied())
    }

    #[test]
    fn labels_are_pairs_within_their_limits() {
        let good = labels(&["team=search", "cost/center=7", "empty="]).unwrap();
        assert_eq!(good.to_string(), "cost/center=7, empty=, team=search");
        for wrong in ["team", "=x", "-a=x", "a b=x", "a=x,y", "a=x\ny"] {
            assert!(labels(&[wrong]).is_err(), "{wrong}");
        }
        let long = format!("a={}", "x".repeat(LABEL_VALUE_BYTES_MAX + 1));
        assert!(labels(&[&long]).is_err());
        let many: Vec<String> = (0..=LABELS_MAX).map(|place| format!("k{place}=v")).collect();
        let many = Labels::of_pairs(many.iter().map(String::as_str));
        assert_eq!(many, Err(BadLabels::TooMany { given: LABELS_MAX + 1 }));
    }

    #[test]
    fn all_that_are_wanted_must_be_there_with_their_values() {
        let run = labels(&["team=search", "stage=nightly"]).unwrap();
        assert!(run.has_all(&labels(&["team=search"]).unwrap()));
        assert!(run.has_all(&Labels::default()));
        assert!(!run.has_all(&labels(&["team=ads"]).unwrap()));
        assert!(!run.has_all(&labels(&["team=search", "who=me"]).unwrap()));
    }
}
