//! The keys of all rows.
//!
//! A key begins with the length of the tenant's name and the name, so that no tenant's keys lie
//! among another's; then the letter of its kind; then ids whose order is the order of the rows.
//! A length of 0 is the store's own rows.

use wforge_model::effect::RecordKey;
use wforge_model::{Digest, RunId, Seq, TaskId, TenantId, ThreadId, Timestamp, Version};
use wforge_ports::store::Collection;

use crate::files::FileRef;
use crate::kv::KeyRange;

/// The longest key that a caller may give, in bytes: a page of the view must hold 17 rows.
pub(crate) const KEY_BYTES_MAX: usize = 1_024;

/// The version of the store's format, as two big-endian numbers.
pub(crate) const FORMAT: &[u8] = b"\0format";
/// A sealed text that shows whether the key is the right one.
pub(crate) const KEY_CHECK: &[u8] = b"\0key-check";
/// The last group that the view holds.
pub(crate) const APPLIED: &[u8] = b"\0applied";
/// The last group that the view held when it was made durable.
pub(crate) const SYNCED: &[u8] = b"\0synced";

/// The kinds of rows; a letter is never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Audit = b'a',
    AuditTip = b'A',
    Blob = b'b',
    Child = b'c',
    Document = b'd',
    Event = b'e',
    File = b'f',
    Unnamed = b'g',
    Head = b'h',
    Reply = b'i',
    ThreadRun = b'j',
    DataKey = b'k',
    Leaving = b'l',
    Memory = b'm',
    Space = b'n',
    Queue = b'q',
    Record = b'r',
    Snapshot = b's',
    Thread = b't',
    Usage = b'u',
    Waiting = b'w',
    Expiry = b'x',
}

fn key(tenant: &TenantId, kind: Kind, parts: &[&[u8]]) -> Vec<u8> {
    let name = tenant.as_str().as_bytes();
    let mut key = Vec::with_capacity(96);
    // A tenant's name has at most 64 bytes.
    key.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    key.extend_from_slice(name);
    key.push(kind as u8);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

fn all(tenant: &TenantId, kind: Kind, parts: &[&[u8]]) -> KeyRange {
    KeyRange::prefix(key(tenant, kind, parts))
}

pub(crate) fn data_key(tenant: &TenantId) -> Vec<u8> {
    key(tenant, Kind::DataKey, &[])
}

pub(crate) fn head(tenant: &TenantId, run: RunId) -> Vec<u8> {
    key(tenant, Kind::Head, &[run.as_bytes()])
}

pub(crate) fn heads(tenant: &TenantId) -> KeyRange {
    all(tenant, Kind::Head, &[])
}

pub(crate) fn event(tenant: &TenantId, run: RunId, seq: Seq) -> Vec<u8> {
    key(tenant, Kind::Event, &[run.as_bytes(), &seq.0.to_be_bytes()])
}

pub(crate) fn events(tenant: &TenantId, run: RunId) -> KeyRange {
    all(tenant, Kind::Event, &[run.as_bytes()])
}

pub(crate) fn record(tenant: &TenantId, at: &RecordKey, phase: u8) -> Vec<u8> {
    let (attempt, position) = (at.attempt.to_be_bytes(), at.position.to_be_bytes());
    key(tenant, Kind::Record, &[at.task.as_bytes(), &attempt, &position, &[phase]])
}

pub(crate) fn records(tenant: &TenantId, task: TaskId) -> KeyRange {
    all(tenant, Kind::Record, &[task.as_bytes()])
}

/// The key of a record from the tail of its row's key.
pub(crate) fn record_key(key: &[u8]) -> Option<RecordKey> {
    let (rest, _phase) = key.split_last_chunk::<1>()?;
    let (rest, position) = rest.split_last_chunk::<4>()?;
    let (rest, attempt) = rest.split_last_chunk::<4>()?;
    let (_, task) = rest.split_last_chunk::<16>()?;
    Some(RecordKey {
        task: TaskId::from_bytes(*task),
        attempt: u32::from_be_bytes(*attempt),
        position: u32::from_be_bytes(*position),
    })
}

/// A space's name with its length, so that no key of one space lies among those of another.
fn bounded(space: &str) -> Vec<u8> {
    let length = u16::try_from(space.len()).unwrap_or(u16::MAX).to_be_bytes();
    [length.as_slice(), space.as_bytes()].concat()
}

/// An entry of a plugin's memory.
pub(crate) fn memory(tenant: &TenantId, space: &str, name: &str) -> Vec<u8> {
    key(tenant, Kind::Memory, &[&bounded(space), name.as_bytes()])
}

/// The entries of a space whose keys begin so.
pub(crate) fn memories(tenant: &TenantId, space: &str, prefix: &str) -> KeyRange {
    all(tenant, Kind::Memory, &[&bounded(space), prefix.as_bytes()])
}

/// The key of an entry from its row's key.
pub(crate) fn memory_name<'k>(tenant: &TenantId, space: &str, key: &'k [u8]) -> Option<&'k str> {
    // Length, name and kind, then the bounded space come before it.
    let start = tenant.as_str().len() + 2 + 2 + space.len();
    std::str::from_utf8(key.get(start..)?).ok()
}

