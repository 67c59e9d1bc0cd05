//! Posts that the host sends on its own account: through the same way out as everything else, so
//! that no webhook reaches what a plugin may not.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use wforge_model::TenantId;
use wforge_ports::Clock;
use wforge_ports::posts::{Post, PostError, Posted, Posts};

use crate::llm::retry_after_ms;
use crate::outbound::url::{URL_BYTES_MAX, canonical};
use crate::outbound::{Outbound, OutboundError, OutboundRequest};

/// How much of an answer is read, so that its connection can serve the next post.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Sends by an outbound path.
#[derive(Debug)]
pub struct OutboundPosts {
    outbound: Arc<dyn Outbound>,
    clock: Arc<dyn Clock>,
}

impl OutboundPosts {
    /// Posts that go that way.
    #[must_use]
    pub const fn new(outbound: Arc<dyn Outbound>, clock: Arc<dyn Clock>) -> Self {
        Self { outbound, clock }
    }

    async fn exchange(&self, tenant: &TenantId, post: Post) -> Result<Posted, PostError> {
        let Post { url, mut headers, body, timeout } = post;
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        let request = OutboundRequest {
            method: "POST".to_owned(),
            url,
            headers,
            body: body.into(),
            timeout,
            // An answer that is too large is an answer: the status is all that is asked for.
            response_bytes_max: u64::MAX,
        };
        let sent = self.outbound.send(tenant, request).await;
        let mut response = sent.map_err(|error| of_transport(&error))?;
        let retry_after_ms = retry_after_ms(&response.headers, self.clock.now());
        let mut read = 0;
        while let Some(Ok(piece)) = response.body.next().await {
            read += piece.len();
            if read > ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(Posted { status: response.status, retry_after_ms })
    }
}

impl Posts for OutboundPosts {
    fn canonical(&self, url: &str) -> Result<String, String> {
        let url = canonical(url, URL_BYTES_MAX).map_err(|error| error.to_string())?;
        Ok(url.to_string())
    }

    fn send<'a>(
        &'a self,
        tenant: &'a TenantId,
        post: Post,
    ) -> BoxFuture<'a, Result<Posted, PostError>> {
        Box::pin(self.exchange(tenant, post))
    }
}

fn of_transport(error: &OutboundError) -> PostError {
    match error {
        OutboundError::Invalid { reason } => PostError::Invalid(reason.clone()),
        OutboundError::Resting { retry_after_ms, .. } => {
            PostError::Resting { retry_after_ms: *retry_after_ms }
        }
        // The operator may make an exception, and a name may come to mean another address.
        OutboundError::Forbidden { .. }
        | OutboundError::Unreachable { .. }
        | OutboundError::Broken { .. }
        | OutboundError::Timeout { .. }
        | OutboundError::TooLarge { .. } => PostError::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use futures::stream;
    use wforge_model::Timestamp;
    use wforge_testkit::SimClock;

    use super::*;
    use crate::outbound::OutboundResponse;

    type Answer = Result<(u16, Vec<(String, String)>), OutboundError>;

    /// Answers one request with that.
    #[derive(Debug)]
    struct Answers {
        answer: Mutex<Option<Answer>>,
        asked: Mutex<Vec<OutboundRequest>>,
    }

    impl Outbound for Answers {
        fn send<'a>(
            &'a self,
            _tenant: &'a TenantId,
            request: OutboundRequest,
        ) -> BoxFuture<'a, Result<OutboundResponse, OutboundError>> {
            self.asked.lock().unwrap().push(request);
            let answer = self.answer.lock().unwrap().take().unwrap();
            Box::pin(async move {
                let (status, headers) = answer?;
                Ok(OutboundResponse { status, headers, body: stream::empty().boxed() })
            })
        }
    }

    async fn sent(
        answer: Result<(u16, Vec<(String, String)>), OutboundError>,
    ) -> (Result<Posted, PostError>, Vec<OutboundRequest>) {
        let answers =
            Arc::new(Answers { answer: Mutex::new(Some(answer)), asked: Mutex::default() });
        let clock = Arc::new(SimClock::at(Timestamp(0)));
        let posts = OutboundPosts::new(answers.clone(), clock);
        let post = Post {
            url: "https://hooks.example/x".into(),
            headers: vec![("webhook-id".into(), "dlv_1".into())],
            body: b"{}".to_vec(),
            timeout: Duration::from_secs(1),
        };
        let posted = posts.send(&"acme".parse().unwrap(), post).await;
        (posted, std::mem::take(&mut answers.asked.lock().unwrap()))
    }

    #[tokio::test]
    async fn a_post_is_json_and_an_answer_is_its_status() {
        let wait = vec![("retry-after".to_owned(), "3".to_owned())];
        let (posted, asked) = sent(Ok((503, wait))).await;
        assert_eq!(posted, Ok(Posted { status: 503, retry_after_ms: Some(3_000) }));
        assert_eq!((asked.len(), asked[0].method.as_str()), (1, "POST"));
        let names: Vec<_> = asked[0].headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["webhook-id", "content-type"]);
    }

    #[tokio::test]
    async fn whoever_is_left_alone_was_not_sent_to() {
        let resting = OutboundError::Resting { host: "h".into(), retry_after_ms: 7 };
        assert_eq!(sent(Err(resting)).await.0, Err(PostError::Resting { retry_after_ms: 7 }));
        let invalid = OutboundError::Invalid { reason: "no".into() };
        assert_eq!(sent(Err(invalid)).await.0, Err(PostError::Invalid("no".into())));
    }
}
