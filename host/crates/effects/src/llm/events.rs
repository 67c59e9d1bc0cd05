//! Server-sent events, of which only the data matters here.

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use wforge_model::Failure;

use super::answer::bad_answer;
use super::exchange::of_transport;
use crate::outbound::{OutboundError, OutboundResponse};

/// The events of a body. Its size was limited when it was asked for.
pub(crate) struct Events {
    body: BoxStream<'static, Result<Bytes, OutboundError>>,
    buffer: BytesMut,
    /// So many bytes of the buffer hold no end of a line.
    searched: usize,
}

/// Whether a response is a stream of events.
pub(crate) fn is_event_stream(response: &OutboundResponse) -> bool {
    let kind = response.headers.iter().find(|(name, _)| name == "content-type");
    kind.is_some_and(|(_, value)| value.trim_start().starts_with("text/event-stream"))
}

impl Events {
    pub(crate) fn new(body: BoxStream<'static, Result<Bytes, OutboundError>>) -> Self {
        Self { body, buffer: BytesMut::new(), searched: 0 }
    }

    /// The data of the next event; none at the end. An event that the end cuts is none.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, Failure> {
        let mut data: Option<String> = None;
        while let Some(line) = self.line().await? {
            if line.is_empty() {
                match data.take() {
                    Some(data) => return Ok(Some(data)),
                    None => continue,
                }
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            if field != "data" {
                continue;
            }
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut data {
                Some(data) => data.extend(["\n", value]),
                None => data = Some(value.to_owned()),
            }
        }
        Ok(None)
    }

    async fn line(&mut self) -> Result<Option<String>, Failure> {
        loop {
            let rest = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + at + 1);
                self.searched = 0;
                let text = std::str::from_utf8(&line);
                let text = text.map_err(|_| bad_answer("the stream is no UTF-8"))?;
                return Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned()));
            }
            self.searched = self.buffer.len();
            match self.body.next().await {
                Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
                Some(Err(error)) => return Err(of_transport(&error)),
                None => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    /// The events of a text, whatever pieces it comes in.
    fn check(text: &str, expected: &[&str]) {
        for size in [1, 2, 3, 7, text.len()] {
            let pieces: Vec<_> = text
                .as_bytes()
                .chunks(size)
                .map(|piece| Ok(Bytes::copy_from_slice(piece)))
                .collect();
            let mut events = Events::new(Box::pin(futures::stream::iter(pieces)));
            let mut found = Vec::new();
            while let Some(data) = events.next().now_or_never().unwrap().unwrap() {
                found.push(data);
            }
            assert_eq!(found, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn an_event_ends_with_an_empty_line() {
        check("data: one\n\ndata:two\n\n", &["one", "two"]);
        check("event: x\r\nid: 1\r\ndata: one\r\ndata: more\r\n\r\n", &["one\nmore"]);
        check(": comment\n\n\ndata: grüße\n\n", &["grüße"]);
        check("data\n\n", &[""]);
        check("data: whole\n\ndata: cut", &["whole"]);
        check("retry: 5\n\n", &[]);
    }
}
