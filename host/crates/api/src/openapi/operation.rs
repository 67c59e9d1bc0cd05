//! What is said of one route: written once, also where the platform has the same route about
//! another tenant.

use serde_json::{Value, json};
use utoipa::openapi::path::ParameterIn;
use utoipa::{IntoParams, ToSchema};

use super::shape::{Shape, json_of};
use crate::codes::{self, Code};

/// What a route asks and answers.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) about: &'static str,
    /// What it is about, where its route is open.
    pub(super) tag: &'static str,
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Body>,
    pub(super) answers: Vec<Answer>,
    pub(super) codes: Vec<&'static Code>,
    pub(super) example: Example,
}

/// The body of a request.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) shape: Shape,
    pub(super) media_types: Vec<&'static str>,
    pub(super) required: bool,
    pub(super) example: Option<Value>,
}

/// One way in which a route answers well.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) what: &'static str,
    /// The same thing in one media type or in several, as the query asks; none: it has no body.
    pub(super) content: Vec<(&'static str, Shape)>,
    pub(super) headers: Vec<(&'static str, &'static str)>,
}

/// What the tests send, and what they expect.
#[derive(Debug, Clone, Default)]
pub(super) struct Example {
    /// Parts of the path other than the usual ones.
    pub(super) path: Vec<(&'static str, &'static str)>,
    /// The status; none: that of the first answer.
    pub(super) status: Option<u16>,
    /// What of the answer later examples name: its place there, and how they write it.
    pub(super) gives: Vec<(&'static str, &'static str)>,
    /// The plugin whose component is the body.
    pub(super) component: Option<&'static str>,
}

const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";
const LINES: &str = "application/x-ndjson";
const EVENTS: &str = "text/event-stream";

/// Whether that is the parameter of that name.
fn is_named(parameter: &Value, name: &str) -> bool {
    parameter.get("name").is_some_and(|it| it == name)
}

impl Operation {
    fn new(
        method: &'static str,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
    ) -> Self {
        let example =
            Example { path: Vec::new(), status: None, gives: Vec::new(), component: None };
        Self {
            method,
            path,
            id,
            summary,
            about: "",
            tag: "server",
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            codes: Vec::new(),
            example,
        }
    }

    pub(crate) fn get(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("GET", path, id, summary)
    }

    pub(crate) fn post(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("POST", path, id, summary)
    }

    pub(crate) fn put(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("PUT", path, id, summary)
    }

    pub(crate) fn delete(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("DELETE", path, id, summary)
    }

