//! Which lines there are: by level and module, changed while the process runs.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::reload;

/// What the targets of our own crates begin with.
pub(crate) const OURS: &str = "wforge";

/// A text that says nothing of levels.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{part}\" is no level; write error, warn, info, debug, trace or off, and others by module: \
     warn,wforge_engine=debug"
)]
pub struct BadLevel {
    /// The part that cannot be read.
    pub part: String,
}

/// What is logged. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Levels(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    filter: reload::Handle<Lines, Registry>,
    configured: String,
    now: Mutex<String>,
}

impl Levels {
    pub(crate) fn new(text: &str) -> Result<(Self, reload::Layer<Lines, Registry>), BadLevel> {
        let (layer, filter) = reload::Layer::new(Lines::parse(text)?);
        let now = Mutex::new(text.to_owned());
        Ok((Self(Arc::new(Inner { filter, configured: text.to_owned(), now })), layer))
    }

    /// What was said at the start.
    #[must_use]
    pub fn configured(&self) -> &str {
        &self.0.configured
    }

    /// What holds now.
    #[must_use]
    pub fn now(&self) -> String {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Logs that from now on.
    ///
    /// # Errors
    /// The text says nothing of levels; nothing has changed then.
    pub fn set(&self, text: &str) -> Result<(), BadLevel> {
        let lines = Lines::parse(text)?;
        let mut now = self.0.now.lock().unwrap_or_else(PoisonError::into_inner);
        // Fails only where the log is gone, and with it whoever would see a line.
        let _ = self.0.filter.reload(lines);
        text.clone_into(&mut now);
        Ok(())
    }
}

/// The filter of lines. Spans of ours are always there, so that a warning says whose run it was
/// although nothing below a warning is logged.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    targets: Targets,
    most: LevelFilter,
}

impl Lines {
    fn parse(text: &str) -> Result<Self, BadLevel> {
        let mut targets = Targets::new();
        let mut most = LevelFilter::OFF;
        let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
        // Who wants no lines says so.
        if parts().next().is_none() {
            return Err(BadLevel { part: text.to_owned() });
        }
        for part in parts() {
            let bad = || BadLevel { part: part.to_owned() };
            let (target, level) = match part.split_once('=') {
                Some((target, level)) => (Some(target.trim()), level.trim()),
                None => (None, part),
            };
            let level: LevelFilter = level.parse().map_err(|_| bad())?;
            most = most.max(level);
            targets = match target {
                Some(target) if is_target(target) => targets.with_target(target, level),
                Some(_) => return Err(bad()),
                None => targets.with_default(level),
            };
        }
        Ok(Self { targets, most })
    }

    fn lets(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.is_span() && metadata.target().starts_with(OURS) {
            return *metadata.level() <= LevelFilter::INFO.max(self.most) && !self.is_off();
        }
        self.targets.would_enable(metadata.target(), metadata.level())
    }

    fn is_off(&self) -> bool {
        self.most == LevelFilter::OFF
    }
}

/// Modules are paths of names.
fn is_target(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-');
    !text.is_empty() && text.chars().all(is_letter)
}

impl<S: Subscriber> Filter<S> for Lines {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.lets(metadata)
    }

    fn callsite_enabled(
        &self,
        metadata: &'static Metadata<'static>,
    ) -> tracing::subscriber::Interest {
        if self.lets(metadata) {
            tracing::subscriber::Interest::always()
        } else {
            tracing::subscriber::Interest::never()
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if self.is_off() { LevelFilter::OFF } else { self.most.max(LevelFilter::INFO) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_word_and_others_go_by_module() {
        for text in ["info", "WARN", "off", "warn, wforge_engine=debug", "wforge::cli=trace,error"]
        {
            assert!(Lines::parse(text).is_ok(), "{text}");
        }
        for (text, part) in
            [("loud", "loud"), ("warn,wforge=loud", "wforge=loud"), ("=info", "=info")]
        {
            assert_eq!(Lines::parse(text).unwrap_err(), BadLevel { part: part.into() });
        }
        assert!(Lines::parse("a b=info").is_err());
        assert_eq!(Lines::parse(" ,").unwrap_err(), BadLevel { part: " ,".into() });
    }

    #[test]
    fn nothing_changes_by_a_text_that_cannot_be_read() {
        let (levels, layer) = Levels::new("warn").unwrap();
        levels.set("info,wforge_store=trace").unwrap();
        levels.set("loud").unwrap_err();
        assert_eq!(
            (levels.configured(), levels.now().as_str()),
            ("warn", "info,wforge_store=trace")
        );
        drop(layer);
    }
}
