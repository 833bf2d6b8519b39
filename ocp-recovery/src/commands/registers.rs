//! The registers that the agent expects, over commands.
//!
//! What a command carries is read and written as a command; what exists on the AXI side only is kept here. Three things
//! are done that registers do not need:
//!
//! - **Repeats.** A read is repeated after any failure. A write is repeated only after the device's own state says that it
//!   did not arrive: the write index of its FIFO after a block, the image size after INDIRECT_FIFO_CTRL, activation and
//!   statuses after RECOVERY_CTRL. A write that got lost can so be told from one whose acknowledgement got lost, and no
//!   octet reaches the device twice.
//! - **Waits.** A burst or an activation that does not get through stays here, and the next access takes it up again, unless the agent
//!   gives the image up. The FIFO reads as not empty until then. The agent bounds the time by
//!   [`AgentConfig::bus_timeout`](crate::AgentConfig).
//! - **Protocol errors.** After each write the device is asked for DEVICE_STATUS octet 1, which the read clears. It belongs
//!   to the command before it.
//!
//! The device serves commands above 39 only while DEV_STATUS is 3 (i3c-core `recovery_flow.md`). When one of them fails, DEVICE_STATUS
//! tells whether the bus failed or the device has left recovery mode. The second is no fault of the bus: the registers then read as 0.

use crate::bus::RegisterBus;
use crate::command::{Command, MAX_DATA};
use crate::commands::block::{BURST, Burst};
use crate::commands::bus::CommandBus;
use crate::commands::words::{Data, distance, word};
use crate::fault::BusFault;
use crate::fields::{
    FifoStatus0, MAGIC, RecIntfCfg, RecoveryCtrl, RecoveryStatus, device_status, protocol_error,
    recovery_status, w1c_access,
};
use crate::map::{RegisterMap, recovery};

/// How often one command is tried in one call of the agent.
const TRIES: u32 = 4;
/// RECOVERY_CTRL octet 1: the image comes through the memory window (i3c-core `recovery_flow.md`, step 8).
const MEMORY_WINDOW: u8 = 1;

/// A block that was written and of which it is not yet known whether the device took it.
#[derive(Clone, Copy, Debug)]
struct Offer {
    octets: usize,
    /// What the bus says of the write.
    outcome: Result<(), BusFault>,
}

/// What became of a block.
enum Verdict {
    /// The device holds it.
    Taken,
    /// The device holds nothing of it, for this reason.
    Lost(BusFault),
    /// The bus fails, or nobody can tell.
    Open,
}

/// Where an activation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Activation {
    No,
    Due,
    /// RECOVERY_CTRL was written, and the device has not been seen to take it.
    Written,
}

/// The registers of a recovery interface that is reached by commands.
#[derive(Debug)]
pub struct CommandRegisters<B: CommandBus> {
    bus: B,
    burst: Burst,
    offer: Option<Offer>,
    /// The FIFO's write index as last seen, in words.
    write_index: Option<u32>,
    /// FIFO_SIZE in words, as last seen.
    fifo_size: u32,
    /// Octets of a whole burst: what FIFO_SIZE, MAX_TRANSFER_SIZE and this side's memory allow.
    burst_len: usize,
    /// Words of the declared image; 0 without one.
    image_words: u32,
    /// Words of the image that the device is not known to hold.
    words_left: u32,
    /// REC_INTF_CFG, which a bus does not have.
    interface: u32,
    activation: Activation,
    /// DEV_STATUS as last seen.
    device_status: u8,
    /// The last command, DEVICE_STATUS aside: a protocol error belongs to it.
    last: Command,
    /// The last command that was written.
    written: Command,
    /// The protocol error of the last write.
    write_error: u8,
    /// Set when a read of DEVICE_STATUS since the last write failed. It may have cleared a protocol error unseen.
    status_lost: bool,
    /// A protocol error that the agent has not seen, and its command.
    unseen: Option<(Command, u8)>,
    /// The command of the protocol error that the agent saw last.
    shown: Option<Command>,
    fault: Option<BusFault>,
    /// Nobody can tell what the device holds. This lasts until the device is reset.
    doubt: Option<BusFault>,
    /// Set when the device has forgotten the image, as after a reset, or has left recovery mode before it had all of it.
    vanished: bool,
    last_error: Option<B::Error>,
    repeats: u32,
}

