//! `wforge serve` and `wforge health`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use wforge_api::{ApiParts, Door, HostNames, IssuedKey, Phase, Readiness, Role};
use wforge_engine::{NewKey, PluginUpload};
use wforge_model::Scopes;
use wforge_model::tenancy::KeyKind;
use zeroize::Zeroizing;

use super::Session;
use super::follow::{Stops, abort_at_next};
use super::refusal::{EXIT_FAILED, Refusal};
use super::ui::{Paint, Ui};
use crate::client::Component;
use crate::compose::tls::TlsFiles;
use crate::compose::{
    Host, Mode, Tokens, VERSION, api_parts, components_in, default_tenant, read_component,
    read_signature, tokens,
};
use crate::config::{Config, ConfigError, refuse_red};
use crate::known::{OWNER, OwnKey};
use crate::server_file::ServerFile;
use crate::watched::refresh_until;

/// Serves until the process is told to stop.
pub(crate) async fn run(session: &Session) -> anyhow::Result<u8> {
    let config = &session.config;
    refuse_red(config).map_err(|red| {
        super::configuration::refused(&ConfigError(red))
            .help("do what each line says; wforge config check shows everything, and what is well")
    })?;
    if let Some(file) = ServerFile::of_a_living_server(&config.data_dir).await? {
        let message = format!("process {} serves this data directory at {}", file.pid, file.url());
        return Err(Refusal::failed("already_served", message)
            .help("stop it, or name another with --data-dir")
            .into());
    }
    let mut stops = Stops::listen()?;
    let listener = listen(config.server.listen).await?;
    let host = Host::open(config, Mode::Serve).await?;
    let served = serve(session, &host, listener, &mut stops).await;
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

/// What serves beside the engine.
struct Serving {
    file: ServerFile,
    shutdown: CancellationToken,
    readiness: Readiness,
    tasks: TaskTracker,
    changes: TaskTracker,
}

async fn serve(
    session: &Session,
    host: &Host,
    listener: TcpListener,
    stops: &mut Stops,
) -> anyhow::Result<()> {
    let (ui, config) = (&session.ui, &session.config);
    host.handle.load_directory().await?;
    first_key(ui, config, host).await?;
    let serving = begin(session, host, listener).await?;
    tell(ui, config, &serving.file);
    stops.next().await;
    end(ui, config, serving, stops).await
}

/// Opens the doors. One that is not on loopback, or speaks TLS, has a plain one on loopback beside
/// it: for the commands of whoever owns the data directory, and for health checks.
async fn begin(session: &Session, host: &Host, listener: TcpListener) -> anyhow::Result<Serving> {
    let config = &session.config;
    let address = listener.local_addr()?;
    let (own, token) = OwnKey::issue(default_tenant()?, host.entropy.as_ref(), &host.pepper);
    let (readiness, shutdown) = (Readiness::default(), CancellationToken::new());
    let (tasks, changes) = (TaskTracker::new(), TaskTracker::new());
    let tls = config.server.tls.as_ref().map(TlsFiles::open).transpose()?.map(Arc::new);
    let Tokens { rules, provider } = tokens(host)?;
    let router = wforge_api::router(ApiParts {
        tokens: rules,
        hosts: HostNames::of_listener(address, names(config)),
        readiness: readiness.clone(),
        shutdown: shutdown.clone(),
        tasks: changes.clone(),
        log: Arc::new(session.log.clone()),
        ..api_parts(host, own)?
    });
    let mut doors = vec![Door { listener, tls: tls.as_ref().map(|files| files.tls.clone()) }];
    let is_plain_here = address.ip().is_loopback() && tls.is_none();
    let own_address = if is_plain_here {
        address
    } else {
        let own_door = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let own_address = own_door.local_addr()?;
        doors.push(Door { listener: own_door, tls: None });
        own_address
    };
    for door in doors {
        let (router, clock) = (router.clone(), host.clock.clone());
        let (limits, stop) = (config.server.limits.clone(), shutdown.clone());
        tasks.spawn(async move { wforge_api::serve(door, router, &limits, clock, stop).await });
    }
    let grants = host.grants.clone();
    let refresh = move || {
        grants.0.refresh();
        tls.iter().for_each(|files| files.refresh());
    };
    tasks.spawn(refresh_until(shutdown.clone(), host.clock.clone(), refresh));
    if let Some(provider) = provider {
        provider.keep_fresh().await;
        tasks.spawn(provider.fresh_until(shutdown.clone()));
    }
    offer_developed(config, host).await;

    let public = Some(public_url(config, address));
    let pid = std::process::id();
    let file = ServerFile { address: own_address, public, token, pid, version: VERSION.to_owned() };
    file.write(&config.data_dir)?;
    readiness.set(Phase::Ready);
    info!(%address, data_dir = %config.data_dir.display(), "serving");
    Ok(Serving { file, shutdown, readiness, tasks, changes })
}

/// The names that the server answers for: those of the operator, and where it listens for others,
/// loopback's as well.
fn names(config: &Config) -> Vec<String> {
    let loopback = ["localhost", "127.0.0.1", "[::1]"].map(ToOwned::to_owned);
    config.server.hosts.iter().cloned().chain(loopback).collect()
}

fn public_url(config: &Config, address: SocketAddr) -> String {
    let scheme = if config.server.tls.is_some() { "https" } else { "http" };
    format!("{scheme}://{address}")
}

async fn end(ui: &Ui, config: &Config, serving: Serving, stops: &mut Stops) -> anyhow::Result<()> {
    let Serving { file, shutdown, readiness, tasks, changes } = serving;
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

/// The first start of a deployment makes its first tenant and its first key, with the role
/// platform: from the file that the operator names, else a new one, printed once.
async fn first_key(ui: &Ui, config: &Config, host: &Host) -> anyhow::Result<()> {
    let (engine, tenant) = (&host.handle, default_tenant()?);
    engine.ensure_tenant(tenant.clone(), OWNER).await?;
    if engine.tenants().iter().any(|tenant| !engine.keys(&tenant.id).is_empty()) {
        return Ok(());
    }
    let issued = match &config.auth.bootstrap_key_file {
        Some(path) => {
            crate::secrets::refuse_readable_by_others(path)?;
            let text = Zeroizing::new(fs_err::read_to_string(path)?);
            IssuedKey::of_text(text.trim(), &host.pepper).ok_or_else(|| {
                let message = format!("{} holds no API key", path.display());
                Refusal::failed("bad_bootstrap_key", message)
                    .help(format!("wforge keys generate > {}", path.display()))
            })?
        }
        None => IssuedKey::issue(host.entropy.as_ref(), &host.pepper),
    };
    let new = NewKey {
        id: issued.id.clone(),
        mac: issued.mac,
        role: Role::Platform,
        scopes: Scopes::default(),
        kind: KeyKind::Person,
        name: "bootstrap".to_owned(),
        expires_at: None,
    };
    engine.add_key(&tenant, new, OWNER).await?;
    if config.auth.bootstrap_key_file.is_none() {
        ui.out(&issued.text);
        ui.err("this is the first API key, with the role platform; it is not shown again");
    }
    Ok(())
}

fn tell(ui: &Ui, config: &Config, file: &ServerFile) {
    let url = file.public.clone().unwrap_or_else(|| file.url());
    ui.note(&format!("serving {}", ui.paint(Paint::Bold, &url)));
    ui.note(&format!("data   {}", config.data_dir.display()));
    ui.note("key    wforge keys add NAME; commands on this data directory need none");
}

/// In development, what `plugins.dirs` holds is installed for the default tenant, so that a run
/// through the server finds what a run without one would.
async fn offer_developed(config: &Config, host: &Host) {
    for dir in config.plugins.dirs.iter().filter(|dir| dir.is_dir()) {
        // Each that is new is compiled, and until then nothing is ready.
        info!(dir = %dir.display(), "installing the plugins of plugins.dirs");
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
        let Component { bytes, file, .. } = read_component(&path)?;
        let upload = PluginUpload { bytes, signature: read_signature(&path, None)? };
        match host.handle.install_plugin(&tenant, upload, "plugins.dirs").await {
            Ok(_) => count += 1,
            Err(error) => warn!(file, error = %error, "plugin not installed"),
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
