//! What is let in, and each refusal with its code and its fix.

use serde_json::json;
use wforge_ports::AdmissionError;

use crate::components::{asker, echo, fixture, with_section, with_sections, without_agent};
use crate::harness::{StillClock, sandbox, sandbox_with};

const MANIFEST: &str =
    r#"{"name": "test/fixture", "version": "1.0.0", "agents": [{"name": "main"}]}"#;

async fn check(bytes: Vec<u8>, code: &str, says: &str) {
    let error = sandbox().admit(bytes).await.unwrap_err();
    let AdmissionError::Refused { code: actual, message } = error else { panic!("{error:?}") };
    assert_eq!(actual, code, "{message}");
    assert!(message.contains(says), "{code}: \"{message}\" does not say \"{says}\"");
}

#[tokio::test]
async fn a_component_is_let_in_with_its_manifest_and_imports() {
    let sandbox = sandbox();
    let bytes = asker().build();
    let admitted = sandbox.admit(bytes.clone()).await.unwrap();
    assert_eq!(admitted.manifest.name.to_string(), "test/fixture");
    assert_eq!(admitted.imports, ["human"]);
    assert_eq!(admitted.api, "0.1.0");
    assert_eq!(admitted.bytes, u64::try_from(bytes.len()).unwrap());
    let kept = sandbox.dir.path().join(format!("components/{}.wasm", admitted.component.hex()));
    assert_eq!(fs_err::read(kept).unwrap(), bytes);
}

#[tokio::test]
async fn what_is_no_webassembly_is_refused() {
    check(b"# a readme".to_vec(), "not_wasm", "no WebAssembly").await;
    check(Vec::new(), "not_wasm", "no WebAssembly").await;
    check(b"(component)".to_vec(), "not_wasm", "wasm-tools parse").await;
}

#[tokio::test]
async fn native_code_is_refused() {
    check(b"\x7fELF\x02\x01\x01 and so on".to_vec(), "precompiled", "native code").await;
}

#[tokio::test]
async fn a_core_module_is_refused() {
    check(wat::parse_str("(module)").unwrap(), "core_module", "build a component").await;
}

#[tokio::test]
async fn a_file_that_ends_too_early_is_refused_wherever_it_ends() {
    let whole = echo().build();
    let mut codes = std::collections::BTreeSet::new();
    for length in (4..whole.len()).step_by(97) {
        let error = sandbox_of_inspection(whole.get(..length).unwrap().to_vec()).await;
        codes.insert(error);
    }
    // Cut between two sections it is a shorter component that lacks its last ones.
    assert!(codes.contains("truncated"), "{codes:?}");
    assert!(codes.is_subset(&["truncated", "no_manifest"].into()), "{codes:?}");
}

