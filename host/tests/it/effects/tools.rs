//! The tools of an MCP server, and what can be wrong with it.

use serde_json::{Value, json};

use super::{Stage, kind, mcp_toml, text};

fn call(tool: &str, input: &Value) -> Value {
    json!({ "do": "tool", "name": format!("mcp__shelf__{tool}"), "input": input })
}

/// Calls the tool, and says what failure was seen.
fn check(stage: &Stage, tool: &str, expected: &str) {
    let seen = stage.seen_of(call(tool, &json!({ "text": "x" })));
    assert_eq!(kind(&seen), expected, "{seen}");
    let message = seen["message"].as_str().expect("a message");
    assert!(message.contains(&format!("mcp__shelf__{tool}")), "{message}");
}

#[test]
fn the_tools_of_a_server_are_listed_and_called_under_a_key() {
    let stage = Stage::new();
    let listed = stage.seen_of(json!({ "do": "tools" }));
    let names = listed.as_array().expect("a list");
    assert!(names.contains(&json!("mcp__shelf__echo")), "{listed}");
    assert_eq!(stage.seen_of(call("echo", &json!({ "text": "hi" }))), json!({ "text": "hi" }));
    let arrived = stage.mcp.arrived().unwrap();
    let calls: Vec<_> = arrived.iter().filter(|it| it.body["method"] == "tools/call").collect();
    assert_eq!(calls.len(), 1);
    assert_ne!(calls[0].key, "none");
}

#[test]
fn each_fault_of_a_tool_or_its_server_is_a_failure_of_its_own() {
    let stage = Stage::new();
    check(&stage, "fails", "failed \"tool_error\"");
    check(&stage, "rude", "invalid-input \"tool_input\"");
    check(&stage, "large", "limit \"tool_result_bytes\"");
    check(&stage, "busy", "upstream \"http_status\"");
    check(&stage, "broken", "upstream \"http_status\"");
    check(&stage, "cut", "upstream \"connection_broken\"");
    check(&stage, "garbage", "upstream \"bad_answer\"");
    check(&stage, "nobody", "failed \"unknown_tool\"");
}

#[test]
fn a_tool_that_never_answers_is_given_up() {
    let stage = Stage::new();
    let file = stage.cli.file("slow.toml", mcp_toml(&stage.mcp.address, 500));
    let stage = stage.with("WFORGE_TOOLS__MCP_FILE", &text(&file));
    check(&stage, "silent", "upstream \"timeout\"");
}

#[test]
fn a_server_that_is_down_fails_the_call_and_not_the_host() {
    let mut stage = Stage::new();
    stage.mcp.stop();
    check(&stage, "echo", "upstream \"unreachable\"");
}

#[test]
fn a_server_on_this_machine_needs_the_operators_exception() {
    let stage = Stage::new().with("WFORGE_OUTBOUND__ALLOW", "10.0.0.0/8");
    check(&stage, "echo", "upstream \"forbidden_address\"");
    assert_eq!(stage.mcp.arrived().unwrap(), []);
}

#[test]
fn a_tool_that_was_not_granted_is_denied_with_the_line_to_add() {
    let stage = Stage::new();
    let more = "allow: [\"tool:mcp__shelf__fails\"]";
    let mut step = call("echo", &json!({}));
    step["catch"] = true.into();
    let ran = stage.run(&json!([step]), more);
    let seen = ran.exits(0).json()["output"]["seen"][0].clone();
    assert_eq!(kind(&seen), "denied \"tool\"");
    assert!(
        seen["message"]
            .as_str()
            .expect("a hint")
            .contains("wforge grants approve wforge/effects-steps"),
        "{seen}"
    );
    assert_eq!(stage.mcp.arrived().unwrap(), []);
}