    /// More than the summary.
    pub(crate) fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// Open to anybody, and not about the server itself.
    pub(crate) fn tag(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    /// The fields of the query, and what the example says of them.
    pub(crate) fn query<T: IntoParams>(mut self, examples: &[(&str, Value)]) -> Self {
        for parameter in T::into_params(|| Some(ParameterIn::Query)) {
            let mut json = json_of(&parameter);
            never_null(&mut json);
            let example = examples.iter().find(|(name, _)| is_named(&json, name));
            if let (Some((_, example)), Some(fields)) = (example, json.as_object_mut()) {
                fields.insert("example".to_owned(), example.clone());
            }
            self.parameters.push(json);
        }
        self
    }

    /// What fits a parameter that was named already.
    pub(crate) fn pattern(mut self, name: &str, pattern: &str) -> Self {
        for parameter in self.parameters.iter_mut().filter(|it| is_named(it, name)) {
            if let Some(schema) = parameter.get_mut("schema").and_then(Value::as_object_mut) {
                schema.insert("pattern".to_owned(), json!(pattern));
            }
        }
        self
    }

    /// A header that a request may have.
    pub(crate) fn header(mut self, name: &str, about: &str, schema: &Value) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "header", "required": false, "description": about, "schema": schema,
        }));
        self
    }

    /// It takes an `Idempotency-Key`.
    pub(crate) fn keyed(self) -> Self {
        let about = "The same request with the same key does it once: later ones get the same \
                     answer, with the header idempotency-replayed.";
        let schema = json!({
            "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$",
        });
        self.header("Idempotency-Key", about, &schema).refuses(&[&codes::KEY_REUSED])
    }

    /// A JSON body.
    pub(crate) fn json<T: ToSchema>(self, example: Value) -> Self {
        self.json_of(Shape::of::<T>(), example)
    }

    /// A JSON body that may be left out.
    pub(crate) fn json_or_nothing<T: ToSchema>(self, example: Value) -> Self {
        self.body(Body {
            shape: Shape::of::<T>(),
            media_types: vec![JSON],
            required: false,
            example: Some(example),
        })
    }

    /// A JSON body of that shape.
    pub(crate) fn json_of(self, shape: Shape, example: Value) -> Self {
        self.body(Body { shape, media_types: vec![JSON], required: true, example: Some(example) })
    }

    /// A component; in the example that of a plugin.
    pub(crate) fn component(mut self, example: &'static str) -> Self {
        self.example.component = Some(example);
        self.body(Body {
            shape: Shape::anything(),
            media_types: vec!["application/wasm"],
            required: true,
            example: None,
        })
    }

    /// Bytes, whatever they are.
    pub(crate) fn bytes(self, example: &str) -> Self {
        self.body(Body {
            shape: Shape::anything(),
            media_types: vec![BYTES],
            required: true,
            example: Some(json!(example)),
        })
    }

    /// A text of one of these media types.
    pub(crate) fn text(self, media_types: &[&'static str], example: &str) -> Self {
        self.body(Body {
            shape: Shape::text(),
            media_types: media_types.to_vec(),
            required: true,
            example: Some(json!(example)),
        })
    }

    fn body(mut self, body: Body) -> Self {
        self.body = Some(body);
        self.refuses(&[
            &codes::SLOW_BODY,
            &codes::TOO_LARGE,
            &codes::MEDIA_TYPE,
            &codes::UNACCEPTABLE,
            &codes::TOO_DEEP,
        ])
    }

    /// It answers with JSON.
    pub(crate) fn gives(mut self, status: u16, what: &'static str, shape: Shape) -> Self {
        let headers = if status == 201 || status == 202 {
            vec![("Location", "Where the thing is found.")]
        } else {
            Vec::new()
        };
        self.answers.push(Answer { status, what, content: vec![(JSON, shape)], headers });
        self
    }

    /// Its last answer is found nowhere again.
    pub(crate) fn unplaced(mut self) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.clear();
        }
        self
    }

    /// Its last answer is there as texts of these media types too.
    pub(crate) fn or_as(mut self, media_types: &[&'static str]) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.content.extend(media_types.iter().map(|kind| (*kind, Shape::text())));
        }
        self
    }

    /// Its answers so far have a tag, by which whoever has one already is told so.
    pub(crate) fn tagged(mut self) -> Self {
        for answer in &mut self.answers {
            answer.headers.push(("ETag", "The tag of the thing as it stands."));
        }
        let about = "Tags of what the client has already: 304 and no body where it stands so.";
        let mut tagged = self
            .header("If-None-Match", about, &json!({ "type": "string" }))
            .gives_nothing(304, "It stands as the client has it.");
        if let Some(answer) = tagged.answers.last_mut() {
            answer.headers.push(("ETag", "The tag that the client named."));
        }
        tagged
    }

    /// It answers with a page of a list, as the query asks.
    pub(crate) fn pages(self, what: &'static str, items: Shape) -> Self {
        self.gives(200, what, items.page())
    }

    /// It answers with nothing.
    pub(crate) fn gives_nothing(mut self, status: u16, what: &'static str) -> Self {
        self.answers.push(Answer { status, what, content: Vec::new(), headers: Vec::new() });
        self
    }

    /// It answers with bytes, or with a range of them.
    pub(crate) fn gives_bytes(mut self, what: &'static str) -> Self {
        let content = || vec![(BYTES, Shape::anything())];
        let headers = vec![("ETag", "The digest of the bytes."), ("Accept-Ranges", "bytes.")];
        let range = ("Content-Range", "Which bytes of how many.");
        let of_range = headers.iter().copied().chain([range]).collect();
        self.answers.push(Answer { status: 200, what, content: content(), headers });
        let what = "The range that was asked for.";
        self.answers.push(Answer { status: 206, what, content: content(), headers: of_range });
        let about = "One range of the bytes; whatever else is asked for is answered with them all.";
        self.header("Range", about, &json!({ "type": "string", "pattern": "^bytes=" }))
    }

    /// It answers with one JSON value a line.
    pub(crate) fn gives_lines(self, what: &'static str) -> Self {
        self.gives_text(LINES, what)
    }

    /// It answers with a text of that type.
    pub(crate) fn gives_text(mut self, media_type: &'static str, what: &'static str) -> Self {
        let content = vec![(media_type, Shape::text())];
        self.answers.push(Answer { status: 200, what, content, headers: Vec::new() });
        self
    }

    /// It answers with server-sent events of one run, and takes up a stream that broke off.
    pub(crate) fn streams(self, what: &'static str, id_pattern: &str) -> Self {
        self.streams_on(what, id_pattern)
            .gives_nothing(204, "The run has ended and everything was seen: do not come again.")
    }

    /// The same of what has no end.
    pub(crate) fn streams_on(self, what: &'static str, id_pattern: &str) -> Self {
        let about = "The id of the last event that was seen: what came after it is sent.";
        let schema = json!({ "type": "string", "pattern": id_pattern });
        self.header("Last-Event-ID", about, &schema).gives_text(EVENTS, what)
    }

    /// Refusals beyond those that every route of its kind has.
    pub(crate) fn refuses(mut self, codes: &[&'static Code]) -> Self {
        self.codes.extend(codes);
        self
    }

    /// The example's own part of the path.
    pub(crate) fn at(mut self, name: &'static str, value: &'static str) -> Self {
        self.example.path.push((name, value));
        self
    }

    /// The status of the example, where it is not the first answer's.
    pub(crate) fn example_gives(mut self, status: u16) -> Self {
        self.example.status = Some(status);
        self
    }

    /// What is at that place of the example's answer is called so by later examples.
    pub(crate) fn known_as(mut self, place: &'static str, name: &'static str) -> Self {
        self.example.gives.push((place, name));
        self
    }
}

/// A field of a query that is not there is left out, never null.
fn never_null(parameter: &mut Value) {
    let Some(schema) = parameter.get_mut("schema") else { return };
    if let Some(kinds) = schema.get("type").and_then(Value::as_array) {
        let kinds: Vec<Value> = kinds.iter().filter(|kind| **kind != "null").cloned().collect();
        if let [only] = kinds.as_slice() {
            schema["type"] = only.clone();
        }
    }
    let choices = schema.get("oneOf").and_then(Value::as_array);
    let real = choices.map(|choices| choices.iter().filter(|it| it["type"] != "null"));
    if let Some(real) = real.and_then(|mut real| real.next()).cloned() {
        *schema = real;
    }
}
