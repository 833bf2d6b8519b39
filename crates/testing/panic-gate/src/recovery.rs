//! `ocp-recovery`: an agent with any device behind its registers, the driver alone, the commands' octets.

use crate::{Input, call, drive, fail, show, take};
use core::hint::black_box;
use ocp_recovery::command::{Command, pec};
use ocp_recovery::commands::{Framing, I2cBus};
use ocp_recovery::layout::{
    DeviceId, DeviceReset, DeviceStatus, HwStatus, IndirectCtrl, IndirectFifoCtrl,
    IndirectFifoStatus, IndirectStatus, Layout, ProtCap, RecoveryCtrl, RecoveryStatus,
};
use ocp_recovery::{
    AgentConfig, CommandAgent, MmioBus, Reason, RecoveryAgent, RecoveryDriver, RegisterBus, WaitFor,
};

/// Calls all of the crate.
pub fn run(input: &mut Input) {
    agent(input, Input::default());
    driver(input, Input::default());
    // SAFETY: the programs of the gate are linked and never run.
    let mmio = unsafe { MmioBus::new(input.word() as usize) };
    agent(input, mmio);
    commands(input);
    octets(input);
}

/// An agent with the deadlines of an unknown configuration.
pub fn agent(input: &mut Input, bus: impl RegisterBus) {
    let Some(mut agent) = fail(RecoveryAgent::new(bus, config(input), input.now())) else {
        return;
    };
    operate(input, &mut agent);
}

/// An agent over I2C, in either framing.
fn commands(input: &mut Input) {
    let framing = black_box(Framing::Smbus);
    let bus = I2cBus::new(Input::default(), input.octet(), framing);
    let made = CommandAgent::over_commands(bus, config(input), input.now());
    let Some(mut agent) = fail(made) else {
        return;
    };
    operate(input, &mut agent);
    let registers = call(&mut agent).bus_mut();
    take((registers.repeats(), registers.last_error()));
    take(registers.bus_mut().i2c_mut());
}

fn operate<B: RegisterBus>(input: &mut Input, agent: &mut RecoveryAgent<B>) {
    while input.flag() {
        let agent = call(agent);
        take(fail(agent.poll(input.now())));
        drive(input, agent);
        take(agent.state());
        take(agent.state().index());
        take(agent.status());
        take(agent.status().recovery_octet());
        take(agent.poll_timeout());
        if input.flag() {
            agent.platform_complete();
        }
        if input.flag() {
            take(fail(agent.device_was_reset(input.now())));
        }
        agent.bus_mut().write32(input.word(), input.word());
    }
}

/// An unknown configuration.
pub fn config(input: &mut Input) -> AgentConfig {
    take(AgentConfig::default());
    AgentConfig {
        last_index: input.octet(),
        settle: input.span(),
        request_timeout: input.span(),
        drain_timeout: input.span(),
        pending_timeout: input.span(),
        verify_timeout: input.span(),
        reason_grace: input.span(),
        bus_timeout: input.span(),
    }
}

fn driver(input: &mut Input, bus: impl RegisterBus) {
    let Some(mut driver) = fail(RecoveryDriver::new(bus)) else {
        return;
    };
    while input.flag() {
        let driver = call(&mut driver);
        take(driver.map().tx_data_port());
        take(driver.prot_cap());
        let status = driver.device_status();
        take((status.status(), status.is_error(), status.reason()));
        take(driver.recovery_status().octet());
        take(driver.recovery_ctrl().activation_pending());
        take(driver.fifo_status().is_empty());
        take(fail(driver.burst_words()));
        take(driver.interface_config().payload_done());
        take(driver.clear_payload_done());
        driver.set_payload_done();
        driver.set_image_size(input.word());
        let words: &[[u8; 4]] = &[];
        driver.write_fifo(black_box(words));
        driver.write_fifo_word(input.word());
        driver.activate();
        driver.reset_fifo();
        driver.bus_mut().write32(input.word(), input.word());
    }
}

fn octets(input: &mut Input) {
    take(pec(input.octet(), input.octets()));
    take(Command::of_register(input.word()));
    if let Some(command) = Command::from_code(input.octet()) {
        take((command.code(), command.lengths(), command.is_writable()));
        take(command.scope());
    }
    let reason = Reason(input.short());
    take((reason.is_failure(), reason.name(), reason.blame()));
    show(&reason);
    take(black_box(WaitFor::Capabilities).as_str());
    layout::<ProtCap>(input);
    layout::<DeviceId>(input);
    layout::<DeviceStatus>(input);
    layout::<DeviceReset>(input);
    layout::<RecoveryCtrl>(input);
    layout::<RecoveryStatus>(input);
    layout::<HwStatus>(input);
    layout::<IndirectCtrl>(input);
    layout::<IndirectStatus>(input);
    layout::<IndirectFifoCtrl>(input);
    layout::<IndirectFifoStatus>(input);
}

fn layout<T: Layout>(input: &mut Input) {
    let mut buffer = [0; 256];
    if let Some((fixed, vendor)) = fail(T::parse(input.octets())) {
        take(fail(fixed.emit(vendor, black_box(&mut buffer[..]))));
        take(fail(fixed.emit(input.octets(), black_box(&mut buffer[..]))));
    }
}
