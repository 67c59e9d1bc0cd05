//! An engine behind a server's API.

use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::ready;
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _, try_unfold};
use reqwest::{Method, RequestBuilder, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use wforge_engine::{PluginInfo, WorkflowInfo};
use wforge_model::event::StoredEvent;
use wforge_model::head::RunHead;
use wforge_model::mock::MockMode;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Checkpoint, Digest, RunId, Seq, TaskId, ThreadId, Value};
use wforge_ports::plugins::Admitted;

use super::reading::Reading;
use super::sse::Frame;
use super::threads::{named, of_file};
use super::{Answer, Component, Message, Report, Start, WorkflowFile, problem};
use crate::cli::refusal::Refusal;
use crate::config::Config;

/// The most rows of one page of the API.
const PAGE: usize = 200;

/// A server.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    server: String,
    key: String,
    http: reqwest::Client,
    timeout: Duration,
    /// What this process's own configuration wants of mocks.
    mock: Option<MockMode>,
}

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

impl Remote {
    /// The server at that address, asked with that key.
    pub(crate) fn new(server: &str, key: &str, config: &Config) -> anyhow::Result<Self> {
        let mut http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .user_agent(concat!("wforge/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        if let Some(path) = &config.client.ca_file {
            let pem = fs_err::read(path)?;
            let trusted = reqwest::Certificate::from_pem_bundle(&pem)
                .with_context(|| format!("reading {}", path.display()))?;
            http = http.tls_certs_merge(trusted);
        }
        let http = http.build().context("making an HTTP client")?;
        Ok(Self {
            server: server.to_owned(),
            key: key.to_owned(),
            http,
            timeout: Duration::from_millis(config.client.timeout_ms),
            mock: config.mock.mode,
        })
    }

    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    pub(crate) async fn start(&self, start: Start) -> anyhow::Result<RunId> {
        let plugins = match start.plugins {
            Some(components) => Some(self.upload(components).await?),
            None => None,
        };
        let mut body = json!({
            "workflow": named(start.workflow),
            "input": start.input,
            "context": start.context,
            "answers": start.answers,
            "mocks": start.mocks,
            "durability": start.options.durability,
            "multitask": start.options.multitask,
        });
        if let Some(body) = body.as_object_mut() {
            let with: Vec<Value> = start.with.iter().map(of_file).collect();
            body.extend((!with.is_empty()).then(|| ("with".to_owned(), json!(with))));
            body.extend(start.options.thread.map(|id| ("thread".to_owned(), json!(id))));
            let labels = Some(&start.options.labels).filter(|labels| !labels.is_empty());
            body.extend(labels.map(|labels| ("labels".to_owned(), json!(labels))));
            body.extend(start.options.steps.map(|steps| ("steps".to_owned(), json!(steps))));
            body.extend(self.mock.map(|mode| ("mock".to_owned(), json!(mode))));
            body.extend(plugins.map(|digests| ("plugins".to_owned(), json!(digests))));
        }
        #[derive(Deserialize)]
        struct Started {
            id: RunId,
        }
        let started: Started = self.json(self.post("/v1/runs", &body)).await?;
        Ok(started.id)
    }

    pub(crate) async fn report(&self, run: RunId) -> anyhow::Result<Report> {
        self.json(self.get(&format!("/v1/runs/{run}"))).await
    }

    pub(crate) async fn follow(
        &self,
        run: RunId,
        after: Seq,
    ) -> anyhow::Result<BoxStream<'static, anyhow::Result<Message>>> {
        let reading = Reading::new(self, format!("/v1/runs/{run}/events"), after.to_string());
        let frames = try_unfold(reading, |mut reading| async move {
            anyhow::Ok(reading.next().await?.map(|frame| (frame, reading)))
        });
        let server = self.server.clone();
        let messages = frames.try_filter_map(move |frame| ready(message(&server, &frame)));
        Ok(messages.boxed())
    }

