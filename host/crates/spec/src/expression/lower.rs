//! The walk of the syntax tree: checks each function and name, holds the limits, and collects what
//! the expression refers to. What comes out is a [`Plan`].

use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedEntryExpr, LiteralValue};
use serde_json::Value;
use wforge_graph::{ExprError, ExprInfo};

use super::compile::{DEPTH_MAX, too_deep};
use super::failure::{UNKNOWN_NAME, failure, limit, suggestion, syntax, type_error};
use super::plan::{Function, Logic, Loop, LoopKind, Node, Operator, Plan};
use wforge_model::defence::{Defence, holds};

/// Terms of one expression.
const TERMS_MAX: usize = 500;
/// How deep comprehensions nest.
const LOOPS_NEST_MAX: usize = 2;

/// Lowers a whole expression.
pub(super) fn lower(tree: &IdedExpr) -> Result<Plan, ExprError> {
    let mut walk = Walk::default();
    let root = walk.node(tree)?;
    let info = ExprInfo { select_chain: root.chain(), ..walk.info };
    Ok(Plan { root, info, loops: walk.loops > 0 })
}

#[derive(Default)]
struct Walk {
    info: ExprInfo,
    terms: usize,
    depth: usize,
    loops: usize,
    /// The names that comprehensions around this term bind.
    bound: Vec<String>,
}

impl Walk {
    fn node(&mut self, tree: &IdedExpr) -> Result<Node, ExprError> {
        self.terms += 1;
        if self.terms > TERMS_MAX && holds(Defence::Expressions) {
            return Err(limit(format!("an expression has at most {TERMS_MAX} terms")));
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX && holds(Defence::Expressions) {
            return Err(too_deep());
        }
        let node = self.form(tree);
        self.depth -= 1;
        node
    }

    fn boxed(&mut self, tree: &IdedExpr) -> Result<Box<Node>, ExprError> {
        self.node(tree).map(Box::new)
    }

    fn nodes(&mut self, trees: &[IdedExpr]) -> Result<Vec<Node>, ExprError> {
        trees.iter().map(|tree| self.node(tree)).collect()
    }

    fn form(&mut self, tree: &IdedExpr) -> Result<Node, ExprError> {
        match &tree.expr {
            Expr::Literal(value) => literal(value).map(Node::Literal),
            Expr::Ident(name) => Ok(self.name(name)),
            Expr::Select(select) => self.select(&select.operand, &select.field),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => self.nodes(&list.elements).map(Node::List),
            Expr::Map(map) => {
                { map.entries.iter().map(|entry| self.entry(entry)).collect::<Result<_, _>>() }
                    .map(Node::Map)
            }
            Expr::Struct(message) => Err(syntax(format!(
                "there are no message types such as {}; write a map: {{'key': value}}",
                message.type_name
            ))),
            Expr::Comprehension(_) | Expr::Unspecified => {
                Err(syntax("the expression cannot be parsed"))
            }
        }
    }

    fn name(&mut self, name: &str) -> Node {
        if !self.bound.iter().any(|bound| bound == name) {
            self.info.roots.insert(name.to_owned());
        }
        Node::Name(name.to_owned())
    }

    fn select(&mut self, operand: &IdedExpr, field: &str) -> Result<Node, ExprError> {
        let operand = self.boxed(operand)?;
        self.note_key(&operand, field);
        Ok(Node::Select(operand, field.to_owned()))
    }

    /// Notes `state.key` and `state["key"]`.
    fn note_key(&mut self, operand: &Node, key: &str) {
        let is_state = matches!(operand, Node::Name(name) if name == "state");
        if is_state && !self.bound.iter().any(|bound| bound == "state") {
            self.info.state_keys.insert(key.to_owned());
        }
    }

    fn entry(&mut self, entry: &IdedEntryExpr) -> Result<(Node, Node), ExprError> {
        match &entry.expr {
            EntryExpr::MapEntry(entry) => Ok((self.node(&entry.key)?, self.node(&entry.value)?)),
            EntryExpr::StructField(_) => Err(syntax("a map is written {'key': value}")),
        }
    }

    fn call(&mut self, call: &CallExpr) -> Result<Node, ExprError> {
        match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
            ("_?_:_", None, [condition, yes, no]) => {
                let parts = [self.node(condition)?, self.node(yes)?, self.node(no)?];
                Ok(Node::If(Box::new(parts)))
            }
            ("_&&_", None, [left, right]) => {
                Ok(Node::Logic(Logic::And, self.boxed(left)?, self.boxed(right)?))
            }
            ("_||_", None, [left, right]) => {
                Ok(Node::Logic(Logic::Or, self.boxed(left)?, self.boxed(right)?))
            }
            ("!_", None, [value]) => Ok(Node::Not(self.boxed(value)?)),
            ("-_", None, [value]) => Ok(Node::Negate(self.boxed(value)?)),
            ("_[_]", None, [operand, index]) => self.index(operand, index),
            ("has", None, args) => self.has(args),
            (name, None, [left, right]) if Operator::named(name).is_some() => {
                self.binary(name, left, right)
            }
            (name, Some(target), args) if LoopKind::named(name).is_some() => {
                self.comprehension(name, target, args)
            }
            (name, target, args) => self.function(name, target, args),
        }
    }

