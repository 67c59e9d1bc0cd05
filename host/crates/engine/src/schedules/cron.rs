//! When a schedule is due: five fields of cron in a time zone. Nothing here reads a clock.
//!
//! Zones are those of IANA as they are compiled in, so every machine says the same. Where local
//! time jumps, two rules hold. A schedule of fixed hours runs once for each local time: at the
//! first moment at which the zone's clock shows that time or a later one. So a time that is left
//! out runs when the clock has jumped over it, and a doubled one runs the first time only. A
//! schedule of every hour goes on through the jump as if there were none: it skips the hour that
//! is left out, and runs in both of a doubled one.

use std::fmt;

use chrono::offset::LocalResult;
use chrono::{DateTime, NaiveDateTime, SecondsFormat, TimeZone as _, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use wforge_graph::nearest;
use wforge_model::Timestamp;

/// The longest expression, in bytes.
const EXPRESSION_BYTES_MAX: usize = 256;
/// The longest name of a zone, in bytes.
const ZONE_BYTES_MAX: usize = 64;
/// No zone ever jumped further: a day, over the date line.
const JUMP_S_MAX: i64 = 26 * 3_600;
/// Zones that are suggested.
const NEAR_MAX: usize = 3;

/// What each field is called, which letters it has, and what it may say.
const FIELDS: [Field; 5] = [
    Field { name: "minute", letters: "*,-/", words: false, says: "0 to 59, such as 30 or */15" },
    Field { name: "hour", letters: "*,-/", words: false, says: "0 to 23, such as 9 or 9-17" },
    Field {
        name: "day of the month",
        letters: "*,-/?LW",
        words: false,
        says: "1 to 31, L for the last",
    },
    Field { name: "month", letters: "*,-/", words: true, says: "1 to 12, or JAN to DEC" },
    Field {
        name: "day of the week",
        letters: "*,-/?#+",
        words: true,
        says: "0 to 7 (0 and 7 are Sunday), or SUN to SAT, such as MON-FRI",
    },
];

/// What stands for whole expressions.
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

struct Field {
    name: &'static str,
    letters: &'static str,
    /// Whether it may be words too, such as MON.
    words: bool,
    says: &'static str,
}

/// Why there is no such schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTimes {
    /// Not five fields.
    #[error(
        "cron: there are 5 fields, minute, hour, day of the month, month and day of the week, and \
         not {found}{}; such as 30 7 * * MON-FRI",
        seconds_in(.found)
    )]
    Fields {
        /// How many there were.
        found: usize,
    },
    /// One field.
    #[error("cron: field {place}, the {name}, cannot be \"{text}\": write {says}")]
    Field {
        /// Which, from 1.
        place: usize,
        /// What it is called.
        name: &'static str,
        /// What it said.
        text: String,
        /// What it may say.
        says: &'static str,
    },
    /// An unknown word for a whole expression.
    #[error(
        "cron: \"{text}\" is not known: write @hourly, @daily, @weekly, @monthly or @yearly, or 5 \
         fields"
    )]
    Nickname {
        /// What it said.
        text: String,
    },
    /// The fields are right, not together.
    #[error("cron: \"{text}\" cannot be read: {why}")]
    Together {
        /// The expression.
        text: String,
        /// Why.
        why: String,
    },
    /// No day is like that.
    #[error("cron: \"{text}\" is never due: no such day comes")]
    Never {
        /// The expression.
        text: String,
    },
    /// Longer than any needs to be.
    #[error("cron: an expression may have {EXPRESSION_BYTES_MAX} bytes")]
    TooLong,
    /// No zone is called so.
    #[error("zone: there is no time zone \"{text}\"{}", near_of(.near))]
    Zone {
        /// What it said.
        text: String,
        /// Zones that may have been meant.
        near: Vec<String>,
    },
}

const fn seconds_in(fields: &usize) -> &'static str {
    if *fields == 6 { " (seconds are not taken)" } else { "" }
}

fn near_of(near: &[String]) -> String {
    match near {
        [] => "; write a name of IANA such as Europe/Berlin, America/New_York or UTC".to_owned(),
        near => format!("; did you mean {}?", near.join(" or ")),
    }
}

/// The moments of a schedule.
#[derive(Clone)]
pub struct CronTimes {
    cron: Cron,
    zone: Tz,
    /// Whether it runs in every hour.
    each_hour: bool,
}

impl fmt::Debug for CronTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CronTimes({} {})", self.cron.pattern.as_str(), self.zone)
    }
}

impl CronTimes {
    /// Reads an expression and a zone.
    ///
    /// # Errors
    /// Which of them is wrong, where, and what could be written.
    pub fn parse(expression: &str, zone: &str) -> Result<Self, BadTimes> {
        let cron = read(expression)?;
        let zone = read_zone(zone)?;
        let each_hour = (0..24).all(|hour| matches!(cron.pattern.hour_match(hour), Ok(true)));
        Ok(Self { cron, zone, each_hour })
    }

