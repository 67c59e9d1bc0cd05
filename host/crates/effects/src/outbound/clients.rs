//! The clients that are kept: no two tenants share one, so no connection and no session of TLS.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use reqwest::Client;
use wforge_model::TenantId;

/// Whose client it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub(crate) tenant: TenantId,
    /// The port, where an exception names it: a client's resolver does not see the port, and the
    /// exception is for that one only.
    pub(crate) port: Option<u16>,
}

/// At most so many clients; the one that was used longest ago goes.
#[derive(Debug)]
pub(crate) struct Clients {
    max: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    clients: HashMap<Owner, (Client, u64)>,
    uses: u64,
}

impl Clients {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, kept: Mutex::default() }
    }

    /// The owner's client, made where there is none.
    pub(crate) fn get<E>(
        &self,
        owner: Owner,
        make: impl FnOnce() -> Result<Client, E>,
    ) -> Result<Client, E> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let now = kept.uses;
        if let Some((client, used)) = kept.clients.get_mut(&owner) {
            *used = now;
            return Ok(client.clone());
        }
        let client = make()?;
        if kept.clients.len() >= self.max {
            kept.drop_oldest();
        }
        kept.clients.insert(owner, (client.clone(), now));
        Ok(client)
    }
}

impl Kept {
    fn drop_oldest(&mut self) {
        let oldest = self.clients.iter().min_by_key(|(_, (_, used))| *used);
        if let Some(owner) = oldest.map(|(owner, _)| owner.clone()) {
            self.clients.remove(&owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use reqwest::Client;

    use super::{Clients, Owner};

    /// Asks for the clients of these tenants in order and says for which of them one was made.
    fn made(max: usize, tenants: &[&str]) -> String {
        let (clients, mut made) = (Clients::new(max), Vec::new());
        for tenant in tenants {
            let owner = Owner { tenant: tenant.parse().unwrap(), port: None };
            let make = || {
                made.push(*tenant);
                Ok::<_, Infallible>(Client::builder().tls_certs_only([]).build().unwrap())
            };
            clients.get(owner, make).unwrap();
        }
        made.join(" ")
    }

    #[test]
    fn a_tenant_keeps_its_client() {
        assert_eq!(made(2, &["a", "b", "a", "b"]), "a b");
    }

    #[test]
    fn the_client_that_was_used_longest_ago_goes() {
        assert_eq!(made(2, &["a", "b", "a", "c", "a", "b"]), "a b c b");
    }
}
