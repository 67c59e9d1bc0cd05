//! A stranger's text, made fit to be shown.

/// At most so many characters of a text, without one that a terminal or a log viewer would act on:
/// control characters and those that turn the direction of writing are written as escapes.
pub(crate) fn harmless(text: &str, chars_max: usize) -> String {
    let mut safe = String::new();
    for c in text.chars().take(chars_max) {
        match c {
            '\t' | '\n' | '\r' => safe.push(' '),
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
    use super::harmless;

    #[test]
    fn nothing_is_left_that_a_terminal_would_act_on() {
        assert_eq!(harmless("a\u{1b}[2Jb\nc\u{202e}d", 99), "a\\u{1b}[2Jb c\\u{202e}d");
        assert_eq!(harmless("äöü", 2), "äö");
    }
}
