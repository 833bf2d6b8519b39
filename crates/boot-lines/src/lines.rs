//! Reads one `@` line of the console into a value.
//!
//! The crate `netboot-app` writes the lines of a boot and of its report. The ROM adds the lines about what only the
//! ROM knows: `@rom`, `@nic`, `@memory`, `@device`, `@device-image`, `@ethernet`, `@instret`, `@net`, `@stay`,
//! `@panic` and `@stall`.
//!
//! A line is a word and `key=value` pairs with one space between them; the value of `message` runs to the end of the
//! line. The reader ignores unknown words and unknown keys, so that an older tool can read a newer ROM.

mod line;
pub mod ztp;

use line::Line;
pub use line::{BadLine, Failure};
use serde::Serialize;

/// The line `@rom`: which ROM runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rom {
    /// Version of the ROM.
    pub version: String,
    /// Flash that the linker script grants to the ROM, in KiB.
    pub rom_kib: Option<u32>,
    /// RAM that the linker script grants to the ROM, in KiB.
    pub ram_kib: Option<u32>,
    /// Source of the random numbers: `host` or `weak`.
    pub entropy: String,
}

/// The line `@report`: the boot as a whole. Times are in µs since power-on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Time at which the boot began.
    pub started: u64,
    /// Time at which the interface had an address.
    pub configured: Option<u64>,
    /// Time at which the boot ended.
    pub ended: u64,
    /// Status of the boot: 0 for success, otherwise an error number.
    pub status: u32,
    /// The error that ended the boot.
    pub error: Option<Failure>,
}

/// The line `@image`: one image in the boot application's report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageLine {
    /// Recovery image index.
    pub index: u8,
    /// How the image ended: `activated`, `not-activated` or `refused`.
    pub outcome: String,
    /// URI of the last source.
    pub uri: Option<String>,
    /// Protocol that carried the image.
    pub protocol: Option<String>,
    /// Number of octets that the last attempt delivered.
    pub octets: u64,
    /// SHA-256 of these octets, in hexadecimal. `None` when the octets were verified block by block instead.
    pub sha256: Option<String>,
    /// Verity digest of an image that came as a packed file.
    pub verity: Option<String>,
    /// Time from the device's request to the activation, in µs.
    pub duration_us: u64,
    /// Time of the transfer alone, in µs.
    pub transfer_us: u64,
    /// Throughput of the transfer, in octets per second.
    pub octets_per_s: u64,
    /// Number of attempts after the first one.
    pub retries: u32,
    /// Number of times that a broken transfer was resumed.
    pub resumes: u32,
    /// The last error that happened at this image.
    pub error: Option<Failure>,
}

/// The line `@device`: how the boot ended for the emulated device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Device {
    /// State of the device: `booted`, `running` or `failed`.
    pub outcome: String,
    /// Index of the image that the device refused.
    pub index: Option<u8>,
    /// Reason for which the device refused the image.
    pub reason: Option<u16>,
}

/// The line `@device-image`: what the emulated device received of one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceImage {
    /// Recovery image index.
    pub index: u8,
    /// Number of octets, with the padding of the last word.
    pub octets: u64,
    /// SHA-256 of the image without padding, in hexadecimal. `None` when the device never held the whole image.
    pub sha256: Option<String>,
    /// Whether the device was told to activate the image.
    pub activated: bool,
    /// Whether the device found the image right.
    pub verified: bool,
    /// Number of words that were lost because they came while the FIFO was full.
    pub dropped: u64,
}

/// The line `@memory`: RAM, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Size of `.data`, `.bss` and `.uninit`.
    #[serde(rename = "static")]
    pub static_ram: u64,
    /// High-water mark of the stack.
    pub stack_used: u64,
    /// Size of the memory that the stack may use.
    pub stack_size: u64,
}

/// The line `@instret`: retired instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Instret {
    /// Number of all instructions.
    pub total: u64,
    /// Number of instructions that emulated the recovery registers.
    pub emulated: u64,
    /// Number of register accesses that were emulated.
    pub traps: u64,
}

