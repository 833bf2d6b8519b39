//! The agent as an [`ImageSink`]: from octets to bursts of FIFO words.
//!
//! A burst begins when the FIFO reads empty and is as long as the FIFO. The core takes its words until the FIFO is full.
//! After it nothing may be written until the FIFO reads empty again: such a word would be dropped without a sign or stall
//! the bus for good (i3c-core `recovery_handler.sv`).
//!
//! A burst may take several calls, and the core may be reset between two of them. It is then back in I3C mode, where a word
//! to the FIFO stalls the bus. So each call looks at the core again, and [`write`](ImageSink::write) does so right before
//! its first word. One race is left, which no driver can close: a reset between that look and the last word of the same
//! call, which writes no more than one burst (64 words). A platform must not reset the core while the agent is in a call.
//!
//! The device notices nothing of an image before its first burst is whole or PAYLOAD_DONE is set. From then on a released
//! ROM counts words and cannot be made to begin anew, so the agent can no longer take the image back.

use crate::agent::{AgentState, RecoveryAgent};
use crate::bus::RegisterBus;
use crate::error::{RecoveryError, WaitFor};
use crate::fields::device_status;
use crate::transfer::Transfer;
use netboot_core::{AbortReason, ImageSink, Instant};

impl<B: RegisterBus> RecoveryAgent<B> {
    fn write_word(&mut self, word: u32) {
        self.driver.write_fifo_word(word);
        self.transfer.room = self.transfer.room.saturating_sub(1);
        self.transfer.odd = 0;
        self.transfer.odd_len = 0;
    }

    /// Adds octets to the unfinished word until it is full or `data` is used up, and returns the rest of `data`.
    fn fill_odd<'a>(&mut self, mut data: &'a [u8]) -> &'a [u8] {
        while self.transfer.odd_len < 4 {
            let Some((octet, rest)) = data.split_first() else {
                return data;
            };
            self.transfer.odd |= u32::from(*octet) << (8 * self.transfer.odd_len);
            self.transfer.odd_len += 1;
            data = rest;
        }
        self.write_word(self.transfer.odd);
        data
    }

    /// Checks that the core was not reset while an image is open. A device that was reset may ask for the same image
    /// again, so the statuses do not tell; the bypass does. Over a bus the bypass also reads as off when the device has left recovery
    /// mode, so the statuses are read for the error.
    ///
    /// # Errors
    /// Fails with `DeviceLeft` when the bypass is off, and over a bus with the device's own failure when it tells one.
    #[cfg_attr(
        not(feature = "commands"),
        expect(unused_variables, reason = "only a bus needs the statuses")
    )]
    fn check_core(&mut self, now: Instant) -> Result<(), RecoveryError> {
        if self.driver.interface_config().bypass() {
            return Ok(());
        }
        #[cfg(feature = "commands")]
        if self.driver.can_fail() {
            self.observe(now)?;
        }
        Err(self.device_left())
    }

    /// Checks during [`begin`](ImageSink::begin) that the accesses before it got through, and that the device still asks for the image.
    ///
    /// # Errors
    /// Fails with `Bus`, and with `RequestWithdrawn` when the device left recovery mode in between.
    #[cfg_attr(
        not(feature = "commands"),
        expect(unused_variables, reason = "only a bus can fail")
    )]
    fn check_request(&mut self, now: Instant, index: u8) -> Result<(), RecoveryError> {
        self.check_bus()?;
        #[cfg(feature = "commands")]
        if self.driver.can_fail() && !self.driver.interface_config().bypass() {
            self.await_request(now);
            return Err(RecoveryError::RequestWithdrawn { index });
        }
        Ok(())
    }

    /// Checks that the accesses before it got through.
    ///
    /// # Errors
    /// Fails with `Bus` when one did not.
    fn check_bus(&mut self) -> Result<(), RecoveryError> {
        #[cfg(feature = "commands")]
        if let Some(fault) = self.driver.take_fault() {
            return Err(RecoveryError::Bus(fault));
        }
        Ok(())
    }

    /// Takes back an image of which the device has used nothing. Returns `false`, and changes nothing, for any other one.
    fn take_back(&mut self) -> bool {
        if self.transfer.used {
            return false;
        }
        self.driver.clear_payload_done();
        self.driver.reset_fifo();
        self.transfer = Transfer::default();
        true
    }
}

impl<B: RegisterBus> ImageSink for RecoveryAgent<B> {
    type Error = RecoveryError;

