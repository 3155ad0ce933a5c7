//! The demo of the local stack; `deploy/local up` calls it.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use tests::demo::{self, DemoOptions};

/// Shows the product at work.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a campaign and proves that each person got exactly one message.
    Run {
        /// Base address of the API.
        #[arg(long)]
        api: String,
        /// Base address of the provider simulator.
        #[arg(long)]
        simulator: String,
        /// File that keeps the demo tenant between runs.
        #[arg(long)]
        state: PathBuf,
        /// How many people get a message.
        #[arg(long, default_value_t = 1000)]
        recipients: usize,
        /// Rate of the demo's number, in messages per second.
        #[arg(long, default_value_t = 200)]
        messages_per_second: u32,
    },
    /// Waits until an address answers 200.
    Wait {
        /// The address.
        #[arg(long)]
        url: String,
        /// How long to wait.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let result = match Arguments::parse().command {
        Command::Run { api, simulator, state, recipients, messages_per_second } => {
            demo::run(&DemoOptions { api, simulator, state, recipients, messages_per_second })
                .await
                .map_err(|error| format!("demo: {error:#}"))
        }
        // Its caller tells the reason, from the log of what is not ready.
        Command::Wait { url, seconds } => demo::wait_until_ready(&url, Duration::from_secs(seconds)).await.map_err(|_| String::new()),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(text) => {
            if !text.is_empty() {
                eprintln!("{text}");
            }
            std::process::ExitCode::FAILURE
        }
    }
}