    fn binary(&mut self, name: &str, left: &IdedExpr, right: &IdedExpr) -> Result<Node, ExprError> {
        let operator = Operator::named(name).ok_or_else(|| syntax("unknown operator"))?;
        Ok(Node::Binary(operator, self.boxed(left)?, self.boxed(right)?))
    }

    fn index(&mut self, operand: &IdedExpr, index: &IdedExpr) -> Result<Node, ExprError> {
        let (operand, index) = (self.boxed(operand)?, self.boxed(index)?);
        if let Node::Literal(Value::String(key)) = &*index {
            self.note_key(&operand, key);
        }
        Ok(Node::Index(operand, index))
    }

    fn has(&mut self, args: &[IdedExpr]) -> Result<Node, ExprError> {
        let wrong = || syntax("has() takes one field: has(state.key) or has(item.field)");
        let [argument] = args else { return Err(wrong()) };
        match self.node(argument)? {
            Node::Select(operand, field) => Ok(Node::Has(operand, field)),
            _ => Err(wrong()),
        }
    }

    fn function(
        &mut self,
        name: &str,
        target: Option<&IdedExpr>,
        args: &[IdedExpr],
    ) -> Result<Node, ExprError> {
        let Some((function, fewest, most)) = Function::named(name) else {
            let known = Function::ALL.iter().map(|entry| entry.1);
            let message = format!("there is no function {name}(){}", suggestion(name, known));
            return Err(failure(UNKNOWN_NAME, message));
        };
        let all: Vec<&IdedExpr> = target.into_iter().chain(args).collect();
        if all.len() < fewest || all.len() > most {
            let more = if fewest == most { "" } else { " or more" };
            let message = format!("{name}() takes {fewest}{more} arguments, not {}", all.len());
            return Err(type_error(message));
        }
        let args = all.into_iter().map(|tree| self.node(tree)).collect::<Result<_, _>>()?;
        Ok(Node::Call(function, args))
    }

    fn comprehension(
        &mut self,
        name: &str,
        target: &IdedExpr,
        args: &[IdedExpr],
    ) -> Result<Node, ExprError> {
        let (variable, guard, body) = match args {
            [variable, body] => (variable, None, body),
            [variable, guard, body] if name == "map" => (variable, Some(guard), body),
            _ => return Err(syntax(format!("write list.{name}(x, expression of x)"))),
        };
        let (Expr::Ident(variable), Some(kind)) = (&variable.expr, LoopKind::named(name)) else {
            return Err(syntax(format!("the first argument of {name}() names the item")));
        };
        let range = self.range(target)?;
        if self.bound.len() == LOOPS_NEST_MAX && holds(Defence::Expressions) {
            let message = format!("comprehensions nest at most {LOOPS_NEST_MAX} deep");
            return Err(limit(message));
        }
        self.loops += 1;
        let loops = self.loops;
        self.bound.push(variable.clone());
        let guard = guard.map(|guard| self.node(guard)).transpose();
        let body = self.node(body);
        self.bound.pop();
        let nested = self.loops > loops;
        let name = variable.clone();
        Ok(Node::Loop(Box::new(Loop { kind, range, name, guard: guard?, body: body?, nested })))
    }

    /// What a comprehension may go over, so that its length is known before it begins.
    fn range(&mut self, target: &IdedExpr) -> Result<Node, ExprError> {
        let range = self.node(target)?;
        let of = match &range {
            Node::Call(Function::Keys | Function::Values, args) => args.first(),
            other => Some(other),
        };
        if of.and_then(Node::chain).is_none() {
            return Err(limit(
                "a comprehension goes over a variable, its fields, or keys() or values() of \
                 those; filter and map at once with list.map(x, condition, value), or compute the \
                 list in a `set` node",
            ));
        }
        Ok(range)
    }
}

fn literal(value: &LiteralValue) -> Result<Value, ExprError> {
    Ok(match value {
        LiteralValue::Null => Value::Null,
        LiteralValue::Boolean(value) => Value::Bool(*value.inner()),
        LiteralValue::Int(value) => Value::from(*value.inner()),
        LiteralValue::UInt(value) => Value::from(*value.inner()),
        LiteralValue::String(value) => Value::from(value.inner()),
        LiteralValue::Double(value) => serde_json::Number::from_f64(*value.inner())
            .map(Value::Number)
            .ok_or_else(|| type_error("a number must be finite"))?,
        LiteralValue::Bytes(_) => {
            return Err(type_error("JSON holds no bytes; write text without the b"));
        }
    })
}