    /// Opens the image that the device asks for. The agent declares `size` to the device in words of 4 octets, rounded
    /// up, and pads the last word with zeros.
    ///
    /// # Errors
    /// Fails with `NotRequested` or `RequestWithdrawn` when the device does not ask, with `AlreadyOpen` when an image is
    /// open, with `SizeUnsupported` when `size` is 0 or has more than 2^32 - 1 words, with `ResetRequired` when the
    /// device holds octets of an image that was given up, and with `Bus` when a bus does not carry the declaration.
    fn begin(&mut self, now: Instant, size: u64) -> Result<(), RecoveryError> {
        let index = match self.state {
            AgentState::Requested { index } => index,
            AgentState::Receiving { index }
            | AgentState::Draining { index }
            | AgentState::Ready { index } => return Err(RecoveryError::AlreadyOpen { index }),
            _ => return Err(self.misplaced(now, RecoveryError::NotRequested)),
        };
        let words = match u32::try_from(size.div_ceil(4)) {
            Ok(words) if words != 0 => words,
            _ => return Err(RecoveryError::SizeUnsupported { size }),
        };
        // The caller took its time to open the image: the device may have changed its mind.
        let ready = match self.observe(now)? {
            Some((device, recovery)) => {
                recovery.image_index() == index && self.is_ready(device, recovery)
            }
            None => false,
        };
        #[cfg(feature = "commands")]
        if self.driver.can_fail()
            && let Some((_, fault)) = self.bus_failing
        {
            return Err(RecoveryError::Bus(fault));
        }
        self.check_bus()?;
        if !ready {
            self.await_request(now);
            return Err(RecoveryError::RequestWithdrawn { index });
        }
        self.open_window()?;
        let burst = self.driver.burst_words();
        self.check_request(now, index)?;
        let burst = burst?;
        // Only the agent fills the FIFO, and no image is open: words in it are left from before.
        if !self.driver.fifo_status().is_empty() {
            self.driver.reset_fifo();
        }
        self.driver.set_image_size(words);
        self.check_request(now, index)?;
        self.status.protocol_error = None;
        self.transfer = Transfer::new(size, burst);
        self.state = AgentState::Receiving { index };
        self.deadline = now + self.config.drain_timeout;
        Ok(())
    }

    /// Returns how many octets may be written now. Each call looks at device and core, inside a burst too.
    ///
    /// # Errors
    /// Fails with `DeviceLeft` when the device was reset, with `Timeout` when it did not drain the FIFO in time, and with
    /// the device's own failure. A pause of the producer is no failure: an empty FIFO opens the window however late.
    fn window(&mut self, now: Instant) -> Result<usize, RecoveryError> {
        let AgentState::Receiving { index } = self.state else {
            return Err(self.misplaced(now, RecoveryError::NotOpen));
        };
        if self.transfer.remaining == 0 {
            return Ok(0);
        }
        let in_burst = self.transfer.room != 0;
        let open = in_burst || self.driver.fifo_status().is_empty();
        let Some((device, recovery)) = self.observe(now)? else {
            return Ok(0);
        };
        if device.status() != device_status::RECOVERY_MODE || recovery.image_index() != index {
            return Err(self.device_left());
        }
        self.check_core(now)?;
        if !open {
            self.check_deadline(now, WaitFor::Drain)?;
            return Ok(0);
        }
        if !in_burst {
            self.transfer.room = self.transfer.burst;
        }
        Ok(self.transfer.window())
    }

    /// Writes whole words at once and keeps up to three octets for the next call. The last octets of the image are
    /// padded and written too, inside the same burst.
    ///
    /// # Errors
    /// Fails with `NotOpen`, `SizeExceeded` or `WindowExceeded`, and with `DeviceLeft` when the core was reset. It then
    /// writes nothing.
    fn write(&mut self, now: Instant, data: &[u8]) -> Result<(), RecoveryError> {
        let AgentState::Receiving { .. } = self.state else {
            return Err(RecoveryError::NotOpen);
        };
        let given = data.len();
        let Some(remaining) = self.transfer.remaining.checked_sub(given as u64) else {
            return Err(RecoveryError::SizeExceeded {
                remaining: self.transfer.remaining,
                given,
            });
        };
        let window = self.transfer.window();
        if given > window {
            return Err(RecoveryError::WindowExceeded { window, given });
        }
        if given == 0 {
            return Ok(());
        }
        self.check_core(now)?;
        self.transfer.remaining = remaining;

        let rest = match self.transfer.odd_len {
            0 => data,
            _ => self.fill_odd(data),
        };
        let (words, rest) = rest.as_chunks::<4>();
        self.driver.write_fifo(words);
        self.transfer.room = self.transfer.room.saturating_sub(words.len() as u32);
        self.fill_odd(rest);
        if remaining == 0 && self.transfer.odd_len != 0 {
            self.write_word(self.transfer.odd);
        }
        if self.transfer.room == 0 {
            // A full FIFO is *payload available*: the device drains it from now on.
            self.transfer.used = true;
            self.deadline = now + self.config.drain_timeout;
        }
        Ok(())
    }

