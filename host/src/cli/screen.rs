//! A screen that is drawn again and again, on the terminal's other page: what was there before
//! comes back when it is dropped.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

use rustix::termios::tcgetwinsize;

const OPEN: &str = "\x1b[?1049h\x1b[?25l";
const CLOSE: &str = "\x1b[?25h\x1b[?1049l";
/// Where the terminal does not say.
const SIZE: (usize, usize) = (24, 80);

/// The other page.
#[derive(Debug)]
pub(crate) struct Screen(());

impl Screen {
    /// None where stdout is no terminal.
    pub(crate) fn open() -> Option<Self> {
        std::io::stdout().is_terminal().then(|| {
            write(OPEN);
            Self(())
        })
    }

    /// Shows these lines, cut to the terminal's size as it is now.
    pub(crate) fn draw(&self, lines: &[String]) {
        let (rows, columns) = size();
        let mut text = "\x1b[H".to_owned();
        for line in lines.iter().take(rows.saturating_sub(1)) {
            // Writing to a String cannot fail.
            let _ = write!(text, "{}\x1b[K\r\n", fitted(line, columns));
        }
        text.push_str("\x1b[J");
        write(&text);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        write(CLOSE);
    }
}

fn write(text: &str) {
    let mut stdout = std::io::stdout().lock();
    // A terminal that is gone shows nothing; the command ends by its signal.
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

/// Rows and columns.
fn size() -> (usize, usize) {
    match tcgetwinsize(std::io::stdout()) {
        Ok(size) if size.ws_row > 0 && size.ws_col > 0 => {
            (usize::from(size.ws_row), usize::from(size.ws_col))
        }
        Ok(_) | Err(_) => SIZE,
    }
}

/// The beginning of a line that has so many columns; colours take none, and end with it.
fn fitted(line: &str, columns: usize) -> String {
    let (mut text, mut width, mut is_colour, mut coloured) = (String::new(), 0, false, false);
    for c in line.chars() {
        if is_colour {
            is_colour = c != 'm';
        } else if c == '\x1b' {
            (is_colour, coloured) = (true, true);
        } else if width == columns {
            break;
        } else {
            width += 1;
        }
        text.push(c);
    }
    if coloured {
        text.push_str("\x1b[0m");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_to_the_screen_and_leaves_no_colour_behind() {
        assert_eq!(fitted("abcdef", 3), "abc");
        assert_eq!(fitted("ab", 3), "ab");
        assert_eq!(fitted("\x1b[31mabcd\x1b[0me", 3), "\x1b[31mabc\x1b[0m");
    }
}
