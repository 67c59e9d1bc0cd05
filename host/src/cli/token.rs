//! `wforge token …`: tokens that the deployment signs itself.

use serde_json::json;
use wforge_api::{MintRequest, mint};
use wforge_model::Role;
use wforge_ports::Clock as _;

use super::Session;
use super::admin::{duration_ms, moment_of, path_of, tenant_id, with_control};
use super::args::{TokenCommand, Whose};
use super::refusal::Refusal;
use crate::clock::SystemClock;
use crate::config::TokenKeys;

/// One of the commands.
pub(crate) async fn run(session: &Session, command: TokenCommand) -> anyhow::Result<u8> {
    match command {
        TokenCommand::RevokeAll { whose } => revoke_all(session, &whose).await,
        TokenCommand::Mint { subject, tenant, role, ttl } => {
            mint_one(session, subject, (&tenant, role.as_deref()), &ttl)
        }
    }
}

async fn revoke_all(session: &Session, whose: &Whose) -> anyhow::Result<u8> {
    let path = path_of(whose, "tokens/revoke")?;
    let done = with_control(session, async |c| c.post(&path, None).await).await?;
    let since = moment_of(&done, "tokens_since");
    session.ui.note(&format!("tokens that were issued before {since} are refused"));
    if session.ui.is_json() {
        session.ui.out_json(&done)?;
    }
    Ok(0)
}

fn mint_one(
    session: &Session,
    subject: String,
    (tenant, role): (&str, Option<&str>),
    ttl: &str,
) -> anyhow::Result<u8> {
    let Some(rules) = &session.config.auth.tokens else {
        let message = "this deployment takes no tokens";
        let help = "set auth.jwt_secret, auth.jwt_issuer and auth.jwt_audience";
        return Err(Refusal::user("no_tokens", message).help(help).into());
    };
    let TokenKeys::Secret(secret) = &rules.keys else {
        let message = "an identity provider signs the tokens of this deployment";
        return Err(Refusal::user("not_ours_to_sign", message).help("ask it for one").into());
    };
    let wrong = |message: String| Refusal::user("bad_flags", message);
    let role = role.map(|role| role.parse::<Role>()).transpose();
    let role = role.map_err(|error| wrong(format!("--role: {error}")))?;
    if role == Some(Role::Platform) {
        return Err(wrong("--role: no token has the role platform; use an API key".into()).into());
    }
    let ttl_ms = duration_ms("--ttl", ttl)?;
    if ttl_ms / 1_000 > rules.ttl_s_max {
        let message = format!("--ttl: at most {}s, as auth.jwt_ttl_s_max says", rules.ttl_s_max);
        return Err(wrong(message).into());
    }
    let request = MintRequest {
        issuer: rules.issuer.clone(),
        audience: rules.audience.clone(),
        subject,
        tenant: tenant_id(tenant)?,
        role,
        ttl_s: ttl_ms / 1_000,
        now: SystemClock.now(),
    };
    let token = mint(request, secret)?;
    if session.ui.is_json() {
        session.ui.out_json(&json!({ "token": token, "expires_in_ms": ttl_ms }))?;
    } else {
        session.ui.out(&token);
    }
    Ok(0)
}
