//! Whose key a provider sees.

use wforge_testkit::plant_secret;

use super::provider::reply;
use super::stage::{Stage, says, stage, stage_with};

const MODEL: &str = r#"
[[model]]
name = "fast"
provider = "openai"
base_url = "{url}"
model = "gpt-test"
retries_max = 0
key_secret = "openai"
"#;

async fn asked_by(stage: &mut Stage, tenant: &str) -> String {
    stage.call.tenant = tenant.parse().unwrap();
    stage.told(&says("hi")).await
}

#[tokio::test]
async fn each_tenant_is_asked_for_with_its_own_key() {
    let mut stage = stage(MODEL).await;
    for (tenant, key) in [("acme", "sk-acme-0123456789"), ("north", "sk-north-0123456789")] {
        let tenant = tenant.parse().unwrap();
        plant_secret(&*stage.store, &tenant, "openai", &[Some(key)], &[]).await.unwrap();
    }
    asked_by(&mut stage, "acme").await;
    asked_by(&mut stage, "north").await;
    let seen = stage.provider.seen();
    let keys: Vec<&str> = seen.iter().map(|seen| seen.headers["authorization"].as_str()).collect();
    assert_eq!(keys, ["Bearer sk-acme-0123456789", "Bearer sk-north-0123456789"]);
}

#[tokio::test]
async fn a_tenant_without_a_key_is_told_how_to_set_it_and_nothing_is_sent() {
    let mut stage = stage(MODEL).await;
    stage.call.tenant = "acme".parse().unwrap();
    let denied = stage.ask(&says("hi")).await.unwrap_err().to_string();
    assert!(denied.contains("wforge secrets set openai"), "{denied}");
    assert_eq!(stage.provider.seen().len(), 0);
    assert!(stage.tokens.told().contains("used 0 of"), "{}", stage.tokens.told());
}

#[tokio::test]
async fn a_provider_that_repeats_a_tenants_key_is_not_quoted_with_it() {
    let mut stage = stage(MODEL).await;
    let (tenant, key) = ("acme".parse().unwrap(), "sk-acme-0123456789");
    plant_secret(&*stage.store, &tenant, "openai", &[Some(key)], &[]).await.unwrap();
    stage.provider.next(reply(401, "", r#"{"error":{"message":"bad key sk-acme-01**89"}}"#));
    let told = asked_by(&mut stage, "acme").await;
    assert!(told.contains("bad key [key]") && !told.contains("sk-acme"), "{told}");
}

#[tokio::test]
async fn a_key_is_the_tenants_or_the_hosts() {
    let both = format!("{MODEL}api_key_variable = \"KEY\"");
    let error = stage_with(&both, "").await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("goes without api_key_variable"), "{error}");
}
