//! Values that the compiler cannot know, and uses of values that it cannot leave out.

use core::fmt::{Display, Write};
use core::hint::black_box;
use core::net::{Ipv4Addr, Ipv6Addr};
use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, Operation};
use netboot_core::{AbortReason, Coded, Duration, ImageSink, Instant};
use ocp_recovery::RegisterBus;
use rand_core::{Error, RngCore};

/// Any value of each type. It is also any random source and any device.
#[derive(Debug, Default)]
pub struct Input(());

impl Input {
    /// Any number.
    pub fn word(&mut self) -> u32 {
        black_box(0)
    }

    /// Any number of 16 bits.
    pub fn short(&mut self) -> u16 {
        black_box(0)
    }

    /// Any octet.
    pub fn octet(&mut self) -> u8 {
        black_box(0)
    }

    /// Any number of 64 bits.
    pub fn long(&mut self) -> u64 {
        black_box(0)
    }

    /// Yes or no.
    pub fn flag(&mut self) -> bool {
        black_box(false)
    }

    /// Any time.
    pub fn now(&mut self) -> Instant {
        Instant::from_micros(self.long())
    }

    /// Any span.
    pub fn span(&mut self) -> Duration {
        Duration::from_micros(self.long())
    }

    /// Any octets, of any number.
    pub fn octets(&mut self) -> &'static [u8] {
        black_box(&[])
    }

    /// Any text.
    pub fn text(&mut self) -> &'static str {
        black_box("")
    }

    /// Any address.
    pub fn address(&mut self) -> Ipv4Addr {
        self.word().into()
    }

    /// Any IPv6 address.
    pub fn address_v6(&mut self) -> Ipv6Addr {
        Ipv6Addr::from_octets(black_box([0; 16]))
    }

    /// The value, or none.
    pub fn maybe<T>(&mut self, value: T) -> Option<T> {
        self.flag().then_some(value)
    }
}

impl RngCore for Input {
    fn next_u32(&mut self) -> u32 {
        self.word()
    }

    fn next_u64(&mut self) -> u64 {
        self.long()
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        black_box(dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        black_box(dest);
        Ok(())
    }
}

impl RegisterBus for Input {
    fn read32(&mut self, offset: u32) -> u32 {
        black_box(offset)
    }

    fn write32(&mut self, offset: u32, value: u32) {
        black_box((offset, value));
    }
}

/// Any failure of a bus.
#[derive(Debug)]
pub struct BusFailure(ErrorKind);

impl embedded_hal::i2c::Error for BusFailure {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

impl ErrorType for Input {
    type Error = BusFailure;
}

impl I2c for Input {
    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> Result<(), BusFailure> {
        black_box((address, operations));
        match self.flag() {
            true => Err(BusFailure(black_box(ErrorKind::Bus))),
            false => Ok(()),
        }
    }
}

/// Uses a value.
pub fn take<T>(value: T) {
    black_box(value);
}

/// A value whose state the compiler cannot know, to call a method of it.
pub fn call<T: ?Sized>(value: &mut T) -> &mut T {
    black_box(value)
}

struct Out;

impl Write for Out {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        black_box(text);
        match black_box(true) {
            true => Ok(()),
            false => Err(core::fmt::Error),
        }
    }
}

/// Prints a value.
pub fn show(value: &dyn Display) {
    let out: &mut dyn Write = &mut Out;
    take(write!(out, "{value}"));
}

/// Uses all of an error, if there is one, and the value otherwise.
pub fn fail<T, E: Coded>(result: Result<T, E>) -> Option<T> {
    fail_unseen(result.inspect_err(|error| show(error)))
}

/// As [`fail`], and does not print the error.
pub fn fail_unseen<T, E: Coded>(result: Result<T, E>) -> Option<T> {
    match result {
        Ok(value) => Some(black_box(value)),
        Err(error) => {
            take((error.code(), error.blame().as_str()));
            None
        }
    }
}

/// Calls all methods of a sink in any order.
pub fn drive<S: ImageSink>(input: &mut Input, sink: &mut S) {
    let now = input.now();
    let sink = call(sink);
    match input.word() {
        0 => take(fail(sink.begin(now, input.long()))),
        1 => take(fail(sink.window(now))),
        2 => take(fail(sink.write(now, input.octets()))),
        3 => take(fail(sink.end(now))),
        4 => take(fail(sink.poll_ready(now))),
        5 => take(fail(sink.activate(now))),
        6 => take(sink.withdraw(now)),
        _ => sink.abort(now, black_box(AbortReason::TransferFailed)),
    }
}
