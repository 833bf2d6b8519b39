//! The high-water mark of the stack in boots under QEMU.

use anyhow::{Context, Result};
use std::path::Path;
use std::time::Duration;
use testbed::plan::{Family, Pointer, SERVER, sha256};
use testbed::qemu::{self, QemuOptions};
use testbed::rack::Remembered;
use testbed::rom::SztpRom;
use testbed::sztp::Sztp;
use testbed::{Https, Plan, Protocol};

/// The deepest stack of boots over this family of addresses, one by each of the protocols.
pub fn over(
    family: Family,
    image: &Path,
    protocols: &[Protocol],
    https: Option<Https>,
) -> Result<u64> {
    let mut most = 0;
    for protocol in protocols.iter().copied() {
        let plan = Plan {
            protocol,
            family,
            https: https.clone(),
            expect: true,
            settings: "settle_ms 300\n".into(),
            ..Plan::default()
        };
        most = most.max(of(image, &plan)?);
    }
    Ok(most)
}

/// The stack of a boot without DHCP, for which a node of the bootstore is asked.
pub fn by_node(image: &Path) -> Result<u64> {
    let plan = Plan {
        protocol: Protocol::Http,
        family: Family::Both,
        remembered: Some(Remembered::Node),
        expect: true,
        settings: "settle_ms 300\ndhcp_ms 1000\n".into(),
        ..Plan::default()
    };
    of(image, &plan)
}

/// A board whose owner has signed what it runs. Its bootstrap server proves itself, too, and wants to see the board's certificate: nothing that can be
/// verified is left out.
pub struct Owned {
    plan: Plan,
    sztp: Sztp,
}

impl Owned {
    /// Makes the board, which trusts the authority of `ends`.
    pub fn new(ends: &Https) -> Self {
        let mut https = ends.clone();
        (https.mutual, https.client) = (true, true);
        let mut plan = Plan {
            protocol: Protocol::Https,
            pointer: Pointer::FlashImage,
            expect: true,
            settings: "settle_ms 300\nretry continue\norder sztp\n".into(),
            ..Plan::default()
        };
        let place = format!("https://{SERVER}/flash.bin");
        let digest = sha256(&plan.flash_image()).to_string();
        let sztp = Sztp::offered(&https, false, &place, &digest);
        plan.sztp = Some(sztp.clone());
        plan.https = Some(https);
        Self { plan, sztp }
    }

    /// What the ROM of this board is made of.
    pub fn rom(&self) -> SztpRom {
        self.sztp.rom()
    }

    /// The stack of its boot.
    pub fn boot(&self, image: &Path) -> Result<u64> {
        of(image, &self.plan)
    }
}

/// The stack of this boot.
fn of(image: &Path, plan: &Plan) -> Result<u64> {
    qemu::version()?;
    let options = QemuOptions {
        timeout: Duration::from_secs(60),
        ..QemuOptions::new(image)
    };
    let outcome = qemu::boot(plan, &options, &mut |_| {})?;
    if let Some(cause) = outcome.parsed.cause() {
        anyhow::bail!("the boot by {} failed: {cause}", plan.protocol.scheme());
    }
    let memory = outcome.parsed.memory.context("no @memory line")?;
    Ok(memory.stack_used)
}
