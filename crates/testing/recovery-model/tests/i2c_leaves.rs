//! A device that leaves recovery mode while commands are sent to it: it no longer serves the commands of the FIFO, and the bus is well.

mod common;

use common::wire::{FRAMINGS, agent, device, images};
use common::{World, image};
use netboot_core::{AbortReason, Duration, ImageSink, Instant};
use ocp_recovery::command::{Command, MAX_DATA};
use ocp_recovery::commands::{BusFault, CommandBus};
use ocp_recovery::fields::{MAGIC, device_status};
use ocp_recovery::{AgentConfig, AgentEvent, AgentState, CommandAgent, RecoveryError, WaitFor};
use recovery_model::DeviceConfig;
use recovery_model::i2c::{Attempt, Fault};
use std::cell::Cell;

/// A device that takes 10 s to start up again after a reset, which is longer than a bus may fail.
fn slow_start(images: &[Vec<u8>]) -> DeviceConfig {
    DeviceConfig {
        startup: Duration::from_secs(10),
        ..device(images)
    }
}

fn no_faults(_: Attempt) -> Option<Fault> {
    None
}

#[test]
fn a_reset_in_mid_image_is_not_taken_for_a_fault_of_the_bus() {
    for framing in FRAMINGS {
        for written in [0, 100, 256, 300, 700, 1_020] {
            let images = images();
            let world = World::new(slow_start(&images));
            let mut agent = agent(&world, framing, no_faults);
            world.next_event(&mut agent).unwrap();
            agent.begin(world.now(), 1_024).unwrap();
            world
                .write(&mut agent, &images[0][..written], || 64)
                .unwrap();
            world.model.borrow_mut().reset();
            let reset = world.now();
            let result = world.write(&mut agent, &images[0][written..], || 64);
            let left = RecoveryError::DeviceLeft {
                index: 0,
                device_status: device_status::PENDING,
                recovery_status: 0,
            };
            assert_eq!(result, Err(left), "{framing:?} {written}");
            let taken = world.now().since(reset);
            assert!(taken < Duration::from_millis(200), "{taken}");
            agent.device_was_reset(world.now()).unwrap();
            assert_eq!(world.boot(&mut agent, &images), Ok(vec![0, 1, 2]));
        }
    }
}

/// The device is reset before each command of a boot in turn.
#[test]
fn a_reset_at_any_command_is_not_taken_for_a_fault_of_the_bus() {
    for framing in FRAMINGS {
        let (mut at, mut left, mut withdrawn) = (0, 0, 0);
        loop {
            let images = [(1, 520), (2, 40), (3, 8)].map(|(seed, size)| image(seed, size));
            let mut world = World::new(slow_start(&images));
            world.poll = Some(Duration::from_millis(100));
            let happened = Cell::new(false);
            let mut agent = agent(&world, framing, |attempt: Attempt| {
                if attempt.number == at {
                    world.model.borrow_mut().reset();
                    happened.set(true);
                }
                None
            });
            let result = world.boot(&mut agent, &images);
            match result {
                Err(RecoveryError::DeviceLeft { .. }) => left += 1,
                Err(RecoveryError::RequestWithdrawn { .. }) => withdrawn += 1,
                // The device asks for its first image again while nothing of one is open.
                Ok(_) => {}
                // The fresh device has the activation that was meant for the image that it lost.
                Err(RecoveryError::Timeout {
                    wait: WaitFor::Verification,
                    ..
                }) => {}
                Err(error) => panic!("{framing:?} {at}: {error}"),
            }
            drop(agent);
            if !happened.get() {
                break;
            }
            at += 1;
        }
        assert!(
            at > 100 && left > 50 && withdrawn > 5,
            "{at} {left} {withdrawn}"
        );
    }
}

/// A device that says of itself what a test wants.
struct Says {
    /// PROT_CAP; `None` fails.
    prot_cap: Option<[u8; 15]>,
    /// DEVICE_STATUS octets 0, 2 and 3.
    status: [u8; 3],
    recovery_status: u8,
    /// Octets 2..6 of INDIRECT_FIFO_CTRL.
    size: [u8; 4],
}

impl Says {
    fn new() -> Self {
        Self {
            prot_cap: Some(*b"OCP RECV\x01\x01\xB1\x1A\0\0\0"),
            status: [device_status::RECOVERY_MODE, 0x12, 0],
            recovery_status: 1,
            size: [0; 4],
        }
    }
}

impl CommandBus for Says {
    type Error = ();

    fn read(&mut self, command: Command, out: &mut [u8; MAX_DATA]) -> Result<usize, ()> {
        let recovery = self.status[0] == device_status::RECOVERY_MODE;
        if command.code() > 39 && !recovery {
            return Err(());
        }
        out.fill(0);
        match command {
            Command::ProtCap => out[..15].copy_from_slice(&self.prot_cap.ok_or(())?),
            Command::DeviceStatus => {
                [out[0], out[2], out[3]] = self.status;
            }
            Command::RecoveryStatus => out[0] = self.recovery_status,
            Command::IndirectFifoCtrl => out[2..6].copy_from_slice(&self.size),
            Command::IndirectFifoStatus => {
                out[0] = 1;
                (out[12], out[16]) = (64, 64);
            }
            _ => {}
        }
        Ok(usize::from(command.lengths().0))
    }

