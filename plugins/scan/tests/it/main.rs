//! Texts in, findings out.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its own case has to fail")]

use expect_test::{Expect, expect};
use proptest::prelude::*;
use wforge_scan::{Input, run, scan};
use workflowforge_sdk::{IntoReply, MockHost, Value, json};

/// One line a finding: `line:column kind text`.
fn shown(text: &str) -> String {
    let findings = scan(text, 10);
    let lines = findings.iter().map(|found| {
        let (line, column, kind, text) = (found.line, found.column, found.kind, &found.text);
        format!("{line}:{column} {kind:?} {text}\n")
    });
    lines.collect()
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&shown(text));
}

#[test]
fn secrets_are_found_and_masked() {
    // Written in two parts, so that no scanner takes this file for a leak.
    let aws = concat!("AKIA", "IOSFODNN7EXAMPLE");
    let github = concat!("ghp_", "16C7e42F292c6912E7710c838347Ae178B4a");
    let jwt =
        concat!("eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxMjM0NTY3ODkwIn0", ".dozjgNryP4J3jVmNHl0w5N");
    let text = format!(
        "key {aws} and\n  `{github}`\nbearer {jwt}.\n-----BEGIN RSA PRIVATE KEY-----\n\
         password: \"hunter2-hunter2\"\nexport API_KEY=s3cr3t.value/1\n\
         blob 9fXk2LmQ8vRt5YwZ1aBc7DeFgH3 end\n"
    );
    check(
        &text,
        expect![[r#"
        10:5 ApiKey AKIA… (20 characters)
        11:4 ApiKey ghp_… (40 characters)
        12:8 Jwt eyJh… (71 characters)
        13:1 PrivateKey a private key begins here
        14:12 Credential … (15 characters)
        15:16 Credential … (14 characters)
        16:6 Token 9fXk… (27 characters)
    "#]],
    );
}

#[test]
fn what_only_looks_like_a_secret_is_left_alone() {
    check(
        "password: changeme\npassword: your-password-1\ntoken = $TOKEN_FROM_ENV1\n\
         sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n\
         https://example.com/AbCdEf123456GhIjKl7890MnOpQr\nsrc/main/Deeply/Nested/Path2/File.rs\n\
         commit 3f785a8c1b2e4d5f6a7b8c9d0e1f2a3b4c5d6e7f\nSecret: none\n",
        expect![[""]],
    );
}

#[test]
fn personal_data_is_found_and_masked() {
    check(
        "Write to jane.doe+x@mail.example.org, or <bob@example.com>.\n\
         Call +49 30 901820-15 or (030) 123 45 67.\nDE89 3704 0044 0532 0130 00 is the account\n\
         card 4111 1111 1111 1111, also 5500-0000-0000-0004\n\
         from 203.0.113.7:8080 and 2001:db8::17 to 127.0.0.1\n",
        expect![[r#"
            10:10 Email j…@mail.example.org
            10:43 Email b…@example.com
            11:6 Phone +4…15 (16 characters)
            11:26 Phone (0…67 (15 characters)
            12:1 Iban DE…00 (27 characters)
            13:6 CreditCard 41…11 (19 characters)
            13:32 CreditCard 55…04 (19 characters)
            14:6 IpAddress 203… (11 characters)
            14:27 IpAddress 200… (12 characters)
        "#]],
    );
}

#[test]
fn numbers_whose_check_digits_are_wrong_are_just_numbers() {
    check(
        "DE89 3704 0044 0532 0130 01\n4111 1111 1111 1112\n300.1.2.3\n@home a@b 12@\n",
        expect![[""]],
    );
}

#[test]
fn facts_that_age_are_found() {
    check(
        "CVE-2024-3094 was fixed on 2024-03-29 in v5.6.2 (cve-2021-44228 on Dec 10, 2021).\n\
         From 1 May 2020 to 31.12.2021, or 12/31/2021; 1.2.3-rc.1, 10.0 and 2024-13-01.\n\
         At 2024-05-01T12:00:00Z.\n",
        expect![[r#"
            10:1 Cve CVE-2024-3094
            10:28 Date 2024-03-29
            10:42 Version v5.6.2
            10:50 Cve cve-2021-44228
            10:68 Date Dec 10, 2021
            11:6 Date 1 May 2020
            11:20 Date 31.12.2021
            11:35 Date 12/31/2021
            11:47 Version 1.2.3-rc.1
            12:4 Date 2024-05-01
        "#]],
    );
}

#[test]
fn strong_sentences_without_evidence_are_claims() {
    check(
        "This is always the best\nway to do it. It is 40 % faster than before!\n\
         It never fails, because it is checked. See [the numbers](x): it is the fastest of all.\n\n\
         - Everyone knows that this works.\n- Is it always so that nothing works?\n\
         ```\nalways the best way here\n```\n# Always the best of all\nBestsellers are fun.\n",
        expect![[r#"
            10:1 Claim This is always the best way to do it.
            11:15 Claim It is 40 % faster than before!
            14:3 Claim Everyone knows that this works.
        "#]],
    );
}

#[test]
fn columns_count_characters_and_lines_those_of_the_document() {
    check(
        "größe ü 1.2.3\n\n  – v2.0\n",
        expect![[r#"
        10:9 Version 1.2.3
        12:5 Version v2.0
    "#]],
    );
}

fn answer(input: Value) -> Value {
    let input: Input = serde_json::from_value(input).unwrap();
    let reply = run(&MockHost::new().ctx(), input).unwrap().into_reply().unwrap();
    let goto: Vec<_> = reply.goto.iter().map(|exit| format!("{exit:?}")).collect();
    json!({ "output": serde_json::from_str::<Value>(&reply.output).unwrap(), "goto": goto })
}

const BOLD: &str = "This is always the best of all. It never fails in any way.";

#[test]
fn a_section_full_of_claims_takes_the_exit() {
    let answer = answer(json!({ "section": { "text": BOLD, "line": 3, "id": "x" } }));
    assert_eq!(answer["goto"], json!(["Exit::Name(\"look-again\")"]));
    assert_eq!(answer["output"]["findings"][1]["line"], 3);
}

#[test]
fn it_does_not_where_it_was_told_so_or_there_is_little_to_see() {
    let told = answer(json!({ "section": { "text": BOLD }, "looked_again": true }));
    assert_eq!(told["goto"], json!([]));
    let dull = answer(json!({ "section": { "text": "Nothing to see on 2024-05-01." } }));
    assert_eq!(dull["goto"], json!([]));
}

#[test]
fn a_flood_of_findings_is_cut_and_said_so() {
    let text = "1.2.3 ".repeat(2_000).replace("3 1", "3\n1");
    let answer = answer(json!({ "section": { "text": text } }));
    assert_eq!(answer["output"]["findings"].as_array().unwrap().len(), 500);
    assert_eq!(answer["output"]["truncated"], true);
}

#[test]
fn text_made_to_be_slow_is_not() {
    let hostile = [
        "1.2.3 ",
        "aB3",
        "DE12 ",
        "DE12 3704 ",
        "4 ",
        "+4 ",
        "x@y.zz ",
        "May 1 ",
        "::",
        "eyJ.",
        "=",
        "It is always so good. ",
        "password:",
        "aB3dE6gH9jK2mN5pQ8sT1vW4;",
        "\n",
        "- always the ",
    ];
    for piece in hostile {
        let text = piece.repeat((1 << 20) / piece.len());
        assert!(scan(&text, 1).len() <= text.len() / 3, "{piece:?}");
    }
}

proptest! {
    #[test]
    fn any_text_has_findings_within_its_lines(
        text in "([a-zA-Z0-9@:+=. /_-]{0,30}|\n|CVE-|ß|-----BEGIN |password=|v1.|é|always ){0,40}"
    ) {
        let lines: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
        for finding in scan(&text, 1) {
            prop_assert!(finding.column <= lines[finding.line - 1]);
        }
    }
}