    /// Says that all octets were written, by PAYLOAD_DONE.
    ///
    /// # Errors
    /// Fails with `NotOpen`, with `ShortImage` when octets are missing, and with `DeviceLeft` when the core was reset.
    fn end(&mut self, now: Instant) -> Result<(), RecoveryError> {
        let AgentState::Receiving { index } = self.state else {
            return Err(RecoveryError::NotOpen);
        };
        if self.transfer.remaining != 0 {
            return Err(RecoveryError::ShortImage {
                missing: self.transfer.remaining,
            });
        }
        // A device that was reset would take PAYLOAD_DONE for the end of an image without octets.
        self.check_core(now)?;
        self.driver.set_payload_done();
        self.transfer.used = true;
        self.state = AgentState::Draining { index };
        self.deadline = now + self.config.pending_timeout;
        Ok(())
    }

    /// Returns whether the device holds the whole image and waits for its activation.
    ///
    /// # Errors
    /// Fails with `DeviceLeft`, with `Timeout`, or with the device's own failure.
    fn poll_ready(&mut self, now: Instant) -> Result<bool, RecoveryError> {
        let (AgentState::Draining { index } | AgentState::Ready { index }) = self.state else {
            return Err(self.misplaced(now, RecoveryError::NotOpen));
        };
        let Some((device, _)) = self.observe(now)? else {
            return Ok(false);
        };
        self.check_core(now)?;
        match (device.status(), self.state) {
            (device_status::RECOVERY_PENDING, _) => {
                self.state = AgentState::Ready { index };
                Ok(true)
            }
            (device_status::RECOVERY_MODE, AgentState::Draining { .. }) => {
                self.check_deadline(now, WaitFor::Pending)?;
                Ok(false)
            }
            _ => Err(self.device_left()),
        }
    }

    /// Tells the device to activate the image that it holds.
    ///
    /// # Errors
    /// Fails with `NotReady` unless `poll_ready` said `true`, and with `DeviceLeft` when the core was reset since.
    fn activate(&mut self, now: Instant) -> Result<(), RecoveryError> {
        let AgentState::Ready { index } = self.state else {
            return Err(RecoveryError::NotReady);
        };
        self.check_core(now)?;
        self.driver.activate();
        self.transfer = Transfer::default();
        self.await_verdict(now, index);
        Ok(())
    }

    /// Takes the open image back while the device has used nothing of it: fewer words than a whole burst are written, and
    /// [`end`](Self::end) was not called. The agent then empties transmit queue and FIFO, and [`begin`](Self::begin)
    /// opens an image in its place at once. Otherwise the answer is `false`, and the image goes on with its next octet.
    ///
    /// Without an open image the answer is `true`, unless the device holds octets of an image that was given up or that
    /// failed: then only a reset of the device helps.
    fn withdraw(&mut self, _now: Instant) -> bool {
        match self.state {
            AgentState::Receiving { index }
            | AgentState::Draining { index }
            | AgentState::Ready { index } => {
                if !self.take_back() {
                    return false;
                }
                self.state = AgentState::Requested { index };
                true
            }
            _ => !self.transfer.used,
        }
    }

    /// Gives the open image up. When the device has used nothing of it, the agent waits for the device's request again.
    /// Otherwise the state is [`AgentState::Stuck`] until [`device_was_reset`](RecoveryAgent::device_was_reset).
    fn abort(&mut self, now: Instant, _reason: AbortReason) {
        if let AgentState::Receiving { index }
        | AgentState::Draining { index }
        | AgentState::Ready { index } = self.state
        {
            if self.take_back() {
                self.await_request(now);
            } else {
                self.driver.give_up();
                self.state = AgentState::Stuck { index };
            }
        }
    }
}
