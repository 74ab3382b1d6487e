//! The host as a library: deploys the ballot box, votes, replaces it by its next version and votes again.

#![allow(clippy::print_stdout, reason = "a program that shows what it does")]

use std::error::Error;

use stead_runtime::engine::{Engine, EngineOptions};
use stead_runtime::{Call, DeployOptions, Host, HostOptions, SwapOptions};
use stead_schema::{Parts, Value};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let data = tempfile::tempdir()?;
    let engine = Engine::new(EngineOptions::default())?;
    let (host, _) = Host::open(HostOptions::at(data.path(), engine)).await?;

    host.deploy("tally", stead_examples::TALLY_V1, DeployOptions::default()).await?;
    call(&host, "vote", &["ada", "tea"]).await?;
    call(&host, "vote", &["grace", "coffee"]).await?;
    // One vote each: the call returns `err`, and what it had written is taken back.
    call(&host, "vote", &["ada", "coffee"]).await?;

    let receipt = host.swap("tally", stead_examples::TALLY_V2, SwapOptions::default()).await?;
    println!("swapped; the gate was closed for {} µs", receipt.pause_us);
    call(&host, "vote-because", &["edsger", "tea", "it is elegant"]).await?;
    call(&host, "ballot-of", &["ada"]).await?;

    Ok(host.close().await?)
}

async fn call(host: &Host, function: &str, words: &[&str]) -> Result<(), Box<dyn Error>> {
    let args = words.iter().map(|word| Value(Parts::String((*word).to_owned()))).collect();
    let reply = host.call(Call::new("tally", function, args)).await?;
    println!("{function}{words:?} = {:?}", reply.outcome);
    Ok(())
}
