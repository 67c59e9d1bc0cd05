//! Tokens: what is taken, and everything that looks like one and is none.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use serde_json::{Value, json};
use wforge_api::{KeyIds, SigningKeys, TokenRules};
use wforge_ports::BoxFuture;

use crate::bench::{Bench, Given, bench, bench_of, token_rules};

const SECRET: &[u8] = b"9f2b7c1de8a04365b1f7c09ad2e48653";
/// When every test begins, in seconds.
const NOW: u64 = 1_700_000_000;

/// What a valid token says.
fn claims() -> Value {
    json!({
        "iss": "https://id.example", "aud": "wforge", "sub": "ann", "tenant": "acme",
        "exp": NOW + 600, "nbf": NOW, "iat": NOW, "role": "developer",
    })
}

/// The same with one claim other, or gone.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

fn signed(claims: &Value) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET)).unwrap()
}

async fn outcome(bench: &Bench, token: &str) -> String {
    let call = bench.get("/v1/system").without_key();
    let reply = call.header("authorization", &format!("Bearer {token}")).send().await;
    if reply.status == 200 {
        let you = &reply.json()["you"];
        return format!("{} {} {}", you["name"], you["role"], you["tenant"]).replace('"', "");
    }
    reply.outcome()
}

#[tokio::test]
async fn a_valid_token_is_its_subject_with_its_role() {
    let bench = bench();
    assert_eq!(outcome(&bench, &signed(&claims())).await, "ann developer acme");
    let several = with("aud", json!(["other", "wforge"]));
    assert_eq!(outcome(&bench, &signed(&several)).await, "ann developer acme");
}

#[tokio::test]
async fn without_a_role_of_its_own_the_members_of_the_tenant_say_it() {
    let bench = bench();
    let member = with("role", Value::Null);
    assert_eq!(outcome(&bench, &signed(&member)).await, "ann operator acme");
    let mut stranger = member.clone();
    stranger["sub"] = json!("bob");
    assert_eq!(outcome(&bench, &signed(&stranger)).await, "401 WF0401");
    let mut elsewhere = member;
    elsewhere["tenant"] = json!("other");
    assert_eq!(outcome(&bench, &signed(&elsewhere)).await, "401 WF0401");
}

#[tokio::test]
async fn a_claim_that_is_missing_or_wrong_makes_it_nobodys() {
    let bench = bench();
    let wrong = [
        with("iss", Value::Null),
        with("iss", json!("https://evil.example")),
        with("iss", json!(["https://id.example"])),
        with("aud", Value::Null),
        with("aud", json!("other")),
        with("aud", json!([])),
        with("sub", Value::Null),
        with("sub", json!("")),
        with("sub", json!("a b")),
        with("sub", json!("x".repeat(257))),
        with("exp", Value::Null),
        with("exp", json!(NOW - 31)),
        with("exp", json!("never")),
        with("exp", json!(-1)),
        with("exp", json!(NOW + 86_500)),
        with("nbf", json!(NOW + 60)),
        with("iat", json!(NOW + 60)),
        with("tenant", Value::Null),
        with("tenant", json!("ACME")),
        with("tenant", json!("gone")),
        with("tenant", json!(["acme"])),
        with("role", json!("platform")),
        with("role", json!("root")),
        with("role", json!(["admin"])),
    ];
    for claims in wrong {
        assert_eq!(outcome(&bench, &signed(&claims)).await, "401 WF0401", "{claims}");
    }
}

#[tokio::test]
async fn a_token_of_more_than_8_kib_is_nobodys() {
    let bench = bench();
    let padded = |bytes: usize| signed(&with("note", json!("x".repeat(bytes))));
    let (short, long) = (padded(5_500), padded(6_000));
    assert!(short.len() <= 8 << 10 && long.len() > 8 << 10, "{} {}", short.len(), long.len());
    assert_eq!(outcome(&bench, &short).await, "ann developer acme");
    assert_eq!(outcome(&bench, &long).await, "401 WF0401");
}

