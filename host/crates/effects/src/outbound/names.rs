//! Names become addresses here and nowhere else, and each address is checked before it is handed to
//! the connector: what was checked is what is connected to, and there is no second lookup.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::exception::{Exception, may_reach};
use wforge_model::defence::{Defence, holds};

/// Turns names into addresses.
pub trait Names: Debug + Send + Sync {
    /// The addresses of a name. May block: it is called on a thread where that is allowed, of which
    /// each tenant gets a few at a time.
    ///
    /// # Errors
    /// Why there are none.
    fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// What the system says.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

impl Names for SystemNames {
    fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
    }
}

/// A name with an address that may not be reached.
#[derive(Debug, thiserror::Error)]
#[error("{0} may not be reached")]
pub(crate) struct Refused(pub(crate) IpAddr);

/// Resolves for one client, that is for one tenant and, where an exception names it, for one port.
#[derive(Clone)]
pub(crate) struct Checked {
    pub(crate) names: Arc<dyn Names>,
    pub(crate) allow: Arc<[Exception]>,
    pub(crate) port: Option<u16>,
    pub(crate) slots: Arc<Semaphore>,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let checked = self.clone();
        Box::pin(async move {
            let addresses = checked.lookup(name.as_str().to_owned()).await?;
            let sockets = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(sockets) as Addrs)
        })
    }
}

impl Checked {
    async fn lookup(self, name: String) -> Result<Vec<IpAddr>, wforge_ports::BoxError> {
        // The slot goes with the thread, not with this future: who gives up early and asks again
        // would otherwise pile up threads that wait for a name server of his own.
        let slot = self.slots.acquire_owned().await?;
        let names = self.names;
        let lookup = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            names.lookup(&name)
        });
        let addresses = lookup.await??;
        // One such address is enough: which of them the connector takes is not ours to say.
        let refused = addresses.iter().find(|ip| !may_reach(&self.allow, **ip, self.port));
        match refused.filter(|_| holds(Defence::Names)) {
            Some(refused) => Err(Refused(*refused).into()),
            None if addresses.is_empty() => Err("the name has no address".into()),
            None => Ok(addresses),
        }
    }
}
