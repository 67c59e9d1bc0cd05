//! Reads server-sent events from chunks of bytes.
//!
//! Only what the API sends: `event`, `data` and `id` fields; comments are skipped.

/// The longest event that is read, in bytes; a commit of the engine is smaller.
const EVENT_BYTES_MAX: usize = 64 << 20;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Its name.
    pub(crate) event: String,
    /// Its data.
    pub(crate) data: String,
    /// Its id, where it has one.
    pub(crate) id: Option<String>,
}

/// A server that does not stop sending one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sent an event of more than {EVENT_BYTES_MAX} bytes")]
pub(crate) struct TooLong;

/// What was read of the stream so far.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    rest: Vec<u8>,
    frame: Frame,
    bytes: usize,
}

impl Frames {
    /// The events that end with this chunk.
    pub(crate) fn take(&mut self, chunk: &[u8]) -> Result<Vec<Frame>, TooLong> {
        self.rest.extend_from_slice(chunk);
        self.bytes += chunk.len();
        let mut done = Vec::new();
        let mut begin = 0;
        while let Some(length) =
            self.rest.get(begin..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n'))
        {
            let line = self.rest.get(begin..begin + length).unwrap_or_default();
            let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
            if line.is_empty() {
                let frame = std::mem::take(&mut self.frame);
                done.extend((!frame.data.is_empty()).then_some(frame));
                self.bytes = self.rest.len() - begin - length;
            } else {
                field(&mut self.frame, &line);
            }
            begin += length + 1;
        }
        self.rest.drain(..begin);
        if self.bytes > EVENT_BYTES_MAX { Err(TooLong) } else { Ok(done) }
    }
}

fn field(frame: &mut Frame, line: &str) {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    let value = value.strip_prefix(' ').unwrap_or(value);
    match name {
        "event" => value.clone_into(&mut frame.event),
        "data" => {
            if !frame.data.is_empty() {
                frame.data.push('\n');
            }
            frame.data.push_str(value);
        }
        "id" => frame.id = Some(value.to_owned()),
        // A comment, or what a later server adds.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let text = "event: a\ndata: {\"x\":1}\nid: 1\n\n: still here\n\ndata: b\r\ndata: ü\r\n\r\n";
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
