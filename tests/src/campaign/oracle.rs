//! How a boot may end.

use super::case::{Case, TOTAL_MS};
use super::fault::{Fault, KINDS};
use crate::Boot;
use image_server::{HttpFault, TftpFault};
use netboot_core::{Coded, Duration};
use testbed::plan::Family;

/// Time after the budget by which a boot has ended: the device is told, and what it does is waited for.
const GRACE: Duration = Duration::from_secs(5);

/// How a boot ended, rightly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Number of the error; 0 for a boot.
    pub code: u32,
    /// Virtual time that it took.
    pub took: Duration,
    /// Further attempts and resumptions, over all images.
    pub repairs: u32,
    /// Number of faults of each kind.
    pub kinds: [u8; KINDS.len()],
    /// The addresses of station and network.
    pub family: Family,
}

/// Judges a boot.
///
/// # Errors
/// What is wrong with its end.
pub fn judge(case: &Case, faults: &[Fault], boot: &Boot) -> Result<End, String> {
    boot.check(&case.plan)?;
    let report = &boot.outcome.report;
    if boot.took() > Duration::from_millis(TOTAL_MS) + GRACE {
        return Err(format!("took {}, beyond its budget", boot.took()));
    }
    let honest = faults.iter().all(is_honest);
    for (index, got) in boot.outcome.images.iter().enumerate() {
        if !got.activated {
            continue;
        }
        let Some(digest) = got.sha256 else {
            return Err(format!("image {index}: activated without an octet"));
        };
        // Whoever is told what to expect never activates anything else; `check` has seen to that. Others may activate what the
        // server had, whole, and leave it to the device.
        if honest && index < case.plan.images.len() && !case.published(index).contains(&digest) {
            return Err(format!(
                "image {index}: activated, and no server ever had it"
            ));
        }
    }
    let images = report.images.iter();
    let mut kinds = [0; KINDS.len()];
    for fault in faults {
        kinds[fault.kind()] += 1;
    }
    if faults.is_empty() {
        kinds[KINDS.len() - 1] = 1;
        if let Some(error) = &report.error {
            return Err(format!("no boot without a fault: {error}"));
        }
    }
    Ok(End {
        family: case.plan.family,
        code: report.error.as_ref().map_or(0, Coded::code),
        took: boot.took(),
        repairs: images.map(|image| image.retries + image.resumes).sum(),
        kinds,
    })
}

/// Whether all that the station receives is what some server sent, or nothing.
fn is_honest(fault: &Fault) -> bool {
    match fault {
        // Damage that no checksum shows.
        Fault::Link(link) => link.corrupt == 0.0,
        Fault::Rewritten(_) | Fault::Spoof(_) => false,
        Fault::Tftp(fault, ..) => !matches!(
            fault,
            TftpFault::Truncate(_)
                | TftpFault::Tsize(_)
                | TftpFault::Corrupt(_)
                | TftpFault::Replace(_)
                | TftpFault::ForeignTid
                // The OACK says one thing and DATA another, so that the first block looks like the last one.
                | TftpFault::LargerBlksize
                | TftpFault::Oack(_)
        ),
        Fault::Http(fault, ..) => !matches!(
            fault,
            HttpFault::ContentLength(_) | HttpFault::Replace(_) | HttpFault::Corrupt(_)
        ),
        _ => true,
    }
}
