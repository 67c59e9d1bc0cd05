//! Which of a plugin's needs were used.

use wforge_model::effect::Operation;
use wforge_model::{Capability, Recording};

use super::sandbox::Effect;

/// The needs of which one of these effects is a use, granted or not.
pub(crate) fn used<'n>(
    needs: &'n [Capability],
    effects: &'n [Effect],
) -> impl Iterator<Item = &'n Capability> {
    needs.iter().filter(|need| effects.iter().any(|effect| is_use(effect, need)))
}

fn is_use(effect: &Effect, need: &Capability) -> bool {
    let Some(operation) = effect.operation else {
        let text = |field| effect.element.get(field).and_then(|value| value.as_str());
        let (Some(method), Some(url)) = (text("method"), text("url")) else { return false };
        let target = wforge_effects::Target::read(method, url);
        return target.is_ok_and(|target| {
            need.covers(&Capability::of(Recording::UNRECORDED_KIND, target.rule()))
        });
    };
    if operation == Operation::ToolsList {
        return need.kind() == "tool";
    }
    wforge_effects::wanted(operation, &effect.element).iter().any(|wanted| need.covers(wanted))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reading_memory_uses_a_need_to_write_it() {
        let needs = ["kv:run", "kv:plugin:ro", "ask"].map(|text| text.parse().unwrap());
        let element = json!({ "scope": "run", "key": "k" });
        let effects = [Effect { operation: Some(Operation::KvGet), element, answer: None }];
        let found: Vec<String> = used(&needs, &effects).map(ToString::to_string).collect();
        assert_eq!(found, ["kv:run"]);
    }
}
