//! Credentials that look like some and are none: all get one answer.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use wforge_api::Role;

use super::report::Report;
use super::world::{SECRET, World};

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

/// The matrix took back acme's tokens a moment ago, so these are dated a little ahead, as those of
/// a machine whose clock is are.
fn claims() -> Value {
    json!({
        "iss": "https://id.example", "aud": "wforge", "sub": "ann", "tenant": "acme",
        "exp": now() + 600, "iat": now() + 10, "role": "admin",
    })
}

fn with(name: &str, value: Value) -> String {
    let mut claims = claims();
    claims[name] = value;
    signed(&claims)
}

fn without(name: &str) -> String {
    let mut claims = claims();
    claims.as_object_mut().expect("claims").remove(name);
    signed(&claims)
}

fn signed(claims: &Value) -> String {
    by(Algorithm::HS256, SECRET, claims)
}

fn by(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::new(algorithm), claims, &key).expect("a token")
}

/// Name and values of the header.
fn hostile(good: &str) -> Vec<(&'static str, Vec<String>)> {
    let bearer = |token: String| vec![format!("Bearer {token}")];
    let token = signed(&claims());
    let (body, signature) = token.rsplit_once('.').expect("three parts");
    let payload = body.split_once('.').expect("three parts").1.to_owned();
    // {"alg":"none"} and {"alg":"RS256"}.
    let none = format!("eyJhbGciOiJub25lIn0.{payload}");
    let rs = format!("eyJhbGciOiJSUzI1NiJ9.{payload}.{signature}");
    let mut cut = good.to_owned();
    cut.pop();
    let digit = if good.ends_with('0') { "1" } else { "0" };
    let id = good.split('_').nth(1).expect("an id");
    vec![
        ("no header", vec![]),
        ("empty", vec![String::new()]),
        ("no key", vec!["Bearer".into()]),
        ("another scheme", vec![format!("Basic {good}")]),
        ("no scheme", vec![good.to_owned()]),
        ("twice", vec![format!("Bearer {good}"), format!("Bearer {good}")]),
        ("two keys", vec![format!("Bearer {good} {good}")]),
        ("cut", bearer(cut.clone())),
        ("another last digit", bearer(format!("{cut}{digit}"))),
        ("longer", bearer(format!("{good}0"))),
        ("in capitals", bearer(good.to_uppercase())),
        ("id alone", bearer(format!("wf_{id}"))),
        ("an empty secret", bearer(format!("wf_{id}__00000000"))),
        ("a huge key", bearer(format!("wf_{id}_{}_00000000", "0".repeat(8_000)))),
        ("algorithm none", bearer(format!("{none}."))),
        ("algorithm none, signed", bearer(format!("{none}.{signature}"))),
        ("RS256 by the secret", bearer(rs)),
        ("HS512 by the secret", bearer(by(Algorithm::HS512, SECRET, &claims()))),
        ("another secret", bearer(by(Algorithm::HS256, &SECRET.replace('9', "8"), &claims()))),
        ("no signature", bearer(format!("{body}."))),
        ("another payload", bearer(token.replacen(&payload, &payload.to_lowercase(), 1))),
        ("expired", bearer(with("exp", json!(now() - 60)))),
        ("without end", bearer(without("exp"))),
        ("not yet", bearer(with("nbf", json!(now() + 600)))),
        ("issued tomorrow", bearer(with("iat", json!(now() + 86_400)))),
        ("another issuer", bearer(with("iss", json!("https://evil.example")))),
        ("no issuer", bearer(without("iss"))),
        ("another audience", bearer(with("aud", json!("other")))),
        ("no audience", bearer(without("aud"))),
        ("nobody", bearer(without("sub"))),
        ("no tenant", bearer(without("tenant"))),
        ("a tenant that is not there", bearer(with("tenant", json!("nowhere")))),
        ("the platform's own name", bearer(with("tenant", json!("platform")))),
        ("role platform", bearer(with("role", json!("platform")))),
        ("no role and no member", bearer(without("role"))),
        ("a huge token", bearer(with("pad", json!("x".repeat(9_000))))),
    ]
}

pub(super) fn check(world: &World, report: &mut Report) {
    let good = world.key("acme", Role::Viewer);
    for (name, values) in hostile(good) {
        let reply = world.get_as("/v1/runs", &values);
        let what = "GET  /v1/runs";
        report.line(what, name, &reply.status.to_string(), "401");
    }
    let valid = [("a valid key", good.to_owned()), ("a valid token", signed(&claims()))];
    for (name, credential) in valid {
        let reply = world.get_as("/v1/runs", &[format!("Bearer {credential}")]);
        report.line("GET  /v1/runs", name, &reply.status.to_string(), "200");
    }
}
