//! Fetches a page and says its title.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflowforge_sdk::{Ctx, Failure, agent, http};

/// What the agent works on.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub struct Input {
    /// The page; plugin.toml says on which servers it may be.
    pub url: String,
}

/// What it answers.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Output {
    /// The title; empty where the page has none.
    pub title: String,
}

/// Fetches a page and says its title.
#[agent]
pub fn title(ctx: &Ctx, input: Input) -> Result<Output, Failure> {
    let response = ctx.fetch(http::Request::get(&input.url))?;
    if !response.is_success() {
        let status = response.status;
        let message = format!("{} answered with the status {status}", input.url);
        let failure = Failure::upstream(&format!("http_{status}"), message);
        // A server that is busy may do better later; the workflow's `retry` decides.
        return Err(if status >= 500 { failure.retryable() } else { failure });
    }
    Ok(Output { title: title_in(&response.text()?) })
}

/// What stands between `<title>` and `</title>`, in one line.
fn title_in(page: &str) -> String {
    let after = page.split_once("<title>").map(|(_, after)| after).unwrap_or_default();
    let title = after.split_once("</title>").map(|(title, _)| title).unwrap_or_default();
    title.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use workflowforge_sdk::MockHost;

    const URL: &str = "https://example.com/";

    fn fetched(response: http::Response) -> Result<Output, Failure> {
        MockHost::new().http(URL, response).run(title, Input { url: URL.to_owned() })
    }

    #[test]
    fn it_finds_the_title_of_a_page() {
        let page = "<html><title> Example\n Domain </title></html>";
        assert_eq!(fetched(http::Response::new(200, page)).unwrap().title, "Example Domain");
        assert_eq!(fetched(http::Response::new(200, "no page")).unwrap().title, "");
    }

    #[test]
    fn a_page_that_is_not_there_is_the_servers_failure() {
        let failure = fetched(http::Response::new(404, "")).unwrap_err();
        assert_eq!(failure.code(), Some("http_404"));
    }
}
