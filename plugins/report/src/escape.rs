//! A stranger's words as Markdown that shows them and does nothing else.

/// One line of text: no markup, no HTML, no line breaks, no invisible characters.
pub(crate) fn text(stranger: &str) -> String {
    let mut out = String::with_capacity(stranger.len());
    for c in stranger.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // A line that begins with these would become a list, a quote or a rule.
            '-' | '+' | '=' if out.is_empty() => {
                out.push('\\');
                out.push(c);
            }
            '.' | ')' if is_number(&out) => {
                out.push('\\');
                out.push(c);
            }
            c if is_invisible(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// The text between backticks, where nothing is markup.
pub(crate) fn code(stranger: &str) -> String {
    let visible = stranger.chars().filter(|c| !is_invisible(*c));
    let text: String = visible.map(|c| if c == '`' { '\'' } else { c }).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { "(empty)".to_owned() } else { format!("`{text}`") }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// Control characters, and those that change the direction or the look of text around them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
        )
}
