//! `cargo xtask boot`: one boot, watched.
//!
//! The same boot application runs in the ROM under QEMU and, with `--sim`, on this machine's processor in a
//! simulated world. Both write the same console lines, and everything shown is made from those.

mod options;
mod report;
mod show;
mod sim;
mod stay;
mod summary;
mod timeline;

pub use options::{BootArgs, ProtocolArg};

use crate::{building, link, setup};
use anyhow::{Context, Result};
use image_server::Served;
use netboot_lines::Transcript;
use netsim::LinkStats;
use show::Show;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use testbed::Plan;
use testbed::https::Https;
use testbed::plan::{Family, Protocol, SERVER};
use testbed::qemu::{self, QemuOptions};
use testbed::rom::{self, RomOptions};
use testbed::sztp::Sztp;

/// What became of a boot, wherever it ran.
pub struct Run {
    /// Where it ran.
    world: String,
    /// The console.
    lines: Vec<String>,
    /// The same, read.
    transcript: Transcript,
    /// What the server served.
    served: Vec<Served>,
    /// What the link did.
    link: LinkStats,
    /// QEMU's.
    exit_code: Option<i32>,
    /// By the clock on the wall.
    elapsed: Duration,
}

impl Run {
    /// Whether everything is well: the report, the device, and QEMU's exit code if there is one.
    fn is_good(&self) -> bool {
        self.transcript.booted() && matches!(self.exit_code, None | Some(0))
    }

    /// Why it is not.
    fn cause(&self) -> Option<String> {
        let code = self.exit_code.filter(|code| *code != 0);
        self.transcript
            .cause()
            .or(code.map(|code| format!("QEMU ended with exit code {code}")))
    }
}

/// Boots; whether the boot ended well.
pub fn run(arguments: &BootArgs) -> Result<bool> {
    let plan = arguments.plan()?;
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| rom::target_directory().join("boot"));
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let pcap = out.join("boot.pcap");
    if arguments.shell {
        return at_terminal(arguments, &plan);
    }
    let run = if arguments.sim {
        announce(&plan, "the simulated world");
        let mut show = Show::new(arguments.verbose);
        sim::run(&plan, &pcap, &mut |line| show.line(line))?
    } else {
        under_qemu(arguments, &plan, pcap)?
    };
    qemu::write_log(&out.join("uart.log"), &run.lines)?;
    let report = out.join("report.json");
    let text = serde_json::to_string_pretty(&report::json(arguments, &plan, &run))?;
    fs::write(&report, text).with_context(|| format!("cannot write {}", report.display()))?;
    let picture = out.join("timeline.svg");
    fs::write(&picture, timeline::svg(&plan, &run.transcript, &run.world))
        .with_context(|| format!("cannot write {}", picture.display()))?;
    summary::print(&plan, &run);
    println!("Written to {}:", out.display());
    println!("  report.json, timeline.svg, boot.pcap, uart.log");
    Ok(run.is_good())
}

/// Boots with a person at the console. There is no report: the person has seen it.
fn at_terminal(arguments: &BootArgs, plan: &Plan) -> Result<bool> {
    let (built, version) = build(arguments, plan)?;
    announce(plan, &version);
    println!(
        "The images lie at http://{SERVER}/ and tftp://{SERVER}/, and DHCP names their directory."
    );
    println!("Type `help` for the commands, `autoboot` to boot, and `exit` to leave the prompt.");
    println!();
    let options = QemuOptions::new(&built.image);
    Ok(qemu::boot_at_terminal(plan, &options)? == Some(0))
}

