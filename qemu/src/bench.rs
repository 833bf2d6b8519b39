//! A fetch into RAM in place of a boot, for comparison with firmware that ends there.
//!
//! One line for the lease, one for the first octet, one for each fetch; the status is 0 or the error's number. What was not
//! hashed on its way is hashed after the last fetch, so that its SHA-256 is told in either case.

use crate::clock;
use crate::console::Line;
use crate::fault;
use crate::platform::Net;
use core::hint::black_box;
use netboot_app::console::write_error;
use netboot_core::uri::Uri;
use netboot_core::{AbortReason, Blame, Coded, Console, ImageSink, Instant};
use netboot_ipxe::{Deliver as _, Delivery, DhcpGoal, ExecError, IpxeInterface};
use riscv::register::minstret;
use rom_parts::bench_settings::{Bench, Sink};
use sha2::{Digest as _, Sha256};

/// RAM that is nobody's, when QEMU has 128 MiB.
const STORE: usize = 0x8200_0000;
/// Octets of it.
const STORE_SIZE: usize = 96 << 20;
/// Words moved in one round of the loop.
const ROUND: usize = 8;

/// An image of more than [`STORE_SIZE`] octets.
#[derive(Clone, Copy, Debug)]
struct TooLarge;

impl core::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the image is larger than the store")
    }
}

impl Coded for TooLarge {
    fn code(&self) -> u32 {
        fault::STORE
    }

    fn blame(&self) -> Blame {
        Blame::Caller
    }
}

/// The store, or nothing.
struct Store {
    sink: Sink,
    filled: usize,
    first: Option<Instant>,
}

impl Store {
    /// Copies `data` to the end of what is there.
    fn append(&mut self, data: &[u8]) {
        // SAFETY: `begin` made sure that the image fits; nothing else lies there.
        let rest = unsafe {
            core::slice::from_raw_parts_mut((STORE + self.filled) as *mut u8, data.len())
        };
        // SAFETY: every value is a valid word.
        let (before, from, after) = unsafe { data.align_to::<u32>() };
        let (to_before, rest) = rest.split_at_mut(before.len());
        // SAFETY: as above.
        let (unaligned, to, _) = unsafe { rest.align_to_mut::<u32>() };
        if !unaligned.is_empty() {
            rest.copy_from_slice(data.get(before.len()..).unwrap_or_default());
        } else {
            let (to_rounds, to_words) = to.as_chunks_mut::<ROUND>();
            let (rounds, words) = from.as_chunks::<ROUND>();
            for (to, from) in to_rounds.iter_mut().zip(rounds) {
                round(to, from);
            }
            for (to, from) in to_words.iter_mut().zip(words) {
                *to = *from;
            }
            let tail = rest.len() - after.len();
            rest[tail..].copy_from_slice(after);
        }
        to_before.copy_from_slice(before);
    }

    /// What is there.
    fn contents(&self) -> &[u8] {
        // SAFETY: so much was written.
        unsafe { core::slice::from_raw_parts(STORE as *const u8, self.filled) }
    }

    /// Looks at each octet once.
    fn read(data: &[u8]) {
        // SAFETY: every value is a valid word.
        let (before, words, after) = unsafe { data.align_to::<u32>() };
        let sum = words.iter().fold(0u32, |sum, word| sum.wrapping_add(*word));
        black_box((before, sum, after));
    }
}

/// Word by word, as into a register: the compiler would call `memmove` for each round.
fn round(to: &mut [u32; ROUND], from: &[u32; ROUND]) {
    let to = to.as_mut_ptr();
    let [a, b, c, d, e, f, g, h] = from;
    // SAFETY: eight words from the start of eight.
    unsafe {
        to.write_volatile(*a);
        to.add(1).write_volatile(*b);
        to.add(2).write_volatile(*c);
        to.add(3).write_volatile(*d);
        to.add(4).write_volatile(*e);
        to.add(5).write_volatile(*f);
        to.add(6).write_volatile(*g);
        to.add(7).write_volatile(*h);
    }
}

impl ImageSink for Store {
    type Error = TooLarge;

