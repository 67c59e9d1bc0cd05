//! Keys, inputs, outputs, limits.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

use wforge_model::Key;
use wforge_model::workflow::{KeySpec, Work};

use super::Checker;
use crate::problem::{Place, Problem};
use crate::reduce::kind_of;

impl Checker<'_> {
    pub(super) fn state(&mut self) {
        for (key, spec) in &self.draft.state {
            self.key_spec(&Place::root().at("state").at(key), key, spec);
        }
        for (name, keys) in [("input", &self.draft.input), ("output", &self.draft.output)] {
            let mut seen = BTreeSet::new();
            for (index, key) in keys.iter().enumerate() {
                let place = Place::root().at(name).at(index);
                self.key_exists(place.clone(), key.as_str());
                if !seen.insert(key) {
                    self.error(place, "named_twice", format!("{name} names {key} twice"));
                }
            }
        }
        self.stays_out_of_the_store();
        self.output_is_written();
        let limits = &self.draft.limits;
        let counts = [
            ("steps", limits.steps_max),
            ("parallel", limits.parallel_max),
            ("tasks_per_step_max", limits.tasks_per_step_max),
        ];
        for (name, _) in counts.iter().filter(|(_, count)| *count == Some(0)) {
            let place = Place::root().at("limits").at(name);
            self.error(place, "zero_limit", format!("limits.{name} must be at least 1"));
        }
    }

    fn key_spec(&mut self, place: &Place, key: &Key, spec: &KeySpec) {
        let usable = match spec.schema.as_ref().map(|schema| self.expressions.check_schema(schema))
        {
            Some(Err(message)) => {
                self.error(place.at("schema"), "schema", message);
                false
            }
            Some(Ok(())) | None => true,
        };
        if spec.ephemeral && !spec.reducer.replaces() {
            let message =
                format!("{key} lasts one super-step, so its reducer has nothing to add to");
            let problem = Problem::error(place.at("ephemeral"), "ephemeral_reducer", message);
            self.push(problem.help("take the reducer out, or use `any`"));
        }
        let Some(default) = &spec.default else { return };
        if let Some(initial) = spec.reducer.initial()
            && kind_of(&initial) != kind_of(default)
        {
            let (is, wants) = (kind_of(default), kind_of(&initial));
            let message = format!("the default of {key} is {is}, but its reducer takes {wants}");
            self.error(place.at("default"), "default_type", message);
        }
        if let Some(schema) = spec.schema.as_ref().filter(|_| usable)
            && let Err(misses) = self.expressions.check(schema, default)
        {
            let message = format!("the default of {key} misses its schema: {}", misses.join("; "));
            self.error(place.at("default"), "default_schema", message);
        }
    }

    /// Inputs and outputs are written down with the run.
    fn stays_out_of_the_store(&mut self) {
        for (name, keys) in [("input", &self.draft.input), ("output", &self.draft.output)] {
            for (index, key) in keys.iter().enumerate() {
                if self.draft.state.get(key).is_some_and(|spec| spec.volatile) {
                    let place = Place::root().at(name).at(index);
                    let message =
                        format!("{key} never reaches the store (persist: false), and {name} does");
                    self.error(place, "volatile_key", message);
                }
            }
        }
    }

    /// An output key that nothing can ever write would fail every run at its end.
    fn output_is_written(&mut self) {
        let mut written: BTreeSet<&Key> = self.draft.input.iter().collect();
        let mut anything = false;
        for node in self.draft.nodes.values() {
            match (&node.work, &node.out) {
                (Work::Set(writes), _) => written.extend(writes.keys()),
                (_, Some(out)) => written.extend(out.keys()),
                (_, None) => anything = true,
            }
        }
        let lost: Vec<(usize, &Key)> = self
            .draft
            .output
            .iter()
            .enumerate()
            .filter(|(_, key)| {
                let spec = self.draft.state.get(*key);
                let starts =
                    spec.is_some_and(|s| s.default.is_some() || s.reducer.initial().is_some());
                !anything && !starts && spec.is_some() && !written.contains(*key)
            })
            .collect();
        for (index, key) in lost {
            let place = Place::root().at("output").at(index);
            self.error(place, "never_written", format!("no node writes the output key {key}"));
        }
    }
}
