//! Servers of a script, for the contract's own `http` and for a client of the guest's language.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use wforge_effects::Target;
use wforge_model::{Capability, Failure, Problem, Recording, Value};
use wforge_ports::{RawFailure, RawRequest, RawResponse};
use wforge_spec::suite::{Answer, HttpAnswer};

use super::{Extras, Scripted, as_text, text_of, unscripted};

impl Scripted {
    pub(super) fn fetch(&mut self, request: &Value) -> Answer {
        let (method, url) = (text_of(request, "method"), text_of(request, "url"));
        Target::read(method, url)?;
        let credentials = request.get("credentials").and_then(Value::as_array);
        for credential in credentials.into_iter().flatten() {
            self.secret(text_of(credential, "secret"))?;
        }
        let answer = self.server(method, url)?;
        let (status, headers, body) = told(&answer)?;
        Ok(json!({
            "status": status,
            "headers": headers,
            "body": { "base64": STANDARD.encode(body) },
        }))
    }

    /// What the guest's own client is answered; never recorded, so only where that is allowed.
    pub(super) fn exchanged(&mut self, request: &RawRequest) -> Result<RawResponse, RawFailure> {
        let target = Target::read(&request.method, &request.url).map_err(|failure| {
            let other = || Problem::new("bad_request", "the request cannot be sent as it is");
            RawFailure::Invalid(failure.problem().cloned().unwrap_or_else(other))
        })?;
        let wanted = Capability::of(Recording::UNRECORDED_KIND, target.rule());
        self.grants.require(&self.plugin, &wanted).map_err(RawFailure::Denied)?;
        let answer = self.server(&request.method, &request.url);
        match answer.and_then(|answer| told(&answer)) {
            Ok((status, headers, body)) => Ok(RawResponse { status, headers, body }),
            Err(Failure::Denied(denial)) => Err(RawFailure::Denied(denial)),
            Err(failure) => Err(RawFailure::Unreachable(failure.to_string())),
        }
    }

    /// The next answer of that server.
    fn server(&mut self, method: &str, url: &str) -> Result<HttpAnswer, Failure> {
        let fits = |answer: &HttpAnswer| {
            let is_method = answer.method.as_deref().is_none_or(|own| own == method);
            let is_url = match answer.url.strip_suffix('*') {
                Some(beginning) => url.starts_with(beginning),
                None => answer.url == url,
            };
            is_method && is_url
        };
        let found = self.http.iter_mut().find(|once| !once.is_used && fits(&once.answer));
        match (found, self.extras) {
            (Some(found), _) => {
                found.is_used = true;
                Ok(found.answer.clone())
            }
            (None, Extras::MadeUp) => Ok(made_up(url)),
            (None, Extras::Denied) => {
                Err(unscripted("http", &format!("{method} {url}"), "script.http"))
            }
        }
    }
}

fn made_up(url: &str) -> HttpAnswer {
    HttpAnswer {
        url: url.to_owned(),
        method: None,
        status: 200,
        headers: BTreeMap::new(),
        body: Some(json!({})),
        failure: None,
    }
}

type Told = (u16, Vec<(String, String)>, Vec<u8>);

fn told(answer: &HttpAnswer) -> Result<Told, Failure> {
    if let Some(failure) = &answer.failure {
        return Err(failure.clone());
    }
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .collect();
    let is_json = answer.body.as_ref().is_some_and(|body| !body.is_string());
    if is_json && !headers.iter().any(|(name, _)| name == "content-type") {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let body = answer.body.as_ref().map(as_text).unwrap_or_default();
    Ok((answer.status, headers, body.into_bytes()))
}
