//! The operator's grants file.

use wforge_effects::{GrantsError, GrantsFile};
use wforge_model::limits::SandboxLimits;

const FILE: &str = r#"
[[grant]]
plugin = "acme/mailer"
capabilities = ["ask", "kv:run:ro"]
reason = "asks before it sends"

[[grant]]
plugin = "acme/mailer"
tenant = "north"
capabilities = ["llm:fast"]
"#;

fn granted(tenant: &str, plugin: &str) -> String {
    let file = GrantsFile::parse(FILE).unwrap();
    format!("{:?}", file.granted(&tenant.parse().unwrap(), &plugin.parse().unwrap()))
}

#[test]
fn grants_without_a_tenant_hold_in_each() {
    assert_eq!(granted("south", "acme/mailer"), "[ask, kv:run:ro]");
    assert_eq!(granted("north", "acme/mailer"), "[ask, kv:run:ro, llm:fast]");
}

#[test]
fn who_is_not_named_gets_nothing() {
    assert_eq!(granted("north", "acme/other"), "[]");
    assert_eq!(GrantsFile::parse("").unwrap().iter().count(), 0);
}

#[test]
fn caps_leave_the_least_that_any_of_them_says() {
    let text = r#"
[[cap]]
tenant = "north"
reason = "a trial"
cpu_ms_max = 500

[[cap]]
plugin = "acme/*"
reason = "they talk"
cpu_ms_max = 700
log_lines_max = 10
"#;
    let (file, host) = (GrantsFile::parse(text).unwrap(), SandboxLimits::default());
    file.check_caps(&host).unwrap();
    let left = |tenant: &str, plugin: &str| {
        let left = file.limits(&host, &tenant.parse().unwrap(), &plugin.parse().unwrap());
        (left.cpu_ms_max, left.log_lines_max)
    };
    assert_eq!(left("north", "acme/mailer"), (500, 10));
    assert_eq!(left("south", "acme/mailer"), (700, 10));
    assert_eq!(left("south", "other/mailer"), (10_000, 1_000));
}

#[test]
fn a_cap_of_what_is_no_limit_is_named_with_its_place() {
    let error = GrantsFile::parse("[[cap]]\nreason = \"x\"\nmemory = 5\n").unwrap_err();
    let told = error.to_string();
    assert!(told.starts_with("line 3, column 1: unknown field `memory`"), "{told}");
}

fn check(text: &str, expected: &str) {
    assert_eq!(GrantsFile::parse(text).unwrap_err().to_string(), expected);
}

#[test]
fn an_error_names_its_place() {
    check(
        "[[grant]]\nplugin = \"acme/mailer\"\ncapabilities = [\"ask\", \"fly\"]\n",
        "line 3, column 16: \"fly\" is no capability: write one of ask, kv:<scope>[:ro], \
         llm:<model>, http:<rule>, http.raw:<rule>, tool:<name>, secret:<name>:hold, \
         secret:<name>:reveal",
    );
    check(
        "[[grant]]\nplugin = \"mailer\"\ncapabilities = []\n",
        "line 2, column 10: \"mailer\" is no plugin name: write publisher/name in small letters, \
         digits and -, each part beginning with a letter and at most 64 long",
    );
    check(
        "[[grant]]\nplugin = \"a/b\"\ncapabilities = []\nuntil = \"noon\"\n",
        "line 4, column 1: unknown field `until`, expected one of `plugin`, `tenant`, \
         `capabilities`, `reason`",
    );
    check("[[grant]]\nplugin = \"a/b\"\n", "line 1, column 1: missing field `capabilities`");
    check("[[grant\n", "line 1, column 8: unclosed array table, expected `]]`");
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let error = GrantsFile::parse(&"#".repeat((1 << 20) + 1)).unwrap_err();
    assert_eq!(error, GrantsError::TooLarge { bytes: (1 << 20) + 1 });
}
