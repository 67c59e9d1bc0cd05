//! What is refused before it is compiled, limit by limit, and what comes of a compiler that breaks.
//!
//! Each limit is shown from both sides: the same component passes where the limit is as it ships.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use wforge_model::limits::AdmissionLimits;
use wforge_ports::{AdmissionError, AgentRuntime};
use wforge_runtime::{ChildCompiler, Compiler, RuntimeOptions, RuntimeParts, SandboxRuntime};
use wforge_testkit::bombs;

use crate::components::echo;
use crate::harness::{Sandbox, StillClock, sandbox, sandbox_with};

fn with(bomb: &[u8]) -> Vec<u8> {
    [echo().build().as_slice(), bomb].concat()
}

async fn refusal(sandbox: &Sandbox, bytes: Vec<u8>) -> (&'static str, String) {
    match sandbox.admit(bytes).await.unwrap_err() {
        AdmissionError::Refused { code, message } => (code, message),
        AdmissionError::Host(error) => panic!("the host's own fault: {error}"),
    }
}

/// Refused under that limit, which is named; let in under the default.
async fn check(key: &str, limit: impl FnOnce(&mut AdmissionLimits), bomb: Vec<u8>) {
    let limited = sandbox_with(|options| limit(&mut options.admission), StillClock::default());
    let (code, message) = refusal(&limited, with(&bomb)).await;
    assert_eq!(code, "compile_limit", "{message}");
    let key = format!("limits.admission.{key} ");
    assert!(message.contains(&key), "no \"{key}\" in: {message}");
    sandbox().admit(with(&bomb)).await.unwrap_or_else(|error| panic!("{key}by default: {error}"));
}

#[tokio::test]
async fn the_code_of_a_component_is_limited() {
    check("functions_max", |limits| limits.functions_max = 999, bombs::functions(1_000)).await;
    check("function_bytes_max", |limits| limits.function_bytes_max = 999, bombs::nops(1_000)).await;
    check("function_locals_max", |limits| limits.function_locals_max = 99, bombs::locals(100))
        .await;
    check("function_blocks_max", |limits| limits.function_blocks_max = 99, bombs::loops(100)).await;
    check("block_depth_max", |limits| limits.block_depth_max = 99, bombs::chain(100)).await;
    check("jump_targets_max", |limits| limits.jump_targets_max = 99, bombs::jump_table(100)).await;
}

#[tokio::test]
async fn the_types_of_a_component_are_limited() {
    check("types_max", |limits| limits.types_max = 999, bombs::core_types(1_000)).await;
    check("type_parts_max", |limits| limits.type_parts_max = 99, bombs::variant(100)).await;
    check("type_depth_max", |limits| limits.type_depth_max = 19, bombs::lists(20)).await;
    let nested = bombs::types_of_components(20);
    check("type_depth_max", |limits| limits.type_depth_max = 20, nested).await;
}

#[tokio::test]
async fn the_parts_of_a_component_are_limited() {
    check("nested_max", |limits| limits.nested_max = 99, bombs::modules(100)).await;
    check("imports_max", |limits| limits.imports_max = 999, bombs::imports(1_000)).await;
    check("exports_max", |limits| limits.exports_max = 999, bombs::exports(1_000)).await;
    check("segments_max", |limits| limits.segments_max = 999, bombs::segments(1_000)).await;
    check("custom_bytes_max", |limits| limits.custom_bytes_max = 9_999, bombs::custom(10_000))
        .await;
}

#[tokio::test]
async fn each_bomb_is_refused_by_the_limits_as_they_ship() {
    let sandbox = sandbox();
    for bomb in [
        bombs::functions(100_000),
        bombs::loops(20_000),
        bombs::chain(15_000),
        bombs::jump_table(1_000_000),
        bombs::nops(3 << 20),
        bombs::variant(1_001),
        bombs::lists(100),
    ] {
        let (code, message) = refusal(&sandbox, with(&bomb)).await;
        assert_eq!(code, "compile_limit", "{message}");
    }
    assert_eq!(sandbox.runtime.figures().compiled, 0);
}

/// A runtime whose compiler is that script of the shell.
fn compiled_by(script: &str, limit: impl FnOnce(&mut AdmissionLimits)) -> Sandbox {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let mut options = RuntimeOptions::at(dir.path());
    options.sandboxes_max = 2;
    limit(&mut options.admission);
    let arguments = ["-c", script].map(OsString::from).to_vec();
    let compiler =
        ChildCompiler::new(PathBuf::from("/bin/sh"), arguments, options.admission.clone());
    let compiler: Arc<dyn Compiler> = Arc::new(compiler);
    let clock = Arc::new(StillClock::default());
    let parts = RuntimeParts { clock, host_key: [7; 32], policy: None, compiler: Some(compiler) };
    Sandbox { runtime: SandboxRuntime::open(options, parts).unwrap(), dir }
}

async fn check_script(script: &str, expected_code: &str, says: &str) {
    let sandbox = compiled_by(script, |limits| limits.compile_wall_ms_max = 2_000);
    let (code, message) = refusal(&sandbox, echo().build()).await;
    assert_eq!(code, expected_code, "{script}: {message}");
    assert!(message.contains(says), "{script}: no \"{says}\" in: {message}");
}

#[tokio::test]
async fn however_a_compiler_ends_it_is_a_reason_and_no_end_of_the_host() {
    check_script("exit 101", "compile_failed", "exit status: 101").await;
    check_script("cat", "compile_failed", "header cannot be read").await;
    check_script("cat > /dev/null; echo no frame at all", "compile_failed", "broke off").await;
    check_script("cat > /dev/null", "compile_failed", "ended").await;
    check_script("kill -ABRT $$", "compile_limit", "compile_memory_bytes_max").await;
    check_script("kill -XCPU $$", "compile_limit", "compile_cpu_ms_max").await;
    check_script("exec sleep 600", "compile_limit", "compile_wall_ms_max").await;
}

#[tokio::test]
async fn a_compiler_that_answers_more_than_is_taken_is_not_listened_to() {
    let header = r#"printf '\012\000\000\000\000\000\000\000"compiled"'"#;
    let script =
        format!("cat > /dev/null; {header}; printf '\\377\\377\\377\\377\\000\\000\\000\\000'");
    check_script(&script, "compile_limit", "compiled_bytes_max").await;
}

#[tokio::test]
async fn a_compiler_inherits_nothing() {
    let script =
        "test -z \"$HOME$PATH_INFO$CARGO\" || exit 7; test \"$(pwd)\" = / || exit 8; exit 9";
    check_script(script, "compile_failed", "exit status: 9").await;
}
