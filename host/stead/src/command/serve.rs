use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;
use stead_runtime::Recovery;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};

use super::Context;
use super::swap::{kind_word, name};
use crate::api::Api;
use crate::console::{DIM, duration, plural, styled};
use crate::failure::Failure;
use crate::server::{Access, ControlSocket, Listener, STOP_TIME, Stop, Token, router, socket_path};
use crate::session;

/// Run the plugins and serve the control API
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead serve
  stead serve --data /srv/stead
  STEAD_TOKEN=$(openssl rand -hex 32) stead serve --listen 127.0.0.1:7070
  stead serve --listen 0.0.0.0:7070 --token-file /etc/stead/token

The API is HTTP with JSON on the Unix socket DIR/control.sock, which only your user can open, and on TCP where \
--listen asks for it; TCP always requires a token and has no TLS. Ctrl-C (or SIGTERM) finishes the running calls and \
closes the store; a second Ctrl-C ends at once, which is safe too.")]
pub(super) struct Serve {
    /// Serve on this TCP address as well
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,

    /// The file that holds the token for TCP; else STEAD_TOKEN is taken
    #[arg(long, value_name = "FILE", requires = "listen")]
    token_file: Option<PathBuf>,
}

/// The signals that stop a host.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Serve {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let data = &context.global.data;
        let token = self.token(context)?;
        let mut signals = Signals::new()?;
        session::must_not_be_a_file(data)?;
        let (host, recovery) =
            session::open_host(data, context.receipt_key()?).await.map_err(|error| explain_locked(data, error))?;
        let api = Api::new(host, &recovery);
        // The lock of the directory is held from here on, so the socket is ours to replace.
        let (socket, unix) = ControlSocket::bind(data).map_err(|error| {
            Failure::host("io", format!("cannot make the control socket: {error}"))
                .at(socket_path(data).display())
                .help("a socket's path is limited to about 100 bytes: use a shorter data directory, or a relative path")
        })?;
        let mut listeners = vec![(Listener::Unix(unix), Access::Owner)];
        let mut address = None;
        if let (Some(listen), Some(token)) = (self.listen, token) {
            let tcp = TcpListener::bind(listen)
                .await
                .map_err(|error| Failure::host("io", format!("cannot listen: {error}")).at(listen))?;
            address = tcp.local_addr().ok();
            listeners.push((Listener::Tcp(tcp), Access::Token(token)));
        }
        let (stop, stopping) = watch::channel(false);
        let (alive, mut all_ended) = mpsc::channel::<()>(1);
        for (listener, access) in listeners {
            let stop = Stop { stopping: stopping.clone(), alive: alive.clone() };
            tokio::spawn(listener.serve(router(api.clone(), access, stopping.clone()), stop));
        }
        drop(alive);
        announce(context, &recovery, address)?;
        announce_hand_offs(context, &api)?;

        signals.either().await;
        context.console.note("stopping: running calls end first; Ctrl-C again to end at once");
        // Every listener and connection watches this.
        stop.send_replace(true);
        let ended = tokio::select! {
            ended = tokio::time::timeout(STOP_TIME, all_ended.recv()) => ended.is_ok(),
            () = signals.either() => return Err(forced()),
        };
        if !ended {
            context.console.note(format_args!("some connections did not end within {}", duration(STOP_TIME)));
        }
        drop(socket);
        tokio::select! {
            closed = api.close() => closed?,
            () = signals.either() => return Err(forced()),
        }
        context.console.note("stopped");
        Ok(())
    }

    /// The token that TCP clients must present; required where TCP is asked for.
    fn token(&self, context: &Context) -> Result<Option<Token>, Failure> {
        if self.listen.is_none() {
            return Ok(None);
        }
        let (text, origin) = match (&self.token_file, &context.global.token) {
            (Some(file), _) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| Failure::usage(format!("cannot read the token: {error}")).at(file.display()))?;
                (text, file.display().to_string())
            }
            (None, Some(token)) => (token.clone(), "STEAD_TOKEN".to_owned()),
            (None, None) => {
                return Err(Failure::usage("--listen needs a token").help(
                    "give --token-file FILE, or set STEAD_TOKEN, for instance to the output of `openssl rand -hex 32`",
                ));
            }
        };
        Token::new(&text).map(Some).map_err(|error| Failure::usage(error).at(origin))
    }
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let failed = |error| Failure::host("io", format!("cannot wait for signals: {error}"));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        })
    }

    async fn either(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn forced() -> Failure {
    Failure::host("interrupted", "ended at once; what was acknowledged is on disk")
        .help("the next start replays the journal")
}

fn explain_locked(data: &Path, error: crate::api::ApiError) -> Failure {
    if error.kind != "locked" {
        return session::explain(data, error);
    }
    Failure::from(error).at(data.display()).help("one host serves a data directory; stop the other one first")
}

/// One line when ready: where, and what recovery did.
fn announce(context: &Context, recovery: &Recovery, address: Option<SocketAddr>) -> Result<(), Failure> {
    let data = context.global.data.display().to_string();
    let socket = socket_path(&context.global.data).display().to_string();
    if context.console.is_json() {
        let line = json!({
            "ready": true, "data": data, "socket": socket, "address": address,
            "plugins": recovery.plugins, "created": recovery.store.created, "clean": recovery.store.clean,
            "replayed_commits": recovery.store.replayed_commits, "handoffs": recovery.handoffs,
            "opened_in_us": u64::try_from(recovery.took.as_micros()).unwrap_or(u64::MAX),
        });
        return context.console.line(line);
    }
    let tcp = address.map(|address| format!(" and http://{address}")).unwrap_or_default();
    context
        .console
        .line(format_args!("serving {data} on {socket}{tcp} {}", styled(DIM, format!("({})", summary(recovery)))))
}

/// Hand-offs that were interrupted and go on.
fn announce_hand_offs(context: &Context, api: &Api) -> Result<(), Failure> {
    if context.console.is_json() {
        return Ok(());
    }
    for plugin in api.list()? {
        let Some(under_way) = &plugin.under_way else { continue };
        let kind = under_way.kind.map_or("hand-off", kind_word);
        let to = under_way.to.as_ref().map(|to| format!(" to {}", name(to))).unwrap_or_default();
        let name = &plugin.name;
        context.console.line(format_args!(
            "the interrupted {kind} of {name}{to} goes on; `stead show {name}` says how far it is"
        ))?;
    }
    Ok(())
}

fn summary(recovery: &Recovery) -> String {
    let took = duration(Duration::max(recovery.took, Duration::from_micros(1)));
    if recovery.store.created {
        return format!("a new data directory, made in {took}");
    }
    let how = if recovery.store.clean { "closed cleanly" } else { "recovered" };
    let mut text = format!(
        "{}, {how}, {} replayed in {took}",
        plural(recovery.plugins, "plugin", "plugins"),
        plural(recovery.store.replayed_commits, "commit", "commits"),
    );
    if let Some(torn) = &recovery.store.torn {
        text.push_str(&format!("; an unfinished write in {} was cut off", torn.file));
    }
    for handoff in &recovery.handoffs {
        let ended = match handoff.receipt.activated {
            stead_runtime::Activated::Successor => "carried to its end",
            stead_runtime::Activated::Incumbent { .. } => "given up",
        };
        text.push_str(&format!("; the hand-off of {} was {ended}", handoff.plugin));
    }
    text
}
