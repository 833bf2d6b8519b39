//! The agent as an [`ImageSink`]: from octets to bursts of FIFO words.
//!
//! A burst begins when the FIFO reads empty and is as long as the FIFO. Inside it words are written
//! without reading a register; the core takes them until it is full. After it nothing may be written until
//! the FIFO reads empty again: such a word would be dropped without a sign or stall the bus for good
//! (i3c-core `recovery_handler.sv`).

use crate::agent::{AgentState, RecoveryAgent, Transfer};
use crate::bus::RegisterBus;
use crate::error::{RecoveryError, WaitFor};
use crate::fields::device_status;
use netboot_core::{AbortReason, ImageSink, Instant};

impl Transfer {
    /// Octets that may be written now.
    fn window(&self) -> usize {
        let room = self.room.saturating_mul(4).saturating_sub(self.odd_len);
        match u32::try_from(self.remaining) {
            Ok(remaining) => room.min(remaining) as usize,
            Err(_) => room as usize,
        }
    }
}

impl<B: RegisterBus> RecoveryAgent<B> {
    fn write_word(&mut self, word: u32) {
        self.driver.write_fifo_word(word);
        self.transfer.room = self.transfer.room.saturating_sub(1);
        self.transfer.odd = 0;
        self.transfer.odd_len = 0;
    }

    /// Adds octets to the unfinished word until it is full or `data` is used up; gives the rest back.
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
}

impl<B: RegisterBus> ImageSink for RecoveryAgent<B> {
    type Error = RecoveryError;

    /// `size` is declared to the device in words of 4 octets, rounded up; the last word is padded with
    /// zeros.
    fn begin(&mut self, now: Instant, size: u64) -> Result<(), RecoveryError> {
        let index = match self.state {
            AgentState::Requested { index } => index,
            AgentState::Receiving { index }
            | AgentState::Draining { index }
            | AgentState::Ready { index } => return Err(RecoveryError::AlreadyOpen { index }),
            _ => {
                self.observe(now)?;
                return Err(RecoveryError::NotRequested);
            }
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
        if !ready {
            self.await_request(now);
            return Err(RecoveryError::RequestWithdrawn { index });
        }
        self.open_window()?;
        let burst = self.driver.burst_words()?;
        // Nobody but us fills the FIFO, and nothing was begun: what is in it is left from before.
        if !self.driver.fifo_status().is_empty() {
            self.driver.reset_fifo();
        }
        self.driver.set_image_size(words);
        self.status.protocol_error = 0;
        self.transfer = Transfer {
            remaining: size,
            burst,
            ..Transfer::default()
        };
        self.state = AgentState::Receiving { index };
        self.deadline = now + self.config.drain_timeout;
        Ok(())
    }

    /// Inside a burst this reads no register.
    fn window(&mut self, now: Instant) -> Result<usize, RecoveryError> {
        let AgentState::Receiving { index } = self.state else {
            self.observe(now)?;
            return Err(RecoveryError::NotOpen);
        };
        if self.transfer.room != 0 || self.transfer.remaining == 0 {
            return Ok(self.transfer.window());
        }
        let empty = self.driver.fifo_status().is_empty();
        let Some((device, recovery)) = self.observe(now)? else {
            return Ok(0);
        };
        // A device that was reset may ask for the same image again; the bypass then tells.
        if device.status() != device_status::RECOVERY_MODE
            || recovery.image_index() != index
            || !self.driver.interface_config().bypass()
        {
            return Err(self.device_left());
        }
        if !empty {
            self.check_deadline(now, WaitFor::Drain)?;
            return Ok(0);
        }
        self.transfer.room = self.transfer.burst;
        Ok(self.transfer.window())
    }

    /// Writes whole words at once; up to three octets wait for the next call. The last octets of the
    /// image are padded and written too, inside the same burst.
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
            self.deadline = now + self.config.drain_timeout;
        }
        Ok(())
    }

    fn end(&mut self, now: Instant) -> Result<(), RecoveryError> {
        let AgentState::Receiving { index } = self.state else {
            return Err(RecoveryError::NotOpen);
        };
        if self.transfer.remaining != 0 {
            return Err(RecoveryError::ShortImage {
                missing: self.transfer.remaining,
            });
        }
        self.driver.set_payload_done();
        self.state = AgentState::Draining { index };
        self.deadline = now + self.config.pending_timeout;
        Ok(())
    }

    fn poll_ready(&mut self, now: Instant) -> Result<bool, RecoveryError> {
        let (AgentState::Draining { index } | AgentState::Ready { index }) = self.state else {
            self.observe(now)?;
            return Err(RecoveryError::NotOpen);
        };
        let Some((device, _)) = self.observe(now)? else {
            return Ok(false);
        };
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

    fn activate(&mut self, now: Instant) -> Result<(), RecoveryError> {
        let AgentState::Ready { index } = self.state else {
            return Err(RecoveryError::NotReady);
        };
        self.driver.activate();
        self.await_verdict(now, index);
        Ok(())
    }

    fn withdraw(&mut self, now: Instant) -> bool {
        self.abort(now, AbortReason::TransferFailed);
        true
    }

    /// Empties the FIFO; the device may then ask again, see [`poll`](RecoveryAgent::poll). Whether it
    /// does is up to its firmware: before the first burst is complete it has seen nothing of the image,
    /// later a released Caliptra ROM goes on counting words where it was.
    fn abort(&mut self, now: Instant, _reason: AbortReason) {
        if let AgentState::Receiving { .. }
        | AgentState::Draining { .. }
        | AgentState::Ready { .. } = self.state
        {
            self.driver.clear_payload_done();
            self.driver.reset_fifo();
            self.transfer = Transfer::default();
            self.await_request(now);
        }
    }
}
