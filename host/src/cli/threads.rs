//! Later.
use super::Session;
use super::args::ThreadsCommand;
pub(crate) async fn run(_: &Session, command: ThreadsCommand) -> anyhow::Result<u8> {
    anyhow::bail!("later: {command:?}")
}
