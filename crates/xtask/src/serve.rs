//! `cargo xtask serve`: the image server alone, for a QEMU of one's own.

use crate::boot::ProtocolArg;
use crate::building;
use crate::link::{self, LinkArgs};
use anyhow::{Context, Result, ensure};
use clap::Args;
use image_server::{ImageServer, ServerConfig, qemu as port};
use netboot_core::Instant;
use netsim::Link;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use test_pki::Pki;
use testbed::https::Https;
use testbed::plan::{FILE_NAMES, SERVER};
use testbed::{Image, Plan, Protocol, qemu, rom};

/// Options of `cargo xtask serve`.
#[derive(Args)]
pub struct ServeArgs {
    /// UNIX socket to listen at
    #[arg(long, value_name = "PATH", default_value = "/tmp/netboot.sock")]
    socket: PathBuf,
    /// Serve the files of this directory, not the images of `cargo xtask boot`
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// What DHCP points to
    #[arg(long, value_enum, default_value = "tftp")]
    protocol: ProtocolArg,
    /// Boot file that DHCP names; without it, DHCP names the directory
    #[arg(long, value_name = "NAME")]
    boot_file: Option<String>,
    #[command(flatten)]
    link: LinkArgs,
    /// Seed of everything that is left to chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write a capture of the frames; each connection begins it anew
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
}

/// Serves until it is interrupted.
pub fn run(arguments: &ServeArgs) -> Result<bool> {
    let plan = plan(arguments)?;
    let config = server(arguments, &plan)?;
    // Before anything is printed: another server may hold the socket.
    drop(listen(arguments)?);
    println!("Files ({}):", link_text(arguments));
    for (name, content) in &config.files {
        println!("  {name:<24} {:>12} octets", content.len());
    }
    for image in &plan.images {
        if let Some(note) = image.padding_note() {
            println!("  {}: {note}", image.name);
        }
    }
    let boot_file = config.lease.boot_file.as_deref().unwrap_or_default();
    println!(
        "DHCP leases {}, boot file {boot_file}\n",
        config.lease.address
    );
    let directory = rom::target_directory().join("serve");
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    print_root(&plan, &directory)?;
    print_arguments(arguments, &plan, &directory)?;
    loop {
        let listener = listen(arguments)?;
        println!(
            "Waiting for QEMU at {} (Ctrl-C ends)",
            arguments.socket.display()
        );
        let mut link = Link::new(arguments.seed, arguments.link.config());
        if let Some(path) = &arguments.pcap {
            let file = File::create(path);
            let file = file.with_context(|| format!("cannot write {}", path.display()))?;
            // Without a buffer: Ctrl-C would lose it.
            link.capture(Box::new(file));
        }
        let server = ImageServer::new(config.clone(), Instant::ZERO);
        let never = AtomicBool::new(false);
        let report = port::run(listener, server, link, &never, |_, event| match event {
            port::Event::Connected => println!("QEMU has connected"),
            port::Event::Served(served) => println!("  {served}"),
            port::Event::Disconnected => println!("QEMU has gone"),
        });
        match report {
            Ok(report) => {
                let stats = report.link.stats();
                println!(
                    "  {} frames from QEMU, {} to it, {} lost on the link\n",
                    stats.from_client.sent,
                    stats.from_server.delivered,
                    stats.from_client.lost + stats.from_server.lost
                );
            }
            Err(error) => println!("  the connection failed: {error}\n"),
        }
    }
}

fn listen(arguments: &ServeArgs) -> Result<UnixListener> {
    let path = arguments.socket.display();
    port::listen(&arguments.socket).with_context(|| format!("--socket {path}: cannot listen there"))
}

fn link_text(arguments: &ServeArgs) -> String {
    format!("link: {}", link::describe(&arguments.link.config()))
}

/// The boot that the files are for.
fn plan(arguments: &ServeArgs) -> Result<Plan> {
    let protocol: Protocol = arguments.protocol.into();
    let mut plan = Plan {
        protocol,
        // From the seed: a ROM that was built for one run trusts the next one, too.
        https: (protocol == Protocol::Https).then(|| Https::new(Pki::new(arguments.seed))),
        link: arguments.link.config(),
        settings: "settle_ms 300\n".into(),
        seed: arguments.seed,
        ..Plan::default()
    };
    if let Some(directory) = &arguments.dir {
        // The device takes what it gets when the directory is not one of its three images.
        let images = FILE_NAMES.map(|name| {
            let path = directory.join(name);
            // Whatever else has such a name may never end.
            path.is_file().then(|| fs::read(&path).ok()).flatten()
        });
        let known: Option<Vec<_>> = images.into_iter().collect();
        let named = known.unwrap_or_default().into_iter().zip(FILE_NAMES);
        plan.images = named
            .map(|(bytes, name)| Image {
                name: name.into(),
                bytes: bytes.into(),
            })
            .collect();
        if plan.images.is_empty() {
            plan.device = "accept_any\n".into();
        }
    }
    Ok(plan)
}

