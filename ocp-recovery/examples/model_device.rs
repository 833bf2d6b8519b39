//! Delivers three images to an emulated Caliptra device: the recovery agent on a register model, in virtual time.
//!
//! `cargo run -p ocp-recovery --example model_device`

use netboot_core::{Duration, Instant};
use ocp_recovery::{AgentConfig, AgentEvent, ImageSink, RecoveryAgent, RecoveryError};
use ocp_recovery::{CoreVersion, RegisterBus};
use recovery_model::{DeviceConfig, ExpectedImage, ModelBus, Personality, RecoveryModel};
use std::cell::{Cell, RefCell};

fn main() -> Result<(), RecoveryError> {
    let images = [vec![0x11; 4_000], vec![0x22; 30_696], vec![0x33; 117_248]];
    let expected = images.each_ref().map(|image| ExpectedImage::of(image));
    let config = DeviceConfig::new(CoreVersion::V1p5, Personality::Rom2_1_2, &expected);
    let model = RefCell::new(RecoveryModel::new(config, Instant::ZERO));
    let clock = Cell::new(Instant::ZERO);
    // A ROM has `ocp_recovery::MmioBus` here.
    let bus = ModelBus::new(&model, &clock);
    let mut agent = RecoveryAgent::new(bus, AgentConfig::default(), clock.get())?;

    loop {
        match agent.poll(clock.get())? {
            AgentEvent::ImageRequested { index } => {
                println!("{} the device requests image {index}", clock.get());
                deliver(&mut agent, &images[usize::from(index)], &model, &clock)?;
                println!("{} image {index} is activated", clock.get());
            }
            AgentEvent::Waiting | AgentEvent::Verifying { .. } => idle(&model, &clock),
            AgentEvent::Complete => break,
        }
    }
    println!(
        "{} the device booted: {:?}",
        clock.get(),
        model.borrow().outcome()
    );
    for (index, image) in model.borrow().images()[..images.len()].iter().enumerate() {
        println!(
            "image {index}: {} octets, verified: {}",
            image.octets, image.verified
        );
    }
    Ok(())
}

/// Delivers one image and has it activated.
fn deliver<B: RegisterBus>(
    agent: &mut RecoveryAgent<B>,
    image: &[u8],
    model: &RefCell<RecoveryModel>,
    clock: &Cell<Instant>,
) -> Result<(), RecoveryError> {
    agent.begin(clock.get(), image.len() as u64)?;
    let mut rest = image;
    while !rest.is_empty() {
        // The window is what the FIFO takes now. A real port polls its network while the window is 0.
        let window = agent.window(clock.get())?;
        if window == 0 {
            idle(model, clock);
            continue;
        }
        let (now, later) = rest.split_at(window.min(rest.len()));
        agent.write(clock.get(), now)?;
        rest = later;
    }
    agent.end(clock.get())?;
    while !agent.poll_ready(clock.get())? {
        idle(model, clock);
    }
    // Only after everything known about the image was checked: size, digest, policy.
    agent.activate(clock.get())
}

/// Moves the clock to the model's next action, or by 5 ms if the model waits.
fn idle(model: &RefCell<RecoveryModel>, clock: &Cell<Instant>) {
    let next = model.borrow().next_event();
    let later = clock.get() + Duration::from_millis(5);
    clock.set(next.unwrap_or(later).max(clock.get()));
    model.borrow_mut().tick(clock.get());
}
