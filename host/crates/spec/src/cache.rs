//! A bounded cache for what is costly to make and cheap to share: compiled programs, validators
//! and patterns. It never decides what an entry means, and losing one only costs time.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Entries of at most `2 * generation_max` weight in two generations: when the young one is full,
/// it becomes the old one, and what the old one still held is dropped. An entry that is used moves
/// back to the young generation. One weighs 1, unless whoever inserts it says more.
#[derive(Debug)]
pub struct Cache<K, V> {
    generation_max: usize,
    generations: Mutex<Generations<K, V>>,
}

#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, Weighed<V>>,
    old: HashMap<K, Weighed<V>>,
    /// Of all young entries.
    weight: usize,
}

#[derive(Debug)]
struct Weighed<V> {
    value: V,
    weight: usize,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// An empty cache.
    #[must_use]
    pub fn new(generation_max: usize) -> Self {
        let generations = Generations { young: HashMap::new(), old: HashMap::new(), weight: 0 };
        Self { generation_max, generations: Mutex::new(generations) }
    }

    /// The entry of this key.
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut generations = self.lock();
        if let Some(found) = generations.young.get(key) {
            return Some(found.value.clone());
        }
        let (key, found) = generations.old.remove_entry(key)?;
        let value = found.value.clone();
        generations.insert(key, found, self.generation_max);
        Some(value)
    }

    /// Keeps an entry.
    pub fn insert(&self, key: K, value: V) {
        self.insert_weighing(1, key, value);
    }

    /// Keeps an entry that takes the room of so many.
    pub fn insert_weighing(&self, weight: usize, key: K, value: V) {
        self.lock().insert(key, Weighed { value, weight }, self.generation_max);
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let generations = self.lock();
        generations.young.len() + generations.old.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations<K, V>> {
        // Entries are only ever whole, so a panic elsewhere leaves nothing half done here.
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, V> Generations<K, V> {
    fn insert(&mut self, key: K, entry: Weighed<V>, generation_max: usize) {
        if self.weight.saturating_add(entry.weight) > generation_max {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.weight = self.weight.saturating_add(entry.weight);
        if let Some(before) = self.young.insert(key, entry) {
            self.weight = self.weight.saturating_sub(before.weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heavy_entries_take_the_room_of_many() {
        let cache = Cache::new(10);
        (0..100).for_each(|key| cache.insert(key, ()));
        assert_eq!(cache.len(), 20);
        (100..200).for_each(|key| cache.insert_weighing(4, key, ()));
        assert_eq!(cache.len(), 4);
        cache.insert_weighing(1_000, 200, ());
        assert_eq!((cache.get(&200), cache.len()), (Some(()), 3), "one that is too heavy is alone");
        cache.insert(201, ());
        assert_eq!(cache.len(), 2);
    }

    #[test]
    fn who_is_used_stays_and_who_is_kept_again_weighs_once() {
        let cache = Cache::new(10);
        (0..100).for_each(|_| cache.insert_weighing(4, 0, "kept"));
        for key in 1..100 {
            cache.insert_weighing(4, key, "other");
            assert_eq!(cache.get(&0), Some("kept"), "{key}");
        }
    }
}