fn server(arguments: &ServeArgs, plan: &Plan) -> Result<ServerConfig> {
    let mut config = plan.server();
    if let Some(directory) = &arguments.dir {
        config.files.clear();
        add_files(directory, "", &mut config)?;
        let none = config.files.is_empty();
        ensure!(!none, "there is no file in {}", directory.display());
    }
    if let Some(name) = &arguments.boot_file {
        ensure!(
            config.files.contains_key(name),
            "--boot-file {name}: no such file is served"
        );
        let scheme = plan.protocol.scheme();
        config.lease.boot_file = Some(format!("{scheme}://{SERVER}/{name}"));
    }
    Ok(config)
}

/// Number of directories below one another that are served; more are a loop of links.
const DEPTH: usize = 16;

/// Adds the files of `directory`, with `prefix` before their names.
///
/// # Errors
/// Something there that cannot be served: it is named.
fn add_files(directory: &Path, prefix: &str, config: &mut ServerConfig) -> Result<()> {
    ensure!(
        prefix.matches('/').count() <= DEPTH,
        "{}: more than {DEPTH} directories below one another, or a loop of links",
        directory.display()
    );
    let entries = fs::read_dir(directory);
    let entries = entries.with_context(|| format!("cannot read {}", directory.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let own = entry.file_name();
        let own = own.to_str().filter(|name| !name.contains(char::is_control));
        let own = own.with_context(|| format!("{path:?}: no URI can name that file"))?;
        let name = format!("{prefix}{own}");
        let kind = fs::metadata(&path);
        let kind = kind.with_context(|| format!("cannot read {}", path.display()))?;
        if kind.is_dir() {
            add_files(&path, &format!("{name}/"), config)?;
            continue;
        }
        ensure!(
            kind.is_file(),
            "{} is neither a file nor a directory",
            path.display()
        );
        let bytes = fs::read(&path);
        let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
        config.files.insert(name, bytes.into());
    }
    Ok(())
}

/// What a client has to trust.
fn print_root(plan: &Plan, directory: &Path) -> Result<()> {
    let Some(https) = &plan.https else {
        return Ok(());
    };
    let path = directory.join("root.pem");
    fs::write(&path, https.pki.root_pem()?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!(
        "The root to trust, for tests only (its key follows from --seed):\n  NETBOOT_TRUST={}\n",
        path.display()
    );
    Ok(())
}

/// What to give to QEMU.
fn print_arguments(arguments: &ServeArgs, plan: &Plan, directory: &Path) -> Result<()> {
    println!(
        "The network device for any QEMU {}.{} or newer:",
        qemu::OLDEST.0,
        qemu::OLDEST.1
    );
    println!("  {}\n", shown(&qemu::network_arguments(&arguments.socket)));
    let built = building::rom(
        &rom::RomOptions {
            https: plan.https.as_ref().map(Https::rom),
            ..rom::RomOptions::default()
        },
        "the ROM",
    );
    match built {
        Ok(built) => {
            let mut all = qemu::machine_arguments(&built.image, 8);
            all.extend(qemu::network_arguments(&arguments.socket));
            all.extend(qemu::strap_arguments(plan, directory)?);
            println!(
                "To boot this project's ROM:\n  {} {}\n",
                qemu::QEMU,
                shown(&all)
            );
        }
        Err(error) => println!("This project's ROM cannot be built here: {error:#}\n"),
    }
    Ok(())
}

/// Arguments for a shell.
fn shown(arguments: &[OsString]) -> String {
    let quote = |argument: &OsString| {
        let text = argument.to_string_lossy();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=,./:".contains(c);
        match text.chars().all(plain) {
            true => text.into_owned(),
            false => format!("'{}'", text.replace('\'', r"'\''")),
        }
    };
    arguments.iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        serve: ServeArgs,
    }

    fn arguments(words: &[&str]) -> ServeArgs {
        let all = ["serve"].iter().chain(words);
        Cli::try_parse_from(all).unwrap().serve
    }

    #[test]
    fn a_directory_is_served_with_its_subdirectories() {
        let directory = std::env::temp_dir().join(format!("netboot-serve-{}", std::process::id()));
        fs::create_dir_all(directory.join("sub")).unwrap();
        fs::write(directory.join("a"), "one").unwrap();
        fs::write(directory.join("sub/b"), "two").unwrap();
        let place = directory.to_str().unwrap();
        let arguments = arguments(&["--dir", place, "--boot-file", "sub/b", "--protocol=http"]);
        let plan = plan(&arguments).unwrap();
        let config = server(&arguments, &plan).unwrap();
        fs::remove_dir_all(&directory).unwrap();
        let names: Vec<_> = config.files.keys().map(String::as_str).collect();
        assert_eq!(names, ["a", "sub/b"]);
        let boot_file = config.lease.boot_file.unwrap();
        assert_eq!(boot_file, format!("http://{SERVER}/sub/b"));
        assert!(plan.device_text().contains("accept_any"));
    }

    #[test]
    fn what_cannot_be_served_is_named_in_one_line() {
        use std::ffi::OsStr;
        use std::os::unix::{ffi::OsStrExt as _, fs::symlink};
        let root = std::env::temp_dir().join(format!("netboot-odd-{}", std::process::id()));
        type Make<'m> = &'m dyn Fn(&Path);
        let odd: [(&str, Make<'_>); 5] = [
            ("socket", &|at| {
                drop(UnixListener::bind(at.join("socket")).unwrap())
            }),
            ("gone", &|at| symlink("nowhere", at.join("gone")).unwrap()),
            ("loop", &|at| symlink(".", at.join("loop")).unwrap()),
            ("no URI", &|at| fs::write(at.join("a\nb"), "x").unwrap()),
            ("no URI", &|at| {
                fs::write(at.join(OsStr::from_bytes(b"a\xff")), "x").unwrap();
            }),
        ];
        for (at, (said, make)) in odd.iter().enumerate() {
            let directory = root.join(at.to_string());
            fs::create_dir_all(&directory).unwrap();
            make(&directory);
            let arguments = arguments(&["--dir", directory.to_str().unwrap()]);
            let error = server(&arguments, &plan(&arguments).unwrap()).unwrap_err();
            let error = format!("{error:#}");
            assert!(error.contains(said), "{said}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn a_socket_that_another_server_holds_is_left_alone() {
        let root = std::env::temp_dir().join(format!("netboot-held-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        let path = root.join("net.sock");
        let arguments = arguments(&["--socket", path.to_str().unwrap()]);
        let held = listen(&arguments).unwrap();
        let error = format!("{:#}", listen(&arguments).unwrap_err());
        assert!(error.contains("another server"), "{error}");
        drop(held);
        // What a server left behind is taken over.
        drop(listen(&arguments).unwrap());
        fs::remove_file(&path).unwrap();
        fs::write(&path, "somebody's file").unwrap();
        let error = format!("{:#}", listen(&arguments).unwrap_err());
        assert!(error.contains("no socket") && path.is_file(), "{error}");
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn https_has_a_root_that_the_next_run_has_as_well() {
        let arguments = arguments(&["--protocol=https", "--seed=5"]);
        let plan = plan(&arguments).unwrap();
        let config = server(&arguments, &plan).unwrap();
        assert_eq!(config.lease.boot_file, Some(format!("https://{SERVER}/")));
        let shown = config.https.unwrap().identity;
        assert_eq!(shown, Https::new(Pki::new(5)).identity());
        let directory = std::env::temp_dir().join(format!("netboot-root-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        print_root(&plan, &directory).unwrap();
        let written = fs::read_to_string(directory.join("root.pem")).unwrap();
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(written, Pki::new(5).root_pem().unwrap());
    }

    #[test]
    fn a_boot_file_has_to_be_there() {
        let arguments = arguments(&["--boot-file", "nothing"]);
        let plan = plan(&arguments).unwrap();
        assert!(server(&arguments, &plan).is_err());
    }

    #[test]
    fn arguments_are_quoted_for_a_shell() {
        let arguments = ["-M", "virt", "a b", "it's"].map(OsString::from);
        assert_eq!(shown(&arguments), r"-M virt 'a b' 'it'\''s'");
    }
}
