//! Collects the lines of a console into one value for the whole boot. Reports, pictures and tests read this value.

use crate::lines::{
    Device, DeviceImage, EthernetDevice, Failure, ImageLine, Instret, Memory, Net, Report, Rom,
    Said, Stay, Stop,
};
use serde::Serialize;

/// One attempt to fetch an image. Times are in µs since power-on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Time at which the attempt began.
    pub fetching: u64,
    /// URI of the source.
    pub uri: String,
    /// Time at which the server confirmed that it has the file.
    pub opened: Option<u64>,
    /// Size of the file in octets.
    pub size: Option<u64>,
    /// Protocol that carried the image.
    pub protocol: Option<String>,
    /// Pairs of a time and the number of octets that were delivered until then.
    pub delivered: Vec<(u64, u64)>,
    /// Time at which the image was complete and its digest was right.
    pub verified: Option<u64>,
    /// Time at which the device was told to activate the image.
    pub activated: Option<u64>,
    /// The error that ended the attempt.
    pub error: Option<Failure>,
}

/// What happened for one image. Times are in µs since power-on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImageTrace {
    /// Recovery image index.
    pub index: u8,
    /// Time at which the device first requested the image.
    pub requested: Option<u64>,
    /// All attempts, in the order in which they were made.
    pub attempts: Vec<Attempt>,
    /// SHA-256 of the delivered octets in hexadecimal, and whether an expected digest existed.
    pub sha256: Option<(String, bool)>,
    /// Verity digest of an image that came as a packed file, and whether an expected digest existed.
    pub verity: Option<(String, bool)>,
    /// Errors that happened outside of any attempt.
    pub failures: Vec<Failure>,
}

/// A whole console.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Transcript {
    /// The ROM that ran. `None` for a boot on the host.
    pub rom: Option<Rom>,
    /// Time at which the interface had an address, and the address.
    pub configured: Option<(u64, String)>,
    /// Who told the network configuration of the bootstore that was used last, and its generation.
    pub bootstore: Option<(String, u64)>,
    /// Number of images that the table of contents lists.
    pub toc_images: Option<u16>,
    /// What happened for each image, in the order of the first requests.
    pub trace: Vec<ImageTrace>,
    /// Errors that belong to no image, for example those of DHCP and of the table of contents.
    pub failures: Vec<Failure>,
    /// Time at which the boot found that the device must be reset, and the image that cannot be finished.
    pub reset_required: Option<(u64, u8)>,
    /// Times at which the platform reset the device.
    pub resets: Vec<u64>,
    /// Time at which the boot ended, and its status.
    pub finished: Option<(u64, u32)>,
    /// The boot application's report about the whole boot.
    pub report: Option<Report>,
    /// The boot application's report about each image.
    pub images: Vec<ImageLine>,
    /// How the boot ended for the emulated device.
    pub device: Option<Device>,
    /// What the emulated device received of each image.
    pub device_images: Vec<DeviceImage>,
    /// RAM that the ROM used.
    pub memory: Option<Memory>,
    /// Instructions that the ROM took.
    pub instret: Option<Instret>,
    /// Frames that the ROM handled.
    pub net: Option<Net>,
    /// Where the board answers that stayed up after the boot.
    pub stay: Option<Stay>,
    /// What the emulated Ethernet device of a network coprocessor did.
    pub ethernet: Option<EthernetDevice>,
    /// The error because of which the ROM could not start a boot.
    pub start: Option<Failure>,
    /// The reason for which the ROM stopped at once.
    pub stop: Option<Stop>,
    /// One sentence for each `@` line that cannot be read.
    pub unreadable: Vec<String>,
}

impl Transcript {
    /// Reads a whole console.
    pub fn read(console: &str) -> Self {
        let mut transcript = Self::default();
        for line in console.lines() {
            transcript.line(line);
        }
        transcript
    }

    /// Adds one line. Returns the line as a value if it is a known `@` line.
    ///
    /// A line that cannot be read is counted in [`unreadable`](Self::unreadable).
    pub fn line(&mut self, line: &str) -> Option<Said> {
        match Said::parse(line) {
            Ok(said) => {
                said.iter().for_each(|said| self.add(said));
                said
            }
            Err(error) => {
                self.unreadable.push(error.to_string());
                None
            }
        }
    }

