//! From a recovery image index to the places where that image may be.
//!
//! Each kind of source yields candidates; the [`SourcePolicy`] says in which order they are tried and what they have to be.
//!
//! | file | what |
//! |---|---|
//! | `policy` | the order of the sources, and what a candidate has to be |
//! | `fixed` | places that are compiled in or set by the operator |
//! | `network` | the boot file that DHCP or a static configuration names, and the files beside it |
//! | `provisioned` | the image that a bootstrap server has named |
//! | `bootstore` | the boot servers that the bootstore's configuration names, and the question to its nodes |
//! | `penalty` | places that have served a wrong image: they come last |
//! | `listed` | what a table of contents at that place lists |

#[cfg(feature = "bootstore")]
pub(crate) mod bootstore;
pub(crate) mod fixed;
#[cfg(feature = "toc")]
mod listed;
pub(crate) mod network;
mod penalty;
pub(crate) mod policy;
#[cfg(feature = "sztp")]
pub(crate) mod provisioned;

#[cfg(feature = "bootstore")]
pub use bootstore::{BootstoreConfig, Teller};
pub use fixed::FixedSource;
pub use network::FileNames;
pub use policy::{Origin, SourcePolicy};

use crate::check::Expected;
use crate::config::AppConfig;
#[cfg(feature = "script")]
use crate::script::Images;
#[cfg(feature = "toc")]
use crate::toc::Toc;
#[cfg(feature = "script")]
use netboot_core::Digest;
use netboot_core::uri::{Uri, UriError};
use netboot_ipxe::Part;
#[cfg(feature = "toc")]
pub(crate) use network::is_directory;
pub(crate) use network::{Networks, PlaceError, boot_uri, boot_uri_of, networks};
use penalty::Penalties;
pub(crate) use penalty::Round;

/// One place where an image may be, and what the image has to be.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub uri: Uri,
    pub part: Option<Part>,
    pub expected: Expected,
    pub origin: Origin,
}

/// Why a place cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceError {
    /// What is there cannot be a URI.
    Uri(UriError),
    /// The board requires HTTPS, and this is something else.
    NotHttps(Origin),
    /// A script has said that only verified images are delivered, and this is none.
    #[cfg(feature = "script")]
    NotVerified,
    /// The configuration and the script want different digests; this is the script's.
    #[cfg(feature = "script")]
    Digests(Digest),
}

/// What the network says of the images.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// The boot file, or the directory of the images.
    pub boot: Option<Uri>,
    /// What a bootstrap server has named. Nothing else is used then.
    #[cfg(feature = "sztp")]
    pub provisioned: Option<provisioned::Provisioned>,
    /// The boot file's contents, if it is a table.
    #[cfg(feature = "toc")]
    pub toc: Option<Toc>,
    /// Set when `boot` has the protocol that its server was asked for, in place of TFTP.
    #[cfg(feature = "negotiate")]
    pub negotiated: bool,
    /// What the bootstore names.
    #[cfg(feature = "bootstore")]
    pub early: bootstore::Early,
    /// The images that a script has named.
    #[cfg(feature = "script")]
    pub images: Images,
    /// Set while a command of a script delivers images: what the network names is not used then.
    #[cfg(feature = "script")]
    pub by_script: bool,
    /// Set while the boot file is looked into between two attempts at an image: no script may run then.
    #[cfg(feature = "script")]
    pub delivers: bool,
    /// Set while a script runs that a bootstrap server has conveyed: nothing but the script says where images are.
    #[cfg(all(feature = "script", feature = "sztp"))]
    pub conveyed: bool,
    /// Set when the boot file is a script.
    #[cfg(feature = "script")]
    pub is_script: bool,
    /// Places that have served a wrong image.
    pub penalties: Penalties,
    /// Set for a boot file that could not be looked into. Other places serve until it can.
    pub unread: bool,
    /// Set for a boot file that the server does not have or that is empty. The name may be that of a directory, written without its
    /// final slash: the images are looked for in it and beside it.
    #[cfg(feature = "toc")]
    pub absent: bool,
}

