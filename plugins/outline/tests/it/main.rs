//! Documents in, outlines out.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its own case has to fail")]

use std::fmt::Write;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use wforge_outline::{Input, Outline, outline, run};
use workflowforge_sdk::{MockHost, json};

/// One line a section: `line #id level "title" words`, then what stands in it.
fn shown(outline: &Outline) -> String {
    let mut out = String::new();
    for section in &outline.sections {
        let first = section.text.lines().next().unwrap_or("-");
        let (line, id, level, words) = (section.line, &section.id, section.level, section.words);
        writeln!(out, "{line} #{id} {level} {:?} {words} words: {first}", section.title).unwrap();
        for link in &section.links {
            writeln!(out, "  {} link {:?} -> {:?}", link.line, link.text, link.url).unwrap();
        }
        for item in &section.checklist {
            let mark = if item.done { 'x' } else { ' ' };
            writeln!(out, "  {} [{mark}] {}", item.line, item.text).unwrap();
        }
        for code in &section.code_blocks {
            writeln!(out, "  {} code {:?}, {} lines", code.line, code.language, code.lines)
                .unwrap();
        }
    }
    out
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&shown(&outline(text, 6)));
}

#[test]
fn headings_cut_the_text_and_its_parts_are_dealt_out() {
    check(
        "# Plan\n\nRead [the docs](https://a.example/x) and <https://b.example>.\n\n## Steps\n\
         - [x] draft *it*\n- [ ] send it\n  - [ ] by mail\n\n```rust ignore\nlet a = 1;\n\n```\n",
        expect![[r#"
            3 #plan 1 "Plan" 6 words: Read [the docs](https://a.example/x) and <https://b.example>.
              3 link "the docs" -> "https://a.example/x"
              3 link "https://b.example" -> "https://b.example"
            6 #steps 2 "Steps" 7 words: - [x] draft *it*
              6 [x] draft it
              7 [ ] send it
              8 [ ] by mail
              10 code Some("rust"), 2 lines
        "#]],
    );
}

#[test]
fn a_plain_text_is_one_section_with_its_first_line_as_title() {
    check(
        "Just a note.\nSee https://c.example/a_b?x=1, please.\n",
        expect![[r#"
            1 #just-a-note 0 "Just a note." 6 words: Just a note.
              2 link "https://c.example/a_b?x=1" -> "https://c.example/a_b?x=1"
        "#]],
    );
}

#[test]
fn an_empty_document_is_one_empty_section() {
    check(
        "",
        expect![[r#"
        1 #untitled 0 "Untitled" 0 words: -
    "#]],
    );
    check(
        "\n \n\t\n",
        expect![[r#"
        1 #untitled 0 "Untitled" 0 words: -
    "#]],
    );
}

#[test]
fn headings_in_code_lists_and_quotes_cut_nothing() {
    check(
        "# A\n```\n# not me\n```\n> # nor me\n\n- # nor me\n\n    # nor me\n\n\
         <!--\n# nor me\n-->\n",
        expect![[r#"
            2 #a 1 "A" 7 words: ```
              2 code None, 1 lines
        "#]],
    );
}

#[test]
fn only_code_fences_are_one_section() {
    check(
        "```\n# a\n```\n\n~~~sh\nls\n",
        expect![[r##"
            1 #-a 0 "# a" 0 words: ```
              1 code None, 1 lines
              5 code Some("sh"), 1 lines
        "##]],
    );
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_do_not_shift_lines() {
    check(
        "\u{feff}# A\r\n\r\ntext\r\n\r\nB\r\n---\r\nmore\r\n",
        expect![[r#"
            3 #a 1 "A" 2 words: text
            7 #b 2 "B" 2 words: more
        "#]],
    );
    check(
        "# Old\rmac\r# End\r",
        expect![[r#"
        2 #old 1 "Old" 2 words: mac
        3 #end 1 "End" 1 words: -
    "#]],
    );
}

#[test]
fn the_same_heading_twice_has_two_ids_and_none_is_taken_from_another() {
    check(
        "# A\n# A 1\n# A\n# A\n# !!!\n# ???\n# Ünï čode 字\n",
        expect![[r#"
            1 #a 1 "A" 1 words: -
            2 #a-1 1 "A 1" 2 words: -
            3 #a-2 1 "A" 1 words: -
            4 #a-3 1 "A" 1 words: -
            5 #section 1 "!!!" 0 words: -
            6 #section-1 1 "???" 0 words: -
            7 #ünï-čode-字 1 "Ünï čode 字" 3 words: -
        "#]],
    );
}

#[test]
fn text_before_the_first_heading_is_a_section_of_its_own() {
    check(
        "---\ntitle: x\n---\nHello.\n\n# A\n",
        expect![[r#"
        1 #preamble 0 "Preamble" 1 words: ---
        6 #a 1 "A" 1 words: -
    "#]],
    );
}

#[test]
fn a_reference_that_is_not_defined_is_a_link_to_nowhere() {
    check(
        "[a][no] [b][to] [c] [d][]\n\n[to]: /there\n",
        expect![[r#"
            1 #ano-bto-c-d 0 "[a][no] [b][to] [c] [d][]" 4 words: [a][no] [b][to] [c] [d][]
              1 link "a" -> ""
              1 link "b" -> "/there"
              1 link "d" -> ""
        "#]],
    );
}

#[test]
fn an_indented_first_line_keeps_its_indentation() {
    check(
        "# A\n\n    code here\n",
        expect![[r#"
        3 #a 1 "A" 1 words:     code here
          3 code None, 1 lines
    "#]],
    );
}

#[test]
fn deeper_headings_stay_in_their_section_where_the_configuration_says_so() {
    let ctx = MockHost::new().config(json!({ "level_max": 1 })).ctx();
    let text = "# A\nx\n## B\ny\n# C\n".to_owned();
    expect![[r#"
        2 #a 1 "A" 4 words: x
        5 #c 1 "C" 1 words: -
    "#]]
    .assert_eq(&shown(&run(&ctx, Input { text }).unwrap()));
}

#[test]
fn a_large_document_is_cut_into_all_of_its_sections() {
    let section = |number| format!("## Part {number}\n\n{}\n\n", "word [l](u) ".repeat(80));
    let text: String = (0..1_000).map(section).collect();
    let outline = outline(&text, 6);
    assert_eq!((outline.sections.len(), outline.totals.links), (1_000, 80_000));
}

#[test]
fn text_made_to_be_slow_is_not() {
    let hostile =
        ["http://a ", "# a\n", "[a][b]", "- [ ] ", "> ", "```\n", "http", "\r", "|a", "*a_"];
    for piece in hostile {
        let text = piece.repeat((1 << 19) / piece.len());
        assert!(!outline(&text, 6).sections.is_empty(), "{piece:?}");
    }
}

proptest! {
    #[test]
    fn any_text_has_unique_ids_and_sections_whose_text_stands_where_they_say(
        text in "([#>`~*_\\[\\]()!-] ?|[a-c]{1,3}|\r?\n| {1,5}|\u{feff}|http://x|- \\[ \\] ){0,60}",
    ) {
        let outline = outline(&text, 6);
        let mut ids: Vec<_> = outline.sections.iter().map(|section| &section.id).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), outline.sections.len());
        prop_assert!(!outline.sections.is_empty());
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n");
        let text = text.replace('\r', "\n");
        let lines: Vec<&str> = text.split('\n').collect();
        for section in &outline.sections {
            let first = section.text.lines().next().unwrap_or("");
            prop_assert!(lines[section.line - 1].trim_end().ends_with(first.trim_end()));
        }
    }
}