/// What a space holds altogether.
pub(crate) fn space(tenant: &TenantId, space: &str) -> Vec<u8> {
    key(tenant, Kind::Space, &[space.as_bytes()])
}

/// The row that says when an entry expires; those of a space are in order of that moment.
pub(crate) fn expiry(tenant: &TenantId, space: &str, at: Timestamp, name: &str) -> Vec<u8> {
    key(tenant, Kind::Expiry, &[&bounded(space), &at.0.to_be_bytes(), name.as_bytes()])
}

pub(crate) fn expiries(tenant: &TenantId, space: &str) -> KeyRange {
    all(tenant, Kind::Expiry, &[&bounded(space)])
}

/// What has expired in a space by then.
pub(crate) fn expired(tenant: &TenantId, space: &str, now: Timestamp) -> KeyRange {
    expiries(tenant, space).before(&expiry(tenant, space, now.after_ms(1), ""))
}

/// The key of the entry that a row says to expire.
pub(crate) fn expiring_name<'k>(tenant: &TenantId, space: &str, key: &'k [u8]) -> Option<&'k str> {
    let start = tenant.as_str().len() + 2 + 2 + space.len() + 8;
    std::str::from_utf8(key.get(start..)?).ok()
}

pub(crate) fn thread(tenant: &TenantId, thread: ThreadId) -> Vec<u8> {
    key(tenant, Kind::Thread, &[thread.as_bytes()])
}

pub(crate) fn threads(tenant: &TenantId) -> KeyRange {
    all(tenant, Kind::Thread, &[])
}

/// Where a thread lists a run of its own.
pub(crate) fn thread_run(tenant: &TenantId, thread: ThreadId, place: Version) -> Vec<u8> {
    key(tenant, Kind::ThreadRun, &[thread.as_bytes(), &place.0.to_be_bytes()])
}

pub(crate) fn thread_runs(tenant: &TenantId, thread: ThreadId) -> KeyRange {
    all(tenant, Kind::ThreadRun, &[thread.as_bytes()])
}

/// The row that says that a run goes on from another.
pub(crate) fn child(tenant: &TenantId, base: RunId, run: RunId) -> Vec<u8> {
    key(tenant, Kind::Child, &[base.as_bytes(), run.as_bytes()])
}

pub(crate) fn children(tenant: &TenantId, base: RunId) -> KeyRange {
    all(tenant, Kind::Child, &[base.as_bytes()])
}

/// The row that says that a run was forgotten, and that some of its rows are left.
pub(crate) fn leaving(tenant: &TenantId, run: RunId) -> Vec<u8> {
    key(tenant, Kind::Leaving, &[run.as_bytes()])
}

pub(crate) fn all_leaving(tenant: &TenantId) -> KeyRange {
    all(tenant, Kind::Leaving, &[])
}

/// The row that says that a run waits for a person.
pub(crate) fn waiting(tenant: &TenantId, run: RunId) -> Vec<u8> {
    key(tenant, Kind::Waiting, &[run.as_bytes()])
}

pub(crate) fn all_waiting(tenant: &TenantId) -> KeyRange {
    all(tenant, Kind::Waiting, &[])
}

pub(crate) fn document(tenant: &TenantId, collection: Collection, name: &str) -> Vec<u8> {
    key(tenant, Kind::Document, &[&[collection.letter()], name.as_bytes()])
}

pub(crate) fn documents(tenant: &TenantId, collection: Collection, prefix: &str) -> KeyRange {
    all(tenant, Kind::Document, &[&[collection.letter()], prefix.as_bytes()])
}

