//! What was asked for lately, in two generations: the young one becomes the old one when it is
//! full, and what the old one still had is forgotten. Whoever goes on asking is kept.

use std::collections::BTreeMap;

/// Entries that are kept: between this many and twice as many of the latest.
const KEPT: usize = 32_768;

/// The latest entries by their keys.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    young: BTreeMap<K, V>,
    old: BTreeMap<K, V>,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { young: BTreeMap::new(), old: BTreeMap::new() }
    }
}

impl<K: Ord, V: Default> Recent<K, V> {
    /// The entry of that key, made where there is none.
    pub(crate) fn entry(&mut self, key: K) -> &mut V {
        if self.young.len() >= KEPT && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        let before = self.old.remove(&key);
        self.young.entry(key).or_insert_with(|| before.unwrap_or_default())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Takes the entry out.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.young.remove(key).or_else(|| self.old.remove(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_entries_are_kept_and_no_more() {
        let mut recent = Recent::<usize, u64>::default();
        *recent.entry(0) = 7;
        for key in 1..5 * KEPT {
            *recent.entry(key) = 1;
            assert_eq!(*recent.entry(0), 7, "who goes on asking is not forgotten");
        }
        assert!(recent.len() <= 2 * KEPT);
        assert_eq!(recent.remove(&1), None, "who asked long ago is");
        assert_eq!(recent.remove(&(5 * KEPT - 1)), Some(1));
        assert_eq!(recent.remove(&(5 * KEPT - 1)), None, "what was taken out");
    }
}
