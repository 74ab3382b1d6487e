use std::path::{Path, PathBuf};

use clap::Args;

use super::{Context, Missing};
use crate::api::{ApiError, DeployAnswer, DeployRequest, GrantsRequest};
use crate::console::{BOLD, Console, short, styled};
use crate::failure::Failure;

/// Deploy a component as a new plugin
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead deploy tally tally.wasm
  stead deploy tally tally.wasm --label 1.0.0
  stead deploy mailer mailer.wasm --env SENDER=ops@example.org --net 10.0.0.7:25
  stead deploy import import.wasm --dir /srv/in:/in --per-call
  stead deploy report report.wasm --config currency=EUR --config rows=50
  stead deploy shop shop.wasm --limit clients-max=100000 --limit call-time-max=5s
  stead deploy orders orders.wasm --link acme:ledger/api@1=ledger

A plugin reaches no file, network, environment variable or other plugin that is not granted here.")]
pub(super) struct Deploy {
    /// The plugin's name
    plugin: String,

    /// The component
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,

    /// Your name for this version, such as 1.0.0; a later migration gets to see it
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,

    /// A fresh instance for every call, so that nothing but declared state survives
    #[arg(long)]
    per_call: bool,

    /// Another limit than the default; a wrong name lists them all
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    limits: Vec<String>,

    /// A setting that the plugin reads through `wasi:config`; `stead show` shows it
    #[arg(long, value_name = "NAME=VALUE")]
    config: Vec<String>,

    #[command(flatten)]
    affirmed: AffirmedArgs,

    #[command(flatten)]
    grants: GrantArgs,
}

/// What imports are, where the operator decides.
#[derive(Debug, Args)]
pub(super) struct AffirmedArgs {
    /// An import is what another plugin exports: calls of it join the caller's transaction
    #[arg(long = "link", value_name = "INTERFACE=PLUGIN")]
    pub(super) links: Vec<String>,

    /// An import is a collection, although another plugin exports an interface of the same name
    #[arg(long, value_name = "IDENTITY")]
    pub(super) state: Vec<String>,
}

/// What a plugin may reach.
#[derive(Debug, Args)]
#[command(next_help_heading = "Grants")]
pub(super) struct GrantArgs {
    /// An environment variable that the plugin sees
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,

    /// A directory that the plugin sees; read-only unless it ends in :rw
    #[arg(long = "dir", value_name = "HOST:GUEST[:rw]")]
    dirs: Vec<String>,

    /// An address that the plugin may reach: 127.0.0.1:5432, 10.0.0.1:*, *:443
    #[arg(long = "net", value_name = "ADDRESS")]
    nets: Vec<String>,

    /// The plugin may look up host names
    #[arg(long)]
    names: bool,
}

impl From<GrantArgs> for GrantsRequest {
    fn from(args: GrantArgs) -> Self {
        Self { env: args.env, dirs: args.dirs, nets: args.nets, names: args.names }
    }
}

impl Deploy {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let wasm = read_component(&self.file)?;
        let request = DeployRequest {
            label: self.label,
            per_call: self.per_call,
            limits: self.limits,
            config: self.config,
            grants: self.grants.into(),
            state: self.affirmed.state,
            links: self.affirmed.links,
        };
        let session = context.session(Missing::Create).await?;
        let deployed = session.deploy(&self.plugin, wasm, &request).await;
        let deployed = deployed.map_err(|error| without_version(&request.links, in_file(&self.file, error)));
        let deployed = session.close(deployed).await?;
        context.console.answer(&deployed, |deployed| print(&context.console, deployed))
    }
}

/// The bytes of a component; whether it is one the host decides.
pub(super) fn read_component(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file)
        .map_err(|error| Failure::usage(format!("cannot read the component: {error}")).at(file.display()))
}

/// Says which file is no component that can run here, where the refusal says nothing closer.
pub(super) fn in_file(file: &Path, error: ApiError) -> ApiError {
    if error.kind == "component" && error.place.is_none() { error.at(file.display()) } else { error }
}

/// Says where a link has no version, although it is to an import of the component that was refused.
pub(super) fn without_version(links: &[String], error: ApiError) -> ApiError {
    let named = links.iter().filter_map(|link| link.split_once('='));
    let found = named.filter(|_| error.kind == "component").find_map(|(interface, plugin)| {
        let (_, rest) = error.message.split_once(&format!("`{interface}@"))?;
        let (version, _) = rest.split_once('`')?;
        Some(format!("`--link {interface}={plugin}` names no version; write `--link {interface}@{version}={plugin}`"))
    });
    match found {
        Some(help) => error.help(help),
        None => error,
    }
}

fn print(console: &Console, deployed: &DeployAnswer) -> Result<(), Failure> {
    let component = short(&deployed.version.component);
    console.line(format_args!(
        "{} deployed, version {}, component {component}",
        styled(BOLD, &deployed.plugin),
        deployed.version.generation
    ))?;
    for function in deployed.functions.iter().filter(|function| !function.is_hook()) {
        console.line(format_args!("  calls  {}", function.wit()))?;
    }
    for collection in deployed.collections.iter().filter(|collection| !collection.old) {
        console.line(format_args!("  keeps  {}: {}", collection.identity, collection.shape()))?;
    }
    for link in &deployed.links {
        console.line(format_args!("  links  {} to {}", link.interface, link.plugin))?;
    }
    Ok(())
}
