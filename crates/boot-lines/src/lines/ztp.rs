//! Reads what a board answers at its prompt to the command `ztp`.
//!
//! The answer has lines of pairs as the console has them, with the word `ztp` in the place of the `@`. A command that fails answers with a
//! line that begins with `error`.

use super::line::{BadLine, Failure, Line};
use serde::Serialize;

/// Most places and most images that are kept of one answer. A board has fewer.
const MOST: usize = 64;

/// The bootstrap server that was asked last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Server {
    /// URI of the server.
    pub uri: String,
    /// Who named the server: `configuration`, `dhcp` or `redirect`.
    pub named: String,
    /// Number of redirects that led to the server.
    pub redirects: u32,
    /// Whether the server has proved itself. `None` while the board has not judged an answer of the server.
    pub proven: Option<bool>,
    /// Whether the owner has signed what the server sent. `None` while the board has not judged an answer of the server.
    pub signed: Option<bool>,
}

/// One image that the device got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Image {
    /// Recovery image index.
    pub index: u8,
    /// Number of octets that the last attempt delivered.
    pub octets: Option<u64>,
    /// Time from the device's request to the end, in ms.
    pub ms: Option<u64>,
    /// Protocol that carried the image.
    pub protocol: Option<String>,
    /// URI of the last source.
    pub uri: Option<String>,
}

/// The answer to `ztp status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Whether later boots ask bootstrap servers.
    pub enabled: bool,
    /// Whether the board boots nothing else.
    pub required: bool,
    /// How far provisioning is: `idle`, `asking`, `installing`, `rebooting`, `complete` or `failed`.
    pub stage: String,
    /// Number of questions to bootstrap servers.
    pub asked: u64,
    /// Number of rounds over all servers that failed.
    pub rounds: u64,
    /// Number of rounds that the board still makes. `None` for a board that does not count them.
    pub rounds_left: Option<u64>,
    /// Number of bootstrap servers that DHCP named.
    pub dhcp_servers: u64,
    /// Whether the board has got a certificate of its own.
    pub certified: bool,
    /// The server that was asked last.
    pub server: Option<Server>,
    /// The last error.
    pub error: Option<Failure>,
    /// Time at which provisioning began, in ms since power-on. Only the verbose answer has it.
    pub started_ms: Option<u64>,
    /// Time at which provisioning ended, in ms since power-on. Only the verbose answer has it.
    pub ended_ms: Option<u64>,
    /// Places of the boot image, the preferred one first. Only the verbose answer has them.
    pub places: Vec<String>,
    /// Images that the device requested. Only the verbose answer has them.
    pub images: Vec<Image>,
}

/// One line of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The first line of a status.
    Status(Status),
    /// The server that was asked last.
    Server(Server),
    /// The last error of provisioning.
    Error(Failure),
    /// Times at which provisioning began and ended, in ms since power-on.
    Times(Option<u64>, Option<u64>),
    /// A place of the boot image.
    Place(String),
    /// An image that the device requested.
    Image(Image),
    /// Provisioning was enabled or disabled.
    Switched {
        /// Whether later boots ask bootstrap servers.
        enabled: bool,
        /// Whether the board remembers it beyond the next reset.
        kept: bool,
    },
    /// The command failed.
    Failed(Failure),
}

impl Told {
    /// Reads a line. Returns `Ok(None)` for a line that belongs to no answer, and for one of an unknown kind.
    ///
    /// # Errors
    /// Fails with [`BadLine`] when a line lacks a value that belongs to it, or when the value does not fit.
    pub fn parse(text: &str) -> Result<Option<Self>, BadLine> {
        if text.starts_with("error code=") {
            return Ok(Some(Told::Failed(Line::of(text)?.failure()?)));
        }
        let Some(rest) = text.strip_prefix("ztp ") else {
            return Ok(None);
        };
        if let Some(switched) = switched(rest) {
            return Ok(Some(switched));
        }
        // The first line has pairs alone.
        let (first, _) = rest.split_once(' ').unwrap_or((rest, ""));
        let line = match first.contains('=') {
            true => Line::of(text)?,
            false => Line::of(rest)?,
        };
        Ok(Some(match line.word {
            "ztp" => Told::Status(Status {
                enabled: line.get("enabled")?,
                required: line.get("required")?,
                stage: line.get("stage")?,
                asked: line.get("asked")?,
                rounds: line.get("rounds")?,
                rounds_left: line.maybe("rounds_left")?,
                dhcp_servers: line.get("dhcp_servers")?,
                certified: line.maybe("certified")?.unwrap_or_default(),
                ..Status::default()
            }),
            "server" => Told::Server(Server {
                uri: line.get("uri")?,
                named: line.get("named")?,
                redirects: line.get("redirects")?,
                proven: line.maybe("proven")?,
                signed: line.maybe("signed")?,
            }),
            "error" => Told::Error(line.failure()?),
            "times" => Told::Times(line.maybe("started_ms")?, line.maybe("ended_ms")?),
            "place" => Told::Place(line.get("uri")?),
            "image" => Told::Image(Image {
                index: line.get("index")?,
                octets: line.maybe("octets")?,
                ms: line.maybe("ms")?,
                protocol: line.maybe("protocol")?,
                uri: line.maybe("uri")?,
            }),
            _ => return Ok(None),
        }))
    }
}