    /// The first moment after that one; none: never.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let after = self.at(after)?;
        let next = if self.each_hour {
            self.cron.find_next_occurrence(&after, false).ok()?
        } else {
            self.next_of_fixed_hours(after)?
        };
        u64::try_from(next.timestamp_millis()).ok().map(Timestamp)
    }

    /// A moment as the zone's clock shows it, such as `2026-11-30T07:30:00+01:00`.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> String {
        self.at(at).map_or_else(
            || at.to_string(),
            |local| local.to_rfc3339_opts(SecondsFormat::Secs, false),
        )
    }

    /// The name of the zone.
    #[must_use]
    pub fn zone(&self) -> &'static str {
        self.zone.name()
    }

    fn at(&self, at: Timestamp) -> Option<DateTime<Tz>> {
        let utc = DateTime::<Utc>::from_timestamp_millis(i64::try_from(at.0).ok()?)?;
        Some(utc.with_timezone(&self.zone))
    }

    /// Local times in their order, each at its one moment. A local time that the clock shows now
    /// has had its moment, so the search begins after it.
    fn next_of_fixed_hours(&self, after: DateTime<Tz>) -> Option<DateTime<Tz>> {
        let mut local = after.naive_local();
        loop {
            local = self.cron.find_next_occurrence(&local, false).ok()?;
            let at = self.first_shown(local)?;
            // Not so for the second pass of a doubled hour, nor for all of one that is left out.
            if at > after {
                return Some(at);
            }
        }
    }

    /// The first moment at which the zone's clock shows that time or a later one.
    fn first_shown(&self, local: NaiveDateTime) -> Option<DateTime<Tz>> {
        match self.zone.from_local_datetime(&local) {
            LocalResult::Single(at) => Some(at),
            LocalResult::Ambiguous(one, other) => Some(one.min(other)),
            LocalResult::None => self.after_gap(local),
        }
    }

    /// The moment at which the clock jumps over that time, by halving what lies around it.
    fn after_gap(&self, local: NaiveDateTime) -> Option<DateTime<Tz>> {
        let moment = |seconds| {
            let utc = DateTime::<Utc>::from_timestamp(seconds, 0)?;
            Some(utc.with_timezone(&self.zone))
        };
        let middle = local.and_utc().timestamp();
        let (mut before, mut after) = (middle - JUMP_S_MAX, middle + JUMP_S_MAX);
        while after - before > 1 {
            let half = before + (after - before) / 2;
            if moment(half)?.naive_local() < local {
                before = half;
            } else {
                after = half;
            }
        }
        moment(after)
    }
}

fn read(expression: &str) -> Result<Cron, BadTimes> {
    if expression.len() > EXPRESSION_BYTES_MAX {
        return Err(BadTimes::TooLong);
    }
    let text = expression.trim();
    let text = match text.strip_prefix('@') {
        None => text,
        Some(_) => meant_by(text)?,
    };
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(BadTimes::Fields { found: fields.len() });
    }
    for (place, (written, field)) in fields.iter().zip(&FIELDS).enumerate() {
        check_field(place, written, field)?;
    }
    let together = |why: String| BadTimes::Together { text: expression.to_owned(), why };
    let cron = parser().parse(text).map_err(|error| together(error.to_string()))?;
    // The search ends by itself, some thousand years on: the 30th of February does not come.
    let epoch = DateTime::<Utc>::UNIX_EPOCH.naive_utc();
    if cron.find_next_occurrence(&epoch, false).is_err() {
        return Err(BadTimes::Never { text: expression.to_owned() });
    }
    Ok(cron)
}

fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build()
}

fn meant_by(nickname: &str) -> Result<&'static str, BadTimes> {
    let known = NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(nickname));
    let unknown = || BadTimes::Nickname { text: nickname.to_owned() };
    known.map(|(_, fields)| *fields).ok_or_else(unknown)
}

/// Each field is read by itself first, so that an error can say which one it is.
fn check_field(place: usize, written: &str, field: &Field) -> Result<(), BadTimes> {
    let fits = written.chars().all(|letter| {
        letter.is_ascii_digit()
            || field.letters.contains(letter.to_ascii_uppercase())
            || field.words && letter.is_ascii_alphabetic()
    });
    let alone: Vec<&str> =
        (0..FIELDS.len()).map(|at| if at == place { written } else { "*" }).collect();
    if fits && parser().parse(&alone.join(" ")).is_ok() {
        return Ok(());
    }
    Err(BadTimes::Field {
        place: place + 1,
        name: field.name,
        text: written.to_owned(),
        says: field.says,
    })
}

fn read_zone(text: &str) -> Result<Tz, BadTimes> {
    if let Ok(zone) = text.parse() {
        return Ok(zone);
    }
    let shown: String = text.chars().take(ZONE_BYTES_MAX).collect();
    let near = if text.len() <= ZONE_BYTES_MAX { near_zones(text) } else { Vec::new() };
    Err(BadTimes::Zone { text: shown, near })
}

/// Zones whose name, or whose city, is like that.
fn near_zones(text: &str) -> Vec<String> {
    let folded = |name: &str| name.trim().replace(' ', "_").to_lowercase();
    let wanted = folded(text);
    let city = |name: &str| name.rsplit('/').next().map(str::to_owned).unwrap_or_default();
    let names: Vec<(String, &'static str)> =
        TZ_VARIANTS.iter().map(|zone| (folded(zone.name()), zone.name())).collect();
    let same = names.iter().filter(|(name, _)| *name == wanted || city(name) == city(&wanted));
    let mut near: Vec<String> = same.map(|(_, name)| (*name).to_owned()).take(NEAR_MAX).collect();
    if near.is_empty() {
        let whole = nearest(&wanted, names.iter().map(|(name, _)| name.as_str()));
        let cities: Vec<String> = names.iter().map(|(name, _)| city(name)).collect();
        let by_city = nearest(&city(&wanted), cities.iter().map(String::as_str));
        let found = names.iter().filter(|(name, _)| {
            Some(name.as_str()) == whole || Some(city(name).as_str()) == by_city
        });
        near.extend(found.map(|(_, name)| (*name).to_owned()).take(NEAR_MAX));
    }
    near
}

#[cfg(test)]
mod tests;