/// Where in the list of an image's candidates a round is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    /// Which source of the policy's order.
    source: usize,
    /// Which of its places.
    item: usize,
}

impl Sources {
    /// Gives the next candidate for image `index`, and moves `place` behind it. `None` at the end of the list. `networks` are the
    /// configurations that [`boot`](Self::boot) comes from; they may name further servers with the same file.
    ///
    /// # Errors
    /// The place cannot be used; the list goes on behind it.
    #[inline(never)]
    pub fn next(
        &self,
        place: &mut Place,
        index: u8,
        config: &AppConfig<'_>,
        networks: Networks<'_>,
    ) -> Option<Result<Candidate, SourceError>> {
        #[cfg_attr(
            not(feature = "toc"),
            expect(unused_mut, reason = "a table changes it")
        )]
        let mut expected = config
            .expected
            .iter()
            .find_map(|(of, expected)| (*of == index).then_some(*expected))
            .unwrap_or_default();
        #[cfg_attr(not(feature = "toc"), expect(unused_mut, reason = "a table sets it"))]
        let mut part = None;
        let (origin, uri) = loop {
            let item = place.item;
            place.item = item.saturating_add(1);
            #[cfg(feature = "sztp")]
            if let Some(provisioned) = self.provisioned() {
                let toc = self.toc.as_ref();
                let found = provisioned.find(toc, index, item, &mut expected, &mut part)?;
                break (Origin::Sztp, found);
            }
            let Some(origin) = self.origin(config, place.source) else {
                #[cfg(feature = "script")]
                if self.by_script {
                    return None;
                }
                #[cfg(feature = "toc")]
                if let Some(found) = self.guess(item, index, config, networks) {
                    break (self.boot_origin(), found);
                }
                return None;
            };
            let other;
            let boot = match item {
                0 => self.boot.as_ref(),
                nth => {
                    other = self.other_boot(nth, networks);
                    other.as_ref()
                }
            };
            #[cfg(feature = "toc")]
            let boot = boot.filter(|_| !self.absent);
            let boot = boot.filter(|_| !self.unread);
            #[cfg(feature = "script")]
            let boot = boot.filter(|_| !self.by_script);
            #[cfg(feature = "bootstore")]
            let leads = self.early.leads;
            let found = match (origin, boot) {
                (Origin::Static | Origin::Default, _) => {
                    fixed::find(fixed_by(config, origin), index, item)
                }
                #[cfg(feature = "script")]
                (Origin::Script, _) => {
                    match self.of_script(index, item, config, &mut expected, &mut part) {
                        Ok(found) => found,
                        Err(error) => return Some(Err(error)),
                    }
                }
                #[cfg(feature = "toc")]
                (Origin::Toc, Some(boot)) => self
                    .toc
                    .as_ref()
                    .and_then(|toc| listed::find(toc, boot, index, &mut expected, &mut part)),
                #[cfg(feature = "bootstore")]
                (Origin::Bootstore, _) if !leads && !self.is_by_script() => {
                    self.early.find(item, config.names, index)
                }
                #[cfg(feature = "bootstore")]
                (Origin::Dhcp, _) if leads => None,
                #[cfg(all(feature = "bootstore", feature = "toc"))]
                (Origin::Bootstore, Some(_)) if self.toc.is_some() => None,
                #[cfg(feature = "bootstore")]
                (Origin::Bootstore, Some(boot)) => network::find(boot, config.names, index),
                // Where the boot file is a table, the images are where the table says.
                #[cfg(feature = "toc")]
                (Origin::Dhcp, Some(_)) if self.toc.is_some() => None,
                (Origin::Dhcp, Some(boot)) => network::find(boot, config.names, index),
                _ => None,
            };
            if let Some(found) = found {
                break (origin, found);
            }
            place.source = place.source.saturating_add(1);
            place.item = 0;
        };
        let uri = match uri {
            Ok(uri) => uri,
            Err(error) => return Some(Err(SourceError::Uri(error))),
        };
        if !config.sources.allows(&uri) {
            return Some(Err(SourceError::NotHttps(origin)));
        }
        // What a script has named was judged above. Of other places the board itself may know what lies there.
        #[cfg(feature = "script")]
        if self.images.only_verified && !expected.is_known() {
            return Some(Err(SourceError::NotVerified));
        }
        Some(Ok(Candidate {
            uri,
            part,
            expected,
            origin,
        }))
    }
}