/// Builds the ROM, and gives the version of QEMU.
fn build(arguments: &BootArgs, plan: &Plan) -> Result<(rom::Rom, String)> {
    setup::rust_target()?;
    setup::qemu()?;
    let version = qemu::version()?;
    let rom = match arguments.nwp {
        true => RomOptions::network_coprocessor(),
        false => RomOptions {
            rom_kib: arguments.rom_kib(),
            ram_kib: arguments.ram_kib(),
            texts: arguments.texts,
            settings: arguments.static_address || !arguments.setting.is_empty(),
            ipv6: plan.family != Family::Ipv4,
            bootstore: arguments.bootstore.is_some(),
            script: arguments.has_scripts(),
            script_extras: arguments.has_scripts(),
            stay: arguments.stay,
            ubp: plan.protocol == Protocol::Ubp,
            https: plan.https.as_ref().map(Https::rom),
            sztp: plan.sztp.as_ref().map(Sztp::rom),
            ..RomOptions::default()
        },
    };
    Ok((building::rom(&rom, "the ROM")?, version))
}

fn under_qemu(arguments: &BootArgs, plan: &Plan, pcap: PathBuf) -> Result<Run> {
    let (built, version) = build(arguments, plan)?;
    announce(plan, &version);
    let options = QemuOptions {
        pcap: Some(pcap),
        icount: arguments.icount,
        gdb: arguments.gdb,
        timeout: Duration::from_secs(arguments.timeout),
        ..QemuOptions::new(&built.image)
    };
    if arguments.gdb {
        let elf = built.elf.display();
        println!("QEMU waits for a debugger at its first instruction. In another terminal:");
        println!(
            "  gdb-multiarch {elf} -ex 'target remote :{}'",
            qemu::GDB_PORT
        );
        println!("  lldb {elf} -o 'gdb-remote {}'", qemu::GDB_PORT);
    }
    let mut show = Show::new(arguments.verbose);
    let mut on_line = |line: &str| show.line(line);
    let outcome = match arguments.stay {
        true => stay::boot(plan, &options, &mut on_line)?,
        false => qemu::boot(plan, &options, &mut on_line)?,
    };
    drop(show);
    Ok(Run {
        world: version,
        lines: outcome.lines,
        transcript: outcome.parsed,
        served: outcome.served,
        link: outcome.link,
        exit_code: outcome.exit_code,
        elapsed: outcome.elapsed,
    })
}

/// Octets that a boot under QEMU delivers in a second, at least, on a machine that has nothing else to do.
const RATE: u64 = 1_000_000;

/// About how many seconds a boot takes that goes well over a link without delay and loss: one for the start, the lease and the settling of
/// the device, and what the octets take.
fn seconds(plan: &Plan) -> u64 {
    let octets: usize = plan.images.iter().map(|image| image.bytes.len()).sum();
    1 + (octets as u64).div_ceil(RATE)
}

/// Says what is about to be booted.
fn announce(plan: &Plan, world: &str) {
    println!(
        "Booting {} images by {} in {world}; link: {}",
        plan.images.len(),
        plan.protocol.scheme().to_uppercase(),
        link::describe(&plan.link)
    );
    for (index, image) in plan.images.iter().enumerate() {
        let wrong = match plan.corrupt == Some(index) {
            true => "  (one bit wrong on the server)",
            false => "",
        };
        println!(
            "  image {index}  {:<18} {:>12} octets{wrong}",
            image.name,
            crate::format::thousands(image.bytes.len() as u64)
        );
        if let Some(note) = image.padding_note() {
            println!("           {note}");
        }
    }
    println!("{}\n", forecast(plan));
}

/// What is said before a boot of the time that it takes.
fn forecast(plan: &Plan) -> String {
    let seconds = seconds(plan);
    format!("This takes about {seconds} s, and longer where the boot has to try again.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use testbed::plan::firmware;

    #[test]
    fn the_time_that_a_boot_takes_grows_with_its_images() {
        let plan = |sizes: &[usize; 3]| Plan {
            images: firmware(sizes),
            ..Plan::default()
        };
        assert_eq!(seconds(&plan(&[200_000, 30_000, 4_000])), 2);
        assert_eq!(seconds(&plan(&[16 << 20, 0, 1])), 18);
        assert_eq!(
            forecast(&plan(&[200_000, 30_000, 4_000])),
            "This takes about 2 s, and longer where the boot has to try again."
        );
    }
}
