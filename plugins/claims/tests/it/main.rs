//! Documents in, claims out.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its own case has to fail")]

use std::collections::HashSet;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use wforge_claims::{Input, claims, run};
use workflowforge_sdk::{MockHost, json};

/// One line a claim: `line kind subjects`.
fn shown(text: &str) -> String {
    let claims = claims(text, 1_000).claims;
    let lines = claims.iter().map(|claim| {
        let kind = serde_json::to_value(claim.kind).unwrap();
        format!("{} {} {}\n", claim.line, kind.as_str().unwrap(), claim.subjects.join(" | "))
    });
    lines.collect()
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&shown(text));
}

#[test]
fn commands_of_a_shell_block_name_what_runs_them() {
    check(
        "```sh\n# once\nmake setup -j4 V=1 all\nFOO_LEVEL=debug cargo run -p app --example demo\n\
         cargo xtask && cargo install ripgrep\nnpm ci; npm run build-all | tee log.txt\n\
         ./scripts/go.sh --fast > out.txt 2>&1\npython3 -u tools/gen.py\npython -m app.tool\n\
         just release\n```\n",
        expect![[r#"
            3 command make | setup
            3 command make | all
            4 env FOO_LEVEL
            4 command cargo
            4 command cargo | package | app
            4 command cargo | target | demo
            5 command cargo | alias | xtask
            6 command npm | build-all
            7 command file | scripts/go.sh
            7 flag --fast | go.sh
            8 command file | tools/gen.py
            9 command module | app.tool
            10 command just | release
        "#]],
    );
}

#[test]
fn a_program_of_the_folder_has_subcommands_flags_and_files() {
    check(
        "```console\n$ app run flows/a.yaml \\\n    --input doc=@README.md --output out.json\n\
         done: 3 files\n$ app serve &\n$ KEY=$(app keys add NAME)\n```\n\
         Use `app check --strict`, `git commit --amend` or `cargo build --release`.\n",
        expect![[r#"
            2 command program | app | run
            2 flag --input | app
            2 flag --output | app
            2 path flows/a.yaml
            2 path README.md
            5 command program | app | serve
            6 command program | app | keys
            8 command program | app | check
            8 flag --strict | app
            8 command cargo
        "#]],
    );
}

#[test]
fn what_comes_from_outside_claims_nothing() {
    check(
        "```sh\ngit clone https://a.example/b && cd b\ncurl -o x.json http://localhost\nls src\n\
         sudo apt-get install --yes jq\ncat <<END\nmake nothing\nEND\n```\n```\nmake nothing\n```\n",
        expect![[""]],
    );
}

#[test]
fn a_prompt_makes_a_block_without_a_language_one_for_a_shell() {
    check(
        "```\n$ make demo\nmake: nothing to be done\n```\n    $ make test\n",
        expect![[r#"
        2 command make | demo
        5 command make | test
    "#]],
    );
}

#[test]
fn code_within_prose_is_what_it_looks_like() {
    check(
        "See `src/main.rs`, `docs/`, `./run`, `docs/*.md`, `Makefile`, `.env` and `a/b`.\n\
         Not `.rs`, `Node.js`, `https://a.example/x.md`, `/etc/hosts`, `~/x.md`, `path/<name>.md`, \
         `target/debug/app`, `x = 1`, `let`, `FILE.md` or `std::fs`.\n\n\
         `--dry-run=yes`, `--max N`, `APP_HOME`, `$APP_LOG`, `limits.steps`, `retry_max: 3`, \
         `[plugins]`.\n\n\
         `read_all()`, `Store::commit`, `BlobRef`, `apiVersion`, `wforge-model`, `/v1/runs/{id}`, \
         `cel 0.15`, `lodash@4.17.21`.\n",
        expect![[r#"
            1 path src/main.rs
            1 path docs/
            1 command file | run
            1 path docs/*.md
            1 path Makefile
            4 flag --dry-run
            4 flag --max
            4 env APP_HOME
            4 env APP_LOG
            4 key limits.steps
            4 key retry_max
            4 key plugins
            6 name read_all() | read_all
            6 name Store::commit | commit
            6 name BlobRef | BlobRef
            6 name apiVersion | apiVersion
            6 name wforge-model | wforge-model
            6 name /v1/runs/{id} | /v1/runs
            6 version 0.15 | cel
            6 version 4.17.21 | lodash
        "#]],
    );
}

#[test]
fn links_to_files_are_claims_and_addresses_are_not() {
    check(
        "[a](docs/a.md#part) [b](../b.md) [c](#here) [d](https://x.example) [e](mailto:a@b.example)\n\
         ![f](img/f%20g.png) [g][ref] <https://y.example>\n\n[ref]: ./g.txt\n",
        expect![[r#"
            1 link docs/a.md
            1 link b.md
            2 link img/f g.png
            2 link g.txt
        "#]],
    );
}

#[test]
fn prose_counts_things_and_names_versions_flags_and_variables() {
    check(
        "There are 67 routes and 1,200 random seeds in 3 minutes.\n\
         Since 2024 releases come often; step 4 tasks; at least 16 of them; 5 less.\n\
         It needs Rust 1.95, wasmtime 48.0.8, `cel` 0.15 and Node 20, and took about 1.26 s.\n\
         Pass --verbose or set APP_COLOR. Section 4.2 has 12 **small\nexamples**.\n",
        expect![[r#"
            1 number 67 | routes
            1 number 1200 | seeds
            3 version 1.95 | Rust
            3 version 48.0.8 | wasmtime
            3 version 0.15 | cel
            3 version 20 | Node
            4 flag --verbose
            4 env APP_COLOR
            4 number 12 | examples
        "#]],
    );
}

#[test]
fn blocks_of_configuration_have_keys() {
    check(
        "```toml\nname = \"x\"\n[limits]\nsteps_max = 3 # no key = here\n[[grant]]\n```\n\
         ```yaml\nstate_bytes: 1\nnode: { a: b }\n- max-tokens: 5\n```\n\
         ```json\n{ \"apiVersion\": 1, \"name\": 2 }\n```\n\
         ```env\nAPP_HOME=/x\n```\n```rust\nlet a = b;\n```\n",
        expect![[r#"
            2 key name
            3 key limits
            4 key steps_max | limits
            5 key grant
            8 key state_bytes
            10 key max-tokens
            13 key apiVersion
            16 env APP_HOME
        "#]],
    );
}

#[test]
fn a_line_that_says_that_something_is_gone_claims_nothing() {
    check(
        "`old_name` was renamed.\nThere is no `src/x.rs`.\n\nTODO: `src/y.rs`\n\n`src/z.rs` stays.\n",
        expect![[r#"
            6 path src/z.rs
        "#]],
    );
}

#[test]
fn a_claim_is_made_once_where_it_stands_first() {
    check(
        "`a_b` and `a_b`.\n\n[x](a.md) `a.md` [y](a.md)\n",
        expect![[r#"
        3 link a.md
        3 path a.md
    "#]],
    );
}

#[test]
fn lines_are_those_of_the_document() {
    check(
        "\u{feff}---\ntitle: x_y\n---\r\n# Head `one_a`\r\n\r\ntext\r\nmore `two_b`\r\n\r\n\
         | a | b |\r\n|---|---|\r\n| x | `three_c` |\r\n\r\n- [ ] `four_d`\r\n\r\n\
         ```sh\r\nmake five\r\n```\r\n",
        expect![[r#"
            4 name one_a | one_a
            7 name two_b | two_b
            11 name three_c | three_c
            13 name four_d | four_d
            16 command make | five
        "#]],
    );
}

#[test]
fn questions_and_texts_are_for_people() {
    let text = "Run   `make demo`, see [x](a.md): 3 plugins with `--all`, Rust 1.95 and `a_b`.\n";
    let claims = claims(text, 200).claims;
    let questions: Vec<&str> = claims.iter().map(|claim| &*claim.question).collect();
    expect![[r#"
        Does a Makefile have the target `demo`?
        Does the link to `a.md` lead to a file?
        Is there a flag `--all`?
        Are there 3 plugins?
        Is it version 1.95 of Rust?"#]]
    .assert_eq(&questions.join("\n"));
    assert_eq!(claims[0].text, text.replace("   ", " ").trim());
    assert_eq!(claims[0].id, "c001");
}

#[test]
fn too_many_claims_are_left_out_and_said_so() {
    let text: String = (0..30).map(|at| format!("`name_{at}` and `f{at}.rs`\n\n")).collect();
    let ctx = MockHost::new().config(json!({ "claims_max": 25 })).ctx();
    let claims = run(&ctx, Input { text }).unwrap();
    assert_eq!((claims.claims.len(), claims.found), (25, 60));
    let left_out = serde_json::to_value(&claims.left_out).unwrap();
    assert_eq!(
        left_out,
        json!([
            { "kind": "path", "count": 18, "from_line": 25 },
            { "kind": "name", "count": 17, "from_line": 27 }
        ])
    );
}

#[test]
fn a_document_without_claims_has_none() {
    for text in ["", "\n\n", "Hello, world.", "```\nx\n```", "# A\n\nb `c` d"] {
        assert_eq!(claims(text, 200).claims, [], "{text:?}");
    }
}

#[test]
fn text_made_to_be_slow_is_not() {
    let hostile = [
        "`a_b` ",
        "`",
        "[",
        "[a](",
        "5 files ",
        "Rust 1.2 ",
        "--a",
        "A_",
        "| a ",
        "> ",
        "\\\n",
        "$(",
        "<<E\n",
        "'",
        "a/",
        "*",
        "- ",
        "```sh\nmake a\n```\n",
    ];
    for piece in hostile {
        let text = piece.repeat((1 << 19) / piece.len());
        assert!(claims(&text, 200).claims.len() <= 200, "{piece:?}");
        let block = format!("```sh\n{}\n```\n", text.replace("```", ""));
        assert!(claims(&block, 200).claims.len() <= 200, "{piece:?}");
    }
}

#[test]
fn a_command_without_words_is_no_claim() {
    let claims = claims("--a-b```sh\n|\"\"/<0\n--a-b```sh\n", 50);
    assert!(claims.claims.iter().all(|claim| claim.subjects.iter().all(|it| !it.is_empty())));
}

proptest! {
    #[test]
    fn any_document_has_claims_on_its_own_lines(
        text in "([a-zA-Z0-9_./=@:<>|&$'\" -]{0,20}|\r?\n|`|```sh\n|```toml\n|--a-b|ß|\\[|\\]\\(|5 files|make ){0,40}"
    ) {
        let lines = text.lines().count();
        let claims = claims(&text, 50);
        let ids: HashSet<&str> = claims.claims.iter().map(|claim| &*claim.id).collect();
        prop_assert_eq!(ids.len(), claims.claims.len());
        for claim in &claims.claims {
            prop_assert!((1..=lines).contains(&claim.line));
            prop_assert!(claim.subjects.iter().all(|subject| !subject.is_empty()));
        }
    }
}
