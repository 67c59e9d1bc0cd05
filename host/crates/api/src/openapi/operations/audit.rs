//! The audit log, and everything that is kept of a tenant.

use wforge_engine::AuditVerdict;
use wforge_ports::store::AuditEntry;

use super::Operation;
use crate::audit::VerifyQuery;
use crate::openapi::shape::Shape;
use crate::resource::PageQuery;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/v1/audit", "listAudit", "Lists who did what, the oldest first")
            .query::<PageQuery>(&[])
            .pattern("cursor", "^[0-9]{1,15}$")
            .pages("Entries.", Shape::resource::<AuditEntry>("AuditRecord", "audit")),
        Operation::get(
            "/v1/audit/verify",
            "verifyAudit",
            "Checks every entry against the one before",
        )
        .query::<VerifyQuery>(&[])
        .pattern("noted", "^[1-9][0-9]{0,14}:[0-9a-fA-F]{64}$")
        .gives(200, "Whether every link holds.", Shape::of::<AuditVerdict>()),
        Operation::get(
            "/v1/export",
            "exportEverything",
            "Gives everything that is kept of the tenant",
        )
        .about("The last line says that nothing is missing; an export without it broke off.")
        .gives_lines("One thing a line."),
    ]
}
