//! The command; see `bootstore --help`.

use anyhow::{Context, Result, bail};
use bootstored::THREAT_MODEL;
use bootstored::control::{Answer, Blob, Request, Status, Usage, ask};
use bootstored::early_json::{EarlyJson, hex, unhex};
use bootstored::record::record;
use clap::{Args, Parser, Subcommand};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Controls the bootstored of this board.
#[derive(Parser)]
#[command(version, after_help = "See --help for what this protects against.", after_long_help = THREAT_MODEL)]
struct Arguments {
    /// Control socket of the daemon
    #[arg(long, global = true, default_value = "/run/bootstore/control.sock")]
    control: PathBuf,
    /// Print the daemon's answer as one line of JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the state of this node and its peers
    Status,
    /// Initialise a rack: draw its secret and give each member its share
    ///
    /// Run it once, on one of the members, when all of them are connected. If it does not complete, reset all members
    /// and try again.
    InitRack {
        /// All members, this board among them: kind:model:identifier, such as pc:mcu:sled-1
        #[arg(long, required = true, value_delimiter = ',')]
        members: Vec<String>,
        /// Wait so many seconds until all members have their share
        #[arg(long, default_value_t = 60)]
        wait: u64,
    },
    /// Join a rack: ask the members for a share to keep
    Learn {
        /// Wait so many seconds for the share
        #[arg(long, default_value_t = 60)]
        wait: u64,
    },
    /// Recover the rack secret from K boards, and use it once
    ///
    /// The secret itself never leaves the daemon. Without a subcommand, it is recovered only to see that it can be.
    Unlock {
        #[command(subcommand)]
        usage: Option<Use>,
    },
    /// Show or replace the replicated network configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Erase this board's share and its network configuration
    Reset {
        /// This board's identifier, to confirm
        identifier: String,
    },
}

#[derive(Subcommand)]
enum Use {
    /// Derive a key of 32 octets, the same on every board of the rack
    Key(Label),
    /// Seal a secret, so that only an unlocked board of this rack can open it
    Seal(Label),
    /// Open a sealed secret
    Open(Label),
}

#[derive(Args)]
struct Label {
    /// What the key or the secret is for
    label: String,
    /// File to read from; `-` is standard input
    #[arg(long, default_value = "-")]
    input: PathBuf,
    /// File to write to, which only its owner may read; `-` is standard output
    #[arg(long, default_value = "-")]
    output: PathBuf,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Show it
    Get,
    /// Replace it on all boards of the rack
    Set {
        /// JSON file; `-` is standard input
        file: PathBuf,
        /// Take the file as it is, whatever it holds
        #[arg(long)]
        raw: bool,
        /// Generation; the next one by default, and a lower one is refused
        #[arg(long)]
        generation: Option<u64>,
    },
    /// Make the record that a board's own ledger has of it, without a daemon
    ///
    /// The octets belong into slot A of a board that has no configuration yet. Its boot then needs neither DHCP nor a node.
    Record {
        /// JSON file; `-` is standard input
        file: PathBuf,
        /// Generation, at least 1: the same as the rack's
        #[arg(long, default_value_t = 1)]
        generation: u64,
        /// File to write the octets to; they are printed in hexadecimal without it
        #[arg(long)]
        output: Option<PathBuf>,
    },
}

