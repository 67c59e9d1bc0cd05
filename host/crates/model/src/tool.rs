//! The names under which agents and the tools of MCP servers are called: `[A-Za-z0-9_-]{1,64}`, as
//! models want them, and always the same for the same thing.
//!
//! A name that would have to be changed or is too long ends in a hash of what it stands for, so
//! that two things share a name only where somebody could make their hashes collide.

use alloc::format;
use alloc::string::String;

use crate::id::IdHasher;
use crate::manifest::{MAIN_AGENT, PluginName};

/// The longest name of a tool, in bytes.
pub const TOOL_NAME_BYTES_MAX: usize = 64;
/// What the names of the tools of MCP servers begin with, and no agent's.
pub const MCP_PREFIX: &str = "mcp__";

/// The largest result of a tool, as JSON text, in bytes.
pub const TOOL_RESULT_BYTES_MAX: usize = 256 << 10;

const PARTS: &str = "__";
/// An underscore and 16 hexadecimal digits.
const SUFFIX_BYTES: usize = 17;

/// An agent's name as a tool: `publisher__plugin`, and `__agent` behind it unless the agent is
/// `main`.
#[must_use]
pub fn agent_tool_name(plugin: &PluginName, agent: &str) -> String {
    let plugin = plugin.as_str().replace('/', PARTS);
    // No publisher begins with an underscore.
    let apart = if plugin.starts_with(MCP_PREFIX) { "_" } else { "" };
    if agent == MAIN_AGENT {
        return safe(&format!("{apart}{plugin}"));
    }
    safe(&format!("{apart}{plugin}{PARTS}{agent}"))
}

/// The name of an MCP server's tool: `mcp__server__tool`.
#[must_use]
pub fn mcp_tool_name(server: &str, tool: &str) -> String {
    safe(&format!("{MCP_PREFIX}{server}{PARTS}{tool}"))
}

fn safe(text: &str) -> String {
    let clean = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let mut name: String = text.chars().map(clean).collect();
    if name == text && name.len() <= TOOL_NAME_BYTES_MAX {
        return name;
    }
    name.truncate(TOOL_NAME_BYTES_MAX - SUFFIX_BYTES);
    let hash = IdHasher::new("wforge.tool-name.v1").field(text.as_bytes()).finish();
    let suffix: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{name}_{suffix}")
}

#[cfg(test)]
mod tests {
    use super::{MCP_PREFIX, TOOL_NAME_BYTES_MAX, agent_tool_name, mcp_tool_name};

    fn agent(plugin: &str, agent: &str) -> alloc::string::String {
        agent_tool_name(&plugin.parse().unwrap(), agent)
    }

    #[test]
    fn an_agent_is_called_after_its_plugin() {
        assert_eq!(agent("acme/search", "main"), "acme__search");
        assert_eq!(agent("acme/search", "deep_look"), "acme__search__deep_look");
    }

    #[test]
    fn no_agent_is_called_as_a_servers_tool_is() {
        assert_eq!(mcp_tool_name("files", "read_file"), "mcp__files__read_file");
        assert_eq!(agent("mcp/files", "read_file"), "_mcp__files__read_file");
        assert!(!agent("mcp/files", "main").starts_with(MCP_PREFIX));
    }

    #[test]
    fn what_is_changed_or_cut_ends_in_a_hash_of_what_it_was() {
        let names = [
            mcp_tool_name("files", "read.file"),
            mcp_tool_name("files", "read/file"),
            mcp_tool_name("files", "read file"),
            mcp_tool_name("files", "read_file"),
            mcp_tool_name("files", ""),
            mcp_tool_name("files", "ß\n\u{202e}"),
            mcp_tool_name("files", &"x".repeat(500)),
            mcp_tool_name("files", &"x".repeat(501)),
            agent(&alloc::format!("{0}/{0}", "a".repeat(64)), "main"),
            agent(&alloc::format!("{0}/{0}", "a".repeat(64)), "other"),
        ];
        let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        for name in &names {
            assert!((1..=TOOL_NAME_BYTES_MAX).contains(&name.len()), "{name}");
            assert!(name.chars().all(is_safe), "{name}");
            assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name}");
        }
        let changed = names.first().unwrap();
        assert!(changed.starts_with("mcp__files__read_file_"), "{changed}");
    }
}
