//! What stands in a document, found by a CommonMark parser with GitHub's checklists and tables.
//!
//! Only a heading on its own begins a section: one inside a list, a quote or code does not.

use std::ops::Range;

use pulldown_cmark::{
    BrokenLink, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd,
    TextMergeWithOffset,
};

/// Something that was found, and the bytes where it stands.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) place: Range<usize>,
    pub(crate) what: What,
}

/// What was found.
#[derive(Debug)]
pub(crate) enum What {
    /// A heading that may begin a section.
    Heading { level: u8, title: String },
    /// A link; its address is empty where the reference is not defined.
    Link { text: String, url: String },
    /// An item of a checklist.
    Item { text: String, done: bool },
    /// A code block.
    Code { language: Option<String>, lines: usize },
    /// Words of prose.
    Words(usize),
}

/// Everything in the document, in the order in which it ends.
pub(crate) fn read(text: &str) -> Vec<Found> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let parser = Parser::new_with_broken_link_callback(text, options, Some(undefined));
    let mut reader = Reader::default();
    for (event, place) in TextMergeWithOffset::new(parser.into_offset_iter()) {
        reader.event(event, place);
    }
    reader.found
}

/// `[text][name]` without a definition is a link that leads nowhere; `[text]` alone may well be
/// just a word in brackets.
fn undefined<'a>(link: BrokenLink<'a>) -> Option<(CowStr<'a>, CowStr<'a>)> {
    let meant = matches!(link.link_type, LinkType::Reference | LinkType::Collapsed);
    meant.then(|| ("".into(), "".into()))
}

#[derive(Debug, Default)]
struct Reader {
    found: Vec<Found>,
    /// How many lists, quotes and the like are open.
    depth: usize,
    /// Elements whose text is being collected, the innermost last.
    open: Vec<Open>,
    in_code: bool,
    in_metadata: bool,
}

#[derive(Debug)]
struct Open {
    place: Range<usize>,
    what: What,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, place: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, place),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text, place, true),
            Event::Code(text) => self.text(&text, place, false),
            Event::SoftBreak | Event::HardBreak => self.collect(" "),
            Event::TaskListMarker(done) => {
                self.open(What::Item { text: String::new(), done }, place);
            }
            Event::Html(_)
            | Event::InlineHtml(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::Rule => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, place: Range<usize>) {
        match tag {
            Tag::Heading { level, .. } if self.depth == 0 => {
                let title = String::new();
                self.open(What::Heading { level: number(level), title }, place);
            }
            Tag::Link { dest_url, .. } => {
                let url = dest_url.into_string();
                self.open(What::Link { text: String::new(), url }, place);
            }
            Tag::CodeBlock(kind) => {
                self.in_code = true;
                self.open(What::Code { language: language(kind), lines: 0 }, place);
            }
            Tag::MetadataBlock(_) => self.in_metadata = true,
            Tag::List(_) => {
                self.close_item();
                self.depth += 1;
            }
            tag if is_container(&tag.to_end()) => self.depth += 1,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) if self.depth == 0 => self.close(),
            TagEnd::Link => self.close(),
            TagEnd::CodeBlock => {
                self.in_code = false;
                self.close();
            }
            TagEnd::MetadataBlock(_) => self.in_metadata = false,
            // An item's own text ends with its paragraph, or with the item where it is tight.
            TagEnd::Paragraph => self.close_item(),
            tag if is_container(&tag) => {
                self.close_item();
                self.depth = self.depth.saturating_sub(1);
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, place: Range<usize>, may_hold_urls: bool) {
        if self.in_metadata {
            return;
        }
        if self.in_code {
            return self.code(text);
        }
        let in_link = self.open.iter().any(|open| matches!(open.what, What::Link { .. }));
        if may_hold_urls && !in_link {
            self.found.extend(bare_urls(text, place.start));
        }
        self.found.push(Found { place, what: What::Words(words(text)) });
        self.collect(text);
    }

    fn code(&mut self, text: &str) {
        if let Some(Open { what: What::Code { lines, .. }, .. }) = self.open.last_mut() {
            *lines += text.lines().count();
        }
    }

    /// Adds the text to every element that is open around it.
    fn collect(&mut self, text: &str) {
        for open in &mut self.open {
            match &mut open.what {
                What::Heading { title, .. } => title.push_str(text),
                What::Link { text: own, .. } | What::Item { text: own, .. } => own.push_str(text),
                What::Code { .. } | What::Words(_) => {}
            }
        }
    }

    fn open(&mut self, what: What, place: Range<usize>) {
        self.open.push(Open { place, what });
    }

    fn close(&mut self) {
        if let Some(Open { place, what }) = self.open.pop() {
            self.found.push(Found { place, what });
        }
    }

    fn close_item(&mut self) {
        if let Some(Open { what: What::Item { .. }, .. }) = self.open.last() {
            self.close();
        }
    }
}

/// What a heading inside does not begin a section of the document.
fn is_container(tag: &TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::List(_)
            | TagEnd::Item
            | TagEnd::BlockQuote(_)
            | TagEnd::FootnoteDefinition
            | TagEnd::Table
    )
}

fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// The first word after the fence.
fn language(kind: pulldown_cmark::CodeBlockKind<'_>) -> Option<String> {
    match kind {
        pulldown_cmark::CodeBlockKind::Indented => None,
        pulldown_cmark::CodeBlockKind::Fenced(info) => {
            info.split([' ', '\t', ',', '{']).next().filter(|word| !word.is_empty()).map(Into::into)
        }
    }
}

/// Runs between blanks that hold a letter or a digit.
fn words(text: &str) -> usize {
    text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count()
}

/// Addresses that stand in the text without any markup.
fn bare_urls(text: &str, start: usize) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(find_scheme) {
        let begin = at + next;
        let rest = text.get(begin..).unwrap_or_default();
        let end = rest.find(|c: char| c.is_whitespace() || "<>\"'`|".contains(c));
        let url = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let url = trim_sentence(url);
        // At least the scheme is passed, so the search goes on behind it.
        at = begin + url.len().max("http://".len());
        if url.len() > "https://".len() {
            let place = start + begin..start + begin + url.len();
            let what = What::Link { text: url.to_owned(), url: url.to_owned() };
            found.push(Found { place, what });
        }
    }
    found
}

/// Where the next `http://` or `https://` begins, in one pass.
fn find_scheme(text: &str) -> Option<usize> {
    let mut places = text.match_indices("http").map(|(at, _)| at);
    places.find(|at| {
        let rest = text.get(at + "http".len()..).unwrap_or_default();
        rest.starts_with("://") || rest.starts_with("s://")
    })
}

/// Without the punctuation of the sentence around it, and a bracket that closes nothing.
fn trim_sentence(url: &str) -> &str {
    let url = url.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_']);
    match url.strip_suffix(')') {
        Some(rest) if !rest.contains('(') => trim_sentence(rest),
        _ => url,
    }
}