    fn write(&mut self, command: Command, data: &[u8]) -> Result<(), ()> {
        if let (Command::IndirectFifoCtrl, [_, _, size @ ..]) = (command, data) {
            self.size.copy_from_slice(size);
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

fn over(device: &mut Says) -> CommandAgent<&mut Says> {
    CommandAgent::over_commands(device, AgentConfig::default(), Instant::ZERO).unwrap()
}

/// The device behind an agent.
fn says<'a>(agent: &'a mut CommandAgent<&mut Says>) -> &'a mut Says {
    agent.bus_mut().bus_mut()
}

#[test]
fn a_device_that_fails_in_mid_image_is_asked_for_its_reason() {
    let at = Instant::from_millis;
    for in_burst in [false, true] {
        let mut device = Says::new();
        let mut agent = over(&mut device);
        let requested = Ok(AgentEvent::ImageRequested { index: 0 });
        assert_eq!(agent.poll(at(1)), requested);
        agent.begin(at(1), 1_000).unwrap();
        assert_eq!(agent.window(at(1)), Ok(256));
        if in_burst {
            agent.write(at(1), &[1; 8]).unwrap();
        }
        says(&mut agent).status = [device_status::BOOT_FAILURE, 0x06, 0];
        says(&mut agent).recovery_status = 0x0D;
        let result = match in_burst {
            true => agent.write(at(2), &[1; 8]),
            false => agent.window(at(2)).map(|_| ()),
        };
        let Err(RecoveryError::DeviceRefused {
            index: 0, reason, ..
        }) = result
        else {
            panic!("{result:?}");
        };
        assert_eq!(reason.map(|reason| reason.0), Some(6));
    }
}

#[test]
fn another_device_is_named_whatever_its_octets_mean() {
    // Version 2.9, no capability, and a version of 1.1 with all of them.
    for version in [[2, 9, 0, 0], [1, 1, 0, 0], [1, 1, 0xB1, 0x1A]] {
        let mut prot_cap = *b"MCTP DEV\0\0\0\0\0\0\0";
        prot_cap[8..12].copy_from_slice(&version);
        let mut device = Says {
            prot_cap: Some(prot_cap),
            ..Says::new()
        };
        let mut agent = over(&mut device);
        let other = Err(RecoveryError::Bus(BusFault::OtherDevice));
        assert_eq!(agent.poll(Instant::from_millis(1)), other, "{version:?}");
    }
    assert_eq!(MAGIC.map(u32::to_le_bytes).concat(), b"OCP RECV");
}

#[test]
fn capabilities_that_cannot_be_read_are_a_fault_of_the_bus_at_the_deadline() {
    let mut device = Says {
        prot_cap: None,
        ..Says::new()
    };
    let mut agent = over(&mut device);
    let deadline = Instant::ZERO + AgentConfig::default().request_timeout;
    for millis in [1, 2_500, 29_999] {
        let now = Instant::from_millis(millis);
        assert_eq!(agent.poll(now), Ok(AgentEvent::Waiting), "{millis}");
        assert_eq!(agent.poll_timeout(), Some(deadline));
    }
    let fault = BusFault::Transfer {
        command: Command::ProtCap,
    };
    assert_eq!(agent.poll(deadline), Err(RecoveryError::Bus(fault)));
    // The device is heard after all.
    says(&mut agent).prot_cap = Says::new().prot_cap;
    let requested = Ok(AgentEvent::ImageRequested { index: 0 });
    assert_eq!(agent.poll(deadline), requested);
}

#[test]
fn nothing_of_an_image_is_sent_after_it_was_given_up() {
    for framing in FRAMINGS {
        let images = images();
        let world = World::new(device(&images));
        let silent = Cell::new(false);
        let mut agent = agent(&world, framing, |attempt: Attempt| {
            (silent.get() && attempt.code == 47).then_some(Fault::NoAddress)
        });
        world.next_event(&mut agent).unwrap();
        agent.begin(world.now(), 1_024).unwrap();
        world.write(&mut agent, &images[0][..256], || 256).unwrap();
        while agent.window(world.now()).unwrap() == 0 {
            world.idle();
        }
        // The second burst stays on this side.
        silent.set(true);
        agent.write(world.now(), &images[0][256..512]).unwrap();
        agent.abort(world.now(), AbortReason::Cancelled);
        assert_eq!(agent.state(), AgentState::Stuck { index: 0 });
        silent.set(false);
        for _ in 0..5 {
            world.idle();
            let result = agent.poll(world.now());
            let stuck = matches!(result, Err(RecoveryError::ResetRequired { index: 0, .. }));
            assert!(stuck || result == Ok(AgentEvent::Waiting), "{result:?}");
        }
        assert_eq!(world.model.borrow().progress().received, 256);
        world.reset_device(&mut agent);
        assert_eq!(world.boot(&mut agent, &images), Ok(vec![0, 1, 2]));
    }
}