/// What the keys of all documents of a collection begin with; none for other rows.
pub(crate) fn list_of(key: &[u8]) -> Option<&[u8]> {
    let kind_at = 1 + usize::from(*key.first()?);
    let is_document = *key.get(kind_at)? == Kind::Document as u8;
    is_document.then(|| key.get(..kind_at + 2)).flatten()
}

/// The name of a document from its row's key.
pub(crate) fn document_name<'k>(tenant: &TenantId, key: &'k [u8]) -> Option<&'k str> {
    // Length, name, kind and collection come before it.
    let start = tenant.as_str().len() + 3;
    std::str::from_utf8(key.get(start..)?).ok()
}

pub(crate) fn reply(tenant: &TenantId, name: &str) -> Vec<u8> {
    key(tenant, Kind::Reply, &[name.as_bytes()])
}

pub(crate) fn replies(tenant: &TenantId) -> KeyRange {
    all(tenant, Kind::Reply, &[])
}

/// The name of a reply from its row's key.
pub(crate) fn reply_name<'k>(tenant: &TenantId, key: &'k [u8]) -> Option<&'k str> {
    // Length, name and kind come before it.
    let start = tenant.as_str().len() + 2;
    std::str::from_utf8(key.get(start..)?).ok()
}

pub(crate) fn snapshot(tenant: &TenantId, run: RunId, seq: Seq) -> Vec<u8> {
    key(tenant, Kind::Snapshot, &[run.as_bytes(), &seq.0.to_be_bytes()])
}

pub(crate) fn snapshots(tenant: &TenantId, run: RunId) -> KeyRange {
    all(tenant, Kind::Snapshot, &[run.as_bytes()])
}

pub(crate) fn audit(tenant: &TenantId, place: u64) -> Vec<u8> {
    key(tenant, Kind::Audit, &[&place.to_be_bytes()])
}

pub(crate) fn audits(tenant: &TenantId) -> KeyRange {
    all(tenant, Kind::Audit, &[])
}

pub(crate) fn audit_tip(tenant: &TenantId) -> Vec<u8> {
    key(tenant, Kind::AuditTip, &[])
}

pub(crate) fn queue(tenant: &TenantId, run: RunId) -> Vec<u8> {
    key(tenant, Kind::Queue, &[run.as_bytes()])
}

pub(crate) fn queues(tenant: &TenantId) -> KeyRange {
    all(tenant, Kind::Queue, &[])
}

pub(crate) fn blob(tenant: &TenantId, digest: &Digest) -> Vec<u8> {
    key(tenant, Kind::Blob, &[digest.as_bytes()])
}

pub(crate) fn blobs(tenant: &TenantId) -> KeyRange {
    all(tenant, Kind::Blob, &[])
}

/// The row that says since when nothing names a blob.
pub(crate) fn unnamed(tenant: &TenantId, digest: &Digest) -> Vec<u8> {
    key(tenant, Kind::Unnamed, &[digest.as_bytes()])
}

/// Rows in which blobs may be named, by what else must be known of them. Of the others only the
/// audit log has text; what it says of a blob opens none.
pub(crate) fn naming(tenant: &TenantId) -> [(Naming, KeyRange); 8] {
    let rest = [Kind::Record, Kind::Event, Kind::Snapshot, Kind::Thread, Kind::Head];
    let [record, event, snapshot, thread, head] =
        rest.map(|kind| (Naming::Always, all(tenant, kind, &[])));
    // What goes by itself comes first: a reference that moves from there to a run's rows is found
    // in one of the two.
    [
        (Naming::UntilEntryExpires, all(tenant, Kind::Memory, &[])),
        (Naming::Always, all(tenant, Kind::Document, &[])),
        (Naming::UntilReplyExpires, all(tenant, Kind::Reply, &[])),
        thread,
        head,
        snapshot,
        record,
        event,
    ]
}

/// How long what a row names counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    Always,
    UntilEntryExpires,
    UntilReplyExpires,
}

/// The last 32 bytes as a digest.
pub(crate) fn tail_digest(key: &[u8]) -> Option<Digest> {
    key.last_chunk::<32>().map(|bytes| Digest::from_bytes(*bytes))
}

/// The row that says that some row names the file.
pub(crate) fn file(tenant: &TenantId, file: &FileRef) -> Vec<u8> {
    key(tenant, Kind::File, &[&file.id])
}

