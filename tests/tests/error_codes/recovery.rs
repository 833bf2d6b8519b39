//! The errors of the recovery agent.

use super::Row;
use super::lists::{list, same};
use ocp_recovery::command::Command;
use ocp_recovery::error::WaitFor;
use ocp_recovery::{BusFault, Reason, RecoveryError};

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    use BusFault as F;
    use RecoveryError as E;
    let (device_status, recovery_status) = (0x03, 0x11);
    let timeout = |wait| E::Timeout {
        wait,
        index: 1,
        device_status,
        recovery_status,
    };
    list!(rows, RecoveryError, "RecoveryError", same,
        E::ExtCapsPointer { .. } => E::ExtCapsPointer { offset: 0x80 }, "ExtCapsPointer",
            "Correct the base address of the I3C core's registers in the integration.";
        E::ExtCapLength { .. } => E::ExtCapLength { id: 0xC4, offset: 0x1C0, dwords: 0 }, "ExtCapLength",
            "Correct the base address, or use a core version that the driver knows.";
        E::ExtCapRepeated { .. } => E::ExtCapRepeated { id: 0xC4, offset: 0x1C0 }, "ExtCapRepeated",
            "Correct the base address, or use a core version that the driver knows.";
        E::ExtCapMissing { .. } => E::ExtCapMissing { id: 0xC0 }, "ExtCapMissing",
            "The I3C core is built without the recovery interface: change its configuration.";
        E::ExtCapsEndless => E::ExtCapsEndless, "ExtCapsEndless",
            "Correct the base address: the registers read as something else.";
        E::BadMagic { .. } => E::BadMagic { found: [0, 0] }, "BadMagic",
            "See that the I3C core is out of reset and clocked, and the base address is right.";
        E::BypassRefused { .. } => E::BypassRefused { config: 0 }, "BypassRefused",
            "The core has no AXI bypass: images must then come over I3C, or another core version is needed.";
        E::VersionUnsupported { .. } => E::VersionUnsupported { major: 2, minor: 0 }, "VersionUnsupported",
            "Update this ROM: the device speaks a newer recovery protocol.";
        E::CapabilityMissing { .. } => E::CapabilityMissing { capabilities: 0x10 }, "CapabilityMissing",
            "The device's firmware does not take pushed images: check its version and its boot straps.";
        E::FifoGeometry { .. } => E::FifoGeometry { fifo_size: 64, max_transfer: 0 }, "FifoGeometry",
            "The device announces an unusable FIFO: see that its firmware has set it up, and reset it.";
        E::PayloadDoneStuck { .. } => E::PayloadDoneStuck { config: 3 }, "PayloadDoneStuck",
            "Reset the device and the I3C core; if it comes again, the core's bypass is broken.";
        E::NotRequested => E::NotRequested, "NotRequested",
            "A defect of the caller: an image may only be begun when the device asks.";
        E::RequestWithdrawn { .. } => E::RequestWithdrawn { index: 0 }, "RequestWithdrawn",
            "See whether the device was reset, or somebody else feeds it.";
        E::AlreadyOpen { .. } => E::AlreadyOpen { index: 0 }, "AlreadyOpen",
            "A defect of the caller: end or abort the open image first.";
        E::NotOpen => E::NotOpen, "NotOpen",
            "A defect of the caller: begin an image first.";
        E::SizeUnsupported { .. } => E::SizeUnsupported { size: 0 }, "SizeUnsupported",
            "The file on the server is empty, or larger than 16 GiB: put the right one there.";
        E::WindowExceeded { .. } => E::WindowExceeded { window: 256, given: 300 }, "WindowExceeded",
            "A defect of the caller: write no more than the window.";
        E::SizeExceeded { .. } => E::SizeExceeded { remaining: 4, given: 5 }, "SizeExceeded",
            "A defect of the caller: write no more than the declared size.";
        E::ShortImage { .. } => E::ShortImage { missing: 7 }, "ShortImage",
            "A defect of the caller: write all of the image before its end.";
        E::NotReady => E::NotReady, "NotReady",
            "A defect of the caller: activate only when the device holds the image.";
        E::DeviceRefused { .. } => E::DeviceRefused {
                index: 0,
                device_status: 0x0E,
                recovery_status: 0x0D,
                reason: Some(Reason(0x85)),
            }, "DeviceRefused",
            "Read the reason: a digest, signature, key, layout or version that is wrong means the wrong file, or one for another owner, and blames the server; hardware and self-test blame the device.";
        E::DeviceLeft { .. } => E::DeviceLeft { index: 0, device_status: 0, recovery_status: 0 }, "DeviceLeft",
            "The device was reset in the middle of an image: look at its power, its watchdog and who can reset it; then boot again.";
        E::ResetRequired { .. } => E::ResetRequired { index: 1, octets: 8_000 }, "ResetRequired",
            "Reset the device and its I3C core, by the platform's hook or by hand, and boot again; the attempt before says why the image was given up.";
        E::Bus(_) => E::Bus(BusFault::OtherDevice), "Bus", "";
        E::Timeout { .. } => timeout(WaitFor::Capabilities), "Timeout(Capabilities)",
            "The device's ROM does not run, or does not boot from the network: check reset, clocks and boot straps.";
    );
    let command = Command::DeviceStatus;
    list!(rows, BusFault, "RecoveryError", E::Bus,
        F::NoAcknowledge { .. } => F::NoAcknowledge { command, address: true }, "Bus(NoAcknowledge)",
            "Look at the device's address, its power and its reset, and at the pull-ups of the bus.";
        F::ArbitrationLost { .. } => F::ArbitrationLost { command }, "Bus(ArbitrationLost)",
            "Another controller keeps the bus busy: let it pause during a boot, or give the device a bus of its own.";
        F::Transfer { .. } => F::Transfer { command }, "Bus(Transfer)",
            "Look at the controller's driver and at the lines of the bus: a line may be held low.";
        F::PacketErrorCode { .. } => F::PacketErrorCode { command: Command::IndirectFifoData }, "Bus(PacketErrorCode)",
            "Octets change on the bus: lower its clock, look at pull-ups and crosstalk; if each transfer fails, the framing may be the wrong one.";
        F::Length { .. } => F::Length { command, found: 3 }, "Bus(Length)",
            "The device's firmware breaks OCP recovery, or the framing is the wrong one: SMBus has a length of one octet, I3C of two.";
        F::Refused { .. } => F::Refused { command: Command::IndirectFifoCtrl, protocol_error: 2 }, "Bus(Refused)",
            "The device understands the command and does not do it: 1 is a command that it lacks or does not serve now, 2 a parameter, 3 a length; see that it takes images by its FIFO.";
        F::NotTaken { .. } => F::NotTaken { command: Command::IndirectFifoCtrl }, "Bus(NotTaken)",
            "The device acknowledges the command and forgets it: see its firmware, and that nobody else writes to it.";
        F::InDoubt { .. } => F::InDoubt { sent: 63, taken: 31 }, "Bus(InDoubt)",
            "Reset the device and its I3C core, and boot again; if it comes again, the device keeps damaged blocks, or somebody else writes to its FIFO.";
        F::OtherDevice => F::OtherDevice, "Bus(OtherDevice)",
            "Correct the device's address: another device answers there.";
    );
    list!(rows, WaitFor, "RecoveryError", same,
        WaitFor::Capabilities => timeout(WaitFor::Capabilities), "first", "";
        WaitFor::ImageRequest => timeout(WaitFor::ImageRequest), "Timeout(ImageRequest)",
            "The device runs and asks for nothing: read CPTRA_FW_ERROR_FATAL, where 0x0105000C is its watchdog, which CPTRA_WDT_CFG sets; then reset it.";
        WaitFor::Drain => timeout(WaitFor::Drain), "Timeout(Drain)",
            "The device stopped reading in the middle of an image: look at its own log, and at its watchdog, which has to outlast the download (CPTRA_WDT_CFG); when it is the start of image 1, the firmware in image 0 may not have started; then reset it.";
        WaitFor::Pending => timeout(WaitFor::Pending), "Timeout(Pending)",
            "The device has the image and does not say so: look at its own log and its watchdog, then reset it.";
        WaitFor::Verification => timeout(WaitFor::Verification), "Timeout(Verification)",
            "The device verifies for too long, or the image it runs does not ask for the next one: look at its own log and its watchdog.";
    );
    rows.retain(|row| !row.advice.is_empty());
    rows
}
