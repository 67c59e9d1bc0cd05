//! People of a tenant, by the subject of their tokens.

use std::sync::Arc;

use wforge_model::tenancy::Member;
use wforge_model::{Role, TenantId};
use wforge_ports::store::Collection;

use super::tenants::living;
use super::{Entry, invalid, to_value, write};
use crate::request::EngineError;
use crate::service::Shared;

/// People of one tenant.
const MEMBERS_MAX: usize = 10_000;
/// Bytes of a subject.
const SUBJECT_BYTES_MAX: usize = 256;

/// The people of a tenant, by subject.
pub(crate) fn members_of(shared: &Shared, tenant: &TenantId) -> Vec<Arc<Member>> {
    let index = shared.directory.read();
    let all = index.members.range((tenant.clone(), String::new())..);
    all.take_while(|((of, _), _)| of == tenant).map(|(_, member)| member.clone()).collect()
}

/// Adds a person, or changes what they may do.
pub(crate) async fn put_member(
    shared: &Shared,
    tenant: &TenantId,
    (subject, role): (&str, Role),
    by: &str,
) -> Result<Arc<Member>, EngineError> {
    let _turn = shared.directory.changing.lock().await;
    living(shared, tenant)?;
    let visible = subject.chars().all(|c| !c.is_control() && !c.is_whitespace());
    if subject.is_empty() || subject.len() > SUBJECT_BYTES_MAX || !visible {
        let message = format!("a subject has 1 to {SUBJECT_BYTES_MAX} bytes without spaces");
        return Err(invalid("bad_subject", message));
    }
    if role == Role::Platform {
        let message = "nobody gets the role platform by a token; an API key can have it";
        return Err(invalid("platform_member", message));
    }
    let is_new = shared.directory.member(tenant, subject).is_none();
    if is_new && members_of(shared, tenant).len() >= MEMBERS_MAX {
        let message = format!("the tenant has {MEMBERS_MAX} members; remove who needs no access");
        return Err(EngineError::Conflict { code: "too_many_members", message });
    }
    let since = shared.parts.clock.now();
    let member = Member { subject: subject.to_owned(), role, since, added_by: by.to_owned() };
    let entry = Entry {
        tenant,
        expected: None,
        collection: Collection::Members,
        key: subject.to_owned(),
        value: Some(to_value(&member)?),
        also: Vec::new(),
        action: "member.put",
        resource: format!("{subject} ({role})"),
        by,
    };
    write(shared, entry).await?;
    let member = Arc::new(member);
    let place = (tenant.clone(), subject.to_owned());
    shared.directory.write().members.insert(place, member.clone());
    Ok(member)
}

/// Removes a person: their tokens are refused from now on.
pub(crate) async fn remove_member(
    shared: &Shared,
    tenant: &TenantId,
    subject: &str,
    by: &str,
) -> Result<Arc<Member>, EngineError> {
    let _turn = shared.directory.changing.lock().await;
    let found = shared.directory.member(tenant, subject);
    let found =
        found.ok_or_else(|| EngineError::NotFound { kind: "member", name: subject.to_owned() })?;
    let entry = Entry {
        tenant,
        expected: None,
        collection: Collection::Members,
        key: subject.to_owned(),
        value: None,
        also: Vec::new(),
        action: "member.remove",
        resource: subject.to_owned(),
        by,
    };
    write(shared, entry).await?;
    shared.directory.write().members.remove(&(tenant.clone(), subject.to_owned()));
    Ok(found)
}
