//! The 16550 UART, polled.

use crate::board::UART;
use core::fmt;

/// Receive buffer register.
#[cfg(any(feature = "script", feature = "stay"))]
const RBR: *const u8 = UART as *const u8;
/// LSR: an octet was received.
#[cfg(any(feature = "script", feature = "stay"))]
const DR: u8 = 1 << 0;
/// Transmit holding register.
const THR: *mut u8 = UART as *mut u8;
/// Line status register.
const LSR: *const u8 = (UART + 5) as *const u8;
/// LSR: the transmit holding register is empty.
const THRE: u8 = 1 << 5;
/// Looks at LSR before an octet is given up: a dead UART must not stop a boot.
const PATIENCE: u32 = 100_000;

/// The UART as a text sink.
pub struct Uart;

impl Uart {
    fn put(octet: u8) {
        for _ in 0..PATIENCE {
            // SAFETY: LSR may be read at any time.
            if unsafe { core::ptr::read_volatile(LSR) } & THRE != 0 {
                // SAFETY: THR takes an octet when THRE is set.
                unsafe { core::ptr::write_volatile(THR, octet) };
                return;
            }
        }
    }
}

#[cfg(any(feature = "script", feature = "stay"))]
impl Uart {
    /// An octet that was received.
    pub fn take() -> Option<u8> {
        // SAFETY: LSR may be read at any time.
        let received = unsafe { core::ptr::read_volatile(LSR) } & DR != 0;
        // SAFETY: RBR has an octet when DR is set.
        received.then(|| unsafe { core::ptr::read_volatile(RBR) })
    }
}

/// Octets that were received and that nobody has taken yet.
#[cfg(feature = "shell")]
mod received {
    use super::Uart;
    use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

    const ROOM: u8 = 32;
    static OCTETS: [AtomicU8; ROOM as usize] = [const { AtomicU8::new(0) }; ROOM as usize];
    /// Place of the next octet to take, and their number.
    static NEXT: AtomicU8 = AtomicU8::new(0);
    static COUNT: AtomicU8 = AtomicU8::new(0);

    fn at(place: u8) -> Option<&'static AtomicU8> {
        OCTETS.get(usize::from(place % ROOM))
    }

    /// Takes the next octet.
    pub fn take() -> Option<u8> {
        let count = COUNT.load(Relaxed);
        if count == 0 {
            return Uart::take();
        }
        let next = NEXT.load(Relaxed);
        NEXT.store(next.wrapping_add(1) % ROOM, Relaxed);
        COUNT.store(count - 1, Relaxed);
        Some(at(next)?.load(Relaxed))
    }

    /// Keeps what has come, and tells whether a Ctrl-C is among it, which is taken with all before it.
    pub fn has_interrupt() -> bool {
        const CTRL_C: u8 = 3;
        while COUNT.load(Relaxed) < ROOM {
            let Some(octet) = Uart::take() else {
                return false;
            };
            if octet == CTRL_C {
                COUNT.store(0, Relaxed);
                return true;
            }
            let count = COUNT.load(Relaxed);
            if let Some(place) = at(NEXT.load(Relaxed).wrapping_add(count)) {
                place.store(octet, Relaxed);
            }
            COUNT.store(count + 1, Relaxed);
        }
        false
    }
}
#[cfg(feature = "shell")]
pub use received::has_interrupt;

#[cfg(feature = "script")]
impl netboot_app::Terminal for Uart {
    fn write(&mut self, text: &str) {
        for octet in text.bytes() {
            // A line of a script ends by LF alone; a terminal wants CR too.
            if octet == b'\n' {
                Uart::put(b'\r');
            }
            Uart::put(octet);
        }
    }

    fn key(&mut self) -> Option<u8> {
        #[cfg(feature = "shell")]
        return received::take();
        #[cfg(not(feature = "shell"))]
        Uart::take()
    }
}

impl fmt::Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(Uart::put);
        Ok(())
    }
}
