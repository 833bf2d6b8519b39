//! Writes the console lines about the emulated device, which a ROM writes itself, for a boot on the host.

use crate::host::Outcome;
use recovery_model::DeviceOutcome;
use std::fmt::{self, Write};

/// Writes `@stall`, `@device` and one `@device-image` for each image.
///
/// # Errors
/// Fails when `out` cannot be written to.
pub fn write_device(out: &mut dyn Write, outcome: &Outcome) -> fmt::Result {
    if let Some(stall) = outcome.stall {
        writeln!(
            out,
            "@stall offset={:#010x} kind={}",
            stall.offset,
            stall.kind.as_str()
        )?;
    }
    match outcome.device {
        DeviceOutcome::Running => writeln!(out, "@device outcome=running")?,
        DeviceOutcome::Booted => writeln!(out, "@device outcome=booted")?,
        DeviceOutcome::Failed { index, reason, .. } => {
            writeln!(out, "@device outcome=failed index={index} reason={reason}")?;
        }
    }
    for (index, image) in outcome.images.iter().enumerate() {
        write!(out, "@device-image index={index} octets={}", image.octets)?;
        if let Some(sha256) = &image.sha256 {
            write!(out, " sha256={sha256}")?;
        }
        let (activated, verified) = (image.activated, image.verified);
        write!(out, " activated={activated} verified={verified}")?;
        writeln!(out, " dropped={}", image.dropped_words)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Plan, sim};
    use netboot_lines::Transcript;

    /// The writers and this reader agree: a real boot leaves no line unread.
    #[test]
    fn every_line_of_a_boot_is_understood() {
        let mut console = String::new();
        let plan = Plan {
            expect: true,
            settings: "settle_ms 300\n".into(),
            ..Plan::default()
        };
        let outcome = sim::boot(&plan, &mut console).unwrap();
        write_device(&mut console, &outcome).unwrap();
        let transcript = Transcript::read(&console);
        assert_eq!(transcript.unreadable, Vec::<String>::new());
        assert!(transcript.booted(), "{console}");
        assert_eq!(transcript.images.len(), plan.images.len());
        for (index, image) in plan.images.iter().enumerate() {
            let sha256 = Some(image.sha256().to_string());
            assert_eq!(transcript.images[index].sha256, sha256);
            let padded = Some(image.padded_sha256().to_string());
            assert_eq!(transcript.device_images[index].sha256, padded);
            assert!(transcript.device_images[index].verified);
            let attempt = &transcript.trace[index].attempts[0];
            let last = attempt.delivered.last().unwrap();
            assert_eq!(last.1, image.bytes.len() as u64);
        }
    }
}
