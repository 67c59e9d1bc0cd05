//! Twenty secrets that an agent reveals and says in four forms wherever it can: they are found in
//! no answer, event, log, export, file, memory or blob. The same search finds what is no secret and
//! was said by the same agent in the same ways.

use std::path::Path;

use serde_json::json;

use super::{granted, workflow};
use crate::harness::{Cli, TestHost, files_holding, within_a_minute};

const CANARIES: usize = 20;
/// Looked for in the same way, and said by the same agents, but no secret.
const PLANTED: &str = "planted canary that anybody may see";
/// Under what it is remembered.
const PLANTED_KEY: &str = "planted";

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

/// A workflow of the agent `leak`, which is told by that field what to say.
fn leaking(name: &str, field: &str) -> String {
    let state = "state: { result: {}, said: { schema: { type: string } }, \
                 key: { schema: { type: string } }, end: { schema: { type: string } } }\n\
                 input: [said, key, end]";
    let input = format!("{{ {field}: state.said, key: state.key, end: state.end }}");
    let file = workflow("leak", &input).replace("name: leak", &format!("name: {name}"));
    file.replace("state: { result: {} }\ninput: []", state)
}

/// Has an agent say something in every way, and keeps what was said of it.
fn leak(host: &TestHost, seen: &mut Seen, (name, field): (&str, &str), said: &str, key: &str) {
    let file = leaking(name, field);
    let written = host.cli.file(&format!("{name}.yaml"), &file);
    let inputs = [format!("said={said}"), format!("key={key}"), "end=returns".to_owned()];
    watch(&host.cli, seen, &written, &inputs);
    for end in ["returns", "fails", "panics", "asks"] {
        run(host, seen, &file, &json!({ "said": said, "key": key, "end": end }));
    }
}

/// Sets all canaries, and has each of them said; and what is no secret.
fn said_by(host: &TestHost) -> Seen {
    let mut seen = Seen { texts: Vec::new() };
    for n in 0..CANARIES {
        let (name, value) = (format!("c{n:02}"), canary(n));
        let body = json!({ "value": value }).to_string();
        let path = format!("/v1/secrets/{name}");
        let put = host.send_by("PUT", &path, "application/json", &body, None);
        put.status(200);
        seen.texts.push((format!("put {name}"), put.text));
        leak(host, &mut seen, ("leaks", "name"), &name, &name);
    }
    leak(host, &mut seen, ("controls", "text"), PLANTED, PLANTED_KEY);
    seen
}

/// What another process reads of what was kept, which has opened no secret and takes none out.
fn kept(host: &TestHost, seen: &mut Seen) {
    let keys = (0..CANARIES).map(|n| format!("c{n:02}")).chain([PLANTED_KEY.to_owned()]);
    for key in keys {
        let file = workflow("recall", &format!("{{ key: \"'{key}'\" }}"));
        let reply = host.post("/v1/runs?wait=30s", &json!({ "workflow": file, "input": {} }));
        seen.texts.push((format!("memory {key}"), reply.text));
    }
    for path in ["/v1/runs?limit=200", "/v1/interrupts", "/v1/audit", "/v1/secrets", "/v1/export"] {
        seen.texts.push((path.to_owned(), host.get(path).text));
    }
}

/// Checks that a text is seen at each of these places.
fn found<'a>(seen: &Seen, text: &str, at: impl IntoIterator<Item = &'a &'a str>) {
    let places = seen.places(text);
    for place in at {
        let is_there = places.iter().any(|found| found.starts_with(place));
        assert!(is_there, "{text}: no {place} in {places:?}");
    }
}

#[test]
fn no_secret_is_found_anywhere() {
    let cli = granted().with("WFORGE_LOG", "debug").with("WFORGE_LIMITS__SECRETS__COUNT_MAX", "50");
    let host = TestHost::on(cli);
    let mut seen = said_by(&host);
    assert!(within_a_minute(|| host.log().contains("request answered")), "it logs");
    seen.texts.push(("log".to_owned(), host.log()));
    let host = host.restart();
    kept(&host, &mut seen);

    // The control: what is no secret is found in each form, wherever it was said. In the middle of
    // something else, which the last two are, it was returned alone.
    let everywhere = ["answer", "events", "watched", "/v1/export", "/v1/interrupts", "memory"];
    for (n, form) in forms(PLANTED).iter().enumerate() {
        let said = everywhere.iter().take(if n < 5 { 6 } else { 4 });
        found(&seen, form, said);
    }
    fs_err::write(host.cli.data().join("planted"), PLANTED).unwrap();
    assert_eq!(files_holding(&host.cli.data(), PLANTED.as_bytes()).len(), 1, "files are searched");
    // The agent did say the secrets as well.
    found(&seen, "[secret c07]", &everywhere);
    for n in 0..CANARIES {
        for form in forms(&canary(n)) {
            assert_eq!(seen.places(&form), Vec::<&str>::new(), "canary {n} as {form}");
            let files = files_holding(&host.cli.data(), form.as_bytes());
            assert_eq!(files, Vec::<String>::new(), "canary {n} as {form}");
        }
        // The blob that the agent wrote has another digest than one with the secret in it.
        assert_eq!(seen.places(&written(&canary(n))), Vec::<&str>::new(), "the blob of canary {n}");
    }
    assert!(!seen.places(&written(PLANTED)).is_empty(), "the blob of what is no secret is there");
}

/// The digest of the blob that the agent writes of a text, were nothing taken out of it.
fn written(text: &str) -> String {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode(text);
    digest([text.to_owned(), base64, hex(text), percent(text)].join(" ").as_bytes())
}

fn digest(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(bytes);
    hash.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}
