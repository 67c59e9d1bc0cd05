//! The audit log of a tenant: read, and checked link by link.

use serde::Serialize;
use wforge_model::TenantId;
use wforge_ports::store::{AuditEntry, audit_hash};

use crate::request::EngineError;
use crate::service::Shared;

/// Entries read at once.
const PAGE: usize = 512;

/// What checking a chain found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditVerdict {
    /// Whether every link holds.
    pub intact: bool,
    /// Entries that were checked.
    pub entries: u64,
    /// The hash of the last of them; noted elsewhere, it shows later that none was taken away.
    pub tip: String,
    /// The first entry that does not follow from the one before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken_at: Option<u64>,
}

/// Entries after that place, in order.
pub(crate) async fn audit_page(
    shared: &Shared,
    tenant: &TenantId,
    after: u64,
    limit: usize,
) -> Result<Vec<AuditEntry>, EngineError> {
    Ok(shared.parts.store.audit(tenant, after, limit).await?)
}

/// Checks every entry against the one before it; and, where a place and a hash were noted earlier,
/// that the entry there is still the same.
pub(crate) async fn verify_audit(
    shared: &Shared,
    tenant: &TenantId,
    noted: Option<(u64, String)>,
) -> Result<AuditVerdict, EngineError> {
    let mut chain = Chain { noted, ..Chain::default() };
    loop {
        let page = audit_page(shared, tenant, chain.entries, PAGE).await?;
        if page.is_empty() {
            return Ok(chain.verdict());
        }
        if let Some(broken) = page.iter().find(|entry| !chain.takes(entry)) {
            return Ok(chain.broken_at(broken.place));
        }
    }
}

#[derive(Default)]
struct Chain {
    entries: u64,
    tip: String,
    noted: Option<(u64, String)>,
}

impl Chain {
    fn takes(&mut self, entry: &AuditEntry) -> bool {
        let place = self.entries + 1;
        let follows = entry.place == place
            && entry.hash == audit_hash(&self.tip, place, &entry.entry)
            && self.noted.as_ref().is_none_or(|(at, hash)| *at != place || *hash == entry.hash);
        if follows {
            self.entries = place;
            self.tip.clone_from(&entry.hash);
        }
        follows
    }

    fn broken_at(self, place: u64) -> AuditVerdict {
        let (entries, tip) = (self.entries, self.tip);
        AuditVerdict { intact: false, entries, tip, broken_at: Some(place) }
    }

    /// A place that was noted must still be there.
    fn verdict(self) -> AuditVerdict {
        let missing = self.noted.as_ref().map(|(at, _)| *at).filter(|at| *at > self.entries);
        AuditVerdict {
            intact: missing.is_none(),
            entries: self.entries,
            tip: self.tip,
            broken_at: missing,
        }
    }
}

#[cfg(test)]
mod tests {
    use wforge_model::Timestamp;
    use wforge_ports::store::AuditDraft;

    use super::*;

    fn entries(count: u64) -> Vec<AuditEntry> {
        let mut tip = String::new();
        (1..=count)
            .map(|place| {
                let entry = AuditDraft {
                    at: Timestamp(place),
                    actor: "me".into(),
                    action: "key.add".into(),
                    resource: format!("key {place}"),
                    outcome: "ok".into(),
                };
                tip = audit_hash(&tip, place, &entry);
                AuditEntry { place, entry, hash: tip.clone() }
            })
            .collect()
    }

    fn check(entries: &[AuditEntry], noted: Option<(u64, String)>) -> Option<u64> {
        let mut chain = Chain { noted, ..Chain::default() };
        match entries.iter().find(|entry| !chain.takes(entry)) {
            Some(broken) => chain.broken_at(broken.place).broken_at,
            None => chain.verdict().broken_at,
        }
    }

    #[test]
    fn a_chain_that_nobody_touched_is_intact() {
        let all = entries(5);
        assert_eq!(check(&all, None), None);
        assert_eq!(check(&all, Some((3, all[2].hash.clone()))), None);
        assert_eq!(check(&[], None), None);
    }

    #[test]
    fn whatever_is_changed_is_found() {
        let mut changed = entries(5);
        changed[2].entry.actor = "somebody else".into();
        assert_eq!(check(&changed, None), Some(3));
        let mut cut_out = entries(5);
        cut_out.remove(1);
        assert_eq!(check(&cut_out, None), Some(3));
    }

    #[test]
    fn a_noted_place_shows_what_was_cut_off_or_written_anew() {
        let all = entries(5);
        let noted = Some((5, all[4].hash.clone()));
        assert_eq!(check(&all[..4], noted.clone()), Some(5));
        let mut anew = entries(4);
        let entry = AuditDraft { action: "other".into(), ..all[4].entry.clone() };
        let hash = audit_hash(&anew[3].hash, 5, &entry);
        anew.push(AuditEntry { place: 5, entry, hash });
        assert_eq!(check(&anew, noted), Some(5));
        assert_eq!(check(&anew, None), None, "without a note nobody can tell");
    }
}
