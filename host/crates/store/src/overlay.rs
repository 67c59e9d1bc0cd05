//! What the journal has acknowledged and the view does not hold yet, and what was written lately.
//!
//! Reads look here first. A row that the view has applied stays as a copy until the room for
//! copies is used up, so that live runs are read without a disk. For some prefixes the overlay
//! knows that it holds all rows there are; only for those can it say that there is none.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Condvar, Mutex, PoisonError, RwLock};
use std::time::Duration;

use wforge_model::TenantId;
use wforge_ports::figures::Kept;

use crate::error::Fault;
use crate::files::FileRef;
use crate::keys;
use crate::kv::{Batch, Bytes, KeyRange, Kv, Order, Row, Rows, Writes, merge, top_of};
use crate::lists::ListVersions;

/// Prefixes of which the overlay remembers that it holds all.
const FRESH_MAX: usize = 65_536;
/// What the view applies at once.
const WORK_BYTES_MAX: usize = 4 << 20;
/// With less than this the view waits a moment for more, since one batch of many rows costs it far
/// less than many of few.
const WORK_BYTES_LITTLE: usize = 256 << 10;
const LINGER: Duration = Duration::from_millis(20);
/// Places of copies that are not worth tidying: fewer than these are left as they are.
const COPIES_TIDIED_MIN: usize = 1_024;

#[derive(Debug)]
struct Entry {
    value: Option<Bytes>,
    group: u64,
    is_applied: bool,
}

impl Entry {
    /// Whether it is what the view has of that group.
    fn is_copy_of(&self, group: u64) -> bool {
        self.group == group && self.is_applied
    }
}

/// A group that the view has not applied.
#[derive(Debug)]
struct Group {
    number: u64,
    writes: Writes,
    orphans: Vec<(TenantId, FileRef)>,
    bytes: usize,
    operations: u64,
}

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<Bytes, Entry>,
    fresh: HashSet<Bytes>,
    fresh_order: VecDeque<Bytes>,
    /// The copies in the order in which they came. One whose row was written again stands for
    /// nothing any more.
    copies: VecDeque<(Bytes, u64)>,
    copy_bytes: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    groups: VecDeque<Group>,
    bytes: usize,
    operations: u64,
    is_closing: bool,
    has_failed: bool,
}

/// What one batch of the view holds.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) through: u64,
    pub(crate) writes: Writes,
    pub(crate) orphans: Vec<(TenantId, FileRef)>,
}

/// The rows in memory.
#[derive(Debug)]
pub(crate) struct Overlay {
    state: RwLock<State>,
    pub(crate) lists: ListVersions,
    waiting: Mutex<Waiting>,
    /// The view has work, or shall end.
    work: Condvar,
    /// The view has caught up a little, or failed.
    room: Condvar,
    unapplied_bytes_max: usize,
    copy_bytes_max: usize,
}

/// What the overlay knows of a key.
enum Known {
    Value(Option<Bytes>),
    Nothing,
}

impl Overlay {
    pub(crate) fn new(unapplied_bytes_max: usize, copy_bytes_max: usize) -> Self {
        Self {
            state: RwLock::default(),
            lists: ListVersions::default(),
            waiting: Mutex::default(),
            work: Condvar::new(),
            room: Condvar::new(),
            unapplied_bytes_max,
            copy_bytes_max,
        }
    }

    /// Makes a durable group visible.
    pub(crate) fn publish(&self, number: u64, batch: Batch, operations: u64) {
        let Batch { writes, fresh, orphans, .. } = batch;
        let bytes = writes.iter().map(|(key, value)| size(key, value.as_ref())).sum();
        self.state.write().unwrap_or_else(PoisonError::into_inner).publish(number, &writes, fresh);
        self.lists.written(writes.keys().map(AsRef::as_ref));
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.bytes += bytes;
        waiting.operations += operations;
        waiting.groups.push_back(Group { number, writes, orphans, bytes, operations });
        // The view wakes for the first group by itself after a moment; waking it for each would
        // cost the committer more than the group.
        if waiting.groups.len() == 1 || waiting.bytes >= WORK_BYTES_LITTLE {
            self.work.notify_one();
        }
    }

