//! Which deliveries wait, in memory: what is due next, and how many are under way. The store has
//! them all; this is read from it at the start.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use wforge_model::{DeliveryId, HookName, RunId, Seq, TenantId, Timestamp};

/// Deliveries of one tenant that are looked at in one go, where those of its runs before them are
/// under way.
const LOOKS_MAX: usize = 256;

/// One delivery.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) tenant: TenantId,
    pub(crate) hook: HookName,
    pub(crate) id: DeliveryId,
}

/// A delivery that is to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Waits {
    pub(crate) place: Place,
    pub(crate) run: Option<(RunId, Seq)>,
    pub(crate) due: Timestamp,
}

/// How many may be under way at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) of_tenant: usize,
    pub(crate) of_all: usize,
}

/// All deliveries of all tenants.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    tenants: BTreeMap<TenantId, OfTenant>,
    flying: usize,
    /// Whose deliveries were taken last: the others come first the next time.
    last: Option<TenantId>,
}

#[derive(Debug, Default)]
struct OfTenant {
    hooks: BTreeMap<HookName, OfHook>,
    /// In the order in which they go: of one moment those earlier in their run's log first.
    due: BTreeMap<(Timestamp, Seq, DeliveryId), HookName>,
    flying: usize,
}

#[derive(Debug, Default)]
struct OfHook {
    pending: BTreeMap<DeliveryId, Entry>,
    /// Runs of which one is under way: what follows of them waits for it.
    flying_runs: BTreeSet<RunId>,
    /// Those that are kept though they have ended.
    ended: BTreeSet<DeliveryId>,
}

#[derive(Debug)]
struct Entry {
    run: Option<(RunId, Seq)>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Due(Timestamp),
    Flying,
    /// Its webhook is switched off.
    Parked,
}

impl Entry {
    fn key(&self, id: DeliveryId) -> Option<(Timestamp, Seq, DeliveryId)> {
        let seq = self.run.map_or(Seq(0), |(_, seq)| seq);
        match self.state {
            State::Due(at) => Some((at, seq, id)),
            State::Flying | State::Parked => None,
        }
    }
}

impl Queue {
    /// Has it wait until it is due. One that is under way is left alone.
    pub(crate) fn add(&mut self, Waits { place, run, due }: Waits) {
        let Place { tenant, hook, id } = place;
        let of_tenant = self.tenants.entry(tenant).or_default();
        let of_hook = of_tenant.hooks.entry(hook.clone()).or_default();
        of_hook.ended.remove(&id);
        if let Some(known) = of_hook.pending.get(&id) {
            if known.state == State::Flying {
                return;
            }
            if let Some(key) = known.key(id) {
                of_tenant.due.remove(&key);
            }
        }
        let entry = Entry { run, state: State::Due(due) };
        if let Some(key) = entry.key(id) {
            of_tenant.due.insert(key, hook);
        }
        of_hook.pending.insert(id, entry);
    }

    /// Notes one that has ended and is kept.
    pub(crate) fn add_ended(&mut self, place: Place) {
        let hooks = &mut self.tenants.entry(place.tenant).or_default().hooks;
        hooks.entry(place.hook).or_default().ended.insert(place.id);
    }

    /// Those that are due and for which there is room; they are under way from now on. Tenants take
    /// turns.
    pub(crate) fn take(
        &mut self,
        now: Timestamp,
        room: Room,
        is_open: impl Fn(&TenantId) -> bool,
    ) -> Vec<Place> {
        let mut taken = Vec::new();
        for tenant in self.in_turn() {
            if self.flying >= room.of_all {
                break;
            }
            let Some(of_tenant) = self.tenants.get_mut(&tenant).filter(|_| is_open(&tenant)) else {
                continue;
            };
            let room_left = room.of_tenant.saturating_sub(of_tenant.flying);
            let some = of_tenant.take(now, room_left.min(room.of_all - self.flying));
            if !some.is_empty() {
                self.flying += some.len();
                self.last = Some(tenant.clone());
            }
            let place = |(hook, id)| Place { tenant: tenant.clone(), hook, id };
            taken.extend(some.into_iter().map(place));
        }
        taken
    }