#[tokio::test]
async fn tokens_that_were_taken_back_are_nobodys() {
    let bench = bench();
    let mut of_other = with("tenant", json!("other"));
    assert_eq!(outcome(&bench, &signed(&of_other)).await, "401 WF0401");
    of_other.as_object_mut().unwrap().remove("iat");
    assert_eq!(outcome(&bench, &signed(&of_other)).await, "401 WF0401", "nor undated ones");
    of_other["iat"] = json!(NOW + 1);
    assert_eq!(outcome(&bench, &signed(&of_other)).await, "ann developer other");
}

#[tokio::test]
async fn a_token_ends_with_its_time() {
    let bench = bench();
    let token = signed(&claims());
    bench.clock.advance(Duration::from_secs(620));
    assert_eq!(outcome(&bench, &token).await, "ann developer acme", "clocks may differ a little");
    bench.clock.advance(Duration::from_secs(20));
    assert_eq!(outcome(&bench, &token).await, "401 WF0401");
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..chunk.len()].copy_from_slice(chunk);
        let number = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for place in 0..=chunk.len() {
            let index = (number >> (18 - 6 * place)) & 63;
            out.push(char::from(LETTERS[index as usize]));
        }
    }
    out
}

#[tokio::test]
async fn a_signature_that_is_not_ours_makes_it_nobodys() {
    let bench = bench();
    let good = signed(&claims());
    let (body, signature) = good.rsplit_once('.').unwrap();
    let payload = body.split_once('.').unwrap().1;
    let headed = |header: Value| format!("{}.{payload}", base64(header.to_string().as_bytes()));
    let other = EncodingKey::from_secret(b"another secret of more than 32 bytes");
    let by =
        |algorithm, key: &EncodingKey| encode(&Header::new(algorithm), &claims(), key).unwrap();
    let ours = EncodingKey::from_secret(SECRET);
    let mut tampered = claims();
    tampered["role"] = json!("admin");
    let tampered = base64(tampered.to_string().as_bytes());
    let header = body.split_once('.').unwrap().0;
    for token in [
        by(Algorithm::HS256, &other),
        by(Algorithm::HS384, &ours),
        by(Algorithm::HS512, &ours),
        format!("{}.", headed(json!({ "alg": "none" }))),
        format!("{}.{signature}", headed(json!({ "alg": "none", "typ": "JWT" }))),
        format!("{}.{signature}", headed(json!({ "alg": "None" }))),
        format!("{}.{signature}", headed(json!({ "alg": "RS256" }))),
        format!("{}.{signature}", headed(json!({ "typ": "JWT" }))),
        format!("{header}.{tampered}.{signature}"),
        format!("{body}."),
        format!("{body}.{}", &signature[1..]),
        format!("{body}.{}", base64(&[0; 32])),
        "..".to_owned(),
        "a.b.c".to_owned(),
        format!("{good}.{good}"),
        format!("{good}\u{e9}"),
        "x".repeat(9_000) + "." + body + signature,
    ] {
        assert_eq!(outcome(&bench, &token).await, "401 WF0401", "{token:.80}");
    }
    let crit = Header { crit: Some(vec!["exp".into()]), ..Header::new(Algorithm::HS256) };
    let crit = encode(&crit, &claims(), &ours).unwrap();
    assert_eq!(outcome(&bench, &crit).await, "401 WF0401", "what must be understood is not");
    let none = bench_of(Given { tokens: None, ..Given::default() });
    assert_eq!(outcome(&none, &good).await, "401 WF0401", "where no tokens are taken");
}

/// The keys of a provider that can be asked to learn one more.
#[derive(Debug)]
struct Provider {
    keys: Vec<Value>,
    asked: std::sync::atomic::AtomicUsize,
}

impl SigningKeys for Provider {
    fn find(&self, kid: &str) -> Option<Value> {
        self.keys.iter().find(|key| key["kid"] == kid).cloned()
    }