async fn sandbox_of_inspection(bytes: Vec<u8>) -> &'static str {
    static SANDBOX: std::sync::OnceLock<crate::harness::Sandbox> = std::sync::OnceLock::new();
    match SANDBOX.get_or_init(sandbox).admit(bytes).await.unwrap_err() {
        AdmissionError::Refused { code, .. } => code,
        AdmissionError::Host(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn random_damage_never_reaches_the_compiler_as_a_panic() {
    let whole = echo().build();
    let sandbox = sandbox();
    for at in (8..whole.len()).step_by(61) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        match sandbox.admit(damaged).await {
            Ok(_) | Err(AdmissionError::Refused { .. }) => {}
            Err(AdmissionError::Host(error)) => panic!("byte {at}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_component_without_its_sections_is_refused() {
    check(echo().bare(), "no_manifest", "workflowforge:api").await;
    let api_only = with_section(echo().bare(), "workflowforge:api", b"0.1.0");
    check(api_only, "no_manifest", "workflowforge:manifest").await;
}

#[tokio::test]
async fn a_manifest_that_cannot_be_used_is_refused() {
    let with = |manifest: &str| with_sections(echo().bare(), manifest, "0.1.0");
    check(with("{"), "bad_manifest", "malformed").await;
    check(with(&MANIFEST.replace("agents", "agent")), "bad_manifest", "agent").await;
    check(with(&MANIFEST.replace("test/", "test")), "bad_manifest", "publisher/name").await;
    let twice = with_section(with(MANIFEST), "workflowforge:manifest", MANIFEST.as_bytes());
    check(twice, "bad_manifest", "twice").await;
}

#[tokio::test]
async fn a_version_of_the_contract_that_is_not_served_is_refused() {
    let of = |api: &str| with_sections(echo().bare(), MANIFEST, api);
    check(of("0.2.0"), "unsupported_api", "against contract 0.2.0").await;
    check(of("one"), "unsupported_api", "no version").await;
}

/// The same bytes with another name of the same length.
fn renamed(mut bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> =
        (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
    assert!(!places.is_empty(), "no {from}");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

#[tokio::test]
async fn an_import_of_another_version_says_which_and_what_to_do() {
    let newer = renamed(asker().build(), "plugin/human@0.1.0", "plugin/human@0.2.0");
    let says = "test/fixture imports human@0.2.0; this host serves 0.1; rebuild with sdk 0.1 or \
                upgrade";
    check(newer, "unsupported_api", says).await;
}

#[tokio::test]
async fn an_import_that_the_contract_does_not_have_says_what_it_has() {
    let strange = renamed(asker().build(), "plugin/human@0.1.0", "plugin/robot@0.1.0");
    check(strange, "wrong_world", "test/fixture imports robot@0.1.0, which contract 0.1").await;
}

#[tokio::test]
async fn an_import_with_other_types_says_where() {
    let other = renamed(asker().build(), "deadline", "deadwood");
    let says = "test/fixture does not fit the contract 0.1 at human@0.1.0";
    check(other, "wrong_world", says).await;
}

#[tokio::test]
async fn what_is_refused_after_it_was_compiled_leaves_no_code() {
    let sandbox = sandbox();
    sandbox.admit(renamed(asker().build(), "deadline", "deadwood")).await.unwrap_err();
    let of = fs_err::read_dir(sandbox.dir.path().join("aot")).unwrap();
    let code = of.flat_map(|of| fs_err::read_dir(of.unwrap().path()).unwrap());
    assert_eq!(code.count(), 0);
}

#[tokio::test]
async fn an_import_that_was_not_asked_for_is_refused() {
    let mut undeclared = asker();
    undeclared = undeclared.without_needs();
    check(undeclared.build(), "wrong_world", "workflowforge:plugin/human@0.1.0").await;
    check(undeclared.build(), "wrong_world", "\"ask\"").await;
}

#[tokio::test]
async fn an_import_that_nobody_serves_is_refused_by_name() {
    let strange = fixture("(call $poke) (call $reply (i32.const 16) (i32.const 2))")
        .imports(r#"(import "test:guest/strange" "poke" (func $poke))"#);
    check(strange.build(), "wrong_world", "test:guest/strange").await;
}

#[tokio::test]
async fn the_languages_own_http_client_must_be_asked_for() {
    let raw = || {
        fixture("(call $probe (call $new)) (call $reply (i32.const 16) (i32.const 2))").imports(
            r#"(import "wasi:http/types@0.2.6" "[constructor]fields" (func $new (result i32)))
               (import "wasi:http/outgoing-handler@0.2.6" "probe" (func $probe (param i32)))"#,
        )
    };
    check(raw().build(), "wrong_world", "http.raw").await;
    // Asked for, it links; this probe is no function of wasi:http, so its types do not fit.
    check(raw().needs("http.raw:*").build(), "wrong_world", "does not fit the contract").await;
}

#[tokio::test]
async fn a_component_without_an_agent_is_refused() {
    check(with_sections(without_agent(), MANIFEST, "0.1.0"), "wrong_world", "agent@0.1").await;
}

#[tokio::test]
async fn a_component_over_the_size_limit_is_refused() {
    let sandbox = sandbox_with(
        |options| options.admission.component_bytes_max = 1_000,
        StillClock::default(),
    );
    let error = sandbox.admit(echo().build()).await.unwrap_err();
    let AdmissionError::Refused { code, message } = error else { panic!("{error:?}") };
    assert_eq!(
        (code, message.contains("component_bytes_max (1000)")),
        ("too_large", true),
        "{message}"
    );
}

#[tokio::test]
async fn a_component_that_begins_with_more_memory_than_a_sandbox_has_is_refused() {
    let greedy = || echo().items("(memory $second 4000)");
    check(greedy().build(), "too_large", "memory").await;
}

#[tokio::test]
async fn letting_the_same_component_in_twice_compiles_it_once() {
    let sandbox = sandbox();
    let first = sandbox.admit(echo().build()).await.unwrap();
    let second = sandbox.admit(echo().build()).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(wforge_ports::AgentRuntime::figures(&sandbox.runtime).compiled, 1);
    assert_eq!(json!(first)["imports"], json!([]));
}