/// The last eight bytes as a number: sequence or place.
pub(crate) fn tail_number(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The last sixteen bytes as a run.
pub(crate) fn tail_run(key: &[u8]) -> Option<RunId> {
    key.last_chunk::<16>().map(|bytes| RunId::from_bytes(*bytes))
}

/// The row that says how many bytes the tenant's others take.
pub(crate) fn usage(tenant: &TenantId) -> Vec<u8> {
    key(tenant, Kind::Usage, &[])
}

/// All rows of a tenant.
pub(crate) fn tenant(tenant: &TenantId) -> KeyRange {
    let mut all = key(tenant, Kind::Usage, &[]);
    all.pop();
    KeyRange::prefix(all)
}

/// What all events of a run, or all records of a task, begin with; none for other rows.
pub(crate) fn family(key: &[u8]) -> Option<&[u8]> {
    let kind_at = 1 + usize::from(*key.first()?);
    let kind = *key.get(kind_at)?;
    let has_family = kind == Kind::Event as u8 || kind == Kind::Record as u8;
    has_family.then(|| key.get(..kind_at + 17)).flatten()
}

/// The tenant whose row it is, where the name can be read.
pub(crate) fn tenant_of(key: &[u8]) -> Option<TenantId> {
    let (length, rest) = key.split_first()?;
    let name = rest.get(..usize::from(*length))?;
    std::str::from_utf8(name).ok()?.parse().ok()
}

/// All rows of the tenants that come after that one; of all tenants without one.
pub(crate) fn tenants_after(tenant: Option<&TenantId>) -> KeyRange {
    let from = tenant.map_or_else(
        || vec![1],
        |tenant| {
            // No kind is as high as 255.
            let mut last = key(tenant, Kind::Audit, &[]);
            last.pop();
            last.push(u8::MAX);
            last
        },
    );
    KeyRange { from, to: vec![u8::MAX] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    #[test]
    fn no_tenants_keys_lie_among_anothers() {
        let short = KeyRange::prefix(vec![1, b'a']);
        let key = head(&tenant("ab"), RunId::from_bytes([0; 16]));
        assert!(!(short.from <= key && key < short.to));
    }

    #[test]
    fn a_record_key_is_read_back() {
        let at = RecordKey { task: TaskId::from_bytes([7; 16]), attempt: 3, position: 9 };
        assert_eq!(record_key(&record(&tenant("a"), &at, 1)), Some(at));
    }

    #[test]
    fn no_key_of_a_space_lies_among_those_of_another() {
        let acme = tenant("acme");
        let all = memories(&acme, "run:1", "");
        let within = |key: &Vec<u8>| all.from <= *key && *key < all.to;
        assert!(within(&memory(&acme, "run:1", "0")));
        assert!(within(&memory(&acme, "run:1", "")));
        assert!(!within(&memory(&acme, "run:10", "")));
        assert!(!within(&memory(&acme, "run:", "10")));
    }

    #[test]
    fn names_are_read_back_and_what_has_expired_lies_before_what_has_not() {
        let (acme, at) = (tenant("acme"), Timestamp(7));
        let due = expiry(&acme, "run:1", at, "k");
        assert_eq!(memory_name(&acme, "run:1", &memory(&acme, "run:1", "k")), Some("k"));
        assert_eq!(expiring_name(&acme, "run:1", &due), Some("k"));
        let expired = |now| expired(&acme, "run:1", Timestamp(now));
        assert!(expired(7).from <= due && due < expired(7).to);
        assert!(due >= expired(6).to);
    }

    #[test]
    fn only_events_and_records_have_a_family() {
        let run = RunId::from_bytes([5; 16]);
        let events = events(&tenant("acme"), run);
        assert_eq!(family(&event(&tenant("acme"), run, Seq(4))), Some(events.from.as_slice()));
        assert_eq!(family(&head(&tenant("acme"), run)), None);
        assert_eq!(family(FORMAT), None);
    }

    #[test]
    fn tenants_are_found_by_skipping() {
        let key = head(&tenant("acme"), RunId::from_bytes([255; 16]));
        assert!(tenants_after(None).from <= key);
        assert!(tenants_after(Some(&tenant("acme"))).from > key);
        assert!(tenants_after(Some(&tenant("acma"))).from <= key);
    }
}