    fn refresh(&self) -> BoxFuture<'_, ()> {
        self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Box::pin(std::future::ready(()))
    }
}

fn p256(kid: &str) -> (EncodingKey, Value) {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let point = pair.public_key_raw().to_vec();
    let jwk = json!({
        "kid": kid, "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
        "x": base64(&point[1..33]), "y": base64(&point[33..]),
    });
    (EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap(), jwk)
}

fn ed25519(kid: &str) -> (EncodingKey, Value) {
    let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let x = base64(pair.public_key_raw());
    let jwk = json!({ "kid": kid, "kty": "OKP", "crv": "Ed25519", "x": x });
    (EncodingKey::from_ed_pem(pair.serialize_pem().as_bytes()).unwrap(), jwk)
}

fn by(algorithm: Algorithm, kid: &str, key: &EncodingKey) -> String {
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
    encode(&header, &claims(), key).unwrap()
}

fn of_provider(keys: Vec<Value>) -> (Bench, Arc<Provider>) {
    let provider = Arc::new(Provider { keys, asked: 0.into() });
    let rules = TokenRules { keys: KeyIds::Provider(provider.clone()), ..token_rules() };
    (bench_of(Given { tokens: Some(rules), ..Given::default() }), provider)
}

#[tokio::test]
async fn the_keys_of_a_provider_sign_with_their_own_algorithm_only() {
    let ((ec, ec_jwk), (ed, ed_jwk)) = (p256("ec"), ed25519("ed"));
    let (other, _) = p256("ec");
    let (bench, _) = of_provider(vec![ec_jwk.clone(), ed_jwk.clone()]);
    assert_eq!(outcome(&bench, &by(Algorithm::ES256, "ec", &ec)).await, "ann developer acme");
    assert_eq!(outcome(&bench, &by(Algorithm::EdDSA, "ed", &ed)).await, "ann developer acme");
    let as_secret = |text: &Value| EncodingKey::from_secret(text.to_string().as_bytes());
    let public = as_secret(&ec_jwk);
    for token in [
        by(Algorithm::ES256, "ec", &other),
        by(Algorithm::ES256, "ed", &ec),
        by(Algorithm::EdDSA, "ec", &ed),
        // The public key as the secret of HS256: what a list of keys invites to.
        by(Algorithm::HS256, "ec", &public),
        by(Algorithm::HS256, "ed", &as_secret(&ed_jwk)),
        by(Algorithm::HS256, "ec", &EncodingKey::from_secret(SECRET)),
        signed(&claims()),
    ] {
        assert_eq!(outcome(&bench, &token).await, "401 WF0401", "{token:.80}");
    }
}

#[tokio::test]
async fn keys_that_a_token_brings_along_are_not_looked_at() {
    let (own, jwk) = p256("mine");
    let (bench, provider) = of_provider(vec![p256("theirs").1]);
    let header = Header {
        kid: Some("mine".into()),
        jku: Some("https://evil.example/jwks.json".into()),
        jwk: serde_json::from_value(jwk).ok(),
        ..Header::new(Algorithm::ES256)
    };
    let token = encode(&header, &claims(), &own).unwrap();
    assert_eq!(outcome(&bench, &token).await, "401 WF0401");
    let asked = provider.asked.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(asked, 1, "an unknown key makes us ask our own provider");
}

#[tokio::test]
async fn a_public_list_with_a_symmetric_or_misused_key_opens_nothing() {
    let (ec, mut jwk) = p256("ec");
    let oct = json!({ "kid": "oct", "kty": "oct", "k": base64(SECRET) });
    jwk["use"] = json!("enc");
    let (bench, _) = of_provider(vec![oct, jwk]);
    let symmetric = by(Algorithm::HS256, "oct", &EncodingKey::from_secret(SECRET));
    for token in [symmetric, by(Algorithm::ES256, "ec", &ec)] {
        assert_eq!(outcome(&bench, &token).await, "401 WF0401");
    }
}