    pub(super) fn follow_thread(
        &self,
        thread: ThreadId,
        after: Option<Checkpoint>,
    ) -> BoxStream<'static, anyhow::Result<(RunId, Message)>> {
        #[derive(Deserialize)]
        struct OfRun {
            run: RunId,
        }
        let after = after.map(|after| after.to_string()).unwrap_or_default();
        let reading = Reading::new(self, format!("/v1/threads/{thread}/events"), after);
        let frames = try_unfold(reading, |mut reading| async move {
            anyhow::Ok(reading.next().await?.map(|frame| (frame, reading)))
        });
        let server = self.server.clone();
        let messages = frames.try_filter_map(move |frame: Frame| {
            let run = serde_json::from_str(&frame.data).ok().map(|OfRun { run }| run);
            let message = message(&server, &frame);
            ready(message.map(|message| Some((run?, message?))))
        });
        messages.boxed()
    }

    pub(crate) async fn log(&self, head: &RunHead) -> anyhow::Result<Vec<StoredEvent>> {
        let mut messages = self.follow(head.run, Seq(0)).await?;
        let mut events = Vec::new();
        while events.last().is_none_or(|last: &StoredEvent| last.seq < head.seq) {
            match messages.next().await.transpose()? {
                Some(Message::Event(event)) => events.push(event),
                Some(Message::Line { .. } | Message::Lagged { .. }) => {}
                None => break,
            }
        }
        Ok(events)
    }

    pub(crate) async fn runs(&self, limit: usize) -> anyhow::Result<Vec<RunHead>> {
        self.pages("/v1/runs", limit).await
    }

    pub(crate) async fn resume(&self, run: RunId, answers: Vec<Answer>) -> anyhow::Result<RunHead> {
        let answers: Vec<Value> = answers
            .into_iter()
            .map(|Answer { question, answer }| json!({ "question": question, "answer": answer }))
            .collect();
        let body = json!({ "answers": answers });
        let report: Report = self.json(self.post(&format!("/v1/runs/{run}/resume"), &body)).await?;
        Ok(report.head)
    }

    pub(crate) async fn discard_effects(&self, run: RunId) -> anyhow::Result<RunHead> {
        let body = json!({ "discard_effects": true });
        let report: Report = self.json(self.post(&format!("/v1/runs/{run}/resume"), &body)).await?;
        Ok(report.head)
    }

    pub(crate) async fn cancel(&self, run: RunId, reason: &str) -> anyhow::Result<RunHead> {
        let body = json!({ "reason": reason });
        let report: Report = self.json(self.post(&format!("/v1/runs/{run}/cancel"), &body)).await?;
        Ok(report.head)
    }

    pub(crate) async fn install(&self, component: Component) -> anyhow::Result<PluginInfo> {
        let Component { bytes, signature, .. } = component;
        self.json(self.send_component("/v1/plugins", bytes, signature.as_deref())).await
    }

    /// Hands over the components of `--plugins`; the run names them by their digests.
    pub(super) async fn upload(&self, components: Vec<Component>) -> anyhow::Result<Vec<Digest>> {
        let mut digests = Vec::new();
        for component in components {
            digests.push(self.admit(component).await?.component);
        }
        Ok(digests)
    }

    pub(crate) async fn put_blob(&self, bytes: Vec<u8>) -> anyhow::Result<()> {
        let request = self.request(Method::POST, "/v1/blobs");
        let request = request.header("content-type", "application/octet-stream").body(bytes);
        self.json::<serde_json::Value>(request).await.map(drop)
    }

    /// Checks a component there without installing it.
    pub(crate) async fn admit(&self, component: Component) -> anyhow::Result<Admitted> {
        let Component { file, bytes, .. } = component;
        let sent = self.json(self.send_component("/v1/components", bytes, None)).await;
        sent.with_context(|| file)
    }

    pub(super) fn send_component(
        &self,
        path: &str,
        bytes: Vec<u8>,
        signature: Option<&[u8]>,
    ) -> RequestBuilder {
        let request = self.request(Method::POST, path);
        let request = request.header("content-type", "application/wasm").body(bytes);
        let signed = signature.map(signature_header);
        let request = match signed {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        // Compiling a large component takes longer than any other request.
        request.timeout(self.timeout.max(Duration::from_secs(300)))
    }

    pub(crate) async fn plugins(&self) -> anyhow::Result<Vec<PluginInfo>> {
        self.pages("/v1/plugins", usize::MAX).await
    }

    pub(crate) async fn register(&self, file: WorkflowFile) -> anyhow::Result<WorkflowInfo> {
        let json = file.text.trim_start().starts_with('{');
        let media_type = if json { "application/json" } else { "application/yaml" };
        let path = format!("/v1/workflows?file={}", in_path(&file.name));
        let request = self.request(Method::POST, &path);
        self.json(request.header("content-type", media_type).body(file.text)).await
    }

    pub(crate) async fn workflows(&self) -> anyhow::Result<Vec<WorkflowInfo>> {
        self.pages("/v1/workflows", usize::MAX).await
    }

    pub(crate) async fn workflow(
        &self,
        name: &str,
        version: Option<&semver::Version>,
    ) -> anyhow::Result<(WorkflowInfo, WorkflowDraft)> {
        #[derive(Deserialize)]
        struct Shown {
            #[serde(flatten)]
            info: WorkflowInfo,
            workflow: WorkflowDraft,
        }
        let query = version
            .map(|version| format!("?version={}", version.to_string().replace('+', "%2B")))
            .unwrap_or_default();
        let path = format!("/v1/workflows/{}{query}", in_path(name));
        let shown: Shown = self.json(self.get(&path)).await?;
        Ok((shown.info, shown.workflow))
    }

    pub(crate) async fn workflow_of(&self, head: &RunHead) -> anyhow::Result<WorkflowDraft> {
        self.json(self.get(&format!("/v1/runs/{}/workflow", head.run))).await
    }

    pub(crate) async fn part_of(
        &self,
        run: RunId,
        digest: Digest,
    ) -> anyhow::Result<WorkflowDraft> {
        self.json(self.get(&format!("/v1/runs/{run}/workflow?part={digest}"))).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.server))
            .bearer_auth(&self.key)
            .timeout(self.timeout)
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).json(body)
    }

    pub(super) fn put(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::PUT, path).json(body)
    }

    pub(super) fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }

    pub(super) fn post_nothing(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// An event stream has no end of its own; the server's heartbeat keeps it alive.
    pub(super) async fn event_stream(&self, path: &str) -> anyhow::Result<Response> {
        self.send(self.http.get(format!("{}{path}", self.server)).bearer_auth(&self.key)).await
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let response = request.send().await.map_err(|error| {
            let message = format!("{} cannot be reached", self.server);
            let refusal = Refusal::failed("unreachable", message)
                .help("check that wforge serve runs there, and WFORGE_SERVER or --server");
            anyhow::Error::new(error.without_url()).context(refusal)
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.unwrap_or_default();
        Err(problem::of_api(&self.server, status.as_u16(), &body))
    }

    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> anyhow::Result<T> {
        let body = self.send(request).await?.bytes().await.context("reading the response")?;
        serde_json::from_slice(&body)
            .with_context(|| format!("{} answered what this version cannot read", self.server))
    }

    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        limit: usize,
    ) -> anyhow::Result<Vec<T>> {
        self.pages_from(path, None::<String>, limit).await
    }

    /// The same, from after that cursor.
    pub(super) async fn pages_from<T: DeserializeOwned>(
        &self,
        path: &str,
        from: Option<impl ToString>,
        limit: usize,
    ) -> anyhow::Result<Vec<T>> {
        let mut items = Vec::new();
        let and = if path.contains('?') { '&' } else { '?' };
        let mut cursor = from.map(|cursor| cursor.to_string());
        loop {
            let page_limit = PAGE.min(limit.saturating_sub(items.len()));
            let after = cursor
                .map(|cursor: String| format!("&cursor={}", in_path(&cursor).replace('/', "%2F")))
                .unwrap_or_default();
            let page: Page<T> =
                self.json(self.get(&format!("{path}{and}limit={page_limit}{after}"))).await?;
            items.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() || items.len() >= limit {
                return Ok(items);
            }
        }
    }
}

/// The header that carries a signature.
pub(super) fn signature_header(signature: &[u8]) -> (&'static str, String) {
    ("wforge-signature", STANDARD.encode(signature))
}

/// Percent-encodes what does not belong into a path; slashes stay.
pub(super) fn in_path(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'@' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// What an event means here; none for what is not needed.
fn message(server: &str, frame: &Frame) -> anyhow::Result<Option<Message>> {
    #[derive(Deserialize)]
    struct Line {
        node: String,
        task: TaskId,
        level: String,
        message: String,
    }
    #[derive(Deserialize)]
    struct Lagged {
        skipped: u64,
    }
    #[derive(Deserialize)]
    struct Durable {
        seq: Seq,
        at: Value,
        kind: String,
        data: Value,
    }
    let unreadable = || format!("{server} sent an event that this version cannot read");
    match frame.event.as_str() {
        "log" => {
            let Line { node, task, level, message } =
                serde_json::from_str(&frame.data).with_context(unreadable)?;
            Ok(Some(Message::Line { node, task, level, message }))
        }
        "lagged" => {
            let Lagged { skipped } = serde_json::from_str(&frame.data).with_context(unreadable)?;
            Ok(Some(Message::Lagged { skipped }))
        }
        // What is durable has an id; the rest is for those who watch.
        _ if frame.id.is_none() => Ok(None),
        _ => {
            let Durable { seq, at, kind, data } =
                serde_json::from_str(&frame.data).with_context(unreadable)?;
            let event = json!({ "seq": seq, "at": at, "kind": { kind: data } });
            let event = serde_json::from_value(event).with_context(unreadable)?;
            Ok(Some(Message::Event(event)))
        }
    }
}

#[cfg(test)]
mod tests {
    use wforge_engine::event_parts;
    use wforge_model::event::{EventKind, RunEvent};
    use wforge_model::{Timestamp, event::RunError};

    use super::*;

    #[test]
    fn a_durable_event_comes_back_as_it_was_sent() {
        let error = RunError {
            code: "no_branch".into(),
            message: "x".into(),
            node: None,
            task: None,
            failure: None,
        };
        for kind in [
            EventKind::StepCommitted { ns: None, step: 3 },
            EventKind::RunFailed { error },
            EventKind::RunCancelled { reason: "enough".into(), by: "me".into(), rolled_back: true },
        ] {
            let sent = StoredEvent { seq: Seq(4), event: RunEvent { at: Timestamp(9), kind } };
            let (kind, data) = event_parts(&sent.event);
            let data = json!({ "seq": 4, "at": 9, "kind": kind, "data": data }).to_string();
            let frame = Frame { event: kind.to_owned(), data, id: Some("4".to_owned()) };
            let Some(Message::Event(read)) = message("s", &frame).unwrap() else { panic!() };
            assert_eq!(read, sent);
        }
    }

    #[test]
    fn what_is_not_kept_is_passed_over_whatever_it_is_called() {
        for event in ["delta", "emit", "of the next version"] {
            let frame = Frame { event: event.to_owned(), data: "{}".to_owned(), id: None };
            assert!(message("s", &frame).unwrap().is_none(), "{event}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_place_in_a_path() {
        assert_eq!(in_path("a/b@1.0.0"), "a/b@1.0.0");
        assert_eq!(in_path("a?x=1#y ü"), "a%3Fx%3D1%23y%20%C3%BC");
    }
}
