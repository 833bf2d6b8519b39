//! The snippets of the book's page on porting, as documentation tests: they compile with the crates of this tree.
//!
//! [`registers`] is what stands below a board's drivers there, in hidden lines. Nothing of it runs.

/// The snippets.
#[cfg(doctest)]
#[doc = include_str!("../../docs/src/porting.md")]
struct Page;

/// What stands below the drivers of the snippets.
///
/// A device that says that it keeps no frame does not compile, and the compiler says why:
///
/// ```compile_fail,E0080
/// # use netboot::{Buffers, Network, NetworkOptions, Slots};
/// # use e2e::porting::registers::{Host, Keeps};
/// # let (buffers, slots) = (Box::leak(Box::new(Buffers::<4096>::new())), Box::leak(Box::new(Slots::new())));
/// Network::new(Keeps::<0>, Host::default(), buffers, slots, NetworkOptions::default());
/// ```
///
/// One that keeps a frame does:
///
/// ```no_run
/// # use netboot::{Buffers, Network, NetworkOptions, Slots};
/// # use e2e::porting::registers::{Host, Keeps};
/// # let (buffers, slots) = (Box::leak(Box::new(Buffers::<4096>::new())), Box::leak(Box::new(Slots::new())));
/// Network::new(Keeps::<1>, Host::default(), buffers, slots, NetworkOptions::default());
/// ```
pub mod registers {
    use netboot_core::{Device, DeviceInfo, FrameSlot, Instant, Platform, Received, TxSlot};
    use rand_core::{CryptoRng, RngCore};

    /// Registers and memory of an Ethernet MAC.
    #[derive(Default)]
    pub struct Mac {
        received: Vec<Vec<u8>>,
        frame: Vec<u8>,
        kept: Option<Vec<u8>>,
        transmit: Transmit,
    }

    impl Mac {
        /// The next frame, and a free transmit buffer.
        pub fn next_frame(&mut self) -> Option<(&[u8], &mut Transmit)> {
            self.frame = self.received.pop()?;
            Some((&self.frame, &mut self.transmit))
        }

        /// A free transmit buffer.
        pub fn free_buffer(&mut self) -> Option<&mut Transmit> {
            Some(&mut self.transmit)
        }

        /// Keeps the last frame, and gives its number.
        pub fn keep(&mut self) -> Option<u8> {
            self.kept = Some(std::mem::take(&mut self.frame));
            Some(0)
        }

        /// The frame that is kept.
        pub fn kept(&self, _number: u8) -> &[u8] {
            self.kept.as_deref().unwrap_or_default()
        }

        /// Gives its buffer back.
        pub fn give_back(&mut self, _number: u8) {
            self.kept = None;
        }
    }

    /// A transmit buffer.
    #[derive(Default)]
    pub struct Transmit {
        frame: Vec<u8>,
        sent: Vec<Vec<u8>>,
    }

    impl Transmit {
        /// Room for a frame of `len` octets.
        pub fn buffer(&mut self, len: usize) -> &mut [u8] {
            self.frame.resize(len, 0);
            &mut self.frame
        }

        /// Sends the first `len` octets.
        pub fn send(&mut self, len: usize) {
            self.sent.push(self.frame[..len].to_vec());
        }
    }

    impl TxSlot for Transmit {
        fn send<R>(mut self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
            fill(self.buffer(len))
        }
    }

    /// A network without a frame, whose device says that it keeps `N` of them.
    pub struct Keeps<const N: usize>;

    impl<const N: usize> Device for Keeps<N> {
        type Tx<'a> = Transmit;

        const HELD_FRAMES: usize = N;

        fn info(&self) -> DeviceInfo {
            DeviceInfo {
                mac: [2, 0, 0, 0, 0, 1],
                mtu: 1500,
                rx_ring: 4,
            }
        }

        fn link_up(&mut self) -> bool {
            true
        }

        fn set_multicast(&mut self, _groups: &[[u8; 6]]) {}

        fn receive(&mut self) -> Option<Received<'_, Transmit>> {
            None
        }

        fn transmit(&mut self) -> Option<Transmit> {
            Some(Transmit::default())
        }

        fn hold(&mut self) -> Option<FrameSlot> {
            None
        }

        fn held(&self, _slot: &FrameSlot) -> &[u8] {
            &[]
        }

        fn release(&mut self, _slot: FrameSlot) {}
    }

    /// A counter of microseconds.
    #[derive(Default)]
    pub struct Timer(u64);

    impl Timer {
        /// Its value.
        pub fn micros(&mut self) -> u64 {
            self.0 += 1;
            self.0
        }
    }

    /// A watchdog that counts how often it was fed.
    #[derive(Default)]
    pub struct Watchdog(u64);

    impl Watchdog {
        /// Feeds it.
        pub fn feed(&mut self) {
            self.0 += 1;
        }
    }

    /// A register window of 4 KiB.
    pub struct Window([u32; 1024]);

    impl Window {
        /// Reads a register.
        pub fn load(&self, offset: u32) -> u32 {
            self.0[offset as usize / 4]
        }

        /// Writes a register.
        pub fn store(&mut self, offset: u32, value: u32) {
            self.0[offset as usize / 4] = value;
        }

        /// Writes words to one register, one after the other.
        pub fn burst(&mut self, offset: u32, words: &[[u8; 4]]) {
            words
                .iter()
                .for_each(|word| self.store(offset, u32::from_le_bytes(*word)));
        }
    }

    /// A random number generator.
    #[derive(Default)]
    pub struct Trng(u64);

    impl RngCore for Trng {
        fn next_u32(&mut self) -> u32 {
            self.next_u64() as u32
        }

        fn next_u64(&mut self) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            self.0
        }

        fn fill_bytes(&mut self, octets: &mut [u8]) {
            octets.fill_with(|| self.next_u64() as u8);
        }

        fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), rand_core::Error> {
            self.fill_bytes(octets);
            Ok(())
        }
    }

    impl CryptoRng for Trng {}

    /// A console.
    #[derive(Clone, Copy, Default)]
    pub struct Uart;

    impl std::fmt::Write for Uart {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            print!("{text}");
            Ok(())
        }
    }

    /// A platform of these.
    #[derive(Default)]
    pub struct Host {
        timer: Timer,
        watchdog: Watchdog,
        trng: Trng,
    }

    impl Platform for Host {
        type Rng = Trng;

        fn now(&mut self) -> Instant {
            Instant::from_micros(self.timer.micros())
        }

        fn idle(&mut self, _until: Instant) {
            self.watchdog.feed();
        }

        fn rng(&mut self) -> &mut Trng {
            &mut self.trng
        }
    }
}
