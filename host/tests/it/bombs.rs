//! Components that are made to break whoever compiles them, handed to a real server.

use std::process::{Child, Stdio};

use serde_json::Value;
use wforge_testkit::bombs;

use crate::harness::{Cli, TestHost, component, within_a_minute};

/// Our probe, and what is put behind it.
fn with(bomb: &[u8]) -> Vec<u8> {
    let mut bytes = probe();
    bytes.extend_from_slice(bomb);
    bytes
}

fn probe() -> Vec<u8> {
    fs_err::read(component("wforge/probe")).unwrap()
}

/// A server with one limit changed.
fn limited(key: &str, value: &str) -> TestHost {
    let variable = format!("WFORGE_LIMITS__ADMISSION__{}", key.to_uppercase());
    TestHost::on(Cli::new().with(&variable, value))
}

/// Hands it in; the server says no with one of these reasons, and is the same and well.
fn check(host: &mut TestHost, what: &str, bytes: &[u8], reasons: &[&str]) -> Value {
    let pid = host.pid();
    let reply = host.install(bytes);
    assert_eq!(reply.status, 422, "{what}: {}", reply.text);
    let problem = reply.json();
    let reason = problem["reason"].as_str().unwrap_or_default();
    assert!(reasons.contains(&reason), "{what}: {problem}");
    assert!(host.pid().is_some() && host.pid() == pid, "{what}: the server ended");
    host.get("/healthz").status(200);
    problem
}

#[test]
fn a_bomb_is_refused_with_a_code_and_the_server_goes_on() {
    let mut host = TestHost::start();
    for (what, bomb) in [
        ("100,000 functions", bombs::functions(100_000)),
        ("20,000 empty loops", bombs::loops(20_000)),
        ("15,000 blocks in each other", bombs::chain(15_000)),
        ("a jump table of a million", bombs::jump_table(1_000_000)),
        ("a variant of 1,001 cases", bombs::variant(1_001)),
        ("a list of a list, a hundred deep", bombs::lists(100)),
        ("half a million types in each other", bombs::types_of_components(500_000)),
    ] {
        check(&mut host, what, &with(&bomb), &["compile_limit"]);
    }
    let installed = host.install(&probe());
    installed.status(201);
}

#[test]
fn bytes_that_are_no_component_are_refused_with_a_code() {
    let mut host = TestHost::start();
    let whole = probe();
    let elf = [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 4_096]].concat();
    check(&mut host, "native code", &elf, &["precompiled"]);
    check(&mut host, "cut off", &whole[..whole.len() / 2], &["truncated"]);
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise
    };
    let random: Vec<u8> = (0..4_096).map(|_| next().to_le_bytes()[0]).collect();
    check(&mut host, "random bytes", &random, &["not_wasm"]);
    let random = [b"\0asm\x0d\0\x01\0".as_slice(), &random].concat();
    check(&mut host, "random sections", &random, &["invalid", "truncated", "no_manifest"]);
    for _ in 0..20 {
        let mut changed = whole.clone();
        let at = usize::try_from(next()).unwrap() % changed.len();
        changed[at] ^= 1 << (next() % 8);
        // Where it hit a name for backtraces, or a constant, the component is as good as before.
        let reply = host.install(&changed);
        assert!([201, 409, 422].contains(&reply.status), "byte {at}: {}", reply.text);
        host.get("/healthz").status(200);
    }
    assert!(host.pid().is_some());
}

/// Valid, within every limit on its shape, and much to compile.
fn busy() -> Vec<u8> {
    with(&bombs::busy_functions(20_000))
}

fn check_compiler(key: &str, value: &str, bytes: &[u8]) {
    let mut host = limited(key, value);
    let problem = check(&mut host, key, bytes, &["compile_limit"]);
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(&format!("limits.admission.{key}")), "{key}: {detail}");
}

#[test]
fn a_compiler_that_takes_too_much_is_ended_and_the_limit_named() {
    check_compiler("compile_cpu_ms_max", "1000", &busy());
    check_compiler("compile_wall_ms_max", "700", &busy());
    check_compiler("compile_memory_bytes_max", "320000000", &busy());
    check_compiler("compiled_bytes_max", "10000", &with(&bombs::functions(10)));
}

