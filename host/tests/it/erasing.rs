//! A tenant that is erased: no byte of it is left, and another one's are.

use std::path::Path;

use serde_json::json;
use wforge_api::Role;

use crate::harness::{TestHost, component, files_holding};

/// What stands in everything of a tenant.
fn canary(tenant: &str) -> String {
    format!("canary-of-{tenant}-9f2b7c1de8a0")
}

fn workflow(tenant: &str) -> String {
    let canary = canary(tenant);
    format!(
        "
apiVersion: workflowforge/v1
name: {canary}
version: 1.0.0
state: {{ text: {{}}, said: {{}} }}
input: [text]
output: [said]
nodes:
  ask: {{ ask: {{ prompt: '{canary}?', schema: {{ type: string }} }}, out: {{ said: result }} }}
edges: [{{ from: START, to: ask }}]
"
    )
}

/// A tenant with a plugin, workflows, runs, a large value, a thread, keys and people.
fn fill(host: &TestHost, tenant: &str, plugin: &str) -> String {
    let canary = canary(tenant);
    host.post("/v1/tenants", &json!({ "id": tenant })).status(201);
    let key = json!({ "name": canary, "role": Role::Admin });
    let key = host.post(&format!("/v1/tenants/{tenant}/keys"), &key).status(201).json();
    let key = key["key"].as_str().expect("a key").to_owned();
    host.post_text_as("/v1/workflows", "application/yaml", &workflow(tenant), &key).status(201);
    let wasm = fs_err::read(component(plugin)).expect("a component");
    host.post_bytes_as("/v1/plugins", "application/wasm", &wasm, &key).status(201);
    host.post_as("/v1/members", &json!({ "subject": canary, "role": "viewer" }), &key).status(200);
    let large = canary.repeat(20_000);
    let thread = "thread_00000000000000000000000000000abc";
    let start = json!({
        "workflow": { "name": canary }, "input": { "text": large }, "thread": thread,
    });
    let run = host.post_as("/v1/runs?wait=30s", &start, &key).status(200).json();
    let path = format!("/v1/runs/{}/resume?wait=30s", run["id"].as_str().expect("a run"));
    let answer = json!({ "answers": [{ "answer": canary }] });
    host.post_as(&path, &answer, &key).status(200);
    // And one that still waits.
    host.post_as("/v1/runs?wait=30s", &start, &key).status(200);
    key
}

/// The files below the data directory whose name says that digest.
fn of_digest(dir: &Path, digest: &str) -> usize {
    let entries = fs_err::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let count = |path: std::path::PathBuf| {
        if path.is_dir() {
            return of_digest(&path, digest);
        }
        usize::from(path.display().to_string().contains(digest))
    };
    entries.map(count).sum()
}

#[test]
fn no_file_holds_a_canary_of_an_erased_tenant_and_another_ones_are_found() {
    // Outside development nobody has plugins that they did not install.
    let host = TestHost::on(crate::harness::Cli::new().with("WFORGE_ENV", "testing"));
    let of_acme = fill(&host, "acme", "wforge/probe");
    let of_other = fill(&host, "other", "wforge/outline");
    let data = host.cli.data();
    let plugin = host.get_as("/v1/plugins", Some(&of_acme)).status(200).json();
    let digest = plugin["items"][0]["component"].as_str().unwrap().replace("sha256:", "");

    // Positive controls: raw bytes (names stand in keys of rows), decoded records, files.
    let (acme, other) = (canary("acme"), canary("other"));
    assert_ne!(files_holding(&data, acme.as_bytes()), Vec::<String>::new());
    assert_ne!(files_holding(&data, other.as_bytes()), Vec::<String>::new());
    let export = |tenant: &str| {
        let ran = host.run(&["export", "--tenant", tenant]);
        (ran.code, ran.stdout)
    };
    let (code, decoded) = export("acme");
    assert!(code == 0 && decoded.matches(&acme).count() > 20_000, "the large value too");
    assert!(!decoded.contains(&other));
    assert_eq!(of_digest(&data, &digest), 3, "the component, its code and its seal");
    assert!(data.join("store/blobs/acme").exists(), "the large value is a file");

    let slip = host.run(&["tenants", "erase", "acme", "--confirm", "other"]);
    slip.exits(2);
    let erased = host.run(&["tenants", "erase", "acme", "--confirm", "acme", "--output", "json"]);
    assert_eq!(erased.exits(0).json()["state"], "erased");

    assert_eq!(files_holding(&data, acme.as_bytes()), Vec::<String>::new());
    assert_ne!(files_holding(&data, other.as_bytes()), Vec::<String>::new());
    assert_eq!(of_digest(&data, &digest), 0);
    assert!(!data.join("store/blobs/acme").exists());
    host.get_as("/v1/runs", Some(&of_acme)).status(401);
    let (_, decoded) = export("acme");
    assert!(!decoded.contains(&acme) && decoded.lines().count() <= 2, "{decoded}");
    let (code, decoded) = export("other");
    assert!(code == 0 && decoded.matches(&other).count() > 20_000);

    // Nor does a restart bring anything back, and the other tenant's runs go on.
    let host = host.restart();
    assert_eq!(files_holding(&data, acme.as_bytes()), Vec::<String>::new());
    let waiting = host.get_as("/v1/interrupts", Some(&of_other)).status(200).json();
    assert_eq!(waiting["items"].as_array().unwrap().len(), 1);
    let log = host.run(&["audit", "list", "--tenant", "platform", "--output", "json"]);
    let actions: Vec<String> = log
        .exits(0)
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| format!("{} {}", entry["entry"]["action"], entry["entry"]["resource"]))
        .collect();
    assert!(actions.contains(&"\"tenant.erased\" \"acme\"".to_owned()), "{actions:?}");
    host.run(&["audit", "verify", "--tenant", "platform"]).exits(0).says(&["intact"]);
}

