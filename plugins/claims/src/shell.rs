//! Lines for a shell as commands, each a list of words.

/// The most words of one command.
const WORDS_MAX: usize = 100;

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Argv {
    /// The line in the block, from 0.
    pub(crate) line: usize,
    pub(crate) words: Vec<String>,
}

/// Whether a block of that language is for a shell. One without a language is, where it shows
/// prompts.
pub(crate) fn is_shell(language: &str, block: &str) -> bool {
    match language {
        "sh" | "bash" | "zsh" | "shell" | "console" | "shell-session" | "shellsession"
        | "terminal" => true,
        "" | "text" => block.lines().any(|line| prompt(line).is_some()),
        _ => false,
    }
}

/// The commands of a block. Where it shows prompts, only what follows them was typed.
pub(crate) fn commands(block: &str) -> Vec<Argv> {
    let prompted = block.lines().any(|line| prompt(line).is_some());
    let mut commands = Vec::new();
    let mut lines = block.lines().enumerate();
    let mut here_document: Option<String> = None;
    while let Some((number, line)) = lines.next() {
        if let Some(end) = &here_document {
            if line.trim() == end {
                here_document = None;
            }
            continue;
        }
        let typed = if prompted { prompt(line) } else { Some(line) };
        let Some(typed) = typed else { continue };
        let mut whole = typed.to_owned();
        while whole.ends_with('\\') {
            let Some((_, next)) = lines.next() else { break };
            whole.pop();
            whole.push(' ');
            whole.push_str(next.trim_start());
        }
        here_document = here_document_end(&whole);
        let split = split(&whole).into_iter();
        commands.extend(split.map(|words| Argv { line: number, words }));
    }
    commands
}

fn prompt(line: &str) -> Option<&str> {
    let line = line.trim_start();
    ["$ ", "% ", "> ", "❯ "].iter().find_map(|prompt| line.strip_prefix(prompt))
}

/// The word that ends a text given by `<<`.
fn here_document_end(line: &str) -> Option<String> {
    let (_, after) = line.split_once("<<")?;
    let word: String = after
        .trim_start_matches(['-', ' ', '\'', '"'])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    (!word.is_empty()).then_some(word)
}

/// The commands of one line, without comments, redirections and what a shell would put in.
fn split(line: &str) -> Vec<Vec<String>> {
    let mut lexer = Lexer::default();
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\'' | '"' => {
                lexer.quoted(characters.by_ref().take_while(|next| *next != c));
            }
            '\\' => lexer.word.extend(characters.next()),
            '#' if lexer.word.is_empty() => break,
            c if c.is_whitespace() => lexer.end_word(),
            '>' | '<' => {
                // `2>&1` leads to a stream and ends no command.
                characters.next_if_eq(&'&');
                lexer.redirect();
            }
            '|' | ';' | '&' | '(' | ')' | '`' => lexer.end_command(),
            c => lexer.word.push(c),
        }
    }
    lexer.end_command();
    lexer.commands
}

#[derive(Default)]
struct Lexer {
    commands: Vec<Vec<String>>,
    words: Vec<String>,
    word: String,
    was_quoted: bool,
    /// Whether the next word is where a redirection leads.
    drop_next: bool,
}

impl Lexer {
    fn quoted(&mut self, text: impl Iterator<Item = char>) {
        self.word.extend(text);
        self.was_quoted = true;
    }

    fn end_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        let quoted = std::mem::take(&mut self.was_quoted);
        if word.is_empty() && !quoted {
            return;
        }
        if !std::mem::take(&mut self.drop_next) && self.words.len() < WORDS_MAX {
            self.words.push(word);
        }
    }

    /// `2>` names a stream, no argument.
    fn redirect(&mut self) {
        if self.word.chars().all(|c| c.is_ascii_digit()) {
            self.word.clear();
        }
        self.end_word();
        self.drop_next = true;
    }

    fn end_command(&mut self) {
        self.end_word();
        self.drop_next = false;
        if !self.words.is_empty() {
            self.commands.push(std::mem::take(&mut self.words));
        }
    }
}