impl<B: CommandBus> CommandRegisters<B> {
    /// The map by which the registers are to be addressed.
    pub const MAP: RegisterMap = RegisterMap::V1P5;

    /// Makes registers over `bus`. Nothing is read or written yet.
    pub const fn new(bus: B) -> Self {
        Self {
            bus,
            burst: Burst::EMPTY,
            offer: None,
            write_index: None,
            fifo_size: 0,
            burst_len: BURST,
            image_words: 0,
            words_left: 0,
            interface: 0,
            activation: Activation::No,
            device_status: 0,
            last: Command::ProtCap,
            written: Command::ProtCap,
            write_error: 0,
            status_lost: false,
            unseen: None,
            shown: None,
            fault: None,
            doubt: None,
            vanished: false,
            last_error: None,
            repeats: 0,
        }
    }

    /// The bus. A command that is sent past the agent may cost it a protocol error, and the device its image.
    pub fn bus_mut(&mut self) -> &mut B {
        &mut self.bus
    }

    /// The last error of the bus itself, whether or not a repeat mended it.
    pub fn last_error(&self) -> Option<B::Error> {
        self.last_error
    }

    /// Number of commands that failed and were, or will be, sent again.
    pub fn repeats(&self) -> u32 {
        self.repeats
    }

    fn note(&mut self, command: Command, error: B::Error) -> BusFault {
        self.last_error = Some(error);
        self.repeats = self.repeats.saturating_add(1);
        self.bus.fault(command, error)
    }

    /// Reads a command, and checks the length of the answer. Returns `false` and leaves a fault when all tries failed, or at once while
    /// there is a fault. Returns `false` without a fault when the device does not serve the command, because it has left recovery mode.
    #[inline(never)]
    fn fetch(&mut self, command: Command, data: &mut Data) -> bool {
        if self.fault.is_some() {
            return false;
        }
        if command != Command::DeviceStatus {
            self.last = command;
        }
        let (shortest, longest) = command.lengths();
        let mut fault = BusFault::Transfer { command };
        for _ in 0..TRIES {
            match self.bus.read(command, data) {
                Ok(len) if (usize::from(shortest)..=usize::from(longest)).contains(&len) => {
                    self.see(command, data);
                    return true;
                }
                Ok(len) => {
                    let found = u16::try_from(len).unwrap_or(u16::MAX);
                    fault = BusFault::Length { command, found };
                }
                Err(error) => fault = self.note(command, error),
            }
            // A device that did not acknowledge its address keeps what it has to say.
            let unheard = matches!(fault, BusFault::NoAcknowledge { address: true, .. });
            self.status_lost |= command == Command::DeviceStatus && !unheard;
        }
        if !self.unserved(command) {
            self.fault = Some(fault);
        }
        false
    }

    /// Returns whether the device does not serve `command`, which failed, because it is not in recovery mode.
    fn unserved(&mut self, command: Command) -> bool {
        let always = command.code() <= Command::RecoveryStatus.code();
        if always || !self.fetch(Command::DeviceStatus, &mut [0; MAX_DATA]) {
            return false;
        }
        self.has_left()
    }

    /// Returns whether the device was not in recovery mode when its status was last seen, and notes whether it left before it had the
    /// whole image.
    fn has_left(&mut self) -> bool {
        if self.device_status == device_status::RECOVERY_MODE {
            return false;
        }
        // The block that was offered may have been the last one.
        let complete = self.words_left == 0 || self.offer.is_some();
        self.vanished |= self.device_status != device_status::RECOVERY_PENDING || !complete;
        true
    }

    /// Keeps what the answer says of the device's state.
    fn see(&mut self, command: Command, data: &Data) {
        let [status, protocol_error, ..] = *data;
        match command {
            Command::DeviceStatus => {
                self.device_status = status;
                if protocol_error != 0 {
                    if self.last == self.written {
                        self.write_error = protocol_error;
                    }
                    self.unseen = Some((self.last, protocol_error));
                }
            }
            Command::IndirectFifoStatus => self.fifo_size = word(data, 12),
            // Firmware that has not written its version yet may not have written the rest either.
            Command::ProtCap if word(data, 8) != 0 && [word(data, 0), word(data, 4)] != MAGIC => {
                self.fault = Some(BusFault::OtherDevice);
            }
            _ => {}
        }
    }

