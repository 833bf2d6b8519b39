//! Random and hostile input from outside: tables of contents, settings, and every frame of a boot.

use e2e::hostile::Attack;
use e2e::{Boot, Sim, watch};
use image_server::config::{EtagKind, Framing};
use netboot_app::toc::{MAX_IMAGES, RawEntry, RawHeader, Stop, Toc, TocReader, VERSION, checksum};
use netboot_core::Duration;
use proptest::prelude::*;
use rom_parts::settings::Settings;
use testbed::plan::{Pointer, SERVER, firmware};
use testbed::{Plan, Protocol};
use zerocopy::IntoBytes;

/// Reads `file` in pieces of these lengths, again and again.
fn read(file: &[u8], pieces: &[usize]) -> (Result<(), Stop>, Toc) {
    let mut reader = TocReader::new();
    let mut rest = file;
    let mut result = Ok(());
    for length in pieces.iter().cycle() {
        if rest.is_empty() || result.is_err() {
            break;
        }
        let (piece, later) = rest.split_at((*length).min(rest.len()));
        rest = later;
        result = reader.push(piece);
    }
    (result, reader.into_toc())
}

/// A table with right checksums around whatever is in `entries`.
fn sealed(image_count: u16, entries: &[[u8; 80]]) -> Vec<u8> {
    let mut header = RawHeader {
        version: VERSION.into(),
        image_count: image_count.into(),
        payload_offset: 0.into(),
        header_checksum: 0.into(),
    };
    header.header_checksum = checksum(&header.as_bytes()[..8]).into();
    let mut file = header.as_bytes().to_vec();
    for entry in entries {
        file.extend_from_slice(entry);
        file.extend_from_slice(&checksum(entry).to_le_bytes());
    }
    assert_eq!(
        file.len(),
        size_of::<RawHeader>() + entries.len() * size_of::<RawEntry>()
    );
    file
}

/// Octets of an entry before its checksum: an identifier, and a name that may be one.
fn entry() -> impl Strategy<Value = [u8; 80]> {
    let random = proptest::collection::vec(any::<u8>(), 80);
    let named = (0u32..6, "[a-z./:%]{0,64}").prop_map(|(identifier, name)| {
        let mut octets = vec![0; 80];
        octets[..4].copy_from_slice(&identifier.to_le_bytes());
        octets[12..12 + name.len()].copy_from_slice(name.as_bytes());
        octets
    });
    prop_oneof![random, named].prop_map(|octets| {
        let mut entry = [0; 80];
        entry.copy_from_slice(&octets);
        entry
    })
}

proptest! {
    #[test]
    fn any_octets_are_read_the_same_in_any_pieces(
        file in proptest::collection::vec(any::<u8>(), 0..600),
        pieces in proptest::collection::vec(1usize..100, 1..8),
    ) {
        let whole = read(&file, &[usize::MAX]);
        prop_assert_eq!(&read(&file, &pieces), &whole);
        // Without a right header nothing is a table.
        prop_assert!(whole.0 != Err(Stop::Done));
    }

    #[test]
    fn any_entries_are_read_the_same_in_any_pieces(
        count in prop_oneof![Just(0u16), 1u16..6, any::<u16>()],
        entries in proptest::collection::vec(entry(), 0..6),
        damage in proptest::option::of((any::<prop::sample::Index>(), 1u8..)),
        pieces in proptest::collection::vec(1usize..100, 1..8),
    ) {
        let mut file = sealed(count, &entries);
        let mut damaged = None;
        if let Some((at, mask)) = damage {
            let at = at.index(file.len());
            file[at] ^= mask;
            damaged = Some(at);
        }
        let whole = read(&file, &[usize::MAX]);
        prop_assert_eq!(&read(&file, &pieces), &whole);
        let (result, toc) = whole;
        if result == Err(Stop::Done) {
            let table = size_of::<RawHeader>() + usize::from(count) * size_of::<RawEntry>();
            prop_assert!(damaged.is_none_or(|at| at >= table), "one changed octet is always found");
            prop_assert!(count > 0 && usize::from(count) <= entries.len() && count <= MAX_IMAGES);
            for entry in &toc.entries {
                prop_assert!(entry.filename.bytes().all(|octet| (0x20..0x7F).contains(&octet)));
                let found = toc.find(entry.identifier);
                prop_assert_eq!(found, Some(entry), "an identifier is there once");
            }
        }
    }

    #[test]
    fn any_text_is_settings_or_a_line_of_it_is_named(
        text in "((expect|default|blksize|windowsize|probe|stall_ms|dhcp_ms|settle_ms|last_index|retry|\
            attempt_ms|total_ms|spread_ms|slow|image|personality|rate|stuck|refuse|\\PC{0,8})( [0-9a-z.:/#-]{0,12}){0,4}\n?){0,12}",
    ) {
        let lines = text.lines().count() as u32;
        let results = [
            Settings::default().parse(&text),
            rom_parts::device_settings::parse(&text).map(|_| ()),
        ];
        for result in results {
            if let Err(bad) = result {
                prop_assert!((1..=lines).contains(&bad.line), "{bad:?}");
            }
        }
    }
}

