//! Twenty secrets that an agent reveals and says in four forms wherever it can: they are found in
//! no answer, event, log, export or file. The same search finds what is no secret.

use std::path::Path;

use serde_json::json;

use super::{granted, workflow};
use crate::harness::{Cli, TestHost, files_holding, within_a_minute};

const CANARIES: usize = 20;
/// Looked for in the same way, and said by the same agents, but no secret.
const PLANTED: &str = "planted-canary-that-anybody-may-see";

/// A value that differs in each of the forms.
fn canary(n: usize) -> String {
    format!("canary-{n:02}/+&=?\"\\ >>~{:x}", 0x9e37_79b9_u64.wrapping_mul(n as u64 + 1))
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn percent(text: &str) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escape = |byte: u8| match kept(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// The forms that the agent writes, as plain text and inside JSON. Of base64 the part without its
/// last digits, which depend on what follows.
fn forms(text: &str) -> Vec<String> {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD_NO_PAD;
    let mut forms = vec![text.to_owned(), hex(text), percent(text)];
    forms.push(text.replace('\\', "\\\\").replace('"', "\\\""));
    for before in ["", "x", "xx"] {
        let encoded = base64.encode(format!("{before}{text}"));
        forms.push(encoded[4..encoded.len() - 2].to_owned());
    }
    forms
}

/// What a run's events end with.
const ENDS: [&str; 3] = ["run_completed", "run_failed", "task_suspended"];

/// Everything that can be seen of a server's runs.
struct Seen {
    texts: Vec<(String, String)>,
}

impl Seen {
    /// Where a text stands.
    fn places(&self, needle: &str) -> Vec<&str> {
        let holds = |(_, text): &&(String, String)| text.contains(needle);
        self.texts.iter().filter(holds).map(|(place, _)| place.as_str()).collect()
    }
}

/// Starts a run of the workflow and waits until it stands still; keeps what was said of it.
fn run(host: &TestHost, seen: &mut Seen, file: &str, input: &serde_json::Value) {
    let body = json!({ "workflow": file, "input": input });
    let reply = host.post("/v1/runs?wait=30s", &body);
    let id = reply.json()["id"].as_str().expect("an id").to_owned();
    let mut note = |place: &str, text: String| seen.texts.push((format!("{place} {id}"), text));
    note("answer", reply.text);
    for part in ["", "/cassette", "/workflow"] {
        note(part, host.get(&format!("/v1/runs/{id}{part}")).text);
    }
    let mut told = String::new();
    for event in host.events(&id, None) {
        told.push_str(&event.data);
        if ENDS.contains(&event.event.as_str()) {
            break;
        }
    }
    note("events", told);
}

/// The same by the command line, which shows the lines that the agent logs as they come.
fn watch(cli: &Cli, seen: &mut Seen, file: &Path, inputs: &[String]) {
    let file = file.to_str().expect("UTF-8");
    let inputs = inputs.iter().flat_map(|input| ["--input", input.as_str()]);
    let ran = cli.run(["-v", "run", file].into_iter().chain(inputs));
    ran.exits(0);
    seen.texts.push((format!("watched {}", seen.texts.len()), ran.stdout + &ran.stderr));
}

#[test]
fn no_secret_is_found_anywhere() {
    let cli = granted().with("WFORGE_LOG", "debug").with("WFORGE_LIMITS__SECRETS__COUNT_MAX", "50");
    let host = TestHost::on(cli);
    let mut seen = Seen { texts: Vec::new() };
    let state = "state: { result: {}, name: { schema: { type: string } }, \
                 end: { schema: { type: string } } }\ninput: [name, end]";
    let file = workflow("leak", "{ name: state.name, end: state.end }")
        .replace("state: { result: {} }\ninput: []", state);
    let leak = host.cli.file("leak.yaml", &file);
    for n in 0..CANARIES {
        let (name, value) = (format!("c{n:02}"), canary(n));
        let body = json!({ "value": value }).to_string();
        let path = format!("/v1/secrets/{name}");
        let put = host.send_by("PUT", &path, "application/json", &body, None);
        put.status(200);
        seen.texts.push((format!("put {name}"), put.text));
        let inputs = [format!("name={name}"), "end=returns".to_owned()];
        watch(&host.cli, &mut seen, &leak, &inputs);
        for end in ["returns", "fails", "panics", "asks"] {
            run(&host, &mut seen, &file, &json!({ "name": name, "end": end }));
        }
    }
    // The control: the same agents say what is no secret.
    let log = workflow("log", &format!("{{ message: \"'{PLANTED}'\" }}"));
    run(&host, &mut seen, &log, &json!({}));
    watch(&host.cli, &mut seen, &host.cli.file("log.yaml", &log), &[]);
    run(&host, &mut seen, &workflow("echo", &format!("{{ x: \"'{PLANTED}'\" }}")), &json!({}));
    for path in ["/v1/runs?limit=200", "/v1/interrupts", "/v1/audit", "/v1/secrets", "/v1/export"] {
        seen.texts.push((path.to_owned(), host.get(path).text));
    }
    assert!(within_a_minute(|| host.log().contains("request answered")), "it logs");
    seen.texts.push(("log".to_owned(), host.log()));

    let planted = seen.places(PLANTED);
    for place in ["answer", "events", "watched", "/v1/export"] {
        assert!(planted.iter().any(|found| found.contains(place)), "no {place} in {planted:?}");
    }
    fs_err::write(host.cli.data().join("planted"), PLANTED).unwrap();
    assert_eq!(files_holding(&host.cli.data(), PLANTED.as_bytes()).len(), 1, "files are searched");
    assert!(
        seen.places("[secret c07]").len() >= 8,
        "the agent did say it: {:?}",
        seen.places("c07")
    );
    for n in 0..CANARIES {
        for form in forms(&canary(n)) {
            assert_eq!(seen.places(&form), Vec::<&str>::new(), "canary {n} as {form}");
            let files = files_holding(&host.cli.data(), form.as_bytes());
            assert_eq!(files, Vec::<String>::new(), "canary {n} as {form}");
        }
    }
}
