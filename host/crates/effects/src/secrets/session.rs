//! `secrets.get` and `secrets.reveal`. The record holds name and version; a value is read from the
//! store each time, so a rerun gets the same one or, where it is not kept any more, none.

use serde_json::json;
use wforge_model::{Denial, Failure, Problem, SecretName, Value};
use wforge_ports::store::ReadError;

use crate::llm::SecretText;
use crate::request::Asked;
use crate::session::{Answer, Session, Stop, of_read};

impl Session {
    /// Takes hold of a secret: its version of now.
    pub(crate) async fn hold_secret(&mut self, asked: &Asked<'_>) -> Result<Answer, Stop> {
        let name = asked.text("name");
        let found = self.secrets().record(&self.call.tenant, name).await;
        let version = found.map_err(fault)?.and_then(|record| record.current());
        let answer = match version {
            Some(version) => Ok(json!({ "version": version })),
            None => Err(missing(name)),
        };
        self.write_answer(asked, answer).await
    }

    /// Says which version is revealed; [`Session::shown_secret`] reads it.
    pub(crate) async fn reveal_secret(&mut self, asked: &Asked<'_>) -> Result<Answer, Stop> {
        let answer = match (name_of(asked), asked.number("version")) {
            (Some(name), Some(version)) => match self.value(&name, version).await? {
                Some(_) => Ok(json!({ "version": version })),
                None => Err(gone(name.as_str(), version)),
            },
            _ => Err(missing(asked.text("name"))),
        };
        self.write_answer(asked, answer).await
    }

    /// The value that a recorded answer stands for.
    pub(crate) async fn shown_secret(
        &self,
        asked: &Asked<'_>,
        recorded: Answer,
    ) -> Result<Answer, Stop> {
        let recorded = match recorded {
            Ok(recorded) => recorded,
            Err(failure) => return Ok(Err(failure)),
        };
        let version = recorded.get("version").and_then(Value::as_u64).unwrap_or_default();
        let name = asked.text("name");
        let value = match name_of(asked) {
            Some(name) => self.value(&name, version).await?,
            None => None,
        };
        match value {
            Some(value) => Ok(Ok(Value::String(value.reveal().to_owned()))),
            // The guest was told otherwise before, so there is no going on with it.
            None => Err(Stop::Failed(gone(name, version))),
        }
    }

    async fn value(&self, name: &SecretName, version: u64) -> Result<Option<SecretText>, Stop> {
        self.secrets().open(&self.call.tenant, name, version).await.map_err(fault)
    }
}

fn name_of(asked: &Asked<'_>) -> Option<SecretName> {
    asked.text("name").parse().ok()
}

fn fault(error: ReadError) -> Stop {
    Stop::Fault(of_read(error))
}

/// Of a secret that nobody set.
pub(super) fn missing(name: &str) -> Failure {
    Failure::Denied(Denial {
        capability: "secret".to_owned(),
        resource: format!("{name}:hold"),
        hint: format!("the tenant has no such secret: wforge secrets set {name}"),
    })
}

fn gone(name: &str, version: u64) -> Failure {
    let message = format!(
        "version {version} of the secret {name} is not kept any more; run the node again from its \
         beginning, so that it gets the one of now"
    );
    Failure::Failed(Problem::new("secret_gone", message))
}
