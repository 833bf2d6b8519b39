//! A boot while it goes on: the log, and a progress bar for each image.
//!
//! Without a terminal there are no bars: each image gets a line at every quarter.

use crate::format::{stamp, thousands};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use netboot_lines::lines::Said;
use std::collections::BTreeMap;
use std::io::IsTerminal;

/// What a bar looks like: 73 columns and the bar, so that it fits a small terminal, too.
const TEMPLATE: &str = "{prefix:26} [{wide_bar}] {bytes:>10}/{total_bytes:10} \
                        {binary_bytes_per_sec:>12} {msg:9}";

/// Shows the lines of a console.
pub struct Show {
    bars: Option<MultiProgress>,
    images: BTreeMap<u8, Progress>,
    /// Machine-readable lines as they are.
    verbose: bool,
}

/// How far an image is.
struct Progress {
    bar: ProgressBar,
    name: String,
    /// Quarters that were said.
    quarters: u64,
}

impl Show {
    /// On standard output.
    pub fn new(verbose: bool) -> Self {
        let terminal = std::io::stdout().is_terminal();
        Self::with(
            terminal.then(|| ProgressDrawTarget::stdout_with_hz(20)),
            verbose,
        )
    }

    /// With bars on `terminal`, or without bars.
    fn with(terminal: Option<ProgressDrawTarget>, verbose: bool) -> Self {
        Self {
            bars: terminal.map(MultiProgress::with_draw_target),
            images: BTreeMap::new(),
            verbose,
        }
    }

    /// Takes in one line of the console.
    pub fn line(&mut self, line: &str) {
        match Said::parse(line) {
            Ok(Some(said)) => {
                if self.verbose {
                    self.print(line);
                }
                self.said(&said);
            }
            Ok(None) | Err(_) => self.print(line),
        }
    }

    fn print(&self, line: &str) {
        match &self.bars {
            // Fails when the terminal is gone; the boot goes on.
            Some(bars) => drop(bars.println(line)),
            None => println!("{line}"),
        }
    }

    fn said(&mut self, said: &Said) {
        if let Some(text) = sentence(said).filter(|_| !self.verbose) {
            self.print(&text);
        }
        match said {
            Said::Fetching { index, uri, .. } => {
                let name = uri.rsplit('/').next().unwrap_or(uri).to_string();
                self.image(*index, name);
            }
            Said::Opened { index, size, .. } => {
                if let Some(progress) = self.images.get_mut(index) {
                    progress.bar.reset();
                    progress.bar.set_length(*size);
                    progress.bar.set_message("");
                    progress.quarters = 0;
                }
            }
            Said::Delivered {
                t,
                index,
                octets,
                size,
            } => {
                if let Some(line) = self.delivered(*t, *index, *octets, *size) {
                    println!("{line}");
                }
            }
            Said::Verified { index, .. } => self.message(*index, "verified"),
            Said::Activated { index, .. } => {
                self.message(*index, "activated");
                if let Some(progress) = self.images.get(index) {
                    progress.bar.finish();
                }
            }
            Said::AttemptFailed {
                index: Some(index), ..
            } => self.message(*index, "failed"),
            Said::Finished { .. } => {
                for progress in self
                    .images
                    .values()
                    .filter(|image| !image.bar.is_finished())
                {
                    progress.bar.abandon();
                }
            }
            _ => {}
        }
    }

    fn image(&mut self, index: u8, name: String) {
        if let Some(progress) = self.images.get_mut(&index) {
            progress.bar.set_prefix(format!("image {index}  {name}"));
            progress.name = name;
            return;
        }
        let bar = match &self.bars {
            Some(bars) => bars.add(ProgressBar::new(0)),
            None => ProgressBar::hidden(),
        };
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(format!("image {index}  {name}"));
        let progress = Progress {
            bar,
            name,
            quarters: 0,
        };
        self.images.insert(index, progress);
    }

    /// Moves the bar of an image. Without a terminal, gives a line at each quarter.
    fn delivered(&mut self, t: u64, index: u8, octets: u64, size: u64) -> Option<String> {
        let progress = self.images.get_mut(&index)?;
        progress.bar.set_position(octets);
        let quarters = (octets * 4).checked_div(size).unwrap_or(4);
        if self.bars.is_some() || quarters <= progress.quarters {
            return None;
        }
        progress.quarters = quarters;
        Some(format!(
            "{} image {index}: {:>3} %  {} of {} octets",
            stamp(t),
            quarters * 25,
            thousands(octets),
            thousands(size)
        ))
    }

    fn message(&self, index: u8, text: &'static str) {
        if let Some(progress) = self.images.get(&index) {
            progress.bar.set_message(text);
        }
    }
}

