//! What the device is asked.

use crate::args::{Algorithm, Args, AttestArgs, Format, Hash, HashArgs, LogArgs};
use crate::session::with_session;
use crate::show::{hex, unhex};
use anyhow::{Context, Result, anyhow, bail};
use caliptra_util_host_commands::CaliptraApiError;
use caliptra_util_host_commands::api::*;
use caliptra_util_host_commands::types::{HashAlgorithm, SignatureAlgorithm, device_info};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Read, Write, stdin, stdout};

/// A command that the device may not have.
fn maybe<T>(result: Result<T, CaliptraApiError>) -> Result<Option<T>, CaliptraApiError> {
    use caliptra_util_host_session::SessionError::TransportError;
    use caliptra_util_host_transport::TransportError::Device;
    match result {
        Ok(value) => Ok(Some(value)),
        Err(
            CaliptraApiError::NotSupported
            | CaliptraApiError::SessionError(TransportError(Device(_))),
        ) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `info`
pub fn info(args: &Args) -> Result<()> {
    let found = with_session(args, |session| {
        let mut versions = vec![];
        for index in 0..3 {
            let version = maybe(caliptra_cmd_get_firmware_version(session, index))?;
            versions.push(version.map(|version| {
                let [major, minor, patch, build] = version.version;
                let mut text = format!("{major}.{minor}.{patch}");
                if build != 0 {
                    text.push_str(&format!(".{build}"));
                }
                if !version.commit().is_empty() {
                    text.push_str(&format!(" ({})", version.commit()));
                }
                text
            }));
        }
        let caps = caliptra_cmd_get_device_capabilities(session)?;
        let id = maybe(caliptra_cmd_get_device_id(session))?;
        let unique = maybe(caliptra_cmd_get_device_info(session, 0))?;
        Ok(json!({
            "firmware": { "caliptra": versions.first(), "mcu_runtime": versions.get(1), "soc": versions.get(2) },
            "network_boot": caps.network_boot(),
            "pci": id.map(|id| json!({
                "vendor": id.vendor_id, "device": id.device_id,
                "subsystem_vendor": id.subsystem_vendor_id, "subsystem": id.subsystem_id,
            })),
            "unique_id": unique.map(|info| hex(info.info())),
        }))
    })?;
    if args.json {
        println!("{found:#}");
        return Ok(());
    }
    let text = |value: &Value| value.as_str().unwrap_or("not told").to_string();
    let firmware = &found["firmware"];
    println!("Caliptra firmware   {}", text(&firmware["caliptra"]));
    println!("MCU runtime         {}", text(&firmware["mcu_runtime"]));
    println!("SoC firmware set    {}", text(&firmware["soc"]));
    println!(
        "boots from network  {}",
        if found["network_boot"] == json!(true) {
            "yes"
        } else {
            "no"
        }
    );
    if let Some(pci) = found["pci"].as_object() {
        let number = |name: &str| pci.get(name).and_then(Value::as_u64).unwrap_or(0);
        println!(
            "PCI identity        {:04x}:{:04x} (subsystem {:04x}:{:04x})",
            number("vendor"),
            number("device"),
            number("subsystem_vendor"),
            number("subsystem")
        );
    }
    println!("unique identifier   {}", text(&found["unique_id"]));
    Ok(())
}

const RUNTIME: [(u32, &str); 8] = [
    (device_info::mcu_rt::FLASH_BOOT, "flash boot"),
    (device_info::mcu_rt::STREAMING_BOOT, "streaming boot"),
    (device_info::mcu_rt::FIRMWARE_UPDATE, "firmware update"),
    (device_info::mcu_rt::SPDM_RESPONDER, "SPDM responder"),
    (
        device_info::mcu_rt::MCTP_VDM_RESPONDER,
        "MCTP VDM responder",
    ),
    (device_info::mcu_rt::USERSPACE_DEBUG_LOG, "debug log"),
    (device_info::mcu_rt::MCI_MAILBOX_SERVICE, "mailbox service"),
    (device_info::mcu_rt::DOE, "DOE"),
];
const ROM: [(u32, &str); 3] = [
    (
        device_info::mcu_rom::STREAMING_BOOT_I3C,
        "streaming boot over I3C",
    ),
    (device_info::mcu_rom::FLASH_BOOT, "flash boot"),
    (device_info::mcu_rom::NETWORK_BOOT, "network boot"),
];

/// `caps`
pub fn caps(args: &Args) -> Result<()> {
    let caps = with_session(args, |session| {
        Ok(caliptra_cmd_get_device_capabilities(session)?)
    })?;
    let names = |bits: u32, table: &[(u32, &'static str)]| -> Vec<&'static str> {
        table
            .iter()
            .filter(|(bit, _)| bits & bit != 0)
            .map(|(_, name)| *name)
            .collect()
    };
    let (rom, runtime) = (names(caps.mcu_rom, &ROM), names(caps.mcu_rt, &RUNTIME));
    if args.json {
        let found = json!({
            "caliptra_rt": caps.caliptra_rt, "caliptra_fmc": caps.caliptra_fmc, "caliptra_rom": caps.caliptra_rom,
            "mcu_rom": { "bits": caps.mcu_rom, "names": rom }, "mcu_rt": { "bits": caps.mcu_rt, "names": runtime },
            "external_commands": caps.external_commands, "authorized_subcommands": caps.authorized_subcommands,
        });
        println!("{found:#}");
        return Ok(());
    }
    println!("Caliptra runtime        {:#018x}", caps.caliptra_rt);
    println!("Caliptra FMC            {:#010x}", caps.caliptra_fmc);
    println!("Caliptra ROM            {:#010x}", caps.caliptra_rom);
    println!(
        "MCU ROM                 {:#010x}  {}",
        caps.mcu_rom,
        rom.join(", ")
    );
    println!(
        "MCU runtime             {:#010x}  {}",
        caps.mcu_rt,
        runtime.join(", ")
    );
    println!("commands                {:#010x}", caps.external_commands);
    println!(
        "authorized subcommands  {:#010x}",
        caps.authorized_subcommands
    );
    Ok(())
}

/// `log`
pub fn log(args: &Args, options: &LogArgs) -> Result<()> {
    if options.clear {
        return with_session(args, |session| Ok(caliptra_cmd_debug_clear_log(session)?));
    }
    // The file is read first: what is drained from the device is gone from there.
    let elf = match &options.elf {
        Some(path) => {
            Some(std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?)
        }
        None => None,
    };
    let table = match &elf {
        Some(elf) => {
            let table = defmt_decoder::Table::parse(elf)?;
            Some(table.ok_or_else(|| {
                anyhow!(
                    "the ELF file has no section .defmt: it is not of a firmware with a defmt log"
                )
            })?)
        }
        None => None,
    };
    let mut octets = vec![];
    let drained = with_session(args, |session| {
        Ok(caliptra_cmd_debug_drain_log(session, |part| {
            octets.extend_from_slice(part)
        })?)
    });
    if let Some(path) = &options.raw {
        std::fs::write(path, &octets)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let lines = match &table {
        Some(table) => decode(table, &octets),
        None => vec![hex(&octets)],
    };
    if args.json {
        println!(
            "{:#}",
            json!({ "octets": octets.len(), "raw": hex(&octets), "lines": lines })
        );
    } else if options.raw.is_none() || table.is_some() {
        lines.iter().for_each(|line| println!("{line}"));
    }
    drained.map(drop)
}

/// The lines of a log; a damaged frame is told and skipped.
fn decode(table: &defmt_decoder::Table, octets: &[u8]) -> Vec<String> {
    let mut lines = vec![];
    let mut decoder = table.new_stream_decoder();
    decoder.received(octets);
    // Each frame has at least one octet, so this many looks are enough.
    for _ in 0..=octets.len() {
        match decoder.decode() {
            Ok(frame) => {
                let level = frame.level().map_or("", |level| level.as_str());
                lines.push(format!("{level:5} {}", frame.display_message()));
            }
            Err(defmt_decoder::DecodeError::UnexpectedEof) => break,
            Err(defmt_decoder::DecodeError::Malformed) => {
                lines.push("(a frame that this ELF file does not explain)".into())
            }
        }
    }
    lines
}

/// `attest`
pub fn attest(args: &Args, options: &AttestArgs) -> Result<()> {
    let mut nonce = [0; 32];
    match &options.nonce {
        Some(text) => {
            let octets = unhex(text)?;
            nonce = octets
                .try_into()
                .map_err(|_| anyhow!("a nonce has 32 octets, that is 64 digits"))?;
        }
        None => {
            getrandom::fill(&mut nonce).map_err(|_| anyhow!("this host gives no random numbers"))?
        }
    }
    let format = match options.format {
        Format::Eat => 1,
        Format::Pcr => 2,
    };
    let algorithm = match options.algorithm {
        Algorithm::Ecc => SignatureAlgorithm::EccP384,
        Algorithm::Mldsa => SignatureAlgorithm::MlDsa87,
    };
    let evidence = with_session(args, |session| {
        let formats = caliptra_cmd_get_attestation_formats(session)?;
        if formats >> format & 1 == 0 {
            bail!(
                "the device does not have this format of evidence; it has the formats with the bits {formats:#x}"
            );
        }
        let mut out = vec![0; 12 * 1024];
        let len = caliptra_cmd_get_attestation(session, format, algorithm, 0, &nonce, &mut out)?;
        out.truncate(len);
        Ok(out)
    })?;
    let fresh = evidence.windows(32).any(|window| window == nonce);
    if let Some(path) = &options.output {
        std::fs::write(path, &evidence)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if args.json {
        println!(
            "{:#}",
            json!({ "nonce": hex(&nonce), "nonce_found": fresh, "octets": evidence.len(), "evidence": hex(&evidence) })
        );
    } else {
        println!("nonce     {}", hex(&nonce));
        match &options.output {
            Some(path) => println!("evidence  {} octets in {}", evidence.len(), path.display()),
            None => println!("evidence  {}", hex(&evidence)),
        }
        println!(
            "The signature is not verified here: that needs the certificate chain of the device's maker."
        );
    }
    if !fresh {
        bail!("the nonce is not in the evidence: it is not fresh");
    }
    stdout().flush()?;
    Ok(())
}

/// `hash`
pub fn hash(args: &Args, options: &HashArgs) -> Result<()> {
    let name = options.file.display().to_string();
    let mut source: Box<dyn Read> = match name.as_str() {
        "-" => Box::new(stdin()),
        _ => Box::new(File::open(&options.file).with_context(|| format!("cannot read {name}"))?),
    };
    let (algorithm, label) = match options.algorithm {
        Hash::Sha384 => (HashAlgorithm::Sha384, "sha384"),
        Hash::Sha512 => (HashAlgorithm::Sha512, "sha512"),
    };
    let digest = with_session(args, |session| {
        let mut context = caliptra_cmd_hash_init(session, algorithm, &[])?;
        let mut part = vec![0; 4096];
        loop {
            let len = source
                .read(&mut part)
                .with_context(|| format!("cannot read {name}"))?;
            if len == 0 {
                break;
            }
            caliptra_cmd_hash_update(session, &mut context, part.get(..len).unwrap_or_default())?;
        }
        let mut out = [0; 64];
        let len = caliptra_cmd_hash_finalize(session, context, &[], &mut out)?;
        Ok(hex(out.get(..len).unwrap_or_default()))
    })?;
    match args.json {
        true => println!(
            "{:#}",
            json!({ "file": name, "algorithm": label, "digest": digest })
        ),
        false => println!("{digest}  {name}"),
    }
    Ok(())
}