/// The answers to `ztp enable` and `ztp disable`.
fn switched(rest: &str) -> Option<Told> {
    let (enabled, kept) = match rest {
        "enabled" => (true, true),
        "enabled until the next reset" => (true, false),
        "disabled" => (false, true),
        "disabled until the next reset" => (false, false),
        _ => return None,
    };
    Some(Told::Switched { enabled, kept })
}

impl Status {
    /// Puts the lines of an answer together. Returns `None` when the first line of a status is not among them.
    pub fn of(told: impl IntoIterator<Item = Told>) -> Option<Self> {
        let mut whole: Option<Self> = None;
        for one in told {
            match (one, &mut whole) {
                (Told::Status(status), whole) => *whole = Some(status),
                (one, Some(status)) => status.add(one),
                (_, None) => {}
            }
        }
        whole
    }

    fn add(&mut self, told: Told) {
        match told {
            Told::Server(server) => self.server = Some(server),
            Told::Error(error) => self.error = Some(error),
            Told::Times(started, ended) => (self.started_ms, self.ended_ms) = (started, ended),
            Told::Place(uri) if self.places.len() < MOST => self.places.push(uri),
            Told::Image(image) if self.images.len() < MOST => self.images.push(image),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ANSWER: &str = "\
ztp enabled=true required=false stage=failed asked=4 rounds=4 rounds_left=0 dhcp_servers=1
ztp server uri=https://10.0.2.2/ named=dhcp redirects=0 proven=false signed=false
ztp error code=0x000f0030 blame=peer
ztp times started_ms=812 ended_ms=9120
ztp place uri=https://10.0.2.2/fw?a=b
ztp image index=0 octets=4096 ms=17 protocol=https uri=https://10.0.2.2/fw?a=b
ztp image index=1";

    fn read(answer: &str) -> Vec<Told> {
        let lines = answer.lines().map(|line| Told::parse(line).unwrap());
        lines.flatten().collect()
    }

    #[test]
    fn a_status_is_put_together() {
        let status = Status::of(read(ANSWER)).unwrap();
        assert!(status.enabled && !status.required && !status.certified);
        assert_eq!(status.stage, "failed");
        assert_eq!((status.rounds, status.rounds_left), (4, Some(0)));
        let server = status.server.unwrap();
        assert_eq!((server.proven, server.signed), (Some(false), Some(false)));
        let error = status.error.unwrap();
        assert_eq!(error.code, 0x000f_0030);
        // The board has no texts, so the sentence is that of the table.
        assert!(
            error.message.contains("another serial"),
            "{}",
            error.message
        );
        assert_eq!(
            (status.started_ms, status.ended_ms),
            (Some(812), Some(9120))
        );
        assert_eq!(status.places, ["https://10.0.2.2/fw?a=b"]);
        assert_eq!(status.images[0].octets, Some(4096));
        assert_eq!(status.images[1].uri, None);
        assert_eq!(Status::of(read("ztp place uri=tftp://h/x")), None);
        // Of a provisioning that has not begun.
        assert_eq!(read("ztp times"), [Told::Times(None, None)]);
    }

    #[test]
    fn switches_and_failures_are_told() {
        for (line, enabled, kept) in [
            ("ztp enabled", true, true),
            ("ztp disabled until the next reset", false, false),
        ] {
            let told = Told::parse(line).unwrap();
            assert_eq!(told, Some(Told::Switched { enabled, kept }));
        }
        let told = read("error code=0x0007001e blame=configuration");
        let [Told::Failed(failure)] = &*told else {
            panic!("{told:?}");
        };
        assert_eq!(
            failure.message,
            "provisioning is disabled; ztp enable allows it"
        );
    }

    #[test]
    fn what_belongs_to_no_answer_is_none() {
        for line in [
            "",
            "ztp",
            "ztp weather rain=true",
            "@finished t=1 status=0x00000000",
            "errors are human",
        ] {
            assert_eq!(Told::parse(line).unwrap(), None, "{line}");
        }
        let error = Told::parse("ztp later=1").unwrap_err();
        assert_eq!(error.key, "enabled");
        let error = Told::parse("ztp server uri").unwrap_err();
        assert_eq!(error.key, "");
    }

    #[test]
    fn an_endless_answer_stays_small() {
        let line = "ztp place uri=http://h/\n";
        let answer = format!("{}\n{}", ANSWER, line.repeat(1000));
        assert_eq!(Status::of(read(&answer)).unwrap().places.len(), MOST);
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "(ztp |error )?(server |error |image )?.{0,60}") {
            let _ = Told::parse(&line);
        }
    }
}