    /// Whether the boot ended well: the report has status 0 and the device says that it booted.
    pub fn booted(&self) -> bool {
        let reported = self
            .report
            .as_ref()
            .is_some_and(|report| report.status == 0);
        let device = self.device.as_ref();
        reported && self.stop.is_none() && device.is_some_and(|device| device.outcome == "booted")
    }

    /// The status of the boot. `None` when the console has no status.
    pub fn status(&self) -> Option<u32> {
        let reported = self.report.as_ref().map(|report| report.status);
        let finished = self.finished.map(|(_, status)| status);
        let start = self.start.as_ref().map(|error| error.code);
        reported.or(finished).or(start)
    }

    /// One sentence that says why the boot did not end well. `None` when the boot ended well.
    pub fn cause(&self) -> Option<String> {
        if self.booted() {
            return None;
        }
        if let Some(stop) = &self.stop {
            return Some(match stop.what.as_str() {
                "stall" => format!("an access would hang the bus: {}", stop.detail),
                "trap" => format!("the ROM took an unexpected trap: {}", stop.detail),
                "stack" => format!("the stack met the static data: {}", stop.detail),
                "settings" => format!("settings that cannot be used: {}", stop.detail),
                _ => format!("the ROM panicked: {}", stop.detail),
            });
        }
        let Some(report) = &self.report else {
            if let Some(error) = &self.start {
                return Some(error.to_string());
            }
            return Some("the console ended without a report".into());
        };
        if let Some(error) = &report.error {
            return Some(error.to_string());
        }
        Some(match &self.device {
            Some(device) => format!("the device says {}", device.outcome),
            None => "the console ended without the device's word".into(),
        })
    }

    /// What happened for the image `index`.
    pub fn trace_of(&self, index: u8) -> Option<&ImageTrace> {
        self.trace.iter().find(|image| image.index == index)
    }

    /// The latest time that any line has, in µs since power-on.
    pub fn end(&self) -> u64 {
        let report = self.report.as_ref().map(|report| report.ended);
        let finished = self.finished.map(|(t, _)| t);
        let failures = self.failures.iter().map(|failure| failure.t);
        let trace = self.trace.iter().map(ImageTrace::end);
        let rest = trace.chain(failures).chain(report).chain(finished);
        rest.max().unwrap_or(0)
    }

    fn image(&mut self, index: u8) -> &mut ImageTrace {
        let at = self.trace.iter().position(|image| image.index == index);
        let at = at.unwrap_or_else(|| {
            self.trace.push(ImageTrace {
                index,
                ..ImageTrace::default()
            });
            self.trace.len() - 1
        });
        &mut self.trace[at]
    }

    fn attempt(&mut self, index: u8) -> Option<&mut Attempt> {
        self.image(index).attempts.last_mut()
    }

    fn add(&mut self, said: &Said) {
        match said.clone() {
            // A ROM that was reset begins anew, and so does the transcript.
            Said::Rom(rom) => {
                *self = Self {
                    rom: Some(rom),
                    unreadable: std::mem::take(&mut self.unreadable),
                    ..Self::default()
                };
            }
            Said::Configured { t, address, .. } => self.configured = Some((t, address)),
            Said::Bootstore {
                from, generation, ..
            } => self.bootstore = Some((from, generation)),
            Said::Toc { images, .. } => self.toc_images = Some(images),
            Said::Requested { t, index } => {
                self.image(index).requested.get_or_insert(t);
            }
            Said::Fetching { t, index, uri } => self.image(index).attempts.push(Attempt {
                fetching: t,
                uri,
                ..Attempt::default()
            }),
            // A person reads it, and a failure comes right behind it.
            Said::BootFile { .. }
            | Said::Nic { .. }
            | Said::BootstrapServers { .. }
            | Said::Bootstrap { .. }
            | Said::Redirected { .. }
            | Said::Onboarding { .. }
            | Said::Provisioned { .. }
            | Said::Script { .. }
            | Said::ScriptFailed { .. } => {}
            Said::Opened {
                t,
                index,
                size,
                protocol,
            } => {
                if let Some(attempt) = self.attempt(index) {
                    attempt.opened = Some(t);
                    attempt.size = Some(size);
                    attempt.protocol = Some(protocol);
                }
            }
            Said::Delivered {
                t, index, octets, ..
            } => {
                if let Some(attempt) = self.attempt(index) {
                    attempt.delivered.push((t, octets));
                }
            }
            Said::Verified {
                t,
                index,
                sha256,
                verity,
                expected,
            } => {
                let image = self.image(index);
                if !sha256.is_empty() {
                    image.sha256 = Some((sha256, expected));
                }
                image.verity = verity.map(|digest| (digest, expected));
                if let Some(attempt) = self.attempt(index) {
                    attempt.verified = Some(t);
                }
            }
            Said::Activated { t, index } => {
                if let Some(attempt) = self.attempt(index) {
                    attempt.activated = Some(t);
                }
            }
            Said::AttemptFailed { index, error } => self.failed(index, error),
            Said::ResetRequired { t, index } => self.reset_required = Some((t, index)),
            Said::DeviceReset { t } => self.resets.push(t),
            Said::Finished { t, status } => self.finished = Some((t, status)),
            Said::Report(report) => self.report = Some(report),
            Said::Image(image) => self.images.push(image),
            Said::Device(device) => self.device = Some(device),
            Said::DeviceImage(image) => self.device_images.push(image),
            Said::Memory(memory) => self.memory = Some(memory),
            Said::Instret(instret) => self.instret = Some(instret),
            Said::Net(net) => self.net = Some(net),
            Said::Stay(stay) => self.stay = Some(stay),
            Said::Ethernet(device) => self.ethernet = Some(device),
            Said::Start(error) => self.start = Some(error),
            Said::Stop(stop) => self.stop = Some(stop),
        }
    }

