//! Collections are kept under letters of their own.

use std::collections::BTreeMap;

use wforge_ports::store::Collection;

/// The one after it, so that a new collection does not compile without a place in this row.
const fn next(collection: Collection) -> Option<Collection> {
    Some(match collection {
        Collection::Plugins => Collection::WorkflowVersions,
        Collection::WorkflowVersions => Collection::Workflows,
        Collection::Workflows => Collection::Settings,
        Collection::Settings => Collection::Components,
        Collection::Components => Collection::Cache,
        Collection::Cache => Collection::Keys,
        Collection::Keys => Collection::Members,
        Collection::Members => Collection::Usage,
        Collection::Usage => Collection::Grants,
        Collection::Grants => Collection::Used,
        Collection::Used => Collection::Tenants,
        Collection::Tenants => Collection::Secrets,
        Collection::Secrets => Collection::SecretValues,
        Collection::SecretValues => Collection::Quarantines,
        Collection::Quarantines => Collection::TrustedKeys,
        Collection::TrustedKeys => Collection::TrustPolicies,
        Collection::TrustPolicies => Collection::Signatures,
        Collection::Signatures => Collection::Schedules,
        Collection::Schedules => Collection::Webhooks,
        Collection::Webhooks => Collection::HookSecrets,
        Collection::HookSecrets => Collection::Deliveries,
        Collection::Deliveries => Collection::InboundHooks,
        Collection::InboundHooks => return None,
    })
}

#[test]
fn no_two_collections_share_a_letter() {
    let mut letters = BTreeMap::new();
    let mut at = Some(Collection::Plugins);
    while let Some(collection) = at {
        let before = letters.insert(collection.letter(), collection);
        assert_eq!(before, None, "{collection:?}");
        at = next(collection);
    }
}
