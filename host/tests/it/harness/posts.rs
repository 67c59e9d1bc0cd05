//! A server that takes posts, in this process.

use std::io::{Read, Write};
use std::net::TcpListener;

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
    let mut request = Vec::new();
    let mut piece = [0; 4_096];
    while !is_whole(&request) {
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
            _ => return,
        }
    }
    if let Some(text) = answer {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close", text.len());
        // Whoever asked may be gone.
        let _ = stream.write_all(format!("{head}\r\n\r\n{text}").as_bytes());
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
