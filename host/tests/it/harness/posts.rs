//! A server that takes posts, in this process.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// Answers so many requests; every later one is read and then cut off. Gives its address.
pub(crate) fn taking_posts(answers: usize) -> String {
    serving(answers, "taken")
}

/// Answers every request with that text. Gives its address.
pub(crate) fn saying(text: &'static str) -> String {
    serving(usize::MAX, text)
}

fn serving(answers: usize, text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for (served, stream) in listener.incoming().enumerate() {
            let Ok(stream) = stream else { return };
            serve(stream, (served < answers).then_some(text));
        }
    });
    address
}

/// Reads one request to the end of its small body, and answers it or not.
fn serve(mut stream: impl Read + Write, answer: Option<&str>) {
    if read_whole(&mut stream).is_none() {
        return;
    }
    if let Some(text) = answer {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close", text.len());
        // Whoever asked may be gone.
        let _ = stream.write_all(format!("{head}\r\n\r\n{text}").as_bytes());
    }
}

/// A request with all of its body; none where it broke off.
fn read_whole(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut piece = [0; 4_096];
    while !is_whole(&request) {
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
            _ => return None,
        }
    }
    Some(request)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    body.len() >= length.unwrap_or(0)
}

/// One post that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    /// By name, in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// Takes posts and keeps them.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) address: String,
    posts: Arc<Mutex<Vec<Post>>>,
}

impl Receiver {
    /// Answers in turn with these statuses, then with 204; 0 cuts off instead.
    pub(crate) fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let posts: Arc<Mutex<Vec<Post>>> = Arc::default();
        let (kept, statuses) = (Arc::clone(&posts), statuses.to_vec());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let Some(post) = read_post(&stream) else { continue };
                let mut kept = kept.lock().expect("nobody panicked with it");
                let status = statuses.get(kept.len()).copied().unwrap_or(204);
                kept.push(post);
                drop(kept);
                if status != 0 {
                    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 0");
                    // Whoever asked may be gone.
                    let _ = (&stream)
                        .write_all(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes());
                }
            }
        });
        Self { address, posts }
    }

    /// What has arrived so far.
    pub(crate) fn posts(&self) -> Vec<Post> {
        self.posts.lock().expect("nobody panicked with it").clone()
    }
}

#[expect(clippy::disallowed_types, reason = "it is a server, which reaches out to nobody")]
fn read_post(mut stream: &std::net::TcpStream) -> Option<Post> {
    let text = String::from_utf8(read_whole(&mut stream)?).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Some(Post { headers: head.lines().filter_map(header).collect(), body: body.to_owned() })
}
