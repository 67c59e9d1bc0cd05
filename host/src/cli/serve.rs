//! `wforge serve` and `wforge health`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use wforge_api::{ApiLimits, ApiParts, Credential, HostNames, IssuedKey, Phase, Readiness, Role};
use wforge_api::{SystemInfo, router};

use super::Session;
use super::follow::{Stops, abort_at_next};
use super::refusal::{EXIT_FAILED, Refusal};
use super::ui::{Paint, Ui};
use crate::compose::{Host, Mode, components_in, default_tenant, read_component};
use crate::config::{Config, Environment};
use crate::keys_file::{KeyEntry, KeysFile, KnownKeys};
use crate::server_file::ServerFile;
use crate::watched::{Watched, refresh_until};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Serves until the process is told to stop.
pub(crate) async fn run(session: &Session) -> anyhow::Result<u8> {
    let (ui, config) = (&session.ui, &session.config);
    if let Some(file) = ServerFile::of_a_living_server(&config.data_dir).await? {
        let message = format!("process {} serves this data directory at {}", file.pid, file.url());
        return Err(Refusal::failed("already_served", message)
            .help("stop it, or name another with --data-dir")
            .into());
    }
    let mut stops = Stops::listen()?;
    let listener = listen(config.server.listen).await?;
    let host = Host::open(config, Mode::Serve).await?;
    let served = serve(ui, config, &host, listener, &mut stops).await;
    TaskTracker::new().spawn(abort_at_next(stops));
    let closed = host.close().await;
    served?;
    closed?;
    info!("stopped");
    Ok(0)
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        Refusal::failed("cannot_listen", format!("{address} cannot be listened on"))
            .help("name another address with --listen; port 0 takes any free one")
    })
}

async fn serve(
    ui: &Ui,
    config: &Config,
    host: &Host,
    listener: TcpListener,
    stops: &mut Stops,
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let (own, token) = own_key(host)?;
    let file = Watched::open(&config.keys_file, KeysFile::load)?;
    let keys = Arc::new(KnownKeys { file, own });
    let (readiness, shutdown) = (Readiness::default(), CancellationToken::new());
    let limits = ApiLimits {
        drain_timeout: Duration::from_millis(config.server.drain_ms_max),
        ..ApiLimits::default()
    };
    let tasks = TaskTracker::new();
    let changes = TaskTracker::new();
    let parts = ApiParts {
        engine: host.handle.clone(),
        reader: host.reader.clone(),
        credentials: keys.clone(),
        clock: host.clock.clone(),
        entropy: host.entropy.clone(),
        hosts: HostNames::of_listener(address, []),
        system: system(config),
        readiness: readiness.clone(),
        shutdown: shutdown.clone(),
        tasks: changes.clone(),
        limits: limits.clone(),
    };
    let (clock, token_of_serve) = (host.clock.clone(), shutdown.clone());
    let router = router(parts);
    tasks.spawn(async move {
        wforge_api::serve(listener, router, &limits, clock, token_of_serve).await;
    });
    let grants = host.grants.clone();
    let refresh = move || {
        keys.file.refresh();
        grants.0.refresh();
    };
    tasks.spawn(refresh_until(shutdown.clone(), host.clock.clone(), refresh));
    offer_developed(config, host).await;

    let pid = std::process::id();
    let file = ServerFile { address, token, pid, version: VERSION.to_owned() };
    file.write(&config.data_dir)?;
    readiness.set(Phase::Ready);
    tell(ui, config, address);

    stops.next().await;
    readiness.set(Phase::Draining);
    file.remove(&config.data_dir)?;
    ui.note("stopping: requests that are under way finish first; again to stop at once");
    shutdown.cancel();
    tasks.close();
    let ended = async {
        tasks.wait().await;
        changes.close();
        changes.wait().await;
    };
    tokio::select! {
        () = ended => {}
        () = stops.next() => warn!("stopped before every request had finished"),
    }
    Ok(())
}

fn tell(ui: &Ui, config: &Config, address: SocketAddr) {
    let url = ui.paint(Paint::Bold, &format!("http://{address}"));
    ui.note(&format!("serving {url}, on this machine only until requests carry identities"));
    ui.note(&format!("data   {}", config.data_dir.display()));
    ui.note("key    wforge keys add --tenant default; commands on this data directory need none");
    info!(%address, data_dir = %config.data_dir.display(), version = VERSION, "serving");
}

/// The key that `server.json` gives to whoever owns the data directory; a new one at each start.
fn own_key(host: &Host) -> anyhow::Result<(KeyEntry, String)> {
    let issued = IssuedKey::issue(host.entropy.as_ref());
    let credential = Credential {
        hash: issued.hash,
        tenant: default_tenant()?,
        role: Role::Platform,
        name: "cli".to_owned(),
        expires_at: None,
    };
    Ok((KeyEntry { id: issued.id, credential }, issued.text))
}

fn system(config: &Config) -> SystemInfo {
    let environment = match config.env {
        Environment::Development => "development",
        Environment::Testing => "testing",
        Environment::Production => "production",
    };
    SystemInfo {
        version: VERSION.to_owned(),
        environment: environment.to_owned(),
        mock: config.mock.mode.map(|mode| mode.as_str().to_owned()),
    }
}

/// In development, what `plugins.dirs` holds is installed for the default tenant, so that a run
/// through the server finds what a run without one would.
async fn offer_developed(config: &Config, host: &Host) {
    for dir in config.plugins.dirs.iter().filter(|dir| dir.is_dir()) {
        match install_all(host, dir).await {
            Ok(count) => info!(dir = %dir.display(), count, "plugins of plugins.dirs installed"),
            Err(error) => {
                warn!(dir = %dir.display(), error = format!("{error:#}"), "plugins.dirs skipped");
            }
        }
    }
}

async fn install_all(host: &Host, dir: &std::path::Path) -> anyhow::Result<usize> {
    let tenant = default_tenant()?;
    let mut count = 0;
    for path in components_in(dir)? {
        let component = read_component(&path)?;
        match host.handle.install_plugin(&tenant, component.bytes, "plugins.dirs").await {
            Ok(_) => count += 1,
            Err(error) => warn!(file = component.file, error = %error, "plugin not installed"),
        }
    }
    Ok(count)
}

/// `wforge health`: 0 where the server takes work.
pub(crate) async fn health(session: &Session) -> anyhow::Result<u8> {
    let (ui, config) = (&session.ui, &session.config);
    let url = match (&config.client.server, ServerFile::read(&config.data_dir)?) {
        (Some(server), _) => server.clone(),
        (None, Some(file)) => file.url(),
        (None, None) => format!("http://{}", config.server.listen),
    };
    let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).no_proxy().build()?;
    let answer = client.get(format!("{url}/readyz")).send().await;
    let (ready, said) = match answer {
        Ok(response) => (response.status().is_success(), response.status().to_string()),
        Err(error) => (false, error.without_url().to_string()),
    };
    if ui.is_json() {
        ui.out_json(&serde_json::json!({ "ready": ready, "server": url, "answer": said }))?;
    } else if ready {
        ui.out(&format!("{url} is ready"));
    } else {
        ui.err(&format!("{url} is not ready: {said}"));
    }
    Ok(if ready { 0 } else { EXIT_FAILED })
}
