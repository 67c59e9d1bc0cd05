//! The real program as a server over one data directory, and its client.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

/// A run that has not ended after this long is lost.
const FINISH_MS_MAX: u64 = 90_000;
const POLL: Duration = Duration::from_millis(5);

/// What people answer, by question.
const ANSWERS: [(&str, &str); 2] = [("first?", "yes, the first"), ("second?", "the second")];

/// Where a server works, and whom its agents reach.
pub(crate) struct Program {
    pub(crate) folder: PathBuf,
    pub(crate) models: String,
    pub(crate) posts: String,
}

/// A server that runs.
pub(crate) struct Running {
    child: Child,
    client: reqwest::Client,
    url: String,
    /// Of a client: an idempotency key is known to whoever used it, and the server's own token is
    /// another after each start.
    key: String,
}

/// How a run was left.
pub(crate) enum Left {
    /// It came to this output.
    Completed(Value),
    /// The server is dead.
    Died,
}

impl Program {
    /// The program with an environment that holds nothing else.
    fn command(&self) -> Command {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/wforge");
        let mut command = Command::new(program);
        command.env_clear().current_dir(&self.folder).args(["--data-dir", "data"]);
        command
            .env("WFORGE_OUTBOUND__ALLOW", "127.0.0.1/32")
            .env("WFORGE_LLM_URL", format!("http://{}/v1", self.models))
            .env("WFORGE_LLM_MODEL", "fixed")
            .env("WFORGE_PLUGINS__GRANTS_FILE", self.folder.join("grants.toml"))
            .env("WFORGE_BOOTSTRAP_KEY_FILE", self.folder.join("bootstrap.key"));
        command
    }

    /// Runs a command to its end; gives what it wrote.
    pub(crate) fn run(&self, args: &[&str]) -> Result<String> {
        let output = self.command().args(args).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "wforge {args:?}: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Starts the server; with a kill point it ends itself there. `failpoints` gets a line for each
    /// that is passed.
    pub(crate) async fn serve(&self, failpoints: &Path, kill_at: u64) -> Result<Running> {
        let mut command = self.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command.env("WFORGE_FAILPOINT_LOG", failpoints);
        command.env("WFORGE_FAILPOINT_KILL", kill_at.to_string());
        let log = fs_err::File::create(self.folder.join("server.log"))?;
        let child = command.stdout(Stdio::null()).stderr(log.into_file()).spawn()?;
        let pid = child.id();
        let key = fs_err::read_to_string(self.folder.join("bootstrap.key"))?;
        let mut running = Running {
            child,
            client: reqwest::Client::builder().no_proxy().build()?,
            url: String::new(),
            key: key.trim().to_owned(),
        };
        let file = self.folder.join("data/server.json");
        for _ in 0..FINISH_MS_MAX / 10 {
            let read = fs_err::read_to_string(&file).ok();
            let said: Option<Value> = read.and_then(|text| serde_json::from_str(&text).ok());
            if let Some(said) = said.filter(|said| said["pid"] == pid) {
                running.url = format!("http://{}", said["address"].as_str().unwrap_or_default());
                return Ok(running);
            }
            ensure!(running.child.try_wait()?.is_none(), "the server did not start");
            tokio::time::sleep(POLL).await;
        }
        bail!("the server did not say that it is up")
    }
}

impl Running {
    /// Starts a run under an idempotency key, so that it may be asked for again.
    pub(crate) async fn start(
        &self,
        plugin: &str,
        posts: &str,
        key: &str,
    ) -> Result<Option<String>> {
        let body = json!({
            "workflow": plugin,
            "input": { "model": "default", "url": format!("http://{posts}/posts") },
        });
        let request = self.client.post(format!("{}/v1/runs", self.url)).bearer_auth(&self.key);
        match request.header("idempotency-key", key).json(&body).send().await {
            Ok(response) => {
                let status = response.status();
                let answer: Value = response.json().await?;
                ensure!(status.is_success(), "start: {answer}");
                Ok(Some(answer["id"].as_str().context("no id")?.to_owned()))
            }
            Err(_) => Ok(None),
        }
    }

    /// Answers what is asked until the run has ended, or the server has.
    pub(crate) async fn finish(&self, run: &str) -> Result<Left> {
        for _ in 0..FINISH_MS_MAX / 5 {
            let Some(shown) = self.show(run).await? else { return Ok(Left::Died) };
            match shown["status"].as_str() {
                Some("completed") => return Ok(Left::Completed(shown["output"].clone())),
                Some("failed" | "cancelled" | "blocked") => bail!("{run} ended badly: {shown}"),
                _ => {}
            }
            let open = shown["questions"].as_array().cloned().unwrap_or_default();
            for question in &open {
                if self.answer(run, question).await?.is_none() {
                    return Ok(Left::Died);
                }
            }
            tokio::time::sleep(POLL).await;
        }
        bail!("{run} did not end")
    }

    async fn show(&self, run: &str) -> Result<Option<Value>> {
        let request = self.client.get(format!("{}/v1/runs/{run}", self.url));
        match request.bearer_auth(&self.key).send().await {
            Ok(response) => Ok(Some(response.json().await?)),
            Err(_) => Ok(None),
        }
    }

    async fn answer(&self, run: &str, question: &Value) -> Result<Option<()>> {
        let prompt = question["prompt"].as_str().unwrap_or_default();
        let said = ANSWERS.iter().find(|(asked, _)| *asked == prompt);
        let (_, said) = said.with_context(|| format!("nobody knows {prompt:?}"))?;
        let body = json!({ "answers": [{ "question": question["id"], "answer": said }] });
        let request = self.client.post(format!("{}/v1/runs/{run}/resume", self.url));
        match request.bearer_auth(&self.key).json(&body).send().await {
            // One that another look at the run has answered already is no fault.
            Ok(_) => Ok(Some(())),
            Err(_) => Ok(None),
        }
    }

    /// Waits for a server that kills itself.
    pub(crate) fn died_by_itself(&mut self) -> Result<bool> {
        use std::os::unix::process::ExitStatusExt as _;
        Ok(self.child.wait()?.signal() == Some(9))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
