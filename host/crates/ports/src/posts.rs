//! What the host sends on its own account to servers that tenants name.

use std::fmt::{self, Debug};
use std::time::Duration;

use futures::future::BoxFuture;
use wforge_model::TenantId;

/// Sends posts of a tenant, by the one way out of the host.
pub trait Posts: Debug + Send + Sync {
    /// The URL in the form in which it is sent to, or what is wrong with it. Sends nothing; whether
    /// the address may be reached is known when something is sent.
    ///
    /// # Errors
    /// One sentence for whoever wrote the URL.
    fn canonical(&self, url: &str) -> Result<String, String>;

    /// Sends one post and waits for the answer's status. Sends nothing a second time, and follows
    /// no redirect.
    fn send<'a>(
        &'a self,
        tenant: &'a TenantId,
        post: Post,
    ) -> BoxFuture<'a, Result<Posted, PostError>>;
}

/// One post with a body of JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct Post {
    /// Where to.
    pub url: String,
    /// Headers in order, beside those of every post.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// For the whole exchange.
    pub timeout: Duration,
}

/// URL and headers may hold secrets.
impl Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").finish_non_exhaustive()
    }
}

/// What a server answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posted {
    /// The status.
    pub status: u16,
    /// When it wants to be asked again, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// Why there is no answer. No text holds a path, a query, a header or a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// It cannot be sent as it is; sending it again changes nothing.
    #[error("{0}")]
    Invalid(String),
    /// It was not sent, since the server failed again and again.
    #[error("the server is left alone for another {retry_after_ms} ms")]
    Resting {
        /// When it is asked again, in milliseconds.
        retry_after_ms: u64,
    },
    /// It did not get through, or nobody knows whether it did.
    #[error("{0}")]
    Failed(String),
}

/// Sends nothing: for engines whose tenants are not told of anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPosts;

impl Posts for NoPosts {
    fn canonical(&self, _url: &str) -> Result<String, String> {
        Err("this host sends nothing".to_owned())
    }

    fn send<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _post: Post,
    ) -> BoxFuture<'a, Result<Posted, PostError>> {
        Box::pin(async { Err(PostError::Invalid("this host sends nothing".to_owned())) })
    }
}
