//! What a guest says: log lines and events, in order, within their budgets, made harmless.
//!
//! The guest speaks from inside a poll of its own future; what it says is kept here until that poll
//! ends and is then handed to the effects session. Budgets are kept here, at the source, so that
//! what waits is bounded too.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use wforge_model::Value;
use wforge_model::limits::SandboxLimits;
use wforge_model::text::harmless;
use wforge_ports::EffectSession;
use wforge_ports::effects::{GuestLevel, GuestLine};

/// Lines that are remembered for the report where the guest then dies.
const LAST_LINES_MAX: usize = 24;

/// The shared end of what a guest says.
#[derive(Debug, Clone)]
pub(crate) struct Voice(Arc<Mutex<Said>>);

#[derive(Debug)]
struct Said {
    waiting: Vec<Utterance>,
    last: VecDeque<String>,
    lines_left: u32,
    bytes_left: u32,
    line_bytes_max: usize,
    emits_left: u32,
    dropped: u64,
}

#[derive(Debug)]
enum Utterance {
    Line(GuestLine),
    Event { topic: String, payload: Value },
}

impl Voice {
    pub(crate) fn new(limits: &SandboxLimits) -> Self {
        Self(Arc::new(Mutex::new(Said {
            waiting: Vec::new(),
            last: VecDeque::new(),
            lines_left: limits.log_lines_max,
            bytes_left: limits.log_bytes_max,
            line_bytes_max: usize::try_from(limits.log_line_bytes_max).unwrap_or(usize::MAX),
            emits_left: limits.emits_max,
            dropped: 0,
        })))
    }

    /// Takes a line; drops and counts it where the budget is used up.
    pub(crate) fn line(&self, level: GuestLevel, message: &str, fields: &[(String, String)]) {
        self.with(|said| said.line(level, message, fields));
    }

    /// Takes an event; false where the budget is used up.
    pub(crate) fn event(&self, topic: String, payload: Value) -> bool {
        self.with(|said| {
            let fits = said.emits_left > 0;
            if fits {
                said.emits_left -= 1;
                said.waiting.push(Utterance::Event { topic, payload });
            }
            fits
        })
    }

    /// Hands on what was said since the last time.
    pub(crate) fn forward(&self, effects: &mut dyn EffectSession) {
        let waiting = self.with(|said| std::mem::take(&mut said.waiting));
        for utterance in waiting {
            match utterance {
                Utterance::Line(line) => effects.log(line),
                Utterance::Event { topic, payload } => effects.emit(topic, payload),
            }
        }
    }

    /// Hands on the rest, and says how many lines were dropped.
    pub(crate) fn finish(&self, effects: &mut dyn EffectSession) {
        self.forward(effects);
        let dropped = self.with(|said| std::mem::take(&mut said.dropped));
        if dropped > 0 {
            effects.log_dropped(dropped);
            let message = format!("{dropped} log lines over the budget of this call were dropped");
            effects.log(GuestLine { level: GuestLevel::Warn, message, fields: Vec::new() });
        }
    }

    /// The last lines of stderr and of level error, oldest first.
    pub(crate) fn last_lines(&self) -> Vec<String> {
        self.with(|said| said.last.iter().cloned().collect())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Said) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Said {
    fn line(&mut self, level: GuestLevel, message: &str, fields: &[(String, String)]) {
        let message = harmless(cut(message, self.line_bytes_max));
        if level >= GuestLevel::Warn {
            self.remember(&message);
        }
        let mut room = self.line_bytes_max.saturating_sub(message.len());
        let fields = fit_fields(fields, &mut room);
        let bytes = fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        let bytes = u32::try_from(bytes + message.len()).unwrap_or(u32::MAX);
        if self.lines_left == 0 || bytes > self.bytes_left {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.lines_left -= 1;
        self.bytes_left -= bytes;
        self.waiting.push(Utterance::Line(GuestLine { level, message, fields }));
    }

    /// Remembered whatever the budget, so that a flood does not hide how the guest died.
    fn remember(&mut self, message: &str) {
        if self.last.len() == LAST_LINES_MAX {
            self.last.pop_front();
        }
        self.last.push_back(message.to_owned());
    }
}

fn fit_fields(fields: &[(String, String)], room: &mut usize) -> Vec<(String, String)> {
    let mut fitting = Vec::new();
    for (name, value) in fields {
        let name = harmless(cut(name, *room));
        *room = room.saturating_sub(name.len());
        let value = harmless(cut(value, *room));
        *room = room.saturating_sub(value.len());
        if name.is_empty() {
            break;
        }
        fitting.push((name, value));
    }
    fitting
}

/// At most so many bytes of the text, ending between two characters.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let end = (0..=bytes_max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(cut("aüb", 2), "a");
        assert_eq!(cut("aüb", 3), "aü");
        assert_eq!(cut("aüb", 9), "aüb");
    }
}