/// The limits as they ship, but for time that depends on what else the machine does.
fn defaults(cli: &Cli) -> Vec<(String, u64)> {
    let shown = cli.run(["config", "show", "--output", "json"]).exits(0).json();
    let shown = shown.as_array().or_else(|| shown["keys"].as_array()).expect("a list");
    let value = |key: &Value| key["value"].as_str()?.replace('_', "").parse().ok();
    let of = |key: &Value| Some((key["key"].as_str()?.to_owned(), value(key)?));
    let admission = shown.iter().filter_map(of).filter(|(key, _)| key.contains(".admission."));
    let others = ["compile_wall_ms_max", "compile_at_once_max"];
    admission.filter(|(key, _)| !others.iter().any(|other| key.ends_with(other))).collect()
}

#[test]
fn the_limits_leave_three_times_the_room_that_the_largest_of_our_components_takes() {
    let limits = defaults(&Cli::new());
    assert_eq!(limits.len(), 18);
    let third = |cli: Cli, (key, max): &(String, u64)| {
        let variable = format!("WFORGE_{}", key.replace('.', "__").to_uppercase());
        cli.with(&variable, &(max / 3).to_string())
    };
    let cli = limits.iter().fold(Cli::new(), third);
    let python = crate::harness::plugins().join("proofs/wforge-effects-python.wasm");
    cli.run([std::path::Path::new("plugin"), std::path::Path::new("install"), &python]).exits(0);
}

/// The process that compiles for another one, once there is one.
fn compiler_of(parent: u32) -> Option<u32> {
    let tasks = fs_err::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok();
    let of_thread = |entry: std::io::Result<fs_err::DirEntry>| {
        let children = fs_err::read_to_string(entry.ok()?.path().join("children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    };
    let direct = tasks.and_then(|text| text.split_whitespace().next()?.parse().ok());
    let mut threads = fs_err::read_dir(format!("/proc/{parent}/task")).ok()?;
    direct.or_else(|| threads.find_map(of_thread))
}

/// Installs what takes long in a process that was started with a file open; its compiler, in its
/// work.
fn installing(cli: &Cli) -> (Child, u32) {
    let file = cli.file("busy.wasm", busy());
    let mut command =
        cli.after("exec 9</dev/null", &["plugin", "install", file.to_str().expect("UTF-8")]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut compiler = None;
    let confined = |pid: u32| {
        let limits = fs_err::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
        let core = limits.lines().find(|line| line.starts_with("Max file size"));
        core.is_some_and(|line| line.split_whitespace().nth(3) == Some("0")).then_some(pid)
    };
    let found = within_a_minute(|| {
        compiler = compiler_of(child.id()).and_then(confined);
        compiler.is_some()
    });
    assert!(found, "no process compiles");
    (child, compiler.expect("a process"))
}

#[test]
fn the_process_that_compiles_holds_nothing_and_ends_with_whoever_asked() {
    let cli = Cli::new().with("WFORGE_API_KEY", "wfk_canary");
    let (mut child, compiler) = installing(&cli);
    let of = |name: &str| format!("/proc/{compiler}/{name}");
    let mut open: Vec<_> = fs_err::read_dir(of("fd"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    open.sort();
    assert_eq!(open, ["0", "1", "2"]);
    assert_eq!(fs_err::read(of("environ")).unwrap(), b"");
    assert_eq!(fs_err::read_link(of("cwd")).unwrap(), std::path::Path::new("/"));
    let limits = fs_err::read_to_string(of("limits")).unwrap();
    let hard = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).expect("a limit");
        line.trim_start_matches(name).split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(hard("Max core file size"), "0");
    assert_eq!(hard("Max file size"), "0");
    assert_eq!(hard("Max address space"), (4_u64 << 30).to_string());
    assert_eq!(hard("Max cpu time"), "121");
    child.kill().unwrap();
    child.wait().unwrap();
    let is_gone = || !std::path::Path::new(&of("fd/0")).exists();
    assert!(within_a_minute(is_gone), "the compiler outlives whoever asked");
}

#[test]
fn an_address_space_that_is_too_small_for_the_pool_is_said_and_served() {
    let host = TestHost::after(Cli::new(), "ulimit -v 8000000");
    let system = host.get("/v1/system").status(200).json();
    assert_eq!(system["figures"]["runtime"]["allocator"], "on-demand", "{system}");
}
