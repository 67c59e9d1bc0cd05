//! Documents, with a version that grows with each change.
//!
//! A deleted document leaves its version behind: were it to begin again, a writer with an old
//! version could overwrite a document that it never saw. Where keys are used once there is no
//! such writer, and nothing is left.

use wforge_model::Version;
use wforge_ports::store::{Change, ChangeError, Put};

use super::{Operation, Prepared, audit, release, standing_reply};
use crate::budget::Budget;
use crate::error::Fault;
use crate::keys;
use crate::kv::{Batch, Layered, Rows};
use crate::vault::{Body, Refused, Vault};

#[derive(Debug)]
pub(crate) struct ChangeDocuments {
    change: Change,
    /// For each put; empty where it deletes, as no JSON is.
    bodies: Vec<Body>,
    prepared: Prepared,
}

/// How a document stands: its last version, and whether it exists.
struct Standing {
    version: Version,
    exists: bool,
}

impl ChangeDocuments {
    pub(crate) fn new(change: Change) -> Self {
        Self { change, bodies: Vec::new(), prepared: Prepared::default() }
    }

    fn row_key(&self, put: &Put) -> Vec<u8> {
        keys::document(&self.change.tenant, put.collection, &put.key)
    }

    fn standing(
        &self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &Batch,
        row_key: &[u8],
    ) -> Result<Standing, Fault> {
        let Some(row) = Layered { top: &batch.writes, below: rows }.get(row_key)? else {
            return Ok(Standing { version: Version(0), exists: false });
        };
        let opened = vault.open(&self.change.tenant, row_key, &row)?;
        let exists = !matches!(&opened.body, Body::Inline(json) if json.is_empty());
        Ok(Standing { version: Version(opened.number), exists })
    }

    fn check(&self, vault: &Vault, rows: &dyn Rows, batch: &Batch) -> Result<(), ChangeError> {
        let (Some(expected), Some(first)) = (self.change.expected, self.change.puts.first()) else {
            return Ok(());
        };
        let standing = self.standing(vault, rows, batch, &self.row_key(first))?;
        let found = if standing.exists { standing.version } else { Version(0) };
        if found == expected {
            return Ok(());
        }
        Err(ChangeError::Conflict { key: first.key.clone(), expected, found })
    }
}

impl Operation for ChangeDocuments {
    type Output = Version;
    type Error = ChangeError;

    fn prepare(&mut self, vault: &Vault, budget: &mut Budget) -> Result<(), Refused> {
        let Change { tenant, puts, audit, .. } = &self.change;
        self.prepared.start(vault, tenant)?;
        self.bodies.clear();
        for put in puts {
            budget.take_key(&[&put.key])?;
            let json = put.value.as_ref().map(|value| budget.encode(value)).transpose()?;
            let body = self.prepared.place(vault, tenant, json.unwrap_or_default())?;
            self.bodies.push(body);
        }
        self.prepared.add_reply(vault, tenant, self.change.idempotent_reply.as_ref(), budget)?;
        audit::measure(audit, budget)?;
        Ok(())
    }

    fn decide(
        &mut self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<Version, ChangeError> {
        // Before anything else: a request that was answered is not told of a conflict with itself.
        let Change { tenant, idempotent_reply, .. } = &self.change;
        if let Some(first) = standing_reply(vault, tenant, idempotent_reply.as_ref(), rows)? {
            return Err(ChangeError::Replied(first));
        }
        self.check(vault, rows, batch)?;
        let Change { tenant, puts, audit, .. } = &self.change;
        let mut first = None;
        for (put, body) in puts.iter().zip(&self.bodies) {
            let row_key = self.row_key(put);
            let version = self.standing(vault, rows, batch, &row_key)?.version.next();
            release(vault, tenant, rows, &row_key, batch)?;
            if put.value.is_none() && put.collection.is_used_once() {
                batch.delete(row_key);
            } else {
                let row = vault.seal(self.prepared.key()?, &row_key, version.0, body)?;
                batch.put(row_key, row);
            }
            first = first.or(Some(version));
        }
        audit::append(vault, self.prepared.key()?, tenant, audit, rows, batch)?;
        self.prepared.write(vault, tenant, rows, batch)?;
        Ok(first.unwrap_or_default())
    }

    fn prepared(&mut self) -> &mut Prepared {
        &mut self.prepared
    }
}
