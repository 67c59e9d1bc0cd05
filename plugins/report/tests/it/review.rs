//! Claims, verdicts and decisions in, Markdown out.

use expect_test::{Expect, expect};
use wforge_report::reports::review;
use workflowforge_sdk::{MockHost, Value, json};

fn rendered(input: Value) -> String {
    let input = serde_json::from_value(input).unwrap();
    review(&MockHost::new().ctx(), input).unwrap().markdown
}

fn check(input: Value, expected: Expect) {
    expected.assert_eq(&rendered(input));
}

#[test]
fn a_review_has_sums_and_each_claim_with_what_shows_it_the_worst_first() {
    check(
        json!({
            "title": "README.md",
            "claims": [
                { "id": "c1", "line": 3, "text": "Run `make demo`.",
                  "question": "Does a Makefile have the target `demo`?" },
                { "id": "c2", "line": 5, "text": "See [x](lost.md) | *here*",
                  "question": "Does the link to `lost.md` lead to a file?" },
                { "id": "c3", "line": 6, "text": "It has 9 whales.", "question": "Are there 9?" },
                { "id": "c4", "line": 7, "text": "`--lost`", "question": "Is there a flag?" },
                { "id": "c5", "line": 8, "text": "`a_b`", "question": "Is there a name?" }
            ],
            "verdicts": {
                "c1": { "verdict": "proven", "why": "a Makefile has the target demo",
                        "evidence": [{ "file": "Makefile", "line": 4, "text": "demo: build" }] },
                "c2": { "verdict": "contradicted", "why": "there is no lost.md", "evidence": [] },
                "c3": { "verdict": "unknown", "why": "nothing here counts whales", "evidence": [
                        { "file": "docs/", "line": 0, "text": "folder" }] },
                "c4": { "verdict": "contradicted", "why": "no code knows --lost" }
            },
            "decisions": {
                "c1": { "decision": "reject" },
                "c2": { "decision": "reject", "note": "write it" },
                "c3": { "decision": "waive" }
            },
            "left_out": [{ "kind": "path", "count": 18, "from_line": 40 }]
        }),
        expect![[r#"
            # Review: README.md

            | Claims | Count |
            | --- | ---: |
            | Rejected | 1 |
            | Contradicted, not decided | 1 |
            | Unknown, not decided | 1 |
            | Waived | 1 |
            | Proven | 1 |
            | All | 5 |

            ## Rejected

            - Line 5: Does the link to \`lost.md\` lead to a file? *contradicted: there is no lost.md.*
              > See \[x\](lost.md) \| \*here\*
              - Note: write it

            ## Contradicted, not decided

            - Line 7: Is there a flag? *contradicted: no code knows --lost.*
              > \`--lost\`

            ## Unknown, not decided

            - Line 8: Is there a name? *nobody looked.*
              > \`a\_b\`

            ## Waived

            - Line 6: Are there 9? *unknown: nothing here counts whales.*
              > It has 9 whales.
              - `docs/` `folder`

            ## Proven

            - Line 3: Does a Makefile have the target \`demo\`? *proven: a Makefile has the target demo.*
              - `Makefile:4` `demo: build`

            ## Left out, being too many

            - 18 of the kind path, from line 40 on
        "#]],
    );
}

#[test]
fn what_a_mock_wrote_is_shown_as_it_is() {
    check(
        json!({
            "claims": [{ "id": "mock-1", "line": true, "text": { "a": 1 } }],
            "verdicts": { "mock-1": { "verdict": 7, "evidence": [{}] } },
            "decisions": null, "left_out": null
        }),
        expect![[r##"
            # Review: the document

            | Claims | Count |
            | --- | ---: |
            | Unknown, not decided | 1 |
            | Proven | 0 |
            | All | 1 |

            ## Unknown, not decided

            - Line true:  *nobody looked.*
              > {"a":1}
              - (empty) (empty)
        "##]],
    );
}

#[test]
fn a_document_without_claims_has_a_report() {
    check(
        json!({ "claims": [] }),
        expect![[r#"
        # Review: the document

        | Claims | Count |
        | --- | ---: |
        | Proven | 0 |
        | All | 0 |
    "#]],
    );
}

#[test]
fn a_strangers_words_do_nothing() {
    let bad = "x`](javascript:y)\n# <img src=x> \u{202e}";
    let report = rendered(json!({
        "title": bad,
        "claims": [{ "id": "1", "line": bad, "text": bad, "question": bad }],
        "verdicts": { "1": { "verdict": "unknown", "why": bad,
            "evidence": [{ "file": bad, "line": bad, "text": bad }] } },
        "decisions": { "1": { "decision": "waive", "note": bad } },
        "left_out": [{ "kind": bad, "count": bad, "from_line": bad }]
    }));
    assert!(!report.contains('\u{202e}'));
    assert_eq!(report.lines().filter(|line| line.starts_with("# ")).count(), 1);
    let outside: String = report.replace("\\`", "").split('`').step_by(2).collect();
    assert!(!outside.contains("<img"), "{outside}");
}

#[test]
fn a_long_list_ends_and_says_how_much_is_left() {
    let claims: Vec<Value> = (0..250).map(|at| json!({ "id": at.to_string() })).collect();
    let report = rendered(json!({ "claims": claims }));
    assert_eq!(report.matches("nobody looked").count(), 200);
    assert!(report.ends_with("- … and 50 more\n"));
}