    fn begin(&mut self, _: Instant, size: u64) -> Result<(), TooLarge> {
        self.filled = 0;
        (size <= STORE_SIZE as u64).then_some(()).ok_or(TooLarge)
    }

    fn window(&mut self, _: Instant) -> Result<usize, TooLarge> {
        Ok(STORE_SIZE - self.filled)
    }

    // With the library's own loops, in `netboot-hot.x`.
    #[unsafe(link_section = ".hot.store")]
    fn write(&mut self, now: Instant, data: &[u8]) -> Result<(), TooLarge> {
        self.first.get_or_insert(now);
        if data.len() > STORE_SIZE - self.filled {
            return Err(TooLarge);
        }
        match self.sink {
            Sink::Ram => self.append(data),
            Sink::Null => Self::read(data),
        }
        self.filled += data.len();
        Ok(())
    }

    fn end(&mut self, _: Instant) -> Result<(), TooLarge> {
        Ok(())
    }

    fn poll_ready(&mut self, _: Instant) -> Result<bool, TooLarge> {
        Ok(true)
    }

    fn activate(&mut self, _: Instant) -> Result<(), TooLarge> {
        Ok(())
    }

    fn withdraw(&mut self, _: Instant) -> bool {
        true
    }

    fn abort(&mut self, _: Instant, _: AbortReason) {}
}

/// Measures; gives the status.
pub fn run(net: &mut Net, uri: &str, bench: &Bench) -> u32 {
    match measure(net, uri, bench) {
        Ok(()) => 0,
        Err(status) => status,
    }
}

fn failed(error: &dyn Coded) -> u32 {
    let out: &mut dyn Console = &mut Line;
    out.text("@bench failed");
    write_error(out, error);
    out.text("\n");
    error.code()
}

/// One line with one instant.
fn tell(key: &str, at: Instant) {
    let out: &mut dyn Console = &mut Line;
    out.text("@bench");
    out.number(key, at.as_micros());
    out.text("\n");
}

fn measure(net: &mut Net, uri: &str, bench: &Bench) -> Result<(), u32> {
    let uri = Uri::parse(uri).map_err(|error| failed(&error))?;
    net.dhcp(DhcpGoal::Address)
        .map_err(|error| failed(&error))?;
    tell("lease_us", clock::now());
    for round in 0..bench.repeat {
        let store = Store {
            sink: bench.sink,
            filled: 0,
            first: None,
        };
        let mut delivery = match bench.hash {
            true => Delivery::new(store),
            false => Delivery::unhashed(store),
        };
        let begin = minstret::read64();
        let handle = net
            .imgfetch(&uri, None, None)
            .map_err(|error| failed(&error))?;
        let image = net.imgload(&handle).map_err(|error| failed(&error))?;
        let waited = clock::waiting::instructions();
        let before = minstret::read64();
        if let Err(error) = net.imgexec(image, &mut delivery) {
            return Err(match (error, delivery.take_error()) {
                (ExecError::Transfer(error) | ExecError::Refused(error), _) => failed(&error),
                (ExecError::Sink, error) => failed(&error.unwrap_or(TooLarge)),
            });
        }
        let instructions = minstret::read64().wrapping_sub(before);
        let waited = clock::waiting::instructions().wrapping_sub(waited);
        let total = clock::now();
        if let Some(first) = delivery.sink().first.filter(|_| round == 0) {
            tell("first_us", first);
        }
        let out: &mut dyn Console = &mut Line;
        out.text("@bench done");
        out.number("octets", delivery.position());
        out.number("us", delivery.duration().as_micros());
        out.number("total_us", total.as_micros());
        out.number("open_instret", before.wrapping_sub(begin));
        out.number("instret", instructions);
        out.number("waited_instret", u64::from(waited));
        let last = round + 1 == bench.repeat;
        match delivery.digest() {
            Some(sha256) => {
                out.key("sha256");
                out.octets(&sha256.0);
            }
            // Not between two fetches: a server forgets its congestion window meanwhile.
            None if last && bench.sink == Sink::Ram => {
                out.key("sha256");
                out.octets(&Sha256::digest(delivery.sink().contents()));
            }
            None => out.word("sha256", "-"),
        }
        out.text("\n");
    }
    net.exit();
    Ok(())
}
