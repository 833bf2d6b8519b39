//! What registers over a bus that fails tell of it.

use super::bus::CommandBus;
use super::registers::CommandRegisters;
use crate::bus::RegisterBus;
use crate::command::{Command, MAX_DATA};
use crate::fault::BusFault;
use crate::fields::{RecIntfCfg, device_status};
use crate::map::{RegisterMap, recovery};

/// A bus whose transfers all fail; the errors are numbered.
struct Broken(u32);

impl CommandBus for Broken {
    type Error = u32;

    fn read(&mut self, _: Command, _: &mut [u8; MAX_DATA]) -> Result<usize, u32> {
        self.0 += 1;
        Err(self.0)
    }

    fn write(&mut self, _: Command, _: &[u8]) -> Result<(), u32> {
        self.0 += 1;
        Err(self.0)
    }

    fn max_block(&self) -> usize {
        252
    }

    fn fault(&self, command: Command, _: u32) -> BusFault {
        BusFault::Transfer { command }
    }
}

#[test]
fn the_last_error_and_the_number_of_repeats_are_told() {
    let mut registers = CommandRegisters::new(Broken(0));
    assert_eq!((registers.last_error(), registers.repeats()), (None, 0));
    assert!(!registers.has_fault());
    let offset = CommandRegisters::<Broken>::MAP.recovery + recovery::DEVICE_STATUS_0;
    assert_eq!(registers.read32(offset), 0);
    // Four tries, and no further access until the fault was taken.
    assert_eq!((registers.last_error(), registers.repeats()), (Some(4), 4));
    assert!(registers.has_fault());
    assert_eq!(registers.read32(offset), 0);
    assert_eq!(registers.bus_mut().0, 4);
    let command = Command::DeviceStatus;
    assert_eq!(registers.take_fault(), Some(BusFault::Transfer { command }));
    assert!(!registers.has_fault() && registers.take_fault().is_none());
    assert_eq!(registers.last_error(), Some(4));
    registers.read32(offset);
    assert_eq!((registers.last_error(), registers.repeats()), (Some(8), 8));
}

/// What the bus does with the next block of the FIFO.
#[derive(Clone, Copy, PartialEq)]
enum Block {
    /// The device takes these words of it.
    Words(u32),
    /// The device takes these words of it, and the bus says that it failed.
    Failed(u32),
}

/// A device of a few fields, and a bus whose reads fail when they are told to.
struct Desk {
    status: u8,
    words: u32,
    index: u32,
    empty: bool,
    max_transfer: u32,
    /// Whether commands above 39 are served.
    serves: bool,
    /// The read that fails once, the first one of its command after a block.
    fails_after_block: Option<Command>,
    /// The read that fails once.
    fails: Option<Command>,
    /// What happens to the next blocks; the last one is for all that follow.
    blocks: Vec<Block>,
    /// Octets of each block that was written.
    written: Vec<usize>,
}

impl Desk {
    /// Words of the FIFO.
    const FIFO: u32 = 64;

    fn registers(blocks: &[Block]) -> CommandRegisters<Self> {
        CommandRegisters::new(Self {
            status: device_status::RECOVERY_MODE,
            words: 0,
            index: 0,
            empty: true,
            max_transfer: 64,
            serves: true,
            fails_after_block: None,
            fails: None,
            blocks: blocks.to_vec(),
            written: Vec::new(),
        })
    }
}

impl CommandBus for Desk {
    type Error = ();

    fn read(&mut self, command: Command, out: &mut [u8; MAX_DATA]) -> Result<usize, ()> {
        if self.fails == Some(command) {
            self.fails = None;
            return Err(());
        }
        let always = command.code() <= Command::RecoveryStatus.code();
        if !always && !self.serves {
            return Err(());
        }
        out.fill(0);
        let mut put = |at: usize, word: u32| out[at..at + 4].copy_from_slice(&word.to_le_bytes());
        match command {
            Command::DeviceStatus => put(0, self.status.into()),
            Command::IndirectFifoCtrl => put(2, self.words),
            Command::IndirectFifoStatus => {
                put(0, self.empty.into());
                put(4, self.index);
                put(12, Self::FIFO);
                put(16, self.max_transfer);
            }
            _ => {}
        }
        Ok(command.lengths().0.into())
    }