    /// Begins a write: what is read of the device's status from now on belongs to it.
    fn start_write(&mut self, command: Command) {
        self.last = command;
        self.written = command;
        self.write_error = 0;
        self.status_lost = false;
    }

    fn put(&mut self, command: Command, data: &[u8]) -> Result<(), BusFault> {
        self.start_write(command);
        match self.bus.write(command, data) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.note(command, error)),
        }
    }

    /// Why the device did not take a write.
    fn blame(&self, command: Command, outcome: Result<(), BusFault>) -> BusFault {
        match (self.write_error, outcome) {
            (0, Err(fault)) => fault,
            (0, Ok(())) => BusFault::NotTaken { command },
            // The device saw the end of a frame that the bus broke off.
            (protocol_error::LENGTH, Err(fault)) => fault,
            (protocol_error::CRC, _) => BusFault::PacketErrorCode { command },
            (protocol_error, _) => BusFault::Refused {
                command,
                protocol_error,
            },
        }
    }

    /// Writes a command that does no harm when the device gets it twice. `size` is the image size that the device has to
    /// show afterwards. A fault is left when it did not get through.
    fn tell(&mut self, command: Command, octets: &[u8], size: Option<u32>) {
        let mut data = [0; MAX_DATA];
        let mut fault = BusFault::NotTaken { command };
        for _ in 0..TRIES {
            if self.fault.is_some() {
                return;
            }
            let outcome = self.put(command, octets);
            if !self.fetch(Command::DeviceStatus, &mut data) {
                return;
            }
            if size.is_some() && self.has_left() {
                // No image can be declared now.
                self.vanished = true;
                return;
            }
            fault = self.blame(command, outcome);
            let taken = match size {
                Some(size) => self.fetch(command, &mut data) && word(&data, 2) == size,
                None => outcome.is_ok() && self.write_error == 0,
            };
            if taken {
                return;
            }
            if fault.is_final() {
                break;
            }
        }
        self.fault.get_or_insert(fault);
    }

    /// Selects the memory window, resets the FIFO and declares the image's size (i3c-core `recovery_flow.md`, steps 8
    /// and 9).
    fn declare(&mut self, words: u32) {
        self.forget_image();
        self.tell(Command::RecoveryCtrl, &[0, MEMORY_WINDOW, 0], None);
        let [a, b, c, d] = words.to_le_bytes();
        self.tell(Command::IndirectFifoCtrl, &[0, 1, a, b, c, d], Some(words));
        self.image_words = words;
        self.words_left = words;
    }

    fn forget_image(&mut self) {
        self.burst.clear();
        self.offer = None;
        self.write_index = None;
        self.image_words = 0;
        self.words_left = 0;
        self.activation = Activation::No;
        self.doubt = None;
        self.vanished = false;
    }

    /// Takes up what has to go to the device.
    fn work(&mut self) {
        let mut tries = TRIES;
        while self.burst.leaving && self.fault.is_none() && self.doubt.is_none() && !self.vanished {
            if self.offer.is_none() && !self.offer_block() {
                return;
            }
            match self.judge() {
                Verdict::Taken => tries = TRIES,
                Verdict::Lost(fault) => {
                    self.offer = None;
                    tries = tries.saturating_sub(1);
                    if tries == 0 || fault.is_final() {
                        self.fault = Some(fault);
                    }
                }
                Verdict::Open => return,
            }
        }
        if self.activation != Activation::No {
            self.pursue_activation();
        }
    }

    /// Returns whether the device is known to have the image still that was declared. A device that was reset has none.
    fn has_image(&mut self) -> bool {
        let mut data = [0; MAX_DATA];
        if !self.fetch(Command::IndirectFifoCtrl, &mut data) {
            return false;
        }
        self.vanished |= word(&data, 2) != self.image_words;
        !self.vanished
    }

    /// Writes the next block. Returns `false` when there is a reason not to.
    fn offer_block(&mut self) -> bool {
        if !self.has_image() {
            return false;
        }
        if self.write_index.is_none() {
            let mut data = [0; MAX_DATA];
            if !self.fetch(Command::IndirectFifoStatus, &mut data) {
                return false;
            }
            self.write_index = Some(word(&data, 4));
        }
        self.start_write(Command::IndirectFifoData);
        let block = self.burst.next(self.bus.max_block() & !3);
        let octets = block.len();
        let outcome = match self.bus.write(Command::IndirectFifoData, block) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.note(Command::IndirectFifoData, error)),
        };
        self.offer = Some(Offer { octets, outcome });
        true
    }

    /// Finds out whether the device took the block that was written.
    fn judge(&mut self) -> Verdict {
        const COMMAND: Command = Command::IndirectFifoData;
        let Some(offer) = self.offer else {
            return Verdict::Open;
        };
        if let Err(fault @ BusFault::NoAcknowledge { address: true, .. }) = offer.outcome {
            return Verdict::Lost(fault);
        }
        let mut data = [0; MAX_DATA];
        if !self.fetch(Command::DeviceStatus, &mut data) {
            return Verdict::Open;
        }
        let words = u32::try_from(offer.octets.div_ceil(4)).unwrap_or(u32::MAX);
        let last = words == self.words_left;
        if self.device_status == device_status::RECOVERY_PENDING && last && self.write_error == 0 {
            // The device has counted all words, and its FIFO can no longer be looked at.
            return self.take(offer, words);
        }
        if self.device_status != device_status::RECOVERY_MODE {
            self.vanished = true;
            return Verdict::Open;
        }
        // A block that was taken may have led the device out of recovery mode since.
        if !self.fetch(Command::IndirectFifoStatus, &mut data) {
            return Verdict::Open;
        }
        let index = word(&data, 4);
        let before = self.write_index.unwrap_or(index);
        let moved = distance(before, index, self.fifo_size);
        let empty = FifoStatus0(word(&data, 0)).is_empty();
        let clean = self.write_error == 0 && (offer.outcome.is_ok() || !self.status_lost);
        let comes_round = distance(0, words, self.fifo_size) == 0;
        // The index alone does not tell whether the device took a block that is as long as the FIFO.
        let unmoved = moved == 0 && (!comes_round || empty);
        let all = moved == distance(0, words, self.fifo_size) && !unmoved;
        if all && clean {
            self.write_index = Some(index);
            return self.take(offer, words);
        }
        if unmoved {
            // A block as long as the FIFO may have been taken and drained since. If that is wrong, the device misses the words at
            // the end of the image and never says that it holds it.
            let drained = comes_round && self.write_error == 0;
            match offer.outcome {
                Ok(()) if drained => return self.take(offer, words),
                Err(BusFault::Transfer { .. }) if drained => {}
                Err(_) if drained && self.status_lost => {}
                outcome => return Verdict::Lost(self.blame(COMMAND, outcome)),
            }
        }
        let narrow = |words| u16::try_from(words).unwrap_or(u16::MAX);
        self.doubt = Some(BusFault::InDoubt {
            sent: narrow(words),
            taken: narrow(if all { words } else { moved }),
        });
        Verdict::Open
    }

    fn take(&mut self, offer: Offer, words: u32) -> Verdict {
        self.offer = None;
        self.burst.taken(offer.octets);
        self.words_left = self.words_left.saturating_sub(words);
        Verdict::Taken
    }

    /// Writes the activation until the device shows that it has it.
    fn pursue_activation(&mut self) {
        let mut outcome = Ok(());
        for attempt in 0..=TRIES {
            if self.activation == Activation::Written {
                match self.activated() {
                    Some(true) => self.activation = Activation::No,
                    Some(false) => {}
                    None => return,
                }
            }
            if self.activation == Activation::No {
                return;
            }
            if attempt != TRIES {
                self.activation = Activation::Written;
                let octets = [0, MEMORY_WINDOW, RecoveryCtrl::ACTIVATE];
                outcome = self.put(Command::RecoveryCtrl, &octets);
            }
        }
        let fault = self.blame(Command::RecoveryCtrl, outcome);
        self.fault.get_or_insert(fault);
    }

    /// Returns whether the device has the activation, or has gone on since. `None`: the bus fails.
    fn activated(&mut self) -> Option<bool> {
        let mut data = [0; MAX_DATA];
        let mut fetched = |command| self.fetch(command, &mut data).then(|| word(&data, 0));
        let ctrl = RecoveryCtrl(fetched(Command::RecoveryCtrl)?);
        let device = fetched(Command::DeviceStatus)? as u8;
        let status = RecoveryStatus(fetched(Command::RecoveryStatus)?);
        Some(
            ctrl.activation_pending()
                || device != device_status::RECOVERY_PENDING
                || status.status() != recovery_status::AWAITING,
        )
    }

    /// Reads the register at `register` from the start of the recovery interface.
    fn read_recovery(&mut self, register: u32) -> u32 {
        self.work();
        if register == recovery::INDIRECT_FIFO_STATUS_0 && self.burst.leaving {
            return 0;
        }
        let Some(part) = Command::of_register(register) else {
            return 0;
        };
        let mut data = [0; MAX_DATA];
        if !self.fetch(part.command, &mut data) {
            return 0;
        }
        let value = word(&data, usize::from(part.first));
        let value = match part.len {
            4 => value,
            len => value & !(u32::MAX << (8 * u32::from(len))),
        };
        match register {
            recovery::DEVICE_STATUS_0 => match self.unseen.take() {
                Some((command, protocol_error)) => {
                    self.shown = Some(command);
                    value & 0xFFFF_00FF | u32::from(protocol_error) << 8
                }
                None => value,
            },
            recovery::INDIRECT_FIFO_STATUS_4 => {
                let words = value.min((BURST / 4) as u32);
                self.burst_len = (words.min(self.fifo_size) as usize).saturating_mul(4);
                words
            }
            _ => value,
        }
    }

    /// Takes words of the image. A burst that is whole goes to the device.
    fn stage(&mut self, words: &[[u8; 4]]) {
        self.burst.push(words.as_flattened());
        if self.burst.len() >= self.burst_len.max(4) {
            self.burst.leaving = true;
            self.work();
        }
    }
}