impl Sources {
    /// The source `nth` in the policy's order. A script that a bootstrap server has named or conveyed is the only one there is.
    fn origin(&self, config: &AppConfig<'_>, nth: usize) -> Option<Origin> {
        #[cfg(all(feature = "sztp", feature = "script"))]
        if self.provisioned.is_some() || self.conveyed {
            return (nth == 0).then_some(Origin::Script);
        }
        config.sources.order.get(nth).copied()
    }

    /// What a bootstrap server has named, unless a script says where the images are.
    #[cfg(feature = "sztp")]
    fn provisioned(&self) -> Option<&provisioned::Provisioned> {
        self.provisioned.as_ref().filter(|_| !self.is_by_script())
    }

    /// The place `item` for image `index` of those that the name of an absent boot file suggests. They come after all places that somebody
    /// has named: two on each server, in the directory of that name and beside it.
    #[cfg(feature = "toc")]
    #[inline(never)]
    fn guess(
        &self,
        item: usize,
        index: u8,
        config: &AppConfig<'_>,
        networks: Networks<'_>,
    ) -> Option<Result<Uri, UriError>> {
        if !self.absent || !config.sources.order.contains(&self.boot_origin()) {
            return None;
        }
        let other;
        let boot = match item >> 1 {
            0 => self.boot.as_ref(),
            nth => {
                other = self.other_boot(nth, networks);
                other.as_ref()
            }
        }?;
        match item & 1 {
            0 => network::find_inside(boot, config.names, index),
            _ => network::find(boot, config.names, index),
        }
    }

    /// The place `item` that a script has named for image `index`. Sets the digest that the script wants.
    #[cfg(feature = "script")]
    #[inline(never)]
    fn of_script(
        &self,
        index: u8,
        item: usize,
        config: &AppConfig<'_>,
        expected: &mut Expected,
        #[cfg_attr(
            not(feature = "san"),
            expect(unused_variables, reason = "a disk has it")
        )]
        part: &mut Option<Part>,
    ) -> Result<Option<Result<Uri, UriError>>, SourceError> {
        let image = self.images.bound(index, config.names);
        let image = image.filter(|_| self.by_script);
        let found = image.and_then(|image| Some((image, self.images.place(image, item)?)));
        let Some((image, place)) = found else {
            return Ok(None);
        };
        match (image.sha256, expected.sha256) {
            (None, _) if self.images.only_verified && !image.is_verified() => {
                return Err(SourceError::NotVerified);
            }
            (Some(script), Some(configured)) if script != configured => {
                return Err(SourceError::Digests(script));
            }
            (script, configured) => expected.sha256 = script.or(configured),
        }
        #[cfg(feature = "verity")]
        match (image.verity, expected.verity) {
            (Some(script), Some(configured)) if script != configured => {
                return Err(SourceError::Digests(script));
            }
            (script, configured) => expected.verity = script.or(configured),
        }
        #[cfg(feature = "san")]
        {
            *part = image.part;
            expected.checksum = image.checksum.or(expected.checksum);
            expected.size = image
                .part
                .map(|part| part.len)
                .filter(|_| image.checksum.is_some())
                .or(expected.size);
        }
        Ok(Some(Uri::parse(place)))
    }

    /// Who names the boot file: the network, or the bootstore.
    #[cfg(feature = "toc")]
    #[inline(always)]
    pub fn boot_origin(&self) -> Origin {
        #[cfg(feature = "bootstore")]
        if self.early.leads {
            return Origin::Bootstore;
        }
        Origin::Dhcp
    }

    /// Whether a script says where the images are.
    #[cfg(any(feature = "bootstore", feature = "sztp"))]
    fn is_by_script(&self) -> bool {
        #[cfg(feature = "script")]
        return self.by_script;
        #[cfg(not(feature = "script"))]
        false
    }

    /// The `nth` boot file of all that the network names, or the bootstore where the boot goes by it.
    #[cfg_attr(feature = "bootstore", inline(never))]
    #[cfg_attr(not(feature = "bootstore"), inline(always))]
    pub fn boot_at(&self, nth: usize, networks: Networks<'_>) -> Option<Uri> {
        #[cfg(feature = "bootstore")]
        if self.early.leads {
            // A damaged place is left out, and those behind it count.
            let servers = (0..).map_while(|nth| self.early.server(nth));
            return servers.filter_map(Result::ok).nth(nth);
        }
        boot_uri_of(networks, nth)
    }

    /// The boot file on the `nth` server that the network names, unless it is the one that is used already.
    #[inline(never)]
    fn other_boot(&self, nth: usize, networks: Networks<'_>) -> Option<Uri> {
        let boot = self.boot.as_ref()?;
        // What the network names comes behind what was agreed with its first server.
        #[cfg(feature = "negotiate")]
        let nth = nth.saturating_sub(usize::from(self.negotiated));
        let other = self.boot_at(nth, networks)?;
        (other.as_str() != boot.as_str()).then_some(other)
    }
}

