//! Servers of our own on loopback, which an attack is after or in league with: each counts who
//! comes, keeps what was asked, and answers as it was told to.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;

/// Who says nothing for so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest body that is taken.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Writes an answer to a request, whose head and body are one text.
type Answer = dyn Fn(&str, &mut TcpStream) -> io::Result<()> + Send + Sync;

/// A server that runs until it is dropped.
pub(crate) struct StandIn {
    at: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    arrived: AtomicUsize,
    asked: Mutex<Vec<String>>,
    ends: AtomicBool,
    answer: Box<Answer>,
}

impl fmt::Debug for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandIn").field("at", &self.at).finish_non_exhaustive()
    }
}

impl StandIn {
    /// Listens on an address such as `127.0.0.1:0`.
    pub(crate) fn start(
        address: &str,
        answer: impl Fn(&str, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind(address)?;
        let at = listener.local_addr()?;
        let state = Arc::new(State {
            arrived: AtomicUsize::new(0),
            asked: Mutex::default(),
            ends: AtomicBool::new(false),
            answer: Box::new(answer),
        });
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || listen(&listener, &shared));
        Ok(Self { at, state, thread: Some(thread) })
    }

    /// One that nobody should reach, and that greets whoever does.
    pub(crate) fn canary(address: &str) -> Result<Self> {
        Self::start(address, |_, stream| send(stream, "200 OK", &[], b"you got here"))
    }

    /// Its port.
    pub(crate) const fn port(&self) -> u16 {
        self.at.port()
    }

    /// Connections so far.
    pub(crate) fn arrived(&self) -> usize {
        self.state.arrived.load(Ordering::SeqCst)
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.asked().clone()
    }
}

impl State {
    fn asked(&self) -> MutexGuard<'_, Vec<String>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.state.ends.store(true, Ordering::SeqCst);
        // Wakes it up; one that cannot be reached has ended.
        let _ = TcpStream::connect(self.at);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen(listener: &TcpListener, state: &Arc<State>) {
    for stream in listener.incoming() {
        if state.ends.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        state.arrived.fetch_add(1, Ordering::SeqCst);
        let state = Arc::clone(state);
        std::thread::spawn(move || {
            // Who breaks off has broken off.
            let _ = serve(stream, &state);
        });
    }
}

fn serve(mut stream: TcpStream, state: &State) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = request(&stream)?;
    state.asked().push(request.clone());
    (state.answer)(&request, &mut stream)
}

fn request(stream: &TcpStream) -> io::Result<String> {
    let mut reader = BufReader::new(stream);
    let (mut text, mut length) = (String::new(), 0_usize);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        text.push_str(&line);
    }
    let mut body = vec![0; length.min(BODY_BYTES_MAX)];
    reader.read_exact(&mut body)?;
    text.push_str("\r\n");
    text.push_str(&String::from_utf8_lossy(&body));
    Ok(text)
}

/// Sends a whole answer.
pub(crate) fn send(
    stream: &mut TcpStream,
    status: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<()> {
    let mut head =
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}
