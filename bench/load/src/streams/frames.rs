//! Server-sent events, from bytes that may be cut anywhere.
//!
//! The host's own client has a reader of them too (`host/src/client/sse.rs`). This one is apart on
//! purpose: what judges a program takes nothing from it, and its workspace builds without it.

use anyhow::{Result, ensure};

/// The longest event that is read.
const EVENT_BYTES_MAX: usize = 16 << 20;

/// One event. A comment, such as a heartbeat, is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) event: String,
    pub(crate) data: String,
    pub(crate) id: Option<String>,
}

/// What has come of a stream and is no whole event yet.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
}

impl Frames {
    /// More bytes; the events that are whole now.
    pub(crate) fn take(&mut self, more: &[u8]) -> Result<Vec<Frame>> {
        self.bytes.extend_from_slice(more);
        let mut whole = Vec::new();
        while let Some(end) = self.bytes.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = self.bytes.drain(..end + 2).collect();
            whole.extend(frame(std::str::from_utf8(&block)?));
        }
        ensure!(self.bytes.len() <= EVENT_BYTES_MAX, "an event has no end");
        Ok(whole)
    }
}

fn frame(block: &str) -> Option<Frame> {
    let mut frame = Frame::default();
    let mut data: Vec<&str> = Vec::new();
    for line in block.lines() {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut frame.event),
            "data" => data.push(value),
            "id" => frame.id = Some(value.to_owned()),
            _ => {}
        }
    }
    frame.data = data.join("\n");
    (!data.is_empty()).then_some(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let text = "event: a\ndata: {\"x\":1}\nid: 1\n\n: still here\n\ndata: b\ndata: ü\n\n";
        let whole = Frames::default().take(text.as_bytes()).unwrap();
        let frame = |event: &str, data: &str, id: Option<&str>| Frame {
            event: event.into(),
            data: data.into(),
            id: id.map(str::to_owned),
        };
        assert_eq!(whole, [frame("a", "{\"x\":1}", Some("1")), frame("", "b\nü", None)]);
        for cut in 1..text.len() {
            let mut frames = Frames::default();
            let (left, right) = text.as_bytes().split_at(cut);
            let mut found = frames.take(left).unwrap();
            found.extend(frames.take(right).unwrap());
            assert_eq!(found, whole, "cut at {cut}");
        }
    }
}
