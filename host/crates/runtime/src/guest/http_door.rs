//! `wasi:http/outgoing-handler`, closed: components that carry their language's own HTTP client
//! link, and every request is answered with HTTP-request-denied.
//!
//! The contract's own `http` interface is the one that is recorded; see `capabilities::http`.

use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};
use wforge_ports::effects::GuestLevel;

use super::voice::Voice;

/// The closed door. What the guest cannot be told in words goes to its log.
#[derive(Debug)]
pub(crate) struct ClosedDoor(pub(crate) Voice);

type Exchange = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for ClosedDoor {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _outcome: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Exchange, Error>> + Send> {
        let target = request.uri().authority().map_or("", |authority| authority.as_str());
        let message = format!(
            "denied: wasi:http to \"{target}\"; this host does not serve http.raw yet, and the \
             interface workflowforge:plugin/http is the one that is recorded"
        );
        self.0.line(GuestLevel::Warn, &message, &[]);
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}

#[cfg(test)]
mod tests {
    use wasmtime_wasi_http::{Error, WasiHttpHooks};
    use wforge_model::limits::SandboxLimits;

    use super::ClosedDoor;
    use crate::guest::voice::Voice;

    #[tokio::test]
    async fn every_request_is_denied_and_the_log_says_why() {
        let voice = Voice::new(&SandboxLimits::default());
        let request = http::Request::get("https://example.com/x").body(Default::default()).unwrap();
        let outcome = Box::new(std::future::ready(Ok(())));
        let sent = ClosedDoor(voice.clone()).send_request(request, None, outcome);
        assert!(matches!(Box::into_pin(sent).await, Err(Error::HttpRequestDenied)));
        let lines = voice.last_lines();
        assert!(lines.iter().any(|line| line.contains("example.com")), "{lines:?}");
    }
}