#[test]
fn a_data_directory_without_a_server_is_managed_by_the_same_commands() {
    let cli = crate::harness::Cli::new();
    cli.run(["tenants", "create", "acme", "--quota", "runs_live_max=3"]).exits(0);
    let key = cli.run(["keys", "add", "ci", "--tenant", "acme", "--role", "operator"]);
    assert!(key.exits(0).stdout.starts_with("wf_"));
    let shown = cli.run(["tenants", "show", "acme", "--output", "json"]).exits(0).json();
    assert_eq!(shown["tenant"]["quotas"]["runs_live_max"], 3);
    assert_eq!(shown["tenant"]["quotas"]["runs_per_day_max"], 0);
    cli.run(["tenants", "suspend", "acme"]).exits(0);
    cli.run(["tenants", "list"]).exits(0).says(&["acme", "suspended", "default"]);
    cli.run(["keys", "list", "--tenant", "acme"]).exits(0).says(&["operator", "ci"]);
    cli.run(["audit", "list", "--tenant", "acme"]).exits(0).says(&["key.add"]);
    cli.run(["audit", "verify", "--tenant", "acme"]).exits(0).says(&["1 entries, intact"]);
    cli.run(["tenants", "erase", "acme", "--confirm", "acme"]).exits(0);
    cli.run(["tenants", "create", "acme"]).exits(2).says(&["its name is not given again"]);
    cli.run(["keys", "add", "x", "--tenant", "nobody"]).exits(2).says(&["no tenant \"nobody\""]);
    cli.run(["explain", "wf1008"]).exits(0).says(&["wforge tenants resume"]);
    cli.run(["explain", "WF9999"]).exits(2).says(&["is no error code"]);
}

#[test]
fn a_tenant_uses_the_plugins_of_the_platform_that_it_is_offered_and_no_others() {
    let host = TestHost::start();
    for plugin in ["wforge/outline", "wforge/digest"] {
        let path = component(plugin);
        host.run(&["plugin", "install", "--platform", path.to_str().unwrap()]).exits(0);
    }
    host.run(&["plugin", "list", "--platform"]).exits(0).says(&["wforge/outline@0.1.0"]);
    host.post("/v1/tenants", &json!({ "id": "acme" })).status(201);
    let key = json!({ "name": "dev", "role": "developer" });
    let key = host.post("/v1/tenants/acme/keys", &key).status(201).json();
    let key = key["key"].as_str().unwrap().to_owned();
    let names = || {
        let list = host.get_as("/v1/plugins", Some(&key)).status(200).json();
        let items = list["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(), Vec::<String>::new());
    host.run(&["tenants", "plugins", "acme", "wforge/outline"]).exits(0);
    assert_eq!(names(), ["wforge/outline@0.1.0"]);
    let run = |agent: &str| {
        let workflow = format!(
            "
apiVersion: workflowforge/v1
name: one
version: 1.0.0
state: {{ document: {{}}, result: {{}} }}
input: [document]
output: [result]
nodes:
  it: {{ agent: {agent}, in: {{ text: state.document }}, out: {{ result: result }} }}
edges: [{{ from: START, to: it }}]
"
        );
        let start = json!({ "workflow": workflow, "input": { "document": "# A\n\nb\n" } });
        host.post_as("/v1/runs?wait=30s", &start, &key)
    };
    assert_eq!(run("wforge/outline").status(200).json()["status"], "completed");
    assert_eq!(run("wforge/digest").status(422).json()["reason"], "missing_agents");
    host.run(&["tenants", "plugins", "acme"]).exits(0);
    assert_eq!(run("wforge/outline").status(422).json()["reason"], "missing_agents");
}