    fn write(&mut self, command: Command, data: &[u8]) -> Result<(), ()> {
        match command {
            Command::IndirectFifoCtrl => {
                self.words = u32::from_le_bytes(data[2..6].try_into().unwrap());
                self.index = 0;
            }
            Command::IndirectFifoData => {
                self.written.push(data.len());
                self.fails = self.fails_after_block.take();
                let block = match self.blocks.len() {
                    1 => self.blocks[0],
                    _ => self.blocks.remove(0),
                };
                let (Block::Words(taken) | Block::Failed(taken)) = block;
                self.index = (self.index + taken) % Self::FIFO;
                if matches!(block, Block::Failed(_)) {
                    return Err(());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn max_block(&self) -> usize {
        256
    }

    fn fault(&self, command: Command, (): ()) -> BusFault {
        BusFault::Transfer { command }
    }
}

const MAP: RegisterMap = CommandRegisters::<Desk>::MAP;
const PAYLOAD_DONE: u32 = RecIntfCfg::BYPASS | RecIntfCfg::PAYLOAD_DONE;

/// Declares an image of `words` words and writes `sent` of them, the last burst by the end of the payload.
fn send(registers: &mut CommandRegisters<Desk>, words: u32, sent: u32) {
    registers.write32(MAP.rec_intf_cfg(), RecIntfCfg::BYPASS);
    registers.write32(MAP.recovery + recovery::INDIRECT_FIFO_CTRL_1, words);
    for word in 0..sent {
        registers.write32(MAP.tx_data_port(), word);
    }
    registers.write32(MAP.rec_intf_cfg(), PAYLOAD_DONE);
}

fn read(registers: &mut CommandRegisters<Desk>, register: u32) -> u32 {
    registers.read32(MAP.recovery + register)
}

#[test]
fn only_a_lost_device_status_makes_a_failed_block_doubtful() {
    // The device took the block, the bus says that it failed, and then the first look at the FIFO fails too.
    let mut registers = Desk::registers(&[Block::Failed(8)]);
    registers.bus_mut().fails_after_block = Some(Command::IndirectFifoStatus);
    send(&mut registers, 8, 8);
    assert!(!registers.has_fault());
    assert_eq!(registers.bus_mut().written, [32]);
    // The same with a look at the device's status that fails: it may have shown, and cleared, a protocol error.
    let mut registers = Desk::registers(&[Block::Failed(8)]);
    registers.bus_mut().fails_after_block = Some(Command::DeviceStatus);
    send(&mut registers, 16, 8);
    let doubt = BusFault::InDoubt { sent: 8, taken: 8 };
    assert_eq!(registers.take_fault(), Some(doubt));
}

#[test]
fn a_device_that_leaves_with_the_whole_image_has_not_forgotten_it() {
    let mut registers = Desk::registers(&[Block::Words(8)]);
    send(&mut registers, 8, 8);
    assert_eq!(registers.read32(MAP.rec_intf_cfg()), PAYLOAD_DONE);
    registers.bus_mut().status = device_status::RECOVERY_PENDING;
    registers.bus_mut().serves = false;
    assert_eq!(read(&mut registers, recovery::INDIRECT_FIFO_STATUS_0), 0);
    assert!(!registers.has_fault());
    assert_eq!(registers.read32(MAP.rec_intf_cfg()), PAYLOAD_DONE);
}

#[test]
fn a_device_that_leaves_early_or_for_another_state_has_lost_the_image() {
    for (words, status) in [
        (16, device_status::RECOVERY_PENDING),
        (8, device_status::RUNNING_RECOVERY),
    ] {
        let mut registers = Desk::registers(&[Block::Words(8)]);
        send(&mut registers, words, 8);
        registers.bus_mut().status = status;
        registers.bus_mut().serves = false;
        assert_eq!(read(&mut registers, recovery::INDIRECT_FIFO_STATUS_0), 0);
        assert!(!registers.has_fault());
        assert_eq!(registers.read32(MAP.rec_intf_cfg()), 0, "{words} words");
    }
}

#[test]
fn a_block_that_failed_and_did_not_arrive_is_written_again() {
    let mut registers = Desk::registers(&[Block::Failed(0), Block::Words(8)]);
    send(&mut registers, 8, 8);
    assert!(!registers.has_fault());
    assert_eq!(registers.bus_mut().written, [32, 32]);
    assert_eq!(registers.read32(MAP.rec_intf_cfg()), PAYLOAD_DONE);
}

#[test]
fn a_burst_that_cannot_leave_hides_the_fifo_and_nothing_else() {
    // Half of the block arrived: nobody can go on.
    let mut registers = Desk::registers(&[Block::Words(4)]);
    send(&mut registers, 8, 8);
    assert!(registers.has_fault());
    let status = read(&mut registers, recovery::DEVICE_STATUS_0);
    assert_eq!(status, device_status::RECOVERY_MODE.into());
    // The device shows an empty FIFO, but these words are not in it yet.
    assert_eq!(read(&mut registers, recovery::INDIRECT_FIFO_STATUS_0), 0);
}

#[test]
fn a_burst_is_as_long_as_device_and_memory_allow() {
    for (max_transfer, words) in [(16, 16), (64, 64), (65, 64), (1000, 64)] {
        let mut registers = Desk::registers(&[Block::Words(words)]);
        registers.bus_mut().max_transfer = max_transfer;
        let found = read(&mut registers, recovery::INDIRECT_FIFO_STATUS_4);
        assert_eq!(found, words);
        send(&mut registers, 64, words);
        assert_eq!(registers.bus_mut().written, [words as usize * 4]);
    }
}
