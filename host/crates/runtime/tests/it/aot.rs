//! The cache of native code trusts nothing that does not carry the host's MAC.

use std::path::PathBuf;

use serde_json::json;
use wforge_ports::AgentRuntime;
use wforge_ports::runtime::RuntimeFigures;

use crate::components::echo;
use crate::harness::{Sandbox, Script, StillClock, sandbox, sandbox_in, told};

/// Lets echo in, changes what is cached, opens the same directory again and calls.
async fn reopened_after(change: impl FnOnce(&Sandbox, Cached)) -> RuntimeFigures {
    let first = sandbox();
    let admitted = first.admit(echo().build()).await.unwrap();
    change(&first, Cached::of(&first));
    let second = sandbox_in(first.dir, |_| {}, StillClock::default());
    let reply = second.call(admitted.component, json!("x"), &mut Script::default()).await.unwrap();
    assert_eq!(told(&reply), "replied \"x\"");
    let figures = second.runtime.figures();
    // Whatever was there before, it is right now.
    let third = sandbox_in(second.dir, |_| {}, StillClock::default());
    third.runtime.prepare(&crate::harness::tenant(), admitted.component).await.unwrap();
    assert_eq!(third.runtime.figures().compiled, 0);
    figures
}

struct Cached {
    code: PathBuf,
    seal: PathBuf,
}

impl Cached {
    fn of(sandbox: &Sandbox) -> Self {
        let aot = sandbox.dir.path().join("aot");
        let directory = fs_err::read_dir(aot).unwrap().next().unwrap().unwrap().path();
        let find = |extension: &str| {
            let entries = fs_err::read_dir(&directory).unwrap();
            let mut paths = entries.map(|entry| entry.unwrap().path());
            paths.find(|path| path.extension().is_some_and(|found| found == extension)).unwrap()
        };
        Self { code: find("cwasm"), seal: find("seal") }
    }
}

#[tokio::test]
async fn code_that_was_compiled_before_is_loaded() {
    let figures = reopened_after(|_, _| {}).await;
    assert_eq!((figures.compiled, figures.tampered), (0, 0));
}

#[tokio::test]
async fn code_that_was_changed_is_compiled_again_and_counted() {
    let figures = reopened_after(|_, cached| {
        let mut code = fs_err::read(&cached.code).unwrap();
        let last = code.len() - 1;
        code[last] ^= 1;
        fs_err::write(&cached.code, code).unwrap();
    })
    .await;
    assert_eq!((figures.compiled, figures.tampered), (1, 1));
}

#[tokio::test]
async fn a_seal_that_was_changed_is_no_seal() {
    let figures = reopened_after(|_, cached| {
        let seal = fs_err::read_to_string(&cached.seal).unwrap();
        let seal = seal.replace("\"limits\":{", "\"limits\":{\"memory_mib_max\":4000");
        fs_err::write(&cached.seal, seal).unwrap();
    })
    .await;
    assert_eq!((figures.compiled, figures.tampered), (1, 1));
}

#[tokio::test]
async fn a_symbolic_link_is_never_followed() {
    let figures = reopened_after(|_, cached| {
        let elsewhere = cached.code.with_extension("elsewhere");
        fs_err::rename(&cached.code, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &cached.code).unwrap();
    })
    .await;
    assert_eq!((figures.compiled, figures.tampered), (1, 1));
}

#[tokio::test]
async fn code_without_a_seal_is_compiled_again() {
    let figures = reopened_after(|_, cached| fs_err::remove_file(&cached.seal).unwrap()).await;
    assert_eq!((figures.compiled, figures.tampered), (1, 0));
}

#[tokio::test]
async fn code_of_another_host_key_is_not_trusted() {
    use std::sync::Arc;
    use wforge_runtime::{RuntimeOptions, RuntimeParts, SandboxRuntime};

    let first = sandbox();
    let admitted = first.admit(echo().build()).await.unwrap();
    let mut options = RuntimeOptions::at(first.dir.path());
    options.sandboxes_max = 2;
    let parts = RuntimeParts {
        clock: Arc::new(StillClock::default()),
        host_key: [8; 32],
        policy: None,
        compiler: None,
    };
    let other = SandboxRuntime::open(options, parts).unwrap();
    other.prepare(&crate::harness::tenant(), admitted.component).await.unwrap();
    assert_eq!(other.figures().tampered, 1);
}

#[tokio::test]
async fn a_component_file_that_was_changed_is_never_compiled() {
    let first = sandbox();
    let admitted = first.admit(echo().build()).await.unwrap();
    let path = first.dir.path().join(format!("components/{}.wasm", admitted.component.hex()));
    let mut bytes = fs_err::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs_err::write(&path, bytes).unwrap();
    fs_err::remove_file(Cached::of(&first).seal).unwrap();
    let second = sandbox_in(first.dir, |_| {}, StillClock::default());
    let error =
        second.call(admitted.component, json!(1), &mut Script::default()).await.unwrap_err();
    assert!(format!("{error:?}").contains("damaged"), "{error:?}");
    assert_eq!(second.runtime.figures().compiled, 0);
}
