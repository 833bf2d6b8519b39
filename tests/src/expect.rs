//! What a boot that ended has to look like.

use image_server::tls::TlsConnection;
use image_server::{Faults, Protocol, Served};
use netboot::NetError;
use netboot_app::{AppError, ImageReport, Outcome};
use netboot_core::{Blame, Coded, Duration};
use netboot_verity::Tree;
use netsim::LinkStats;
use recovery_model::{DeviceOutcome, DevicePhase};
use testbed::Plan;
use testbed::host;
use testbed::plan::Image;

/// A boot that ended.
pub struct Boot {
    /// The report, and the device's own view.
    pub outcome: host::Outcome,
    /// What the console showed.
    pub console: String,
    /// What the server served.
    pub served: Vec<Served>,
    /// Path and content of each POST that the server answered.
    pub posted: Vec<(String, Vec<u8>)>,
    /// The TLS connections that the server had.
    pub tls: Vec<TlsConnection>,
    /// What passed over the link.
    pub link: LinkStats,
    /// The server's faults, with the count of their victims.
    pub faults: Faults,
    /// How often the station had nothing to do.
    pub waits: u64,
    /// What the device was doing at the end.
    pub phase: DevicePhase,
}

impl Boot {
    /// What holds however a boot ends: no access hung the bus, no word was lost, the device was given
    /// nothing wrong to activate that it could have been spared, and a report of success is true.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check(&self, plan: &Plan) -> Result<(), String> {
        let host::Outcome {
            report,
            device,
            images,
            stall,
            tally,
            config: _,
            screen: _,
        } = &self.outcome;
        if let Some(stall) = stall {
            return Err(format!("the bus would have hung: {stall:?}"));
        }
        // Before a reset of the device too.
        if tally.stalls != 0 || tally.dropped_words != 0 {
            return Err(format!("the bus hung, or words were lost: {tally:?}"));
        }
        for (index, image) in plan.images.iter().enumerate() {
            let got = &images[index];
            if got.dropped_words != 0 {
                return Err(format!("image {index}: {} words lost", got.dropped_words));
            }
            let right = got.sha256 == Some(image.padded_sha256());
            if got.activated && plan.expect && !right {
                return Err(format!("image {index}: activated, but wrong"));
            }
            if got.verified && !right {
                return Err(format!("image {index}: accepted, but wrong"));
            }
        }
        let booted = *device == DeviceOutcome::Booted;
        match &report.error {
            None if !booted => return Err(format!("reported as booted, but {device:?}")),
            None => {}
            Some(error) if error.code() == 0 => return Err(format!("{error:?} has number 0")),
            Some(error) if error.to_string().is_empty() => {
                return Err(format!("{error:?} says nothing"));
            }
            Some(_) => return Ok(()),
        }
        if report.images.len() != plan.images.len() {
            return Err(format!("{} images reported", report.images.len()));
        }
        for (index, (image, told)) in plan.images.iter().zip(&report.images).enumerate() {
            let right = images[index].verified
                && usize::from(told.index) == index
                && told.octets == image.bytes.len() as u64
                && is_digest_right(told, image)
                && told.outcome == Outcome::Activated;
            if !right {
                return Err(format!("image {index}: reported as {told:?}"));
            }
        }
        Ok(())
    }

    /// The boot ended well: every image is right, octet by octet, and the device runs it.
    ///
    /// # Panics
    /// When that is not so.
    #[track_caller]
    pub fn assert_booted(&self, plan: &Plan) -> &Self {
        let result = self.check(plan);
        assert!(
            result.is_ok() && self.outcome.report.error.is_none(),
            "{result:?}, {:?}\n{}",
            self.outcome.report.error,
            self.console
        );
        self
    }

    /// The boot ended with the error `code`, which is `blame`'s fault, and nothing wrong was activated.
    ///
    /// # Panics
    /// When that is not so.
    #[track_caller]
    pub fn assert_failed(&self, plan: &Plan, code: u32, blame: Blame) -> &Self {
        let console = &self.console;
        self.check(plan)
            .unwrap_or_else(|what| panic!("{what}\n{console}"));
        let error = self.outcome.report.error.as_ref();
        let found = error.map(|error| (error.code(), error.blame()));
        assert_eq!(
            found.map(|(code, blame)| (format!("{code:#010x}"), blame)),
            Some((format!("{code:#010x}"), blame)),
            "{error:?}\n{console}"
        );
        self
    }

    /// What ended the boot.
    pub fn error(&self) -> Option<&AppError<NetError>> {
        self.outcome.report.error.as_ref()
    }

    /// From the first to the last moment of the boot.
    pub fn took(&self) -> Duration {
        let report = &self.outcome.report;
        report.ended.since(report.started)
    }

    /// What `protocol` served of `name`.
    pub fn served(&self, protocol: Protocol, name: &str) -> Vec<&Served> {
        self.served
            .iter()
            .filter(|served| served.protocol == protocol && served.name == name)
            .collect()
    }

    /// TLS handshakes that came to their end.
    pub fn handshakes(&self) -> usize {
        let whole = |one: &&TlsConnection| one.handshake_at.is_some();
        self.tls.iter().filter(whole).count()
    }

    /// Times that the transfer of image `index` was taken up again.
    pub fn resumes(&self, index: usize) -> u32 {
        self.outcome.report.images[index].resumes
    }

    /// Further attempts at image `index`.
    pub fn retries(&self, index: usize) -> u32 {
        self.outcome.report.images[index].retries
    }

    /// The error numbers of all attempts that failed, in their order.
    pub fn attempts_failed(&self) -> Vec<u32> {
        self.console
            .lines()
            .filter(|line| line.starts_with("@attempt-failed "))
            .filter_map(|line| line.split_once("code=0x"))
            .filter_map(|(_, rest)| u32::from_str_radix(rest.get(..8)?, 16).ok())
            .collect()
    }
}

/// Whether the report of an image has its SHA-256 or, where its blocks were verified instead, its verity digest.
pub fn is_digest_right(told: &ImageReport<NetError>, image: &Image) -> bool {
    match told.sha256 {
        Some(sha256) => sha256 == image.sha256(),
        None => told.verity == Some(Tree::of(&image.bytes).digest()),
    }
}
