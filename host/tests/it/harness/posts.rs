//! A server that takes posts, in this process.

use std::io::{Read, Write};
use std::net::TcpListener;

/// Answers so many requests; every later one is read and then cut off. Gives its address.
pub(crate) fn taking_posts(answers: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for (served, stream) in listener.incoming().enumerate() {
            let Ok(stream) = stream else { return };
            serve(stream, served < answers);
        }
    });
    address
}

/// Reads one request to the end of its small body, and answers it or not.
fn serve(mut stream: impl Read + Write, is_answered: bool) {
    let mut request = Vec::new();
    let mut piece = [0; 4_096];
    while !is_whole(&request) {
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
            _ => return,
        }
    }
    if is_answered {
        // Whoever asked may be gone.
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\ntaken");
    }
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
