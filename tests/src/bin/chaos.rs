//! The chaos test as a program: `deploy/local chaos --seed N --minutes M`.

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use tests::chaos::{Storm, StormOptions};

/// Hurts a whole installation while campaigns run, then compares the provider's ledger with the database's.
#[derive(Debug, Parser)]
struct Arguments {
    /// Decides which fault comes when. Default: something new, which is printed.
    #[arg(long)]
    seed: Option<u64>,
    /// How long faults go on. The whole run takes some two minutes more.
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Ok(duration) = Duration::try_from_secs_f64(arguments.minutes * 60.0) else {
        eprintln!("chaos: --minutes must not be negative");
        return ExitCode::FAILURE;
    };
    let seed = arguments.seed.unwrap_or_else(rand::random);
    match Storm::run(StormOptions { seed, duration }).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chaos: {error:#}\nchaos: repeat it by --seed {seed}");
            ExitCode::FAILURE
        }
    }
}