/// The line `@net`: Ethernet frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Net {
    /// Number of frames received.
    pub rx: u64,
    /// Number of frames sent.
    pub tx: u64,
    /// Number of frames that the network device could not take or give.
    pub errors: u64,
}

/// The line `@stay`: the board stays up after the boot and answers the host library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stay {
    /// IPv4 address of the board; `None` when it has none, and then it does not stay.
    pub address: Option<String>,
    /// UDP port of the mailbox.
    pub port: Option<u16>,
    /// Endpoint number of the board in MCTP; `None` when it has no second UART.
    pub mctp: Option<u8>,
}

/// The line `@ethernet`: what the emulated Ethernet device of a network coprocessor did. Each field is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct EthernetDevice {
    /// Frames that it queued.
    pub queued: u64,
    /// Frames that it dropped because its queue was full.
    pub overflow: u64,
    /// Frames that it dropped because they were too short or too long.
    pub wrong_length: u64,
    /// Accesses and commands of the driver that it had to ignore.
    pub ignored: u64,
}

/// The lines `@panic`, `@stall`, `@trap`, `@stack` and `@settings`: why the ROM stopped at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// The word of the line: `panic`; `stall` for an access that would hang the bus on hardware; `trap` for an
    /// unexpected trap; `stack` when the stack met the static data; `settings` when the settings cannot be used.
    pub what: String,
    /// The rest of the line after the word.
    pub detail: String,
}

/// One `@` line. The field `t` is the time in µs since power-on; `index` is the recovery image index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the fields are those of the boot application's events"
)]
pub enum Said {
    /// Says which ROM runs.
    Rom(Rom),
    /// The ROM has a network device with this Ethernet address.
    Nic { mac: String, link: Option<String> },
    /// The interface has an address.
    Configured {
        t: u64,
        address: String,
        router: Option<String>,
        dns: Option<String>,
        /// Address of the DHCP server; `None` for a static address.
        dhcp: Option<String>,
        /// Length of the lease in seconds.
        lease_s: Option<u64>,
        /// Boot file as the network named it, without user information.
        boot_file: Option<String>,
    },
    /// The boot file is being looked into.
    BootFile { t: u64, uri: String },
    /// A script of so many octets runs.
    Script { t: u64, octets: u64, uri: String },
    /// A script failed in this line of it.
    ScriptFailed { line: u16, failure: Failure },
    /// The bootstore has a network configuration.
    Bootstore {
        t: u64,
        /// `ledger`, or the address of the node that told it.
        from: String,
        generation: u64,
        servers: u8,
    },
    /// The table of contents was read.
    Toc { t: u64, images: u16 },
    /// DHCP names bootstrap servers.
    BootstrapServers {
        t: u64,
        servers: u8,
        /// Entries of the option that are no server.
        ignored: u8,
        /// Whether the option has the form of the standard.
        standard: bool,
    },
    /// A bootstrap server is being asked.
    Bootstrap {
        t: u64,
        uri: String,
        /// `root`, `anchor`, or `none` for one that has to prove nothing.
        proof: String,
    },
    /// A bootstrap server has named others.
    Redirected { t: u64, servers: u8 },
    /// A bootstrap server has said what the board has to run.
    Onboarding {
        t: u64,
        /// Whether the server itself is trusted; otherwise the owner's signature is.
        trusted_server: bool,
    },
    /// All that the owner demands was done.
    Provisioned {
        t: u64,
        /// `rebooting` or `complete`.
        end: String,
    },
    /// The device requests an image.
    Requested { t: u64, index: u8 },
    /// A transfer is being opened.
    Fetching { t: u64, index: u8, uri: String },
    /// The server has the file.
    Opened {
        t: u64,
        index: u8,
        size: u64,
        protocol: String,
    },
    /// This many octets were delivered so far.
    Delivered {
        t: u64,
        index: u8,
        octets: u64,
        size: u64,
    },
    /// The image is complete and its digest is right.
    Verified {
        t: u64,
        index: u8,
        /// SHA-256 of the image; empty when its octets were verified block by block instead.
        sha256: String,
        /// Verity digest of an image that came as a packed file.
        verity: Option<String>,
        expected: bool,
    },
    /// The device was told to activate the image.
    Activated { t: u64, index: u8 },
    /// An attempt failed.
    AttemptFailed { index: Option<u8>, error: Failure },
    /// The device holds part of an image that no source can finish. It takes no other image until it is reset.
    ResetRequired { t: u64, index: u8 },
    /// The platform has reset the device, and the boot begins anew.
    DeviceReset { t: u64 },
    /// The boot is over.
    Finished { t: u64, status: u32 },
    /// The boot application reports the whole boot.
    Report(Report),
    /// The boot application reports one image.
    Image(ImageLine),
    /// The ROM says how the emulated device ended.
    Device(Device),
    /// The ROM says what the emulated device received.
    DeviceImage(DeviceImage),
    /// The ROM says how much RAM it used.
    Memory(Memory),
    /// The ROM says how many instructions it took.
    Instret(Instret),
    /// The ROM says how many frames it handled.
    Net(Net),
    /// The ROM says what the emulated Ethernet device did.
    Ethernet(EthernetDevice),
    /// The ROM says where the board answers, which stays up.
    Stay(Stay),
    /// The ROM could not start a boot.
    Start(Failure),
    /// The ROM stopped at once.
    Stop(Stop),
}

