//! Evaluates a [`Plan`] against a [`Scope`]. Pure, bounded by a [`Budget`], and free of copies
//! until the answer is taken out.

use std::collections::BTreeMap;

use wforge_graph::{ExprError, Scope};

use super::budget::{Budget, MADE, check_visits, units};
use super::failure::{LIMIT, UNKNOWN_NAME, failure, is_missing, suggestion, type_error};
use super::functions::{self, Patterns};
use super::operators;
use super::plan::{Function, Logic, Loop, LoopKind, Node, Plan};
use super::value::{List, Map, Val};

/// Names that exist besides the `as` names.
const ROOTS: [&str; 5] = ["state", "sent", "context", "run", "result"];

/// One evaluation.
#[derive(Debug)]
pub(super) struct Evaluation<'a> {
    scope: &'a Scope<'a>,
    patterns: &'a Patterns,
    locals: Vec<(&'a str, Val<'a>)>,
    pub(super) budget: Budget,
}

impl<'a> Evaluation<'a> {
    pub(super) const fn new(scope: &'a Scope<'a>, patterns: &'a Patterns) -> Self {
        Self { scope, patterns, locals: Vec::new(), budget: Budget::new() }
    }

    /// The value of a whole plan.
    pub(super) fn run(&mut self, plan: &'a Plan) -> Result<Val<'a>, ExprError> {
        if plan.loops {
            let visits = self.visits(&plan.root)?;
            check_visits(visits)?;
        }
        self.value(&plan.root)
    }

    fn value(&mut self, node: &'a Node) -> Result<Val<'a>, ExprError> {
        self.budget.spend(1)?;
        match node {
            Node::Literal(value) => Ok(Val::from(value)),
            Node::Name(name) => self.name(name),
            Node::Select(operand, field) => {
                let value = self.value(operand)?;
                operators::select(&value, field, || operand.path())
            }
            Node::Has(operand, field) => self.has(operand, field),
            Node::Index(operand, index) => {
                let (value, index) = (self.value(operand)?, self.value(index)?);
                operators::index(&value, &index, || operand.path())
            }
            Node::Not(operand) => Ok(Val::Bool(!self.condition(operand)?)),
            Node::Negate(operand) => operators::negate(&self.value(operand)?),
            Node::Logic(logic, left, right) => self.logic(*logic, left, right).map(Val::Bool),
            Node::Binary(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                operators::binary(*operator, &left, &right, &mut self.budget)
            }
            Node::If(parts) => {
                let [condition, yes, no] = &**parts;
                if self.condition(condition)? { self.value(yes) } else { self.value(no) }
            }
            Node::List(items) => {
                self.budget.spend(MADE)?;
                self.values(items).map(Val::list)
            }
            Node::Map(entries) => self.map(entries),
            Node::Call(function, args) => self.call(*function, args),
            Node::Loop(comprehension) => self.comprehension(comprehension),
        }
    }

    fn values(&mut self, nodes: &'a [Node]) -> Result<Vec<Val<'a>>, ExprError> {
        nodes.iter().map(|node| self.value(node)).collect()
    }

    fn condition(&mut self, node: &'a Node) -> Result<bool, ExprError> {
        match self.value(node)? {
            Val::Bool(value) => Ok(value),
            other => Err(type_error(format!("{} is {}, not bool", node.path(), other.kind()))),
        }
    }

    fn name(&self, name: &str) -> Result<Val<'a>, ExprError> {
        if let Some((_, value)) = self.locals.iter().rev().find(|(local, _)| *local == name) {
            return Ok(value.clone());
        }
        let scope = self.scope;
        match name {
            "state" => return Ok(Val::Map(Map::State(scope.state))),
            "sent" => return Ok(Val::from(scope.sent)),
            "context" => return Ok(Val::from(scope.context)),
            "run" => return Ok(run(scope)),
            "result" => {
                return scope
                    .result
                    .map(Val::from)
                    .ok_or_else(|| failure(UNKNOWN_NAME, "result exists in `out` only"));
            }
            _ => {}
        }
        scope.bindings.get(name).map(|value| Val::from(&**value)).ok_or_else(|| {
            let known = ROOTS.into_iter().chain(scope.bindings.keys().map(String::as_str));
            let locals = self.locals.iter().map(|(local, _)| *local);
            let hint = suggestion(name, known.chain(locals));
            failure(UNKNOWN_NAME, format!("there is no name \"{name}\"{hint}"))
        })
    }

    fn has(&mut self, operand: &'a Node, field: &str) -> Result<Val<'a>, ExprError> {
        match self.value(operand)? {
            Val::Map(map) => Ok(Val::Bool(map.get(field).is_some())),
            other => Err(operators::no_fields(&other, field, &operand.path())),
        }
    }

    fn logic(&mut self, logic: Logic, left: &'a Node, right: &'a Node) -> Result<bool, ExprError> {
        let left = self.condition(left);
        match left {
            Ok(value) if value == logic.decides() => return Ok(value),
            Ok(_) => return self.condition(right),
            Err(error) if error.code == LIMIT => return Err(error),
            Err(_) => {}
        }
        // As CEL has it, an error beside a side that decides does not matter.
        match self.condition(right) {
            Ok(value) if value == logic.decides() => Ok(value),
            Err(error) if error.code == LIMIT => Err(error),
            _ => left,
        }
    }

    fn map(&mut self, entries: &'a [(Node, Node)]) -> Result<Val<'a>, ExprError> {
        let mut map = BTreeMap::new();
        for (key, value) in entries {
            self.budget.spend(MADE)?;
            let Val::Text(key) = self.value(key)? else {
                return Err(type_error("the keys of a map are strings: write {'key': value}"));
            };
            let value = self.value(value)?;
            if map.insert(key.as_str().to_owned(), value).is_some() {
                return Err(type_error(format!("the key \"{}\" is written twice", key.as_str())));
            }
        }
        Ok(Val::map(map))
    }

    fn call(&mut self, function: Function, args: &'a [Node]) -> Result<Val<'a>, ExprError> {
        if let (Function::Default, [value, fallback]) = (function, args) {
            return match self.value(value) {
                Ok(Val::Null) => self.value(fallback),
                Err(error) if is_missing(&error) => self.value(fallback),
                known => known,
            };
        }
        let args = self.values(args)?;
        functions::call(function, &args, &mut self.budget, self.patterns)
    }

    /// The items that a comprehension goes over; of a map, its keys.
    fn items(&mut self, range: &'a Node) -> Result<List<'a>, ExprError> {
        match self.value(range)? {
            Val::List(list) => Ok(list),
            Val::Map(map) => {
                self.budget.spend_items(map.len())?;
                let keys = map.keys().into_iter().map(Val::Text).collect();
                Ok(List::Made(std::rc::Rc::new(keys)))
            }
            other => Err(type_error(format!(
                "{} is {}, a comprehension goes over a list or a map",
                range.path(),
                other.kind()
            ))),
        }
    }

    fn comprehension(&mut self, comprehension: &'a Loop) -> Result<Val<'a>, ExprError> {
        let items = self.items(&comprehension.range)?;
        match comprehension.kind {
            LoopKind::All => self.fold(Logic::And, comprehension, &items),
            LoopKind::Exists => self.fold(Logic::Or, comprehension, &items),
            LoopKind::ExistsOne => {
                let kept = self.kept(comprehension, &items)?;
                Ok(Val::Bool(kept.len() == 1))
            }
            LoopKind::Filter => self.kept(comprehension, &items).map(Val::list),
            LoopKind::Map => self.mapped(comprehension, &items).map(Val::list),
        }
    }

    /// Evaluates something with the item under its name.
    fn with<T>(
        &mut self,
        name: &'a str,
        item: Val<'a>,
        inside: impl FnOnce(&mut Self) -> Result<T, ExprError>,
    ) -> Result<T, ExprError> {
        self.budget.spend(1)?;
        self.locals.push((name, item));
        let value = inside(self);
        self.locals.pop();
        value
    }

    /// `all` and `exists`: an item that decides makes up for the errors of others.
    fn fold(
        &mut self,
        logic: Logic,
        comprehension: &'a Loop,
        items: &List<'a>,
    ) -> Result<Val<'a>, ExprError> {
        let mut pending = None;
        for item in items.iter() {
            let body = |inside: &mut Self| inside.condition(&comprehension.body);
            match self.with(&comprehension.name, item, body) {
                Ok(value) if value == logic.decides() => return Ok(Val::Bool(value)),
                Ok(_) => {}
                Err(error) if error.code == LIMIT => return Err(error),
                Err(error) => pending = Some(error),
            }
        }
        pending.map_or(Ok(Val::Bool(!logic.decides())), Err)
    }

    fn kept(
        &mut self,
        comprehension: &'a Loop,
        items: &List<'a>,
    ) -> Result<Vec<Val<'a>>, ExprError> {
        let mut kept = Vec::new();
        for item in items.iter() {
            let body = |inside: &mut Self| inside.condition(&comprehension.body);
            if self.with(&comprehension.name, item.clone(), body)? {
                kept.push(item);
            }
        }
        Ok(kept)
    }

    fn mapped(
        &mut self,
        comprehension: &'a Loop,
        items: &List<'a>,
    ) -> Result<Vec<Val<'a>>, ExprError> {
        let mut mapped = Vec::new();
        for item in items.iter() {
            let value = self.with(&comprehension.name, item, |inside| {
                if let Some(guard) = &comprehension.guard
                    && !inside.condition(guard)?
                {
                    return Ok(None);
                }
                inside.value(&comprehension.body).map(Some)
            })?;
            mapped.extend(value);
        }
        Ok(mapped)
    }

    /// How many bodies the comprehensions below this term would visit. Where a length cannot be
    /// known, the evaluation itself will fail or skip that place, and it counts nothing.
    fn visits(&mut self, node: &'a Node) -> Result<u64, ExprError> {
        let Node::Loop(comprehension) = node else {
            return node
                .children()
                .into_iter()
                .try_fold(0_u64, |sum, child| Ok(sum.saturating_add(self.visits(child)?)));
        };
        let items = match self.items(&comprehension.range) {
            Ok(items) => items,
            Err(error) if error.code == LIMIT => return Err(error),
            Err(_) => return Ok(0),
        };
        let mut visits = units(items.len());
        if comprehension.nested {
            for item in items.iter() {
                visits = visits.saturating_add(self.with(&comprehension.name, item, |inside| {
                    let guard = comprehension.guard.as_ref();
                    let guard = guard.map_or(Ok(0), |guard| inside.visits(guard))?;
                    Ok(guard.saturating_add(inside.visits(&comprehension.body)?))
                })?);
            }
        }
        Ok(visits)
    }
}

fn run<'a>(scope: &Scope<'_>) -> Val<'a> {
    let facts = scope.run;
    let thread = facts.thread.map_or(Val::Null, |thread| Val::text(thread.to_string()));
    let fields = [
        ("id", Val::text(facts.id.to_string())),
        ("thread", thread),
        ("step", Val::Int(facts.step.into())),
        ("attempt", Val::Int(facts.attempt.into())),
        ("started_at", Val::text(facts.started_at.to_string())),
        ("degraded", Val::Bool(facts.degraded)),
    ];
    Val::map(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
