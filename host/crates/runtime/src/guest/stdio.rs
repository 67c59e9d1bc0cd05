//! stdout and stderr of a guest: each line becomes a log line.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wforge_ports::effects::GuestLevel;

use super::voice::Voice;

/// A line longer than this is broken, so that a guest that never ends its line holds no memory.
const PARTIAL_LINE_BYTES_MAX: usize = 16 << 10;
/// What a guest may write at once.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// One of the two streams. All its copies share the unfinished line.
#[derive(Debug, Clone)]
pub(crate) struct Stdio {
    level: GuestLevel,
    voice: Voice,
    partial: Arc<Mutex<Vec<u8>>>,
}

impl Stdio {
    pub(crate) fn new(level: GuestLevel, voice: &Voice) -> Self {
        Self { level, voice: voice.clone(), partial: Arc::default() }
    }

    fn take(&self, bytes: &[u8]) {
        let mut partial = self.partial.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            partial.extend_from_slice(piece);
            if partial.ends_with(b"\n") || partial.len() >= PARTIAL_LINE_BYTES_MAX {
                self.say(&std::mem::take(&mut *partial));
            }
        }
    }

    fn say(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\n', '\r']);
        if !text.is_empty() {
            self.voice.line(self.level, text, &[]);
        }
    }
}

/// The last copy says the line that was never ended.
impl Drop for Stdio {
    fn drop(&mut self) {
        if Arc::strong_count(&self.partial) == 1 {
            let rest =
                std::mem::take(&mut *self.partial.lock().unwrap_or_else(PoisonError::into_inner));
            self.say(&rest);
        }
    }
}

impl IsTerminal for Stdio {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stdio {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stdio {
    async fn ready(&mut self) {}
}

impl OutputStream for Stdio {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

impl AsyncWrite for Stdio {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
