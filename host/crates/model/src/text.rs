//! A stranger's text, made fit to be shown.

use alloc::string::String;

use crate::defence::{Defence, holds};

/// The text without a character that a terminal or a log viewer would act on: control characters,
/// ends of lines among them, and those that turn the direction of writing are written as escapes.
#[must_use]
pub fn harmless(text: &str) -> String {
    written(text.chars(), |c| c == '\t')
}

/// At most so many characters of the text in one line: ends of lines are blanks, and what else
/// [`harmless`] escapes is escaped.
#[must_use]
pub fn harmless_line(text: &str, chars_max: usize) -> String {
    written(text.chars().take(chars_max), |c| matches!(c, '\t' | '\n' | '\r'))
}

fn written(chars: impl Iterator<Item = char>, is_blank: impl Fn(char) -> bool) -> String {
    let mut safe = String::new();
    for c in chars {
        match c {
            c if !holds(Defence::Escapes) => safe.push(c),
            c if is_blank(c) => safe.push(' '),
            c if c.is_control() || turns_direction(c) => safe.extend(c.escape_default()),
            c => safe.push(c),
        }
    }
    safe
}

const fn turns_direction(c: char) -> bool {
    matches!(
        c,
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{2028}' | '\u{2029}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        let text = "red\u{1b}[31m\tbidi\u{202e}end\r\nnext\u{9b}";
        assert_eq!(harmless(text), "red\\u{1b}[31m bidi\\u{202e}end\\r\\nnext\\u{9b}");
        assert_eq!(harmless("Grüße, 你好"), "Grüße, 你好");
    }

    #[test]
    fn a_line_has_no_ends_of_lines_and_so_many_characters() {
        assert_eq!(harmless_line("a\u{1b}[2Jb\nc\u{202e}d", 99), "a\\u{1b}[2Jb c\\u{202e}d");
        assert_eq!(harmless_line("äöü", 2), "äö");
    }
}
