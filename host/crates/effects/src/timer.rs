//! `timer.sleep`: the moment of waking is written down, the task suspends, and its rerun goes on
//! once that moment has passed. No sandbox waits, however short the sleep.

use std::time::Duration;

use wforge_model::effect::Waiting;
use wforge_model::{Failure, Problem, Value};
use wforge_ports::store::EffectIntent;

use crate::request::Asked;
use crate::session::{Answer, Session, Stop};

/// The longest sleep.
const SLEEP_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

impl Session {
    pub(crate) async fn sleep(
        &mut self,
        asked: &Asked<'_>,
        intent: Option<EffectIntent>,
    ) -> Result<Answer, Stop> {
        let length = Duration::from_millis(asked.number("ms").unwrap_or(0));
        if length > SLEEP_MAX {
            let days = SLEEP_MAX.as_secs() / 86_400;
            let problem = Problem::new("sleep_too_long", format!("sleep at most {days} days"));
            return self.write_answer(asked, Err(Failure::InvalidInput(problem))).await;
        }
        let now = self.clock_now();
        let intent = match intent {
            Some(intent) => intent,
            None => self.write_intent(asked, now, Some(now.after(length))).await?,
        };
        match intent.due {
            Some(until) if self.clock_now() < until => Err(Stop::Suspend(Waiting::Timer { until })),
            Some(_) | None => self.write_answer(asked, Ok(Value::Null)).await,
        }
    }
}