/// What a line says, for a person; `None` when a bar or a table says it.
fn sentence(said: &Said) -> Option<String> {
    let (t, text) = match said {
        Said::Nic { mac, link } => {
            let down = link.as_deref() == Some("down");
            let down = if down { ", without a link" } else { "" };
            return Some(format!("network device {mac}{down}"));
        }
        Said::Configured {
            t,
            address,
            dhcp,
            dns,
            lease_s,
            boot_file,
            ..
        } => {
            let mut text = format!("address {address}");
            let lease_s = lease_s.map(|seconds| format!("{seconds} s"));
            for (what, value) in [
                ("from DHCP server", dhcp),
                ("for", &lease_s),
                ("DNS", dns),
                ("boot file", boot_file),
            ] {
                if let Some(value) = value {
                    text += &format!(", {what} {value}");
                }
            }
            (*t, text)
        }
        Said::BootFile { t, uri } => (*t, format!("boot file: {uri}")),
        Said::Script { t, uri, .. } => (*t, format!("script: {uri}")),
        Said::ScriptFailed { line, failure } => (
            failure.t,
            format!(
                "the script failed in line {line}: {:#010x} {}",
                failure.code, failure.message
            ),
        ),
        Said::Bootstore {
            t,
            from,
            generation,
            servers,
        } => {
            let who = match from.as_str() {
                "ledger" => "the board's own ledger".to_string(),
                node => format!("node {node}"),
            };
            let text =
                format!("bootstore: generation {generation} from {who}, {servers} boot servers");
            (*t, text)
        }
        Said::Toc { t, images } => (*t, format!("table of contents: {images} images")),
        Said::BootstrapServers {
            t,
            servers,
            ignored,
            standard,
        } => {
            let mut text = format!("DHCP names bootstrap servers: {servers}");
            if *ignored > 0 {
                text += &format!(", and {ignored} entries that are none");
            }
            if !standard {
                text += ", not in the form of RFC 8572";
            }
            (*t, text)
        }
        Said::Bootstrap { t, uri, proof } => {
            let host = uri.split('/').nth(2).unwrap_or_default();
            let proof = match proof.as_str() {
                "root" => "which has to prove itself by a root of the board's",
                "anchor" => "which has to prove itself by the root that a redirect told",
                _ => "which is not trusted",
            };
            (*t, format!("bootstrap server {host} is asked, {proof}"))
        }
        Said::Redirected { t, servers } => {
            (*t, format!("redirect to bootstrap servers: {servers}"))
        }
        Said::Onboarding { t, trusted_server } => {
            let why = match trusted_server {
                true => "the server is trusted",
                false => "the owner has signed them",
            };
            (*t, format!("demands of the owner: {why}"))
        }
        Said::Provisioned { t, end } => (*t, format!("provisioned: {end}")),
        Said::Requested { t, index } => (*t, format!("the device asks for image {index}")),
        Said::Fetching { t, index, uri } => (*t, format!("image {index}: {uri}")),
        Said::Opened {
            t,
            index,
            size,
            protocol,
        } => {
            let size = thousands(*size);
            (*t, format!("image {index}: {size} octets by {protocol}"))
        }
        Said::Verified {
            t,
            index,
            sha256,
            verity,
            expected,
        } => {
            let (kind, digest) = match verity {
                Some(verity) if sha256.is_empty() => ("verity digest", verity),
                _ => ("SHA-256", sha256),
            };
            let start = digest.get(..16).unwrap_or(digest);
            let against = match expected {
                true => "as expected",
                false => "with nothing to compare it with",
            };
            (*t, format!("image {index}: {kind} {start}... {against}"))
        }
        Said::Activated { t, index } => (*t, format!("image {index}: activated")),
        Said::AttemptFailed {
            index: Some(index),
            error,
        } => (error.t, format!("image {index}: FAILED: {error}")),
        Said::AttemptFailed { index: None, error } => (error.t, format!("FAILED: {error}")),
        Said::ResetRequired { t, index } => (
            *t,
            format!("image {index}: cannot be finished; the device must be reset"),
        ),
        Said::DeviceReset { t } => (*t, "the device was reset; the boot begins anew".into()),
        Said::Finished { t, status } => (*t, format!("over, status {status:#010x}")),
        Said::Start(error) => return Some(format!("cannot start: {error}")),
        Said::Stop(stop) => return Some(format!("{}: {}", stop.what.to_uppercase(), stop.detail)),
        _ => return None,
    };
    Some(format!("{} {text}", stamp(t)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Screen;

    const OPENED: [&str; 2] = [
        "@fetching t=1 index=0 uri=http://192.0.2.1/a/caliptra.bin",
        "@opened t=1 index=0 size=4096 protocol=http",
    ];

    #[test]
    fn without_a_terminal_each_quarter_has_one_line() {
        let mut show = Show::with(None, false);
        OPENED.iter().for_each(|line| show.line(line));
        let mut told = |octets| show.delivered(2_000_000, 0, octets, 4096);
        assert_eq!(told(1023), None);
        let quarter = told(1024).unwrap();
        assert!(
            quarter.ends_with("image 0:  25 %  1,024 of 4,096 octets"),
            "{quarter}"
        );
        assert_eq!(told(2047), None);
        // What skips a quarter says the last one only.
        let most = told(3073).unwrap();
        assert!(
            most.ends_with("image 0:  75 %  3,073 of 4,096 octets"),
            "{most}"
        );
        assert_eq!(told(1024), None);
        let whole = told(4096).unwrap();
        assert!(whole.contains("100 %"), "{whole}");
        // The image comes again, from its beginning.
        show.line(OPENED[1]);
        let again = show.delivered(3_000_000, 0, 1024, 4096).unwrap();
        assert!(again.contains(" 25 %"), "{again}");
    }

    #[test]
    fn on_a_terminal_a_bar_tells_how_far_the_image_is() {
        let screen = Screen::default();
        let mut show = Show::with(Some(screen.target()), false);
        OPENED.iter().for_each(|line| show.line(line));
        assert_eq!(show.delivered(2, 0, 2048, 4096), None);
        let line = screen.last();
        assert!(line.starts_with("image 0  caliptra.bin "), "{line}");
        assert!(line.contains("2.00 KiB/4.00 KiB"), "{line}");
        let bar = &show.images[&0].bar;
        assert_eq!((bar.position(), bar.length()), (2048, Some(4096)));
        show.delivered(3, 0, 4096, 4096);
        show.line("@verified t=4 index=0 sha256=00 expected=true");
        assert!(screen.last().ends_with("verified"), "{}", screen.last());
        assert!(!show.images[&0].bar.is_finished());
        show.line("@activated t=5 index=0");
        assert!(show.images[&0].bar.is_finished());
        assert!(screen.last().ends_with("activated"), "{}", screen.last());
        // The sentences stand among the bars.
        let sentence = "image 0: activated";
        assert!(screen.all().iter().any(|text| text.contains(sentence)));
    }

    #[test]
    fn a_bar_goes_back_when_its_image_comes_again_and_stops_with_the_boot() {
        let screen = Screen::default();
        let mut show = Show::with(Some(screen.target()), false);
        OPENED.iter().for_each(|line| show.line(line));
        show.delivered(2, 0, 2048, 4096);
        show.line("@attempt-failed t=3 index=0 code=0x00070003 blame=server message=gone");
        assert!(screen.last().ends_with("failed"), "{}", screen.last());
        show.line("@opened t=4 index=0 size=5000 protocol=tftp");
        let bar = &show.images[&0].bar;
        assert_eq!((bar.position(), bar.length()), (0, Some(5000)));
        assert!(!screen.last().ends_with("failed"), "{}", screen.last());
        show.line("@finished t=5 status=0x00070003");
        let bar = &show.images[&0].bar;
        assert!(bar.is_finished() && bar.position() == 0);
    }

    fn says(line: &str) -> Option<String> {
        sentence(&Said::parse(line).unwrap().unwrap())
    }

    #[test]
    fn lines_become_sentences() {
        let text = says(
            "@attempt-failed t=1042311 index=1 code=0x00070003 blame=server message=SHA-256 wrong",
        );
        let text = text.unwrap();
        assert!(text.contains("image 1: FAILED: SHA-256 wrong (0x00070003, blame: server)"));
        let text =
            says("@verified t=5 index=0 sha256=00112233445566778899 expected=false").unwrap();
        assert!(text.contains("0011223344556677... with nothing"), "{text}");
        assert_eq!(says("@net rx=1 tx=2 errors=0"), None);
    }

    /// Lines in any order, of images that were never announced, do no harm.
    #[test]
    fn an_odd_order_is_endured() {
        let mut show = Show::new(false);
        for line in [
            "@delivered t=1 index=3 octets=1 size=0",
            "@activated t=1 index=9",
            "@fetching t=1 index=0 uri=",
            "@delivered t=1 index=0 octets=5 size=0",
            "@opened t=1 index=0 size=10 protocol=http",
            "@delivered t=1 index=0 octets=25 size=10",
            "@broken",
        ] {
            show.line(line);
        }
        assert_eq!(show.images.len(), 1);
    }
}