impl Said {
    /// Reads a line of the console. Returns `Ok(None)` for log lines and for unknown words.
    ///
    /// # Errors
    /// Fails with [`BadLine`] when a known word lacks a value that belongs to it, or when the value does not fit.
    pub fn parse(text: &str) -> Result<Option<Self>, BadLine> {
        let Some(line) = Line::parse(text)? else {
            return Ok(None);
        };
        let t = || line.get("t");
        let index = || line.get("index");
        Ok(Some(match line.word {
            "rom" => Said::Rom(Rom {
                version: line.get("version")?,
                rom_kib: line.maybe("rom_kib")?,
                ram_kib: line.maybe("ram_kib")?,
                entropy: line.get("entropy")?,
            }),
            "nic" => Said::Nic {
                mac: line.get("mac")?,
                link: line.maybe("link")?,
            },
            "configured" => Said::Configured {
                t: t()?,
                address: line.get("address")?,
                router: line.maybe("router")?,
                dns: line.maybe("dns")?,
                dhcp: line.maybe("dhcp")?,
                lease_s: line.maybe("lease_s")?,
                boot_file: line.maybe("boot_file")?,
            },
            "boot-file" => Said::BootFile {
                t: t()?,
                uri: line.get("uri")?,
            },
            "script" => Said::Script {
                t: t()?,
                octets: line.get("octets")?,
                uri: line.get("uri")?,
            },
            "script-failed" => Said::ScriptFailed {
                line: line.get("line")?,
                failure: line.failure()?,
            },
            "bootstore" => Said::Bootstore {
                t: t()?,
                from: line.get("from")?,
                generation: line.get("generation")?,
                servers: line.get("servers")?,
            },
            "toc" => Said::Toc {
                t: t()?,
                images: line.get("images")?,
            },
            "bootstrap-servers" => Said::BootstrapServers {
                t: t()?,
                servers: line.get("servers")?,
                ignored: line.get("ignored")?,
                standard: line.get("standard")?,
            },
            "bootstrap" => Said::Bootstrap {
                t: t()?,
                uri: line.get("uri")?,
                proof: line.get("proof")?,
            },
            "redirected" => Said::Redirected {
                t: t()?,
                servers: line.get("servers")?,
            },
            "onboarding" => Said::Onboarding {
                t: t()?,
                trusted_server: line.get("trusted_server")?,
            },
            "provisioned" => Said::Provisioned {
                t: t()?,
                end: line.get("end")?,
            },
            "requested" => Said::Requested {
                t: t()?,
                index: index()?,
            },
            "fetching" => Said::Fetching {
                t: t()?,
                index: index()?,
                uri: line.get("uri")?,
            },
            "opened" => Said::Opened {
                t: t()?,
                index: index()?,
                size: line.get("size")?,
                protocol: line.get("protocol")?,
            },
            "delivered" => Said::Delivered {
                t: t()?,
                index: index()?,
                octets: line.get("octets")?,
                size: line.get("size")?,
            },
            "verified" => Said::Verified {
                t: t()?,
                index: index()?,
                verity: line.maybe("verity")?,
                sha256: match line.find("verity") {
                    Some(_) => line.maybe("sha256")?.unwrap_or_default(),
                    None => line.get("sha256")?,
                },
                expected: line.get("expected")?,
            },
            "activated" => Said::Activated {
                t: t()?,
                index: index()?,
            },
            "attempt-failed" => Said::AttemptFailed {
                index: line.maybe("index")?,
                error: line.failure()?,
            },
            "reset-required" => Said::ResetRequired {
                t: t()?,
                index: index()?,
            },
            "device-reset" => Said::DeviceReset { t: t()? },
            "finished" => Said::Finished {
                t: t()?,
                status: line.hex("status")?,
            },
            "report" => Said::Report(Report {
                started: line.get("started")?,
                configured: line.maybe("configured")?,
                ended: line.get("ended")?,
                status: line.hex("status")?,
                error: line.maybe_failure()?,
            }),
            "image" => Said::Image(image(&line)?),
            "device" => Said::Device(Device {
                outcome: line.get("outcome")?,
                index: line.maybe("index")?,
                reason: line.maybe("reason")?,
            }),
            "device-image" => Said::DeviceImage(DeviceImage {
                index: index()?,
                octets: line.get("octets")?,
                sha256: line.maybe("sha256")?,
                activated: line.get("activated")?,
                verified: line.get("verified")?,
                dropped: line.get("dropped")?,
            }),
            "memory" => Said::Memory(Memory {
                static_ram: line.get("static")?,
                stack_used: line.get("stack_used")?,
                stack_size: line.get("stack_size")?,
            }),
            "instret" => Said::Instret(Instret {
                total: line.get("total")?,
                emulated: line.get("emulated")?,
                traps: line.get("traps")?,
            }),
            "net" => Said::Net(Net {
                rx: line.get("rx")?,
                tx: line.get("tx")?,
                errors: line.get("errors")?,
            }),
            "stay" => Said::Stay(Stay {
                address: line.find("address").map(Into::into),
                port: line.maybe("port")?,
                mctp: line.maybe("mctp")?,
            }),
            "ethernet" => Said::Ethernet(EthernetDevice {
                queued: line.get("queued")?,
                overflow: line.get("overflow")?,
                wrong_length: line.get("wrong_length")?,
                ignored: line.get("ignored")?,
            }),
            "start" => Said::Start(line.failure()?),
            word @ ("panic" | "stall" | "trap" | "stack" | "settings") => Said::Stop(Stop {
                what: word.into(),
                detail: line.rest.trim().into(),
            }),
            _ => return Ok(None),
        }))
    }
}

fn image(line: &Line<'_>) -> Result<ImageLine, BadLine> {
    Ok(ImageLine {
        index: line.get("index")?,
        outcome: line.get("outcome")?,
        uri: line.maybe("uri")?,
        protocol: line.maybe("protocol")?,
        octets: line.get("octets")?,
        sha256: line.maybe("sha256")?,
        verity: line.maybe("verity")?,
        duration_us: line.get("duration_us")?,
        transfer_us: line.get("transfer_us")?,
        octets_per_s: line.get("octets_per_s")?,
        retries: line.get("retries")?,
        resumes: line.get("resumes")?,
        error: line.maybe_failure()?,
    })
}

#[cfg(test)]
mod tests;
