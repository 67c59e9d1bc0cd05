use workflowforge_sdk::{Ctx, Failure, agent};

#[agent]
fn hello(_ctx: &Ctx, name: String) -> Result<String, Failure> {
    Ok(format!("Hello, {name}!"))
}

#[test]
fn a_hello_has_at_most_ten_lines_and_says_hello() {
    let lines = include_str!("hello.rs").lines().take_while(|line| !line.contains("test"));
    assert!(lines.count() <= 10);
    let host = workflowforge_sdk::MockHost::new();
    assert_eq!(host.run(hello, "Ann"), Ok("Hello, Ann!".to_owned()));
}
