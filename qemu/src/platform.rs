//! The board's clock and random numbers, as the library wants them.

use crate::clock;
#[cfg(feature = "nwp")]
use crate::coprocessor as ethernet;
use crate::entropy::{Entropy, Source};
#[cfg(not(feature = "nwp"))]
use crate::virtio as ethernet;
use netboot::Network;
use netboot_core::{Instant, Platform};
use rand_core::CryptoRngCore;

/// The network device, where it stays.
pub type Nic = ethernet::NicRef;

/// The library on this board.
pub type Net = Network<'static, Nic, Board>;

/// The board as the library sees it.
pub struct Board {
    entropy: Entropy,
}

impl Board {
    /// With this source of random numbers.
    pub fn new(entropy: Entropy) -> Self {
        Self { entropy }
    }
}

impl Platform for Board {
    type Rng = Entropy;

    fn now(&mut self) -> Instant {
        clock::now()
    }

    /// Polls on: a frame may come at any moment, and this ROM takes no interrupts.
    fn idle(&mut self, _until: Instant) {
        #[cfg(feature = "bench")]
        clock::waiting::round();
    }

    #[cfg(feature = "shell")]
    fn interrupted(&mut self) -> bool {
        crate::uart::has_interrupt()
    }

    fn rng(&mut self) -> &mut Entropy {
        &mut self.entropy
    }

    /// Counters are no secret: without a seed from outside there is no TLS.
    fn secret_rng(&mut self) -> Option<&mut dyn CryptoRngCore> {
        match self.entropy.source() {
            Source::Host => Some(&mut self.entropy),
            Source::Weak => None,
        }
    }
}
