//! What is to be booted.

pub use crate::addresses::{CLIENT, SERVER, SERVER6};
use crate::https::Https;
use crate::rack::{self, MemoryLedger, Remembered, SharedLedger};
use crate::sztp::Sztp;
use bootstore::early::EarlyNetConfig;
use image_server::{Content, Dhcp6Config, Faults, Ipv6Config, LeaseConfig, ServerConfig};
use netboot_core::hasher::Software;
use netboot_core::{Digest, Duration, Hasher};
use netsim::LinkConfig;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use zerocopy::IntoBytes;

/// Sizes of real firmware in octets: Caliptra FMC and RT, SoC manifest, and an MCU runtime with a tail
/// that is no multiple of four.
pub const FIRMWARE_SIZES: [usize; 3] = [234_496, 30_696, 4_002];
/// File names by recovery image index.
pub const FILE_NAMES: [&str; 3] = ["caliptra-fw.bin", "soc-manifest.bin", "mcu-runtime.bin"];
/// What carries the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TFTP
    Tftp,
    /// HTTP
    Http,
    /// HTTP over TLS 1.3
    Https,
    /// The UDP boot protocol
    Ubp,
}

impl Protocol {
    /// The URI's scheme.
    pub const fn scheme(self) -> &'static str {
        match self {
            Protocol::Tftp => "tftp",
            Protocol::Http => "http",
            Protocol::Https => "https",
            Protocol::Ubp => "ubp",
        }
    }
}

/// One firmware image.
#[derive(Clone, Debug)]
pub struct Image {
    /// Name on the server.
    pub name: String,
    /// Its octets.
    pub bytes: Arc<[u8]>,
}

/// SHA-256 of octets.
pub fn sha256(octets: &[u8]) -> Digest {
    Digest(Sha256::digest(octets).into())
}

impl Image {
    /// An image of `size` octets that no other seed gives.
    pub fn pseudo_random(name: &str, size: usize, seed: u64) -> Self {
        let mut bytes = vec![0; size];
        ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
        Self {
            name: name.into(),
            bytes: bytes.into(),
        }
    }

    /// SHA-256 of its octets, as a server's operator knows it.
    pub fn sha256(&self) -> Digest {
        sha256(&self.bytes)
    }

    /// SHA-256 of its octets padded to a multiple of 4, as the device hashes it.
    pub fn padded_sha256(&self) -> Digest {
        recovery_model::padded_sha256(&self.bytes)
    }

    /// What whoever makes a SoC manifest has to know of an image whose size is no multiple of 4. `None` for any other image.
    pub fn padding_note(&self) -> Option<String> {
        let (size, hashed) = (self.bytes.len(), self.bytes.len().next_multiple_of(4));
        (size != hashed).then(|| {
            format!(
                "the device hashes {hashed} octets, padded with zeros, and so must the manifest"
            )
        })
    }
}

/// How the images are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// DHCP names a directory; file names are the defaults.
    Directory,
    /// DHCP names a table of contents that names the files.
    Toc,
    /// DHCP names one flash image with a table of contents at its start and the images behind it.
    FlashImage,
}

/// What the platform around the device says of the end of the boot, as by MCI RESET_REASON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndSignal {
    /// The platform cannot tell.
    None,
    /// The platform says that the last image runs when it does.
    True,
    /// The platform always says that the last image runs, as a register does that no reset of the device clears.
    Stale,
}

/// The families of addresses that the station speaks, and that the network has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4 alone.
    Ipv4,
    /// IPv6 alone.
    Ipv6,
    /// Both, and DHCPv6 names the images as well as DHCPv4 does.
    Both,
}

/// A board's accelerator for SHA-256, which counts. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Accelerator {
    /// Octets that it was given.
    pub octets: Arc<AtomicU64>,
    /// Whether it can tell a digest before the end of a message.
    early: bool,
    hasher: Software,
}

impl Accelerator {
    /// Makes one that tells a digest before the end of a message, or does not.
    pub fn new(early: bool) -> Self {
        Self {
            early,
            ..Self::default()
        }
    }
}

impl Hasher for Accelerator {
    fn update(&mut self, octets: &[u8]) {
        self.octets.fetch_add(octets.len() as u64, Relaxed);
        self.hasher.update(octets);
    }

    fn finish(&mut self) -> Digest {
        self.hasher.finish()
    }

    fn so_far(&self) -> Option<Digest> {
        self.hasher.so_far().filter(|_| self.early)
    }
}

