//! What was collected in, Markdown out.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its own case has to fail")]

mod review;

use expect_test::{Expect, expect};
use wforge_report::Input;
use wforge_report::reports::main as run;
use workflowforge_sdk::{MockHost, Value, json};

fn check(input: Value, expected: Expect) {
    let input: Input = serde_json::from_value(input).unwrap();
    expected.assert_eq(&run(&MockHost::new().ctx(), input).unwrap().markdown);
}

#[test]
fn a_report_has_sums_sections_findings_open_items_and_odd_links() {
    check(
        json!({
            "outline": { "title": "Plan", "sections": [
                { "id": "plan", "title": "Plan", "level": 1, "line": 3, "words": 12, "text": "…",
                  "links": [
                      { "text": "docs", "url": "https://a.example/x", "line": 3 },
                      { "text": "gone", "url": "", "line": 4 },
                      { "text": "old", "url": "http://b.example", "line": 5 },
                      { "text": "steps", "url": "#steps", "line": 5 },
                      { "text": "lost", "url": "#lost", "line": 5 },
                      { "text": "x", "url": "https://me:pw@c.example/", "line": 6 },
                      { "text": "run", "url": "javascript:alert(1)", "line": 6 }
                  ] },
                { "id": "steps", "title": "Steps", "line": 9, "words": 4, "code_blocks": [{}],
                  "checklist": [
                      { "text": "draft", "done": true, "line": 9 },
                      { "text": "send", "done": false, "line": 10 }
                  ] }
            ] },
            "digests": { "plan": {
                "summary": "We plan.", "keywords": ["plan", "goal"], "coverage": 0.5
            } },
            "findings": { "steps": [
                { "kind": "date", "text": "2024-05-01", "line": 10, "column": 7 },
                { "kind": "api_key", "text": "AKIA… (20 characters)", "line": 9, "column": 2 }
            ] }
        }),
        expect![[r#"
            # Report: Plan

            | What | Count |
            | --- | ---: |
            | Sections | 2 |
            | Words | 16 |
            | Links | 7 |
            | Code blocks | 1 |
            | Checklist items done | 1 |
            | Checklist items open | 1 |
            | Findings | 2 |
            | Average coverage | 50 % |

            ## Sections

            ### Plan

            We plan.

            Line 3, 12 words, 50 % covered. Keywords: plan, goal

            ### Steps

            Line 9, 4 words. No digest.

            ## Findings

            ### api key (1)

            - `9:2` AKIA… (20 characters) (Steps)

            ### date (1)

            - `10:7` 2024-05-01 (Steps)

            ## Open checklist items

            - [ ] send (line 10, Steps)

            ## Links to look at

            - Line 4: gone (empty) leads nowhere: its reference is not defined
            - Line 5: old `http://b.example` is not encrypted
            - Line 5: lost `#lost` no section has this anchor
            - Line 6: x `https://…@c.example/` carries a user's name or password
            - Line 6: run `javascript:alert(1)` does more than show a page
        "#]],
    );
}

#[test]
fn a_strangers_words_stay_words() {
    check(
        json!({
            "outline": { "title": "<script>alert(1)</script>\n# Pwned", "sections": [
                { "id": "a", "title": "| a | **b** | [c](d)", "links": [
                    { "text": "![x](y)", "url": "java`script` x<b>", "line": 1 } ],
                  "checklist": [{ "text": "1. `rm`\n- [x] done", "line": 2 }] }
            ] },
            "digests": { "a": {
                "summary": "- item\u{202e}\u{0007} $x$", "keywords": ["1.", "#"], "coverage": 1
            } },
            "findings": { "a": [
                { "kind": "claim", "text": "a & b\r\n\r\n# c", "line": 1, "column": 1 }
            ] }
        }),
        expect![[r#"
            # Report: &lt;script&gt;alert(1)&lt;/script&gt; \# Pwned

            | What | Count |
            | --- | ---: |
            | Sections | 1 |
            | Words | 0 |
            | Links | 1 |
            | Code blocks | 0 |
            | Checklist items done | 0 |
            | Checklist items open | 1 |
            | Findings | 1 |
            | Average coverage | 100 % |

            ## Sections

            ### \| a \| \*\*b\*\* \| \[c\](d)

            \- item \$x\$

            Line 0, 0 words, 100 % covered. Keywords: 1\., \#

            ## Findings

            ### claim (1)

            - `1:1` a &amp; b \# c (\| a \| \*\*b\*\* \| \[c\](d))

            ## Open checklist items

            - [ ] 1\. \`rm\` - \[x\] done (line 2, \| a \| \*\*b\*\* \| \[c\](d))

            ## Links to look at

            - Line 1: \!\[x\](y) `java'script' x<b>` has blanks or control characters
        "#]],
    );
}

#[test]
fn what_a_mock_wrote_is_shown_as_well() {
    check(
        json!({
            "outline": { "sections": [{ "id": "mock-1", "text": "mock" }] },
            "digests": null,
            "findings": { "else": [{ "kind": null, "text": 7, "line": "x", "column": {} }] }
        }),
        expect![[r#"
            # Report: document

            | What | Count |
            | --- | ---: |
            | Sections | 1 |
            | Words | 0 |
            | Links | 0 |
            | Code blocks | 0 |
            | Checklist items done | 0 |
            | Checklist items open | 0 |
            | Findings | 1 |

            ## Sections

            ### mock-1

            Line 0, 0 words. No digest.

            ## Findings

            ### unnamed (1)

            - `x:{}` 7 (else)
        "#]],
    );
}

#[test]
fn a_long_list_ends_and_says_how_much_is_left() {
    let finding = json!({ "kind": "date", "text": "2024-05-01", "line": 1, "column": 1 });
    let input: Input = serde_json::from_value(json!({
        "outline": { "sections": [] }, "findings": { "a": vec![finding; 250] }
    }))
    .unwrap();
    let report = run(&MockHost::new().ctx(), input).unwrap().markdown;
    assert_eq!(report.matches("2024-05-01").count(), 200);
    assert!(report.ends_with("- … and 50 more\n"));
}