    fn in_turn(&self) -> Vec<TenantId> {
        let Some(last) = &self.last else { return self.tenants.keys().cloned().collect() };
        let later = self.tenants.range::<TenantId, _>((Excluded(last), Unbounded));
        let others = self.tenants.range::<TenantId, _>(..=last);
        later.chain(others).map(|(tenant, _)| tenant.clone()).collect()
    }

    /// When the next one is due after now; what is due already waits for room or for an answer.
    pub(crate) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let past = (now, Seq(u64::MAX), DeliveryId::from_bytes([u8::MAX; 16]));
        let first =
            |of: &OfTenant| of.due.range((Excluded(past), Unbounded)).next().map(|it| it.0.0);
        self.tenants.values().filter_map(first).min()
    }

    /// It came down and waits again.
    pub(crate) fn again(&mut self, place: &Place, due: Timestamp) {
        if let Some(run) = self.land(place) {
            self.add(Waits { place: place.clone(), run, due });
        }
    }

    /// It came down and waits until its webhook is switched on.
    pub(crate) fn park(&mut self, place: &Place) {
        self.again(place, Timestamp(0));
        self.park_all(&place.tenant, &place.hook);
    }

    /// It has ended and is kept.
    pub(crate) fn end(&mut self, place: &Place) {
        if self.land(place).is_some() {
            self.add_ended(place.clone());
        }
    }

    /// It is not there any more.
    pub(crate) fn remove(&mut self, place: &Place) {
        self.land(place);
        if let Some(of_hook) = self.of_hook(&place.tenant, &place.hook) {
            of_hook.ended.remove(&place.id);
        }
    }

    /// The oldest of those that have ended, where one more would be too many.
    pub(crate) fn excess(&self, place: &Place, kept_max: usize) -> Vec<DeliveryId> {
        let of_tenant = self.tenants.get(&place.tenant);
        let Some(of_hook) = of_tenant.and_then(|it| it.hooks.get(&place.hook)) else {
            return Vec::new();
        };
        let old = (of_hook.ended.len() + 1).saturating_sub(kept_max.max(1));
        of_hook.ended.iter().take(old).copied().collect()
    }

    /// Those that wait for a webhook are not sent any more.
    pub(crate) fn park_all(&mut self, tenant: &TenantId, hook: &HookName) {
        let Some(of_tenant) = self.tenants.get_mut(tenant) else { return };
        let Some(of_hook) = of_tenant.hooks.get_mut(hook) else { return };
        for (id, entry) in &mut of_hook.pending {
            if let Some(key) = entry.key(*id) {
                of_tenant.due.remove(&key);
                entry.state = State::Parked;
            }
        }
    }

    /// Those that wait for a webhook are sent again from then on.
    pub(crate) fn unpark(&mut self, tenant: &TenantId, hook: &HookName, due: Timestamp) {
        let Some(of_tenant) = self.tenants.get_mut(tenant) else { return };
        let Some(of_hook) = of_tenant.hooks.get_mut(hook) else { return };
        for (id, entry) in &mut of_hook.pending {
            if entry.state == State::Parked {
                entry.state = State::Due(due);
                of_tenant.due.extend(entry.key(*id).map(|key| (key, hook.clone())));
            }
        }
    }

    /// How many wait for a webhook, those under way included.
    pub(crate) fn pending_of(&self, tenant: &TenantId, hook: &HookName) -> usize {
        let of_hook = self.tenants.get(tenant).and_then(|of_tenant| of_tenant.hooks.get(hook));
        of_hook.map_or(0, |of_hook| of_hook.pending.len())
    }

    /// How many wait for all webhooks.
    pub(crate) fn pending(&self) -> usize {
        let hooks = self.tenants.values().flat_map(|of_tenant| of_tenant.hooks.values());
        hooks.map(|of_hook| of_hook.pending.len()).sum()
    }

    /// Knows nothing of a webhook any more; what is under way comes to nothing.
    pub(crate) fn forget_hook(&mut self, tenant: &TenantId, hook: &HookName) {
        self.park_all(tenant, hook);
        let Some(of_tenant) = self.tenants.get_mut(tenant) else { return };
        let Some(gone) = of_tenant.hooks.remove(hook) else { return };
        let flew = gone.pending.values().filter(|entry| entry.state == State::Flying).count();
        of_tenant.flying = of_tenant.flying.saturating_sub(flew);
        self.flying = self.flying.saturating_sub(flew);
    }

    /// Knows nothing of a tenant any more.
    pub(crate) fn forget_tenant(&mut self, tenant: &TenantId) {
        if let Some(gone) = self.tenants.remove(tenant) {
            self.flying = self.flying.saturating_sub(gone.flying);
        }
    }

    fn of_hook(&mut self, tenant: &TenantId, hook: &HookName) -> Option<&mut OfHook> {
        self.tenants.get_mut(tenant)?.hooks.get_mut(hook)
    }

    /// Takes it out; gives its run where it was known.
    fn land(&mut self, place: &Place) -> Option<Option<(RunId, Seq)>> {
        let of_tenant = self.tenants.get_mut(&place.tenant)?;
        let of_hook = of_tenant.hooks.get_mut(&place.hook)?;
        let entry = of_hook.pending.remove(&place.id)?;
        if let Some(key) = entry.key(place.id) {
            of_tenant.due.remove(&key);
        }
        if entry.state == State::Flying {
            of_tenant.flying = of_tenant.flying.saturating_sub(1);
            self.flying = self.flying.saturating_sub(1);
            if let Some((run, _)) = entry.run {
                of_hook.flying_runs.remove(&run);
            }
        }
        Some(entry.run)
    }
}