/// The places that `origin` has fixed. What the network says is no fixed place.
fn fixed_by<'c>(config: &AppConfig<'c>, origin: Origin) -> &'c [FixedSource<'c>] {
    match origin {
        Origin::Static => config.fixed,
        Origin::Default => config.defaults,
        Origin::Toc | Origin::Dhcp => &[],
        #[cfg(feature = "script")]
        Origin::Script => &[],
        #[cfg(feature = "sztp")]
        Origin::Sztp => &[],
        #[cfg(feature = "bootstore")]
        Origin::Bootstore => &[],
    }
}

/// Whether a place is fixed for every image up to `last_index`, so that the network need not tell one.
pub(crate) fn know_all(config: &AppConfig<'_>, last_index: u8) -> bool {
    let order = config.sources.order;
    (0..=last_index).all(|index| {
        let mut order = order.iter();
        order.any(|origin| fixed::has(fixed_by(config, *origin), index))
    })
}

/// Whether a place is fixed for any image, so that the boot may go on without a place from the network.
#[inline(never)]
pub(crate) fn know_some(config: &AppConfig<'_>) -> bool {
    let mut order = config.sources.order.iter();
    order.any(|origin| !fixed_by(config, *origin).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn place(index: u8, uri: &str) -> FixedSource<'_> {
        FixedSource { index, uri }
    }

    fn list(sources: &Sources, config: &AppConfig<'_>, index: u8) -> Vec<String> {
        let mut place = Place::default();
        let mut found = Vec::new();
        while let Some(candidate) = sources.next(&mut place, index, config, [None; 2]) {
            found.push(match candidate {
                Ok(candidate) => format!("{} {}", candidate.origin.as_str(), candidate.uri),
                Err(error) => format!("{error:?}"),
            });
        }
        found
    }

    #[test]
    fn candidates_come_in_the_order_of_the_policy() {
        let fixed = [place(0, "http://fixed/0"), place(1, "http://fixed/1")];
        let defaults = [
            place(0, "http://one/0"),
            place(1, "tftp://one/1"),
            place(0, "https://two/0"),
        ];
        let sources = Sources {
            boot: Some(Uri::parse("tftp://net/dir/").unwrap()),
            ..Sources::default()
        };
        let mut config = AppConfig {
            fixed: &fixed,
            defaults: &defaults,
            ..AppConfig::default()
        };
        let all = [
            "static http://fixed/0",
            "dhcp tftp://net/dir/caliptra-fw.bin",
            "default http://one/0",
            "default https://two/0",
        ];
        assert_eq!(list(&sources, &config, 0), all);
        config.sources.order = &[Origin::Default, Origin::Static];
        assert_eq!(list(&sources, &config, 0), [all[2], all[3], all[0]]);
        assert_eq!(list(&sources, &config, 2), [""; 0]);
        config.sources.order = &[Origin::Dhcp];
        assert_eq!(
            list(&sources, &config, 2),
            ["dhcp tftp://net/dir/mcu-runtime.bin"]
        );
        let unread = Sources {
            unread: true,
            ..sources
        };
        assert_eq!(list(&unread, &config, 2), [""; 0]);
    }

    #[test]
    #[cfg(feature = "toc")]
    fn the_images_of_an_absent_boot_file_are_looked_for_in_it_and_beside_it() {
        let mut sources = Sources {
            boot: Some(Uri::parse("tftp://net/a/firmware").unwrap()),
            unread: true,
            absent: true,
            ..Sources::default()
        };
        let defaults = [place(0, "http://one/0")];
        let config = AppConfig {
            defaults: &defaults,
            ..AppConfig::default()
        };
        let all = [
            "default http://one/0",
            "dhcp tftp://net/a/firmware/caliptra-fw.bin",
            "dhcp tftp://net/a/caliptra-fw.bin",
        ];
        assert_eq!(list(&sources, &config, 0), all);
        let mut fixed_only = config;
        fixed_only.sources.order = &[Origin::Static, Origin::Toc, Origin::Default];
        assert_eq!(list(&sources, &fixed_only, 0), all[..1]);
        sources.absent = false;
        assert_eq!(list(&sources, &fixed_only, 0), all[..1]);
    }

    #[test]
    fn a_board_that_requires_https_refuses_everything_else() {
        let defaults = [place(0, "http://one/0"), place(0, "https://two/0")];
        let sources = Sources {
            boot: Some(Uri::parse("http://attacker/dir/").unwrap()),
            ..Sources::default()
        };
        let mut config = AppConfig {
            defaults: &defaults,
            ..AppConfig::default()
        };
        config.sources.require_https = true;
        assert_eq!(
            list(&sources, &config, 0),
            [
                "NotHttps(Dhcp)",
                "NotHttps(Default)",
                "default https://two/0"
            ]
        );
    }

    #[test]
    fn better_offers_are_awaited_only_for_places_that_are_not_known() {
        let all = [
            place(0, "http://a/0"),
            place(1, "http://a/1"),
            place(2, "http://a/2"),
        ];
        let knows = |fixed, defaults, order: Option<&'static [Origin]>, last| {
            let mut config = AppConfig {
                fixed,
                defaults,
                ..AppConfig::default()
            };
            config.sources.order = order.unwrap_or(config.sources.order);
            know_all(&config, last)
        };
        assert!(!knows(&[], &[], None, 2));
        assert!(knows(&[], &all, None, 2));
        assert!(!knows(&[], &all[..2], None, 2));
        assert!(!knows(&[], &all, None, 3));
        assert!(knows(&all[..1], &all[1..], None, 2));
        assert!(!knows(&[], &all, Some(&[Origin::Dhcp]), 2));
    }

    #[test]
    fn a_source_that_the_policy_leaves_out_is_nothing_to_fall_back_on() {
        let one = [place(1, "http://a/1")];
        let knows = |fixed, defaults, order: Option<&'static [Origin]>| {
            let mut config = AppConfig {
                fixed,
                defaults,
                ..AppConfig::default()
            };
            config.sources.order = order.unwrap_or(config.sources.order);
            know_some(&config)
        };
        assert!(!knows(&[], &[], None));
        assert!(knows(&one, &[], None) && knows(&[], &one, None));
        assert!(!knows(&one, &one, Some(&[Origin::Dhcp])));
        assert!(!knows(&one, &[], Some(&[Origin::Dhcp, Origin::Default])));
    }
}
