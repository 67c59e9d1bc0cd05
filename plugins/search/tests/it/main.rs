//! Folders and queries in, hits out.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its own case has to fail")]

use std::cell::Cell;
use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use wforge_search::{Blob, Blobs, File, Folder, Input, Output, find, run};
use workflowforge_sdk::{Failure, MockHost, Value, json};

/// A folder whose contents are at hand, and how many ranges were read of it.
#[derive(Default)]
struct Shelf {
    contents: BTreeMap<String, Vec<u8>>,
    ranges: Cell<usize>,
}

impl Blobs for Shelf {
    fn read(&self, blob: &Blob, offset: u64, len: u32) -> Result<Vec<u8>, Failure> {
        self.ranges.set(self.ranges.get() + 1);
        let all = self.contents.get(&blob.digest).ok_or(Failure::failed("no_blob", "gone"))?;
        let from = usize::try_from(offset).unwrap().min(all.len());
        let to = (from + len as usize).min(all.len());
        Ok(all.get(from..to).unwrap().to_vec())
    }
}

fn folder(files: &[(&str, &[u8])]) -> (Folder, Shelf) {
    let mut shelf = Shelf::default();
    let files = files.iter().map(|(path, content)| {
        let digest = format!("sha256:{path}");
        shelf.contents.insert(digest.clone(), content.to_vec());
        let blob = Blob { digest, size: content.len() as u64, media_type: String::new() };
        File { path: (*path).to_owned(), blob }
    });
    (Folder { files: files.collect() }, shelf)
}

fn search(files: &[(&str, &[u8])], query: Value) -> Result<Output, Failure> {
    let (folder, shelf) = folder(files);
    let max = query.get("max").and_then(Value::as_u64).map(|max| usize::try_from(max).unwrap());
    find(&Input { folder, query: serde_json::from_value(query).unwrap(), max }, &shelf)
}

/// One line a hit, then how much was looked at.
fn shown(output: &Output) -> String {
    let hits = output.hits.iter().map(|hit| format!("{}:{} {}\n", hit.file, hit.line, hit.text));
    let more = if output.truncated { ", truncated" } else { "" };
    let (searched, skipped) = (output.files_searched, output.files_skipped);
    hits.collect::<String>() + &format!("{searched} searched, {skipped} skipped{more}\n")
}

const TREE: [(&str, &[u8]); 7] = [
    ("Makefile", b"build: deps\n\tcargo build\n\n.PHONY: build\nbuild-all:\n"),
    ("README.md", b"Run `make build`.\n"),
    ("docs/guide.md", b"See --dry-run and --dry-run-all.\r\nThe last line is build"),
    ("logo.png", b"\x89PNG\0\0build"),
    ("src/main.rs", b"fn main() {\n    let rebuild = build();\n}\n"),
    ("src/docs/deep.rs", "// größe: groß und größer\n".as_bytes()),
    ("tests/a b.txt", b"x"),
];

fn check(query: Value, expected: Expect) {
    expected.assert_eq(&shown(&search(&TREE, query).unwrap()));
}

