//! Every code under which the API refuses: the one list of them.
//!
//! Each has a page `docs/errors/WFnnnn.md`; a test holds both lists equal. `WF04xx` and `WF05xx`
//! are what HTTP says with that status; `WF1xxx` are ours. A code is never given a second meaning.

use axum::http::StatusCode;

/// One kind of refusal.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// What programs compare, such as `WF0404`.
    pub id: &'static str,
    /// The status that it is sent with.
    pub status: StatusCode,
    /// The same few words each time; what was wrong this time is the problem's `detail`.
    pub title: &'static str,
    /// Its page, as Markdown.
    pub page: &'static str,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $status:ident, $title:literal;)*) => {
        $($(#[$doc])* pub const $name: Code = Code {
            id: $id,
            status: StatusCode::$status,
            title: $title,
            page: include_str!(concat!("../../../../docs/errors/", $id, ".md")),
        };)*

        /// All of them, in order.
        pub const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    /// The request cannot be read at all.
    MALFORMED = "WF0400", BAD_REQUEST, "the request is malformed";
    /// No key, or none that is known; says nothing about which.
    UNAUTHENTICATED = "WF0401", UNAUTHORIZED, "a valid API key or token is needed";
    /// The key is known, its role is not enough.
    FORBIDDEN = "WF0403", FORBIDDEN, "this credential does not allow it";
    /// The tenant has no such thing, or nothing is served at that path.
    NOT_FOUND = "WF0404", NOT_FOUND, "there is no such thing";
    /// The path exists, the method does not.
    METHOD = "WF0405", METHOD_NOT_ALLOWED, "the path does not serve this method";
    /// The body came too slowly.
    SLOW_BODY = "WF0408", REQUEST_TIMEOUT, "the request's body took too long";
    /// The thing is not in a state for that.
    CONFLICT = "WF0409", CONFLICT, "the request conflicts with how things stand";
    /// The body is larger than the limit of its route.
    TOO_LARGE = "WF0413", PAYLOAD_TOO_LARGE, "the request's body is too large";
    /// The body is of a type that the route does not read.
    MEDIA_TYPE = "WF0415", UNSUPPORTED_MEDIA_TYPE, "the body's media type is not read here";
    /// The request names a host that this server does not answer for.
    WRONG_HOST = "WF0421", MISDIRECTED_REQUEST, "the server does not answer for this host name";
    /// Well-formed, but not acceptable.
    UNACCEPTABLE = "WF0422", UNPROCESSABLE_ENTITY, "the request is not acceptable";
    /// The tenant has too many requests under way.
    TENANT_BUSY = "WF0429", TOO_MANY_REQUESTS, "the tenant has too many requests under way";
    /// The headers together are too large.
    HEADERS = "WF0431", REQUEST_HEADER_FIELDS_TOO_LARGE, "the request's headers are too large";
    /// The host itself failed; its log has the reason.
    INTERNAL = "WF0500", INTERNAL_SERVER_ERROR, "the server failed";
    /// The server is full, starting or stopping.
    BUSY = "WF0503", SERVICE_UNAVAILABLE, "the server cannot take this now";
    /// The request took longer than any may.
    TIMEOUT = "WF0504", GATEWAY_TIMEOUT, "the request took too long";
    /// A workflow file has problems; `errors` lists them all.
    WORKFLOW = "WF1001", UNPROCESSABLE_ENTITY, "the workflow has problems";
    /// A component was not let in.
    PLUGIN = "WF1002", UNPROCESSABLE_ENTITY, "the plugin was refused";
    /// The idempotency key was used for another request.
    KEY_REUSED = "WF1003", UNPROCESSABLE_ENTITY, "the idempotency key belongs to another request";
    /// JSON nests deeper than the limit.
    TOO_DEEP = "WF1004", UNPROCESSABLE_ENTITY, "the JSON is nested too deeply";
    /// A browser's page of another origin asks.
    ORIGIN = "WF1005", FORBIDDEN, "requests from web pages of other origins are refused";
    /// A run of the thread is under way.
    THREAD_BUSY = "WF1006", CONFLICT, "a run of the thread is under way";
    /// The thread goes on with another version of its workflow.
    THREAD_VERSION = "WF1007", CONFLICT, "the thread goes on with another version";
    /// The tenant was suspended.
    SUSPENDED = "WF1008", FORBIDDEN, "the tenant is suspended";
    /// The tenant has used up what it may.
    QUOTA = "WF1009", TOO_MANY_REQUESTS, "the tenant has used up a quota";
    /// The tenant makes more requests in a time than it may.
    RATE = "WF1010", TOO_MANY_REQUESTS, "the tenant makes too many requests";
    /// Too many credentials that are not valid.
    FAILURES = "WF1011", TOO_MANY_REQUESTS, "too many invalid credentials";
    /// A plugin's signature, its key or its version is not trusted.
    UNTRUSTED = "WF1012", UNPROCESSABLE_ENTITY, "the plugin is not trusted";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/errors");
        let pages: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
            .filter(|name| name.starts_with("WF"))
            .collect();
        let codes: BTreeSet<String> = ALL.iter().map(|code| code.id.to_owned()).collect();
        assert_eq!(codes, pages);
    }

    #[test]
    fn codes_are_unique_and_those_of_http_end_in_their_status() {
        let ids: BTreeSet<&str> = ALL.iter().map(|code| code.id).collect();
        assert_eq!(ids.len(), ALL.len());
        for code in ALL.iter().filter(|code| code.id.starts_with("WF0")) {
            assert_eq!(code.id, format!("WF0{}", code.status.as_u16()));
        }
    }
}