/// A boot.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What computes the hash of images; software without. Boots on the host alone have it.
    pub accelerator: Option<Accelerator>,
    /// What carries the images.
    pub protocol: Protocol,
    /// The images, by recovery image index.
    pub images: Vec<Image>,
    /// How they are found.
    pub pointer: Pointer,
    /// The link, both ways.
    pub link: LinkConfig,
    /// Lines for the emulated device beside those for the images: `mcu_rom`'s `device_settings`.
    pub device: String,
    /// Lines for the boot application: `mcu_rom`'s `settings`.
    pub settings: String,
    /// Whether the boot application is told size and SHA-256 of each image.
    pub expect: bool,
    /// One bit of this image is wrong on the server.
    pub corrupt: Option<usize>,
    /// The station has memory for four connections by HTTP.
    pub parallel: bool,
    /// The HTTPS server and what the client believes of it; without it there is no TLS at either end.
    pub https: Option<Https>,
    /// What goes wrong on the server.
    pub faults: Faults,
    /// Time between two looks of the boot application at the device; `None` for its default.
    pub poll: Option<Duration>,
    /// Set for a platform that can reset the device.
    pub can_reset: bool,
    /// What the platform knows of the end of the boot.
    pub end: EndSignal,
    /// Set for a station that has its address, and the place of its images, from its settings. No DHCP server answers.
    pub static_address: bool,
    /// Where the station has its address and the place of its images from. No DHCP server answers, and no router.
    pub remembered: Option<Remembered>,
    /// The families of addresses.
    pub family: Family,
    /// Files on the server beside the images: their names and octets.
    pub files: Vec<(String, Vec<u8>)>,
    /// A script that the server hands out as the boot file.
    pub script: Option<String>,
    /// The board's own script; `None` for its default.
    pub built_in: Option<&'static str>,
    /// The certificate of the authority whose people may sign images, in DER.
    pub signers: Option<Vec<u8>>,
    /// Who the device is for bootstrap servers; without it the boot has none.
    pub sztp: Option<Sztp>,
    /// The board's own ledger, where it is not the one in its settings.
    pub ledger: Option<SharedLedger>,
    /// What a person types, from the beginning of the boot on.
    pub keys: String,
    /// Of everything that is left to chance.
    pub seed: u64,
}

impl Default for Plan {
    /// Three images of real sizes by TFTP over a perfect link.
    fn default() -> Self {
        Self {
            protocol: Protocol::Tftp,
            images: firmware(&FIRMWARE_SIZES),
            pointer: Pointer::Directory,
            link: LinkConfig::PERFECT,
            device: String::new(),
            settings: String::new(),
            expect: false,
            corrupt: None,
            parallel: false,
            https: None,
            faults: Faults::default(),
            poll: None,
            can_reset: false,
            end: EndSignal::None,
            static_address: false,
            remembered: None,
            family: Family::Ipv4,
            files: Vec::new(),
            script: None,
            built_in: None,
            signers: None,
            accelerator: None,
            sztp: None,
            ledger: None,
            keys: String::new(),
            seed: 1,
        }
    }
}

/// Three images of these sizes.
pub fn firmware(sizes: &[usize; 3]) -> Vec<Image> {
    FILE_NAMES
        .iter()
        .zip(sizes)
        .zip(1..)
        .map(|((name, size), seed)| Image::pseudo_random(name, *size, seed))
        .collect()
}

impl Plan {
    /// The image as the server has it.
    fn served(&self, index: usize) -> Arc<[u8]> {
        let image = &self.images[index];
        if self.corrupt != Some(index) {
            return image.bytes.clone();
        }
        let mut bytes = image.bytes.to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        bytes.into()
    }

    /// The settings of the emulated device, as text.
    pub fn device_text(&self) -> String {
        let mut text = String::new();
        for image in &self.images {
            writeln!(
                text,
                "image {} {}",
                image.bytes.len(),
                image.padded_sha256()
            )
            .expect("a string");
        }
        text + &self.device
    }

    /// The settings of the boot application, as text.
    pub fn settings_text(&self) -> String {
        let mut text = String::new();
        for (index, image) in self.images.iter().enumerate().filter(|_| self.expect) {
            let size = image.bytes.len();
            writeln!(text, "expect {index} {size} {}", image.sha256()).expect("a string");
        }
        if self.static_address {
            let place = self.place(Family::Ipv4);
            writeln!(text, "address {CLIENT}/24\nboot {place}").expect("a string");
        }
        text += &self
            .sztp
            .as_ref()
            .map_or(String::new(), Sztp::settings_text);
        match self.remembered {
            None => {}
            Some(Remembered::Ledger) => {
                text += &MemoryLedger::with(&[self.early(1)]).settings();
            }
            Some(Remembered::Node) => text += "bootstore ask\n",
        }
        text += match self.family {
            Family::Ipv4 => "",
            Family::Ipv6 => "ip 6\n",
            Family::Both => "ip both\n",
        };
        text + &self.settings
    }

