//! A Markdown document as parts that may hold claims, each with the line where it begins.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd, TextMergeWithOffset};

use crate::shape::is_plain_name;

/// Stands in prose where there was code that is no plain name.
const SOMETHING: &str = "\u{fffc}";
/// Stands in prose on both sides of a name that was code.
pub(crate) const CODE_MARK: char = '\u{2060}';

/// A document, taken apart.
#[derive(Debug)]
pub(crate) struct Document {
    lines: Vec<String>,
    pub(crate) parts: Vec<Part>,
}

/// A piece of a document.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) line: usize,
    pub(crate) what: What,
    pub(crate) text: String,
}

/// What a piece is.
#[derive(Debug)]
pub(crate) enum What {
    /// Words; where in the text which line begins.
    Prose(Lines),
    /// Code within words.
    Code,
    /// The address of a link.
    Link,
    /// A block of code in that language; empty where it is not said.
    Block(String),
}

/// From which byte of a text on it stands on which line of the document.
#[derive(Debug, Default)]
pub(crate) struct Lines(Vec<(usize, usize)>);

impl Lines {
    pub(crate) fn at(&self, byte: usize) -> usize {
        let next = self.0.partition_point(|(begin, _)| *begin <= byte);
        next.checked_sub(1).and_then(|at| self.0.get(at)).map_or(1, |(_, line)| *line)
    }
}

impl Document {
    /// The text of a line, from 1.
    pub(crate) fn line(&self, number: usize) -> &str {
        number.checked_sub(1).and_then(|at| self.lines.get(at)).map_or("", String::as_str)
    }
}

/// Takes the document apart.
pub(crate) fn read(text: &str) -> Document {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
    let mut reader = Reader { starts, ..Reader::default() };
    for (event, place) in
        TextMergeWithOffset::new(Parser::new_ext(text, options).into_offset_iter())
    {
        reader.event(event, &place);
    }
    reader.close_prose();
    Document { lines: text.lines().map(str::to_owned).collect(), parts: reader.parts }
}

#[derive(Debug, Default)]
struct Reader {
    /// Where each line of the document begins.
    starts: Vec<usize>,
    parts: Vec<Part>,
    prose: String,
    lines: Lines,
    block: Option<Part>,
    in_metadata: bool,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, place: &Range<usize>) {
        let line = self.starts.partition_point(|start| *start <= place.start).max(1);
        match event {
            Event::Start(tag) => self.start(tag, line),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text, line),
            Event::Code(code) => self.code(&code, line),
            Event::SoftBreak | Event::HardBreak => self.add(" ", line + 1),
            Event::Html(_)
            | Event::InlineHtml(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_)
            | Event::Rule => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, line: usize) {
        match tag {
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.parts.push(Part { line, what: What::Link, text: dest_url.into_string() });
            }
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough => {}
            Tag::CodeBlock(kind) => {
                self.close_prose();
                let (language, first) = match kind {
                    CodeBlockKind::Indented => (String::new(), line),
                    CodeBlockKind::Fenced(info) => (language(&info), line + 1),
                };
                let what = What::Block(language);
                self.block = Some(Part { line: first, what, text: String::new() });
            }
            Tag::MetadataBlock(_) => self.in_metadata = true,
            _ => self.close_prose(),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Link
            | TagEnd::Image
            | TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough => {}
            TagEnd::CodeBlock => self.parts.extend(self.block.take()),
            TagEnd::MetadataBlock(_) => self.in_metadata = false,
            _ => self.close_prose(),
        }
    }

    fn text(&mut self, text: &str, line: usize) {
        if self.in_metadata {
            return;
        }
        match &mut self.block {
            Some(block) => block.text.push_str(text),
            None => self.add(text, line),
        }
    }

    fn code(&mut self, code: &str, line: usize) {
        self.parts.push(Part { line, what: What::Code, text: code.to_owned() });
        if is_plain_name(code) {
            self.add(&format!("{CODE_MARK}{code}{CODE_MARK}"), line);
        } else {
            self.add(SOMETHING, line);
        }
    }

    fn add(&mut self, text: &str, line: usize) {
        self.lines.0.push((self.prose.len(), line));
        self.prose.push_str(text);
    }

    fn close_prose(&mut self) {
        let (text, lines) = (std::mem::take(&mut self.prose), std::mem::take(&mut self.lines));
        if !text.trim().is_empty() {
            self.parts.push(Part { line: lines.at(0), what: What::Prose(lines), text });
        }
    }
}

/// The first word after the fence, in small letters.
fn language(info: &str) -> String {
    info.split([' ', '\t', ',', '{']).next().unwrap_or_default().to_lowercase()
}