    /// Waits until the view is not too far behind.
    pub(crate) fn wait_for_room(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.bytes > self.unapplied_bytes_max && !waiting.has_failed {
            self.work.notify_one();
            waiting = self.room.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Operations that the view has not applied.
    pub(crate) fn lag(&self) -> u64 {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).operations
    }

    /// The rows in memory, those that wait for the view among them; and the prefixes.
    pub(crate) fn kept(&self) -> [Kept; 2] {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).bytes;
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        [
            Kept::bytes("rows", state.rows.len(), state.copy_bytes + waiting),
            Kept::entries("row_families", state.fresh_order.len()),
        ]
    }

    /// The view applies what there is and ends.
    pub(crate) fn close(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_closing = true;
        self.work.notify_all();
    }

    /// The view applies nothing any more: nobody must wait for it.
    pub(crate) fn fail(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).has_failed = true;
        self.room.notify_all();
    }

    /// Waits for work; false when there is none left and the store closes.
    pub(crate) fn wait_for_work(&self) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while waiting.groups.is_empty() && !waiting.is_closing {
            waiting = self.work.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.bytes < WORK_BYTES_LITTLE && !waiting.is_closing {
            let lingered = self.work.wait_timeout_while(waiting, LINGER, |waiting| {
                waiting.bytes < WORK_BYTES_LITTLE && !waiting.is_closing
            });
            waiting = lingered.unwrap_or_else(PoisonError::into_inner).0;
        }
        !waiting.groups.is_empty()
    }

    /// The last group that waits for the view; none where it holds all.
    pub(crate) fn last(&self) -> Option<u64> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.groups.back().map(|group| group.number)
    }

    /// What there is to apply now. Whoever applies it keeps everybody else from doing so.
    pub(crate) fn work_now(&self) -> Option<Work> {
        collect(&self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The view holds everything up to that group.
    pub(crate) fn applied(&self, through: u64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut done = Vec::new();
        while let Some(group) = waiting.groups.pop_front_if(|group| group.number <= through) {
            waiting.bytes -= group.bytes;
            waiting.operations -= group.operations;
            done.push(group);
        }
        drop(waiting);
        self.room.notify_all();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        for group in done {
            group.writes.into_keys().for_each(|key| state.turn_into_copy(key, group.number));
        }
        state.shrink(self.copy_bytes_max);
    }

    fn look_up(&self, key: &[u8]) -> Known {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        match state.rows.get(key) {
            Some(entry) => Known::Value(entry.value.clone()),
            None if state.holds_all(key) => Known::Value(None),
            None => Known::Nothing,
        }
    }

    /// The first rows of a range as they stand here, and whether there are no others below.
    fn top(&self, range: &KeyRange, order: Order, limit: usize) -> (Writes, bool) {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let holds_all = state.holds_all(&range.from);
        (top_of(&state.rows, range, order, limit, |entry| entry.value.clone()), holds_all)
    }
}

fn collect(waiting: &Waiting) -> Option<Work> {
    let through = waiting.groups.front()?.number;
    let mut work = Work { through, writes: Writes::new(), orphans: Vec::new() };
    let mut bytes = 0;
    for group in &waiting.groups {
        bytes += group.bytes;
        if bytes > WORK_BYTES_MAX && !work.writes.is_empty() {
            break;
        }
        work.through = group.number;
        work.orphans.extend(group.orphans.iter().cloned());
        work.writes.extend(group.writes.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    Some(work)
}

/// What a row takes in memory, roughly.
fn size(key: &[u8], value: Option<&Bytes>) -> usize {
    key.len() + value.map_or(0, |value| value.len()) + 128
}

impl State {
    fn publish(&mut self, group: u64, writes: &Writes, fresh: Vec<Bytes>) {
        for prefix in fresh {
            if self.fresh.insert(prefix.clone()) {
                self.fresh_order.push_back(prefix);
            }
        }
        while self.fresh_order.len() > FRESH_MAX {
            if let Some(oldest) = self.fresh_order.pop_front() {
                self.fresh.remove(&oldest);
            }
        }
        for (key, value) in writes {
            let entry = Entry { value: value.clone(), group, is_applied: false };
            let old = self.rows.insert(key.clone(), entry);
            if let Some(old) = old.filter(|old| old.is_applied) {
                self.copy_bytes -= size(key, old.value.as_ref());
            }
        }
    }

    fn holds_all(&self, key: &[u8]) -> bool {
        keys::family(key).is_some_and(|family| self.fresh.contains(family))
    }

    fn turn_into_copy(&mut self, key: Bytes, group: u64) {
        // A later group may have written the row again; then it is not applied yet.
        if let Some(entry) = self.rows.get_mut(&key).filter(|entry| entry.group == group) {
            entry.is_applied = true;
            self.copy_bytes += size(&key, entry.value.as_ref());
            self.copies.push_back((key, group));
        }
    }

    fn shrink(&mut self, copy_bytes_max: usize) {
        while self.copy_bytes > copy_bytes_max {
            let Some((key, group)) = self.copies.pop_front() else { return };
            if self.rows.get(&key).is_some_and(|entry| entry.is_copy_of(group))
                && let Some(entry) = self.rows.remove(&key)
            {
                self.copy_bytes -= size(&key, entry.value.as_ref());
                if let Some(family) = keys::family(&key) {
                    self.fresh.remove(family);
                }
            }
        }
        self.tidy();
    }

    /// Where the same rows are written over and over, nothing is ever shrunk, and each writing
    /// leaves a place.
    fn tidy(&mut self) {
        if self.copies.len() > COPIES_TIDIED_MIN.max(2 * self.rows.len()) {
            let Self { rows, copies, .. } = self;
            copies.retain(|(key, group)| rows.get(key).is_some_and(|row| row.is_copy_of(*group)));
        }
    }
}

/// The overlay alone: answers what it knows, and never waits for a disk.
#[derive(Debug)]
pub(crate) struct InMemory<'a>(pub(crate) &'a Overlay);

impl Rows for InMemory<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        match self.0.look_up(key) {
            Known::Value(value) => Ok(value),
            Known::Nothing => Err(Fault::NotInMemory),
        }
    }

    fn scan(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Row>, Fault> {
        let (top, holds_all) = self.0.top(range, order, limit);
        if holds_all { merge(top, &Nothing, range, order, limit) } else { Err(Fault::NotInMemory) }
    }

    fn may_block(&self) -> bool {
        false
    }
}

/// The overlay over the view: everything that was acknowledged.
#[derive(Debug)]
pub(crate) struct Everything<'a> {
    pub(crate) overlay: &'a Overlay,
    pub(crate) view: &'a dyn Kv,
}

impl Rows for Everything<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        match self.overlay.look_up(key) {
            Known::Value(value) => Ok(value),
            Known::Nothing => self.view.get(key),
        }
    }

    fn scan(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Row>, Fault> {
        let (top, holds_all) = self.overlay.top(range, order, limit);
        if holds_all {
            return merge(top, &Nothing, range, order, limit);
        }
        // `dyn Kv` to `dyn Rows`: the view is asked after the overlay, so that a row that moves
        // from one to the other in between is seen at least once.
        merge(top, &Below(self.view), range, order, limit)
    }
}

struct Below<'a>(&'a dyn Kv);

impl Rows for Below<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        self.0.get(key)
    }

    fn scan(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Row>, Fault> {
        self.0.scan(range, order, limit)
    }
}

/// No rows.
struct Nothing;

impl Rows for Nothing {
    fn get(&self, _key: &[u8]) -> Result<Option<Bytes>, Fault> {
        Ok(None)
    }

    fn scan(&self, _range: &KeyRange, _order: Order, _limit: usize) -> Result<Vec<Row>, Fault> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests;