    /// The image server: files, and a lease that points to them.
    pub fn server(&self) -> ServerConfig {
        let mut config = ServerConfig {
            ip: SERVER,
            lease: LeaseConfig {
                address: CLIENT,
                ..LeaseConfig::default()
            },
            faults: self.faults.clone(),
            seed: self.seed,
            ..ServerConfig::default()
        };
        for (index, image) in self.images.iter().enumerate() {
            let content = Content::Bytes(self.served(index));
            config.files.insert(image.name.clone(), content);
        }
        for (name, octets) in &self.files {
            let content = Content::Bytes(octets.as_slice().into());
            config.files.insert(name.clone(), content);
        }
        config
            .files
            .insert("boot.toc".into(), Content::Bytes(self.toc(false).into()));
        if let Some(script) = &self.script {
            let script = Content::Bytes(script.as_bytes().into());
            config.files.insert("boot.ipxe".into(), script);
        }
        if self.pointer == Pointer::FlashImage {
            let flash = Content::Bytes(self.toc(true).into());
            config.files.insert("flash.bin".into(), flash);
        }
        config.https = self.https.as_ref().map(Https::server);
        if let Some(sztp) = self.sztp.as_ref().filter(|sztp| !sztp.answers.is_empty()) {
            crate::sztp::serve(&mut config.http.posts, &sztp.answers);
            let named = crate::sztp::option(&format!("https://{SERVER}"));
            config.lease.options.push(named);
        }
        config.lease.boot_file = Some(self.place(Family::Ipv4));
        let asked = !self.static_address && self.remembered.is_none();
        config.lease.enabled = asked && self.family != Family::Ipv6;
        if self.remembered == Some(Remembered::Node) {
            config.nodes.push(rack::node(1, &self.early(1)));
        }
        if self.family != Family::Ipv4 {
            config.ipv6 = Some(Ipv6Config {
                address: SERVER6,
                managed: true,
                autonomous: false,
                dhcp: Some(Dhcp6Config {
                    address: Ipv6Addr::from_bits(SERVER6.to_bits() + 0x1000),
                    boot_file: Some(self.place(Family::Ipv6)),
                    ..Dhcp6Config::default()
                }),
                ..Ipv6Config::default()
            });
        }
        if self.remembered.is_some()
            && let Some(ipv6) = &mut config.ipv6
        {
            ipv6.router = false;
            ipv6.dhcp = None;
        }
        config
    }

    /// The boot file or directory, by a server's address of this family.
    pub(crate) fn place(&self, family: Family) -> String {
        let file = match self.pointer {
            _ if self.script.is_some() => "boot.ipxe",
            Pointer::Directory => "",
            Pointer::Toc => "boot.toc",
            Pointer::FlashImage => "flash.bin",
        };
        let scheme = self.protocol.scheme();
        match family {
            Family::Ipv4 => format!("{scheme}://{SERVER}/{file}"),
            Family::Ipv6 | Family::Both => format!("{scheme}://[{SERVER6}]/{file}"),
        }
    }

    /// The network configuration by which the board boots without DHCP: its address, and the place of the images.
    pub fn early(&self, generation: u64) -> EarlyNetConfig {
        let family = match self.family {
            Family::Ipv6 => Family::Ipv6,
            Family::Ipv4 | Family::Both => Family::Ipv4,
        };
        rack::early(family == Family::Ipv6, &self.place(family), generation)
    }

    /// The file with a table of contents and all images behind it, as the server has it.
    pub fn flash_image(&self) -> Vec<u8> {
        self.toc(true)
    }

    /// A table of contents for the images as they should be; `whole` appends them as the server has them.
    fn toc(&self, whole: bool) -> Vec<u8> {
        use netboot_app::toc::{FILENAME, RawEntry, RawHeader, VERSION, checksum};
        let count = self.images.len();
        let mut offset = size_of::<RawHeader>() + count * size_of::<RawEntry>();
        let mut header = RawHeader {
            version: VERSION.into(),
            image_count: (count as u16).into(),
            payload_offset: (offset as u32).into(),
            header_checksum: 0.into(),
        };
        header.header_checksum = checksum(&header.as_bytes()[..8]).into();
        let mut toc = header.as_bytes().to_vec();
        for (index, image) in self.images.iter().enumerate() {
            let mut filename = [0; FILENAME];
            if !whole {
                filename[..image.name.len()].copy_from_slice(image.name.as_bytes());
            }
            let mut entry = RawEntry {
                identifier: (index as u32).into(),
                offset: (offset as u32).into(),
                size: (image.bytes.len() as u32).into(),
                filename,
                image_checksum: checksum(&image.bytes).into(),
                info_checksum: 0.into(),
            };
            entry.info_checksum = checksum(&entry.as_bytes()[..80]).into();
            toc.extend_from_slice(entry.as_bytes());
            offset += image.bytes.len();
        }
        if whole {
            (0..count).for_each(|index| toc.extend_from_slice(&self.served(index)));
        }
        toc
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The device hashes whole words, and a manifest that was made over the file alone does not match.
    #[test]
    fn an_image_of_odd_size_is_named_with_what_the_device_hashes() {
        for (size, hashed) in [(4_001, "4004"), (4_002, "4004"), (4_003, "4004")] {
            let image = Image::pseudo_random("odd", size, 1);
            let note = image.padding_note().unwrap();
            assert!(note.contains(hashed), "{note}");
            assert_ne!(image.sha256(), image.padded_sha256());
        }
        for size in [4, 256, 4_000, 4_004] {
            let image = Image::pseudo_random("whole words", size, 1);
            assert_eq!(image.padding_note(), None);
            assert_eq!(image.sha256(), image.padded_sha256());
        }
    }
}