impl OfTenant {
    fn take(&mut self, now: Timestamp, room: usize) -> Vec<(HookName, DeliveryId)> {
        let mut taken = Vec::new();
        let due = self.due.iter().take_while(|((at, ..), _)| *at <= now).take(LOOKS_MAX);
        let due: Vec<_> = due.map(|(key, hook)| (*key, hook.clone())).collect();
        for (key, hook) in due {
            if taken.len() >= room {
                break;
            }
            let Some(of_hook) = self.hooks.get_mut(&hook) else { continue };
            let Some(entry) = of_hook.pending.get_mut(&key.2) else { continue };
            // Those of one run go one after the other, so that a receiver hears of its end last.
            if entry.run.is_some_and(|(run, _)| !of_hook.flying_runs.insert(run)) {
                continue;
            }
            entry.state = State::Flying;
            self.flying += 1;
            self.due.remove(&key);
            taken.push((hook, key.2));
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room { of_tenant: 2, of_all: 3 };

    fn waits(tenant: &str, run: u8, seq: u64, due: u64) -> Waits {
        let mut id = [0; 16];
        id[0] = run;
        // Ids of one moment say nothing of their order.
        id[15] = 255 - u8::try_from(seq).unwrap();
        let id = DeliveryId::from_bytes(id);
        let place = Place { tenant: tenant.parse().unwrap(), hook: "ci".parse().unwrap(), id };
        let run = Some((RunId::from_bytes([run; 16]), Seq(seq)));
        Waits { place, run, due: Timestamp(due) }
    }

    fn queue(all: impl IntoIterator<Item = Waits>) -> Queue {
        let mut queue = Queue::default();
        all.into_iter().for_each(|it| queue.add(it));
        queue
    }

    #[test]
    fn what_is_due_goes_by_its_time_and_within_its_room() {
        let mut queue = queue([waits("a", 1, 1, 30), waits("a", 2, 1, 10), waits("a", 3, 1, 20)]);
        assert_eq!(queue.next_due(Timestamp(0)), Some(Timestamp(10)));
        assert!(queue.take(Timestamp(9), ROOM, |_| true).is_empty());
        let taken = queue.take(Timestamp(40), ROOM, |_| true);
        assert_eq!(taken.iter().map(|place| place.id.as_bytes()[0]).collect::<Vec<_>>(), [2, 3]);
        assert!(queue.take(Timestamp(40), ROOM, |_| true).is_empty(), "more than the tenant may");
        assert_eq!((queue.next_due(Timestamp(40)), queue.pending()), (None, 3));
        queue.end(&taken[0]);
        assert_eq!(queue.take(Timestamp(40), ROOM, |_| true).len(), 1);
        queue.again(&taken[1], Timestamp(90));
        assert_eq!(queue.next_due(Timestamp(40)), Some(Timestamp(90)));
    }

    #[test]
    fn one_run_is_told_in_the_order_of_its_log() {
        let mut queue = queue([waits("a", 1, 9, 10), waits("a", 1, 4, 10), waits("a", 2, 1, 10)]);
        let taken = queue.take(Timestamp(10), ROOM, |_| true);
        let seq = |place: &Place| (place.id.as_bytes()[0], 255 - place.id.as_bytes()[15]);
        assert_eq!(taken.iter().map(seq).collect::<Vec<_>>(), [(2, 1), (1, 4)]);
        queue.end(&taken[1]);
        assert_eq!(
            queue.take(Timestamp(10), ROOM, |_| true).iter().map(seq).collect::<Vec<_>>(),
            [(1, 9)]
        );
    }

    #[test]
    fn tenants_take_turns_and_those_that_stand_still_wait() {
        let many = |tenant| (1..=3).map(move |run| waits(tenant, run, 1, 10));
        let mut queue = queue(many("a").chain(many("b")).chain(many("c")));
        let of = |taken: &[Place]| taken.iter().map(|it| it.tenant.to_string()).collect::<String>();
        let open = |tenant: &TenantId| tenant.as_str() != "b";
        let taken = queue.take(Timestamp(10), ROOM, open);
        assert_eq!(of(&taken), "aac");
        taken.iter().for_each(|place| queue.end(place));
        let taken = queue.take(Timestamp(10), ROOM, |_| true);
        assert_eq!(of(&taken), "abb");
    }

    #[test]
    fn what_waits_for_a_webhook_that_is_off_goes_once_it_is_on() {
        let mut queue = queue([waits("a", 1, 1, 10), waits("a", 2, 1, 10)]);
        let (tenant, hook) = ("a".parse().unwrap(), "ci".parse().unwrap());
        let taken = queue.take(Timestamp(10), Room { of_tenant: 1, of_all: 1 }, |_| true);
        queue.park(&taken[0]);
        assert!(queue.take(Timestamp(99), ROOM, |_| true).is_empty());
        assert_eq!(queue.pending_of(&tenant, &hook), 2);
        queue.unpark(&tenant, &hook, Timestamp(50));
        assert_eq!(queue.take(Timestamp(50), ROOM, |_| true).len(), 2);
        queue.forget_hook(&tenant, &hook);
        assert_eq!((queue.pending(), queue.flying), (0, 0));
        queue.end(&taken[0]);
        assert_eq!(queue.excess(&taken[0], 5), []);
    }

    #[test]
    fn of_those_that_have_ended_the_oldest_go() {
        let mut queue = queue((1..=4).map(|run| waits("a", run, 1, 10)));
        for place in queue.take(Timestamp(10), Room { of_tenant: 9, of_all: 9 }, |_| true) {
            let gone: Vec<_> = queue.excess(&place, 2);
            queue.end(&place);
            for id in gone {
                queue.remove(&Place { id, ..place.clone() });
            }
        }
        let kept = &queue.tenants.values().next().unwrap().hooks.values().next().unwrap().ended;
        assert_eq!(kept.iter().map(|id| id.as_bytes()[0]).collect::<Vec<_>>(), [3, 4]);
    }
}