/// Boots behind an attacker.
const ATTACKS: u64 = 400;
/// No boot may take longer than this, whatever the attacker sends.
const TOTAL_MS: u64 = 120_000;
const AGAIN: &str = "NETBOOT_SEED=n cargo test -p e2e --test sim_fuzz";

/// A boot in which every frame may be another than the server sent, with right checksums.
fn attacked(seed: u64) -> Result<Boot, String> {
    let pick = |choices: u64, stride: u64| (seed / stride) % choices;
    let plan = Plan {
        protocol: [Protocol::Tftp, Protocol::Http][pick(2, 1) as usize],
        pointer: [Pointer::Directory, Pointer::Toc, Pointer::FlashImage][pick(3, 2) as usize],
        images: firmware(&[9_000, 3_000, 701]),
        expect: pick(4, 6) != 0,
        settings: format!("retry forever\nattempt_ms 30000\ntotal_ms {TOTAL_MS}\ndhcp_ms 20000\n"),
        seed,
        ..Plan::default()
    };
    let boot = Sim::new(&plan)
        .server(|server| {
            if pick(2, 24) == 1 {
                let pointer = server.lease.boot_file.take().unwrap_or_default();
                let by_name = pointer.replace(&SERVER.to_string(), "images.example");
                server.lease.boot_file = Some(by_name);
                server.lease.dns = vec![SERVER];
                server.dns.insert("images.example".into(), SERVER);
            }
            server.http.framing = [Framing::Length, Framing::Chunked][pick(2, 48) as usize];
            server.http.etag = [EtagKind::Strong, EtagKind::None][pick(2, 96) as usize];
        })
        .attacked(Attack {
            seed,
            rewritten: [2, 20, 120, 255][pick(4, 5) as usize],
            injected: [0, 30, 200][pick(3, 7) as usize],
        })
        .run();
    let result = boot.check(&plan).and_then(|()| {
        let took = boot.took();
        if took > Duration::from_millis(TOTAL_MS + 1_000) {
            return Err(format!("took {took}"));
        }
        Ok(())
    });
    result.map_err(|what| format!("{what}\n{}", boot.console))?;
    Ok(boot)
}

#[test]
fn whatever_comes_a_boot_ends_and_runs_nothing_wrong() {
    if let Some(seed) = watch::number("NETBOOT_SEED") {
        let boot = attacked(seed).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
        println!("{}", boot.console);
        return;
    }
    let attacks = watch::number("NETBOOT_BOOTS").unwrap_or(ATTACKS);
    let ends = watch::each(attacks, AGAIN, |seed| {
        attacked(seed).map(|boot| boot.outcome.report.error.is_none())
    });
    let booted = ends.iter().filter(|booted| **booted).count();
    println!("{booted} of {} booted all the same", ends.len());
    // An attack that never succeeds, or always does, attacks nothing.
    assert!(booted > ends.len() / 10 && booted < ends.len());
}
