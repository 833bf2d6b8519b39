#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod args;
mod ask;
mod fetch;
mod plugins;
mod recover;
mod session;
mod show;
mod toc;

use args::{Args, Command};
use clap::{CommandFactory, Parser};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    let json = args.json;
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if json {
                let error = serde_json::json!({ "error": format!("{error:#}") });
                println!("{error}");
            }
            eprintln!("caliptra-util: {error:#}");
            if let Some(hint) = show::hint(&error) {
                eprintln!("hint: {hint}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match &args.command {
        Command::Info => ask::info(&args),
        Command::Caps => ask::caps(&args),
        Command::Log(log) => ask::log(&args, log),
        Command::Attest(attest) => ask::attest(&args, attest),
        Command::Hash(hash) => ask::hash(&args, hash),
        Command::Recover(recover) => recover::run(&args, recover),
        Command::Plugin(plugin) => plugins::run(&args, plugin),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Args::command(), "caliptra-util", &mut out);
            Ok(())
        }
        Command::Man => {
            clap_mangen::Man::new(Args::command()).render(&mut out)?;
            out.flush()?;
            Ok(())
        }
    }
}
