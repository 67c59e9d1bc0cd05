//! A write to a plugin's memory that no task makes.

use wforge_ports::store::{Remember, RememberError};

use super::memory::{self, Writer};
use super::{Operation, Prepared, audit};
use crate::budget::Budget;
use crate::kv::{Batch, Rows};
use crate::named::digests_in;
use crate::vault::{Refused, Vault};

#[derive(Debug)]
pub(crate) struct RememberEntry {
    remember: Remember,
    entries: memory::Entries,
    prepared: Prepared,
}

impl RememberEntry {
    pub(crate) fn new(remember: Remember) -> Self {
        Self { remember, entries: memory::Entries::default(), prepared: Prepared::default() }
    }
}

impl Operation for RememberEntry {
    type Output = ();
    type Error = RememberError;

    fn prepare(&mut self, vault: &Vault, budget: &mut Budget) -> Result<(), Refused> {
        let Remember { tenant, write, audit, .. } = &self.remember;
        self.prepared.start(vault, tenant)?;
        self.entries = memory::Entries::encode(std::slice::from_ref(write), budget)?;
        // No row is sealed ahead that would say which blobs the value names.
        let json = write.value.as_ref().map(|value| budget.encode(value)).transpose()?;
        self.prepared.named.extend(json.iter().flat_map(|json| digests_in(json)));
        audit::measure(audit, budget)?;
        Ok(())
    }

    fn decide(
        &mut self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<(), RememberError> {
        let Remember { tenant, write, at, audit } = &self.remember;
        let key = self.prepared.key()?;
        let writer = Writer { vault, key, tenant, now: *at, rows };
        self.entries.write(&writer, std::slice::from_ref(write), batch)?;
        audit::append(vault, key, tenant, audit, rows, batch)?;
        Ok(self.prepared.write(vault, tenant, rows, batch)?)
    }

    fn prepared(&mut self) -> &mut Prepared {
        &mut self.prepared
    }
}