impl<B: CommandBus> RegisterBus for CommandRegisters<B> {
    fn read32(&mut self, offset: u32) -> u32 {
        if offset != Self::MAP.rec_intf_cfg() {
            return self.read_recovery(offset.wrapping_sub(Self::MAP.recovery));
        }
        let open = self.image_words != 0 && self.device_status == device_status::RECOVERY_MODE;
        if open && !self.vanished {
            self.has_image();
        }
        match self.vanished {
            true => 0,
            false => self.interface,
        }
    }

    fn write32(&mut self, offset: u32, value: u32) {
        let map = Self::MAP;
        if offset == map.tx_data_port() {
            self.stage(&[value.to_le_bytes()]);
        } else if offset == map.rec_intf_cfg() {
            self.interface = value;
            if RecIntfCfg(value).payload_done() {
                self.burst.leaving = self.burst.len() != 0;
                self.work();
            } else {
                self.forget_image();
            }
        } else if offset == map.recovery + recovery::INDIRECT_FIFO_CTRL_1 {
            self.declare(value);
        } else if offset == map.w1c_access() {
            match value {
                w1c_access::ACTIVATE => {
                    self.activation = Activation::Due;
                    self.work();
                }
                // The device sees nothing of an image before a whole burst goes out, and the next declaration resets its
                // FIFO.
                _ => self.burst.clear(),
            }
        }
    }

    fn write_repeated(&mut self, _port: u32, words: &[[u8; 4]]) {
        self.stage(words);
    }

    fn can_fail(&self) -> bool {
        true
    }

    fn take_fault(&mut self) -> Option<BusFault> {
        self.doubt.or(self.fault.take())
    }

    fn has_fault(&self) -> bool {
        self.doubt.is_some() || self.fault.is_some()
    }

    fn protocol_error_command(&self) -> Option<Command> {
        self.shown
    }

    /// Forgets what has not gone to the device yet: the next access sends nothing more of the image.
    fn give_up(&mut self) {
        self.burst.clear();
        self.offer = None;
        self.activation = Activation::No;
    }
}