    fn failed(&mut self, index: Option<u8>, error: Failure) {
        let Some(index) = index else {
            return self.failures.push(error);
        };
        let image = self.image(index);
        match image.attempts.last_mut() {
            Some(attempt) if attempt.error.is_none() => attempt.error = Some(error),
            _ => image.failures.push(error),
        }
    }
}

impl ImageTrace {
    /// The latest known time, in µs since power-on.
    pub fn end(&self) -> u64 {
        let attempts = self.attempts.iter().map(Attempt::end);
        let failures = self.failures.iter().map(|failure| failure.t);
        let all = attempts.chain(failures).chain(self.requested);
        all.max().unwrap_or(0)
    }
}

impl Attempt {
    /// The latest known time, in µs since power-on.
    pub fn end(&self) -> u64 {
        let delivered = self.delivered.last().map(|(t, _)| *t);
        let error = self.error.as_ref().map(|error| error.t);
        let marks = [self.opened, self.verified, self.activated, delivered, error];
        marks.into_iter().flatten().fold(self.fetching, u64::max)
    }

    /// Time at which the last octet was delivered, in µs since power-on.
    pub fn last_octet(&self) -> Option<u64> {
        self.delivered.last().map(|(t, _)| *t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    const FAILED: &str = "\
@rom version=0.1.0 rom_kib=256 ram_kib=128 entropy=host
INFO  looking for an address
@attempt-failed t=500 code=0x00040001 blame=network message=no DHCP server answered
@configured t=1000 address=10.0.2.15/24 router=10.0.2.2
@requested t=1100 index=0
@fetching t=1110 index=0 uri=tftp://10.0.2.2/a.bin
@opened t=1200 index=0 size=512 protocol=tftp
@delivered t=1300 index=0 octets=256 size=512
@attempt-failed t=1400 index=0 code=0x00020004 blame=network message=the TFTP server went silent
@fetching t=1500 index=0 uri=tftp://10.0.2.2/a.bin
@attempt-failed t=1600 index=0 code=0x00020005 blame=server message=no such file
@reset-required t=1650 index=0
@finished t=1700 status=0x00020005
@report started=10 configured=1000 ended=1700 status=0x00020005 code=0x00020005 blame=server message=no such file
@image index=0 outcome=not-activated uri=tftp://10.0.2.2/a.bin octets=0 duration_us=600 transfer_us=0 octets_per_s=0 retries=1 resumes=0 code=0x00020005 blame=server message=no such file
@device outcome=running
@device-image index=0 octets=256 activated=false verified=false dropped=0
@memory static=70000 stack_used=6000 stack_size=61072
@instret total=9000 emulated=4000 traps=12
@net rx=3 tx=4 errors=0
@ethernet queued=3 overflow=2 wrong_length=1 ignored=0
@stay address=10.0.2.15 port=62222 mctp=9
";

    #[test]
    fn an_image_that_came_as_a_packed_file_has_its_verity_digest() {
        let transcript = Transcript::read(
            "@verified t=1 index=0 sha256= verity=aa expected=true\n\
             @verified t=2 index=1 sha256=bb verity=cc expected=false\n\
             @image index=0 outcome=activated octets=8 verity=aa duration_us=5 transfer_us=4 octets_per_s=2 retries=0 resumes=1\n",
        );
        assert_eq!(transcript.unreadable, Vec::<String>::new());
        let image = transcript.trace_of(0).unwrap();
        assert_eq!(
            (&image.sha256, &image.verity),
            (&None, &Some(("aa".into(), true)))
        );
        let image = transcript.trace_of(1).unwrap();
        assert_eq!(image.sha256, Some(("bb".into(), false)));
        assert_eq!(image.verity, Some(("cc".into(), false)));
        let image = &transcript.images[0];
        assert_eq!((&image.sha256, &image.verity), (&None, &Some("aa".into())));
    }

    #[test]
    fn a_boot_that_failed_is_read() {
        let transcript = Transcript::read(FAILED);
        assert_eq!(transcript.unreadable, Vec::<String>::new());
        assert!(!transcript.booted());
        assert_eq!(transcript.status(), Some(0x0002_0005));
        let cause = transcript.cause().unwrap();
        assert_eq!(cause, "no such file (0x00020005, blame: server)");
        assert_eq!(transcript.reset_required, Some((1650, 0)));
        assert_eq!(transcript.failures.len(), 1);
        let attempts = &transcript.trace_of(0).unwrap().attempts;
        assert_eq!(attempts.len(), 2);
        assert_eq!(attempts[0].delivered, [(1300, 256)]);
        assert_eq!(attempts[0].error.as_ref().unwrap().t, 1400);
        assert_eq!(attempts[1].opened, None);
        assert_eq!(transcript.end(), 1700);
        assert_eq!(transcript.memory.unwrap().stack_used, 6000);
        assert_eq!(transcript.device_images[0].sha256, None);
        assert_eq!(transcript.net.unwrap().tx, 4);
        let ethernet = transcript.ethernet.unwrap();
        assert_eq!((ethernet.queued, ethernet.overflow), (3, 2));
        assert_eq!((ethernet.wrong_length, ethernet.ignored), (1, 0));
        let stay = transcript.stay.unwrap();
        assert_eq!(stay.address.as_deref(), Some("10.0.2.15"));
        assert_eq!((stay.port, stay.mctp), (Some(62_222), Some(9)));
        let nowhere = Transcript::read("@stay\n").stay.unwrap();
        assert_eq!((nowhere.address, nowhere.port), (None, None));
    }

    #[test]
    fn a_console_that_breaks_off_is_no_success() {
        let good = "@report started=0 ended=9 status=0x00000000\n@device outcome=booted\n";
        assert!(Transcript::read(good).booted());
        let (report, device) = good.split_at(good.find("@device").unwrap());
        assert!(!Transcript::read(report).booted());
        assert!(!Transcript::read(device).booted());
        let stalled = format!("{good}@stall offset=0x44 kind=WriteWindow\n");
        let stalled = Transcript::read(&stalled);
        assert!(!stalled.booted());
        assert!(stalled.cause().unwrap().contains("kind=WriteWindow"));
        let panicked = Transcript::read("@panic file=qemu/src/boot.rs line=7\n");
        assert!(panicked.cause().unwrap().contains("boot.rs line=7"));
        assert!(Transcript::read("").cause().unwrap().contains("without"));
    }

    proptest! {
        /// A console is text from outside: no line of it may end the reader.
        #[test]
        fn any_console_is_read(console in any::<String>()) {
            Transcript::read(&console);
        }

        /// Lines of known words with arbitrary pairs.
        #[test]
        fn any_pairs_are_read(
            lines in vec(
                (
                    select(&["rom", "requested", "fetching", "opened", "delivered", "report", "image", "panic"][..]),
                    vec((select(&["t", "index", "code", "size", "octets", "message", "uri"][..]), "[ =x0-9a-f]{0,12}"), 0..6),
                ),
                0..12,
            ),
        ) {
            let mut transcript = Transcript::default();
            for (word, pairs) in lines {
                let mut line = format!("@{word}");
                for (key, value) in pairs {
                    line.push_str(&format!(" {key}={value}"));
                }
                let said = transcript.line(&line);
                prop_assert!(said.is_some() || !transcript.unreadable.is_empty());
            }
            transcript.end();
            transcript.cause();
        }
    }
}