#[test]
fn a_word_is_found_where_it_stands_alone() {
    check(
        json!({ "kind": "word", "text": "build" }),
        expect![[r#"
        Makefile:1 build: deps
        Makefile:2 cargo build
        Makefile:4 .PHONY: build
        Makefile:5 build-all:
        README.md:1 Run `make build`.
        docs/guide.md:2 The last line is build
        src/main.rs:2 let rebuild = build();
        6 searched, 1 skipped
    "#]],
    );
    check(
        json!({ "kind": "word", "text": "--dry-run" }),
        expect![[r#"
        docs/guide.md:1 See --dry-run and --dry-run-all.
        6 searched, 1 skipped
    "#]],
    );
    check(
        json!({ "kind": "word", "text": "build-all:" }),
        expect![[r#"
        Makefile:5 build-all:
        6 searched, 1 skipped
    "#]],
    );
}

#[test]
fn letters_outside_ascii_make_a_word_longer() {
    check(
        json!({ "kind": "word", "text": "gro" }),
        expect![[r#"
        6 searched, 1 skipped
    "#]],
    );
    check(
        json!({ "kind": "word", "text": "groß" }),
        expect![[r#"
        src/docs/deep.rs:1 // größe: groß und größer
        6 searched, 1 skipped
    "#]],
    );
}

#[test]
fn case_matters_unless_the_query_says_otherwise() {
    check(
        json!({ "kind": "word", "text": "phony" }),
        expect![[r#"
        6 searched, 1 skipped
    "#]],
    );
    check(
        json!({ "kind": "word", "text": "phony", "ignore_case": true }),
        expect![[r#"
        Makefile:4 .PHONY: build
        6 searched, 1 skipped
    "#]],
    );
}

#[test]
fn a_regex_sees_lines() {
    check(
        json!({ "kind": "regex", "text": r"^build\s*:|build$" }),
        expect![[r#"
        Makefile:1 build: deps
        Makefile:2 cargo build
        Makefile:4 .PHONY: build
        docs/guide.md:2 The last line is build
        6 searched, 1 skipped
    "#]],
    );
}

#[test]
fn files_and_except_say_where_to_look() {
    check(
        json!({ "kind": "word", "text": "build", "files": "{Makefile,*.mk}" }),
        expect![[r#"
        Makefile:1 build: deps
        Makefile:2 cargo build
        Makefile:4 .PHONY: build
        Makefile:5 build-all:
        1 searched, 0 skipped
    "#]],
    );
    check(
        json!({ "kind": "word", "text": "build", "except": "**/*.{md,rs}" }),
        expect![[r#"
        Makefile:1 build: deps
        Makefile:2 cargo build
        Makefile:4 .PHONY: build
        Makefile:5 build-all:
        2 searched, 1 skipped
    "#]],
    );
}

#[test]
fn a_path_is_a_file_or_a_folder_of_that_name_the_exact_one_first() {
    check(
        json!({ "kind": "path", "text": "./docs" }),
        expect![[r#"
        docs/:0 folder, 1 entries, 1 files
        src/docs/:0 folder, 1 entries, 1 files
        7 searched, 0 skipped
    "#]],
    );
    check(
        json!({ "kind": "path", "text": "main.rs" }),
        expect![[r#"
        src/main.rs:0 file, 41 bytes
        7 searched, 0 skipped
    "#]],
    );
    check(
        json!({ "kind": "path", "text": "README.md/" }),
        expect![[r#"
        7 searched, 0 skipped
    "#]],
    );
    check(
        json!({ "kind": "path", "text": "readme.MD", "ignore_case": true }),
        expect![[r#"
        README.md:0 file, 18 bytes
        7 searched, 0 skipped
    "#]],
    );
    check(
        json!({ "kind": "path", "text": "ain.rs" }),
        expect![[r#"
        7 searched, 0 skipped
    "#]],
    );
}

#[test]
fn a_glob_is_about_whole_paths() {
    let globs = [
        ("*.rs", "src/main.rs src/docs/deep.rs"),
        ("src/*.rs", "src/main.rs"),
        ("src/**/*.rs", "src/main.rs src/docs/deep.rs"),
        ("**/docs/*", "docs/guide.md src/docs/deep.rs"),
        ("/*", "Makefile README.md logo.png"),
        ("{Make,READ}*", "Makefile README.md"),
        ("[!a-z]*file", "Makefile"),
        ("tests/?*b.txt", "tests/a b.txt"),
        ("src/**", "src/main.rs src/docs/deep.rs"),
        ("{a,b", ""),
        ("[x", ""),
        ("a}b]", ""),
    ];
    for (glob, expected) in globs {
        let output = search(&TREE, json!({ "kind": "glob", "text": glob })).unwrap();
        let files: Vec<&str> = output.hits.iter().map(|hit| &*hit.file).collect();
        assert_eq!(files.join(" "), expected, "{glob}");
    }
}

#[test]
fn hits_end_at_the_limit_and_say_so() {
    let many = "word\n".repeat(9);
    let files: [(&str, &[u8]); 3] =
        [("a", many.as_bytes()), ("b", b"word"), ("c", b"nothing here")];
    let check = |max: usize, expected: Expect| {
        let query = json!({ "kind": "word", "text": "word", "max": max });
        expected.assert_eq(&shown(&search(&files, query).unwrap()));
    };
    check(
        2,
        expect![[r#"
        a:1 word
        a:2 word
        1 searched, 0 skipped, truncated
    "#]],
    );
    check(
        200,
        expect![[r#"
        a:1 word
        a:2 word
        a:3 word
        a:4 word
        a:5 word
        b:1 word
        3 searched, 0 skipped, truncated
    "#]],
    );
}

#[test]
fn of_a_long_line_the_part_around_the_hit_is_shown() {
    let line = format!("{}needle{}", "x ".repeat(400), " y".repeat(400));
    let output = search(&[("a.js", line.as_bytes())], json!({ "kind": "word", "text": "needle" }));
    let text = output.unwrap().hits.remove(0).text;
    assert!(text.starts_with("…x x ") && text.ends_with(" y…") && text.contains("needle"));
    assert!(text.len() < 260, "{}", text.len());
}

#[test]
fn a_file_is_read_once_in_ranges_and_to_the_limit() {
    let mut large = b"line\n".repeat(1_000_000);
    large.extend_from_slice(b"needle");
    let query = json!({ "kind": "word", "text": "needle" });
    let (folder, shelf) = folder(&[("large", &large)]);
    let input = Input { folder, query: serde_json::from_value(query).unwrap(), max: None };
    let output = find(&input, &shelf).unwrap();
    assert_eq!(shown(&output), "1 searched, 0 skipped, truncated\n");
    assert_eq!(shelf.ranges.get(), 17);
}

#[test]
fn a_binary_file_costs_one_range_and_a_picture_none() {
    let (mut folder, shelf) = folder(&[("a.bin", &[0; 1 << 20]), ("b.png", &[1; 1 << 20])]);
    folder.files[1].blob.media_type = "image/png".to_owned();
    let query = serde_json::from_value(json!({ "kind": "regex", "text": "." })).unwrap();
    let output = find(&Input { folder, query, max: None }, &shelf).unwrap();
    assert_eq!(shown(&output), "0 searched, 2 skipped\n");
    assert_eq!(shelf.ranges.get(), 1);
}

#[test]
fn a_query_that_cannot_be_read_is_the_callers_fault() {
    let long = "x".repeat(2_000);
    for query in [
        json!({ "kind": "word", "text": " " }),
        json!({ "kind": "word", "text": long }),
        json!({ "kind": "word", "text": "x", "files": long }),
        json!({ "kind": "regex", "text": "(" }),
        json!({ "kind": "regex", "text": "(?=x)" }),
        json!({ "kind": "regex", "text": "(((a{100}){100}){100}){100}" }),
    ] {
        let failure = search(&TREE, query.clone()).unwrap_err();
        let is_bad_query =
            matches!(&failure, Failure::InvalidInput(problem) if problem.code == "bad_query");
        assert!(is_bad_query, "{query}: {failure:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_no_empty_file() {
    let (folder, _) = folder(&TREE);
    let query = serde_json::from_value(json!({ "kind": "word", "text": "x" })).unwrap();
    let failure = find(&Input { folder, query, max: None }, &Shelf::default()).unwrap_err();
    assert!(matches!(failure, Failure::Failed(_)));
}

#[test]
fn the_agent_reads_a_listing_as_the_command_line_makes_it() {
    let input = json!({
        "folder": { "files": [{
            "path": "a/b.rs",
            "blob": { "$blob": "sha256:00", "size": 3, "media_type": "text/plain" }
        }] },
        "query": { "kind": "path", "text": "b.rs" },
        "max": 5
    });
    let ctx = MockHost::new().ctx();
    let output = run(&ctx, serde_json::from_value(input.clone()).unwrap()).unwrap();
    assert_eq!(output.hits[0].file, "a/b.rs");
    let mut input: Input = serde_json::from_value(input).unwrap();
    input.query.kind = wforge_search::Kind::Word;
    assert!(matches!(run(&ctx, input), Err(Failure::Denied(_))));
}

#[test]
fn text_made_to_be_slow_is_not() {
    let a = "a".repeat(4 << 20);
    let dashed = "a-".repeat(2 << 20);
    for text in [&a, &dashed] {
        let files: [(&str, &[u8]); 1] = [("a", text.as_bytes())];
        for query in [
            json!({ "kind": "word", "text": "a".repeat(1_000) }),
            json!({ "kind": "word", "text": "-a".repeat(500) }),
            json!({ "kind": "word", "text": "A".repeat(1_000), "ignore_case": true }),
            json!({ "kind": "regex", "text": "(a*)*b" }),
            json!({ "kind": "regex", "text": "(a|a)*$x" }),
        ] {
            assert_eq!(search(&files, query).unwrap().hits, []);
        }
    }
}

proptest! {
    #[test]
    fn every_hit_is_on_the_line_that_it_names(
        text in "([a-c_ -]{0,6}|\r?\n|ß|--a|b){0,40}", word in "[a-c-]{1,3}", any_case in any::<bool>()
    ) {
        let query = json!({ "kind": "word", "text": word, "ignore_case": any_case });
        let output = search(&[("f", text.as_bytes())], query).unwrap();
        let lines: Vec<&str> = text.split('\n').collect();
        for hit in output.hits {
            prop_assert!(lines[hit.line - 1].contains(&word));
            prop_assert_eq!(lines[hit.line - 1].trim(), hit.text);
        }
    }

    #[test]
    fn any_glob_and_any_expression_is_answered_or_refused(text in "[a-c*?{}\\[\\]!,/.()|^$+\\\\-]{1,12}") {
        for kind in ["glob", "regex", "path", "word"] {
            let query = json!({ "kind": kind, "text": text, "except": text });
            let answer = search(&TREE, query);
            prop_assert!(matches!(answer, Ok(_) | Err(Failure::InvalidInput(_))));
        }
    }
}