/// Longer than a request for the rack secret lasts.
const PATIENCE: Duration = Duration::from_secs(15);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bootstore: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    if let Command::Config(ConfigCommand::Record {
        file,
        generation,
        output: to,
    }) = &arguments.command
    {
        let octets = record(&early(file, &input(file)?)?, *generation)?;
        match to {
            Some(to) => output(to, &octets)?,
            None => println!("{}", hex(&octets)),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let request = request(&arguments.command)?;
    let mut answer = ask(&arguments.control, &request, PATIENCE)?;
    if !matches!(answer, Answer::Error { .. }) {
        match arguments.command {
            Command::InitRack { wait, .. } | Command::Learn { wait } => {
                if let Some(status) = await_rack(&arguments.control, wait)? {
                    answer = status;
                }
            }
            _ => {}
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string(&answer)?);
    } else {
        show(&arguments.command, &answer)?;
    }
    Ok(match answer {
        Answer::Error { .. } => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    })
}

fn request(command: &Command) -> Result<Request> {
    Ok(match command {
        Command::Status => Request::Status,
        Command::InitRack { members, .. } => Request::InitRack {
            members: members.clone(),
        },
        Command::Learn { .. } => Request::Learn,
        Command::Unlock { usage } => Request::Unlock {
            usage: match usage {
                None => Usage::Check,
                Some(Use::Key(label)) => Usage::Key {
                    label: label.label.clone(),
                },
                Some(Use::Seal(label)) => Usage::Seal {
                    label: label.label.clone(),
                    octets: hex(&input(&label.input)?),
                },
                Some(Use::Open(label)) => Usage::Open {
                    label: label.label.clone(),
                    octets: hex(&input(&label.input)?),
                },
            },
        },
        Command::Config(ConfigCommand::Get) => Request::ConfigGet,
        Command::Config(ConfigCommand::Record { .. }) => bail!("no daemon is asked for a record"),
        Command::Config(ConfigCommand::Set {
            file,
            raw,
            generation,
        }) => {
            let octets = input(file)?;
            let config = if *raw {
                Blob::Raw(hex(&octets))
            } else {
                Blob::Early(early(file, &octets)?)
            };
            Request::ConfigSet {
                config,
                generation: *generation,
            }
        }
        Command::Reset { identifier } => Request::Reset {
            identifier: identifier.clone(),
        },
    })
}

/// Reads a network configuration in JSON.
fn early(file: &Path, octets: &[u8]) -> Result<EarlyJson> {
    serde_json::from_slice(octets).with_context(|| format!("{} is wrong", file.display()))
}

fn input(path: &Path) -> Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut octets = Vec::new();
        std::io::stdin().read_to_end(&mut octets)?;
        return Ok(octets);
    }
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Waits until the node has its share and, on the coordinator, all others have theirs.
fn await_rack(control: &Path, seconds: u64) -> Result<Option<Answer>> {
    if seconds == 0 {
        return Ok(None);
    }
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        let answer = ask(control, &Request::Status, PATIENCE)?;
        let Answer::Status(status) = &answer else {
            bail!("the daemon answers something else");
        };
        if let Some(failed) = &status.failed {
            return Ok(Some(Answer::error(failed)));
        }
        if status.rack_uuid.is_some() && status.init.is_none() {
            return Ok(Some(answer));
        }
        if Instant::now() >= deadline {
            return Ok(Some(Answer::error(match status.init {
                Some((acked, members)) => format!(
                    "{acked} of {members} members have their share after {seconds} s; the daemon goes on trying"
                ),
                None => format!("no share came within {seconds} s; the daemon goes on asking"),
            })));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn show(command: &Command, answer: &Answer) -> Result<()> {
    match answer {
        Answer::Error { message, code } => match code {
            Some(code) => eprintln!("bootstore: {message} ({code:#010x})"),
            None => eprintln!("bootstore: {message}"),
        },
        Answer::Status(status) => show_status(status),
        Answer::Started { rack_uuid } => println!("rack {rack_uuid} is being initialised"),
        Answer::Done => println!("done"),
        Answer::Unlocked {
            rack_uuid,
            check,
            milliseconds,
            octets,
        } => match (command, octets) {
            (Command::Unlock { usage: Some(usage) }, Some(octets)) => {
                let (Use::Key(label) | Use::Seal(label) | Use::Open(label)) = usage;
                output(&label.output, &unhex(octets)?)?;
            }
            _ => println!("rack {rack_uuid} unlocks: check value {check}, {milliseconds} ms"),
        },
        Answer::Config { generation, config } => {
            println!("generation {generation}");
            match config {
                Blob::Early(early) => println!("{}", serde_json::to_string_pretty(early)?),
                Blob::Raw(octets) => println!("{octets}"),
            }
        }
    }
    Ok(())
}

fn output(path: &Path, octets: &[u8]) -> Result<()> {
    if path == Path::new("-") {
        std::io::stdout().write_all(octets)?;
        return Ok(());
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(octets)?;
    Ok(file.sync_all()?)
}

fn show_status(status: &Status) {
    println!("board        {} at {}", status.board, status.address);
    println!("state        {}", status.state);
    println!("scheme       {}", status.scheme);
    if let Some(rack) = &status.rack_uuid {
        let threshold = status.threshold.unwrap_or(0);
        println!("rack         {rack}, {threshold} shares unlock it");
    }
    if let Some((acked, members)) = status.init {
        println!("initialising {acked} of {members} members have their share");
    }
    if let Some(failed) = &status.failed {
        println!("failed       {failed}");
    }
    for member in &status.members {
        println!("member       {member}");
    }
    for learner in &status.learners {
        println!("learner      {learner}");
    }
    for peer in &status.peers {
        println!("connected    {} at {}", peer.board, peer.address);
    }
    match status.network_generation {
        0 => println!("network      no configuration"),
        generation => println!("network      generation {generation}"),
    }
}
