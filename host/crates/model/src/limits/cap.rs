//! What an operator leaves of the sandbox's limits to one tenant or one plugin.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use super::SandboxLimits;
use crate::{PluginName, TenantId};

/// A plugin by its name, all of a publisher (`acme/*`), or all there are (`*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginPattern(String);

impl PluginPattern {
    /// Whether it is that plugin, or one of those.
    #[must_use]
    pub fn matches(&self, plugin: &PluginName) -> bool {
        match self.0.strip_suffix('*') {
            Some(publisher) => plugin.as_str().starts_with(publisher),
            None => self.0 == plugin.as_str(),
        }
    }
}

impl fmt::Display for PluginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text that is no pattern of plugins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" names no plugins: write publisher/name, publisher/* or *")]
pub struct ParsePatternError {
    text: String,
}

impl FromStr for PluginPattern {
    type Err = ParsePatternError;

    fn from_str(text: &str) -> Result<Self, ParsePatternError> {
        // With a name for the star it is a plugin's.
        let name = text.strip_suffix("/*").map(|publisher| alloc::format!("{publisher}/x"));
        let is_name = name.as_deref().unwrap_or(text).parse::<PluginName>().is_ok();
        if is_name || text == "*" {
            return Ok(Self(text.into()));
        }
        Err(ParsePatternError { text: text.into() })
    }
}

crate::id::text_serde!(PluginPattern);

macro_rules! caps {
    ($($limit:ident: $number:ty,)*) => {
        /// One cap: for whom, why, and what is the most. What it does not name it leaves as it is.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Cap {
            /// For which tenant; none: for each.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub tenant: Option<TenantId>,
            /// For which plugins; none: for all.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub plugin: Option<PluginPattern>,
            /// Why, for whoever reads the file.
            pub reason: String,
            $(
                #[doc = concat!("As [`SandboxLimits::", stringify!($limit), "`].")]
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $limit: Option<$number>,
            )*
        }

        impl Cap {
            /// Lowers what it names.
            pub fn lower(&self, limits: &mut SandboxLimits) {
                $(limits.$limit = limits.$limit.min(self.$limit.unwrap_or(limits.$limit));)*
            }

            /// The first limit of which it names more than there is, with both numbers.
            #[must_use]
            pub fn beyond(&self, limits: &SandboxLimits) -> Option<(&'static str, u64, u64)> {
                $(
                    if let Some(asked) = self.$limit.filter(|asked| *asked > limits.$limit) {
                        return Some((stringify!($limit), asked.into(), limits.$limit.into()));
                    }
                )*
                None
            }
        }
    };
}

// All but the stack, which is the same for everybody.
caps! {
    memory_bytes_max: u64,
    memory_per_tenant_bytes_max: u64,
    calls_per_tenant_max: u32,
    calls_per_plugin_max: u32,
    instances_max: u32,
    memories_max: u32,
    tables_max: u32,
    table_elements_max: u32,
    cpu_ms_max: u64,
    wall_ms_max: u64,
    host_calls_max: u32,
    effects_max: u32,
    host_call_bytes_max: u64,
    input_bytes_max: u32,
    output_bytes_max: u32,
    json_depth_max: u32,
    json_values_max: u32,
    log_lines_max: u32,
    log_line_bytes_max: u32,
    log_bytes_max: u32,
    emits_max: u32,
    random_bytes_max: u32,
    handles_max: u32,
    timers_max: u32,
    http_at_once_max: u32,
}

impl Cap {
    /// Whether it is for that plugin in that tenant.
    #[must_use]
    pub fn applies(&self, tenant: &TenantId, plugin: &PluginName) -> bool {
        self.tenant.as_ref().is_none_or(|own| own == tenant)
            && self.plugin.as_ref().is_none_or(|pattern| pattern.matches(plugin))
    }
}

/// What is left of the limits to a plugin in a tenant: the least that any cap says.
#[must_use]
pub fn effective<'a>(
    limits: &SandboxLimits,
    caps: impl IntoIterator<Item = &'a Cap>,
    tenant: &TenantId,
    plugin: &PluginName,
) -> SandboxLimits {
    let mut left = limits.clone();
    let applying = caps.into_iter().filter(|cap| cap.applies(tenant, plugin));
    applying.for_each(|cap| cap.lower(&mut left));
    left
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;
    use alloc::vec::Vec;

    use serde_json::json;

    use super::{Cap, PluginPattern, effective};
    use crate::limits::SandboxLimits;

    fn caps() -> Vec<Cap> {
        serde_json::from_value(json!([
            { "tenant": "acme", "reason": "a trial", "cpu_ms_max": 500, "timers_max": 8 },
            { "plugin": "loud/*", "reason": "it talks", "log_lines_max": 10, "cpu_ms_max": 700 },
            { "tenant": "acme", "plugin": "loud/bell", "reason": "it rings", "log_lines_max": 3 },
            { "plugin": "*", "reason": "no more for anybody", "emits_max": 100 },
        ]))
        .unwrap()
    }

    /// CPU time, log lines and events that are left.
    fn check(tenant: &str, plugin: &str, expected: (u64, u32, u32)) {
        let host = SandboxLimits::default();
        let left = effective(&host, &caps(), &tenant.parse().unwrap(), &plugin.parse().unwrap());
        assert_eq!((left.cpu_ms_max, left.log_lines_max, left.emits_max), expected);
    }

    #[test]
    fn the_least_of_all_caps_that_apply_holds() {
        check("acme", "loud/bell", (500, 3, 100));
        check("acme", "loud/horn", (500, 10, 100));
        check("acme", "quiet/owl", (500, 1_000, 100));
        check("other", "loud/bell", (700, 10, 100));
        check("other", "quiet/owl", (10_000, 1_000, 100));
    }

    #[test]
    fn a_cap_lowers_and_never_raises() {
        let mut limits = SandboxLimits { cpu_ms_max: 5, ..SandboxLimits::default() };
        let caps = caps();
        caps[0].lower(&mut limits);
        assert_eq!((limits.cpu_ms_max, limits.timers_max), (5, 8));
        assert_eq!(caps[0].beyond(&limits), Some(("cpu_ms_max", 500, 5)));
        assert_eq!(caps[0].beyond(&SandboxLimits::default()), None);
    }

    #[test]
    fn what_can_be_capped_is_every_limit_but_the_stack() {
        let limits = serde_json::to_value(SandboxLimits::default()).unwrap();
        for (limit, number) in limits.as_object().unwrap() {
            let cap = json!({ "reason": "a test", limit: number });
            let read = serde_json::from_value::<Cap>(cap);
            assert_eq!(read.is_ok(), limit != "stack_bytes_max", "{limit}");
        }
    }

    #[test]
    fn a_pattern_is_a_name_or_all_of_a_publisher() {
        for pattern in ["acme/bell", "acme/*", "*"] {
            assert_eq!(pattern.parse::<PluginPattern>().unwrap().to_string(), pattern);
        }
        for none in ["acme", "acme/b*", "*/bell", "/*", "acme/*/*", ""] {
            assert!(none.parse::<PluginPattern>().is_err(), "{none}");
        }
    }
}
