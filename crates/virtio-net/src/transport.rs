//! virtio over MMIO as this driver wants it: not legacy, without RING_EVENT_IDX.
//!
//! With that feature virtio-drivers 0.13 notifies the device after every buffer (`VirtQueue::should_notify` compares
//! positions as if they never wrapped round, and does not look at where the last notification was). Without it the device
//! says by a flag whether it wants to know (virtio 1.2, section 2.7.10): only when it has run out of buffers.

use virtio_drivers::PhysAddr;
use virtio_drivers::Result;
use virtio_drivers::transport::mmio::{MmioTransport, MmioVersion};
use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// VIRTIO_F_EVENT_IDX (virtio 1.2, section 6).
const EVENT_IDX: u64 = 1 << 29;

/// An MMIO transport of a device that is not legacy and does not offer RING_EVENT_IDX.
pub struct Flagged(MmioTransport<'static>);

impl Flagged {
    /// `None` for a legacy device.
    pub fn new(transport: MmioTransport<'static>) -> Option<Self> {
        (transport.version() == MmioVersion::Modern).then_some(Self(transport))
    }
}

impl Transport for Flagged {
    fn device_type(&self) -> DeviceType {
        self.0.device_type()
    }

    fn read_device_features(&mut self) -> u64 {
        self.0.read_device_features() & !EVENT_IDX
    }

    fn write_driver_features(&mut self, driver_features: u64) {
        self.0.write_driver_features(driver_features);
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        self.0.max_queue_size(queue)
    }

    fn notify(&mut self, queue: u16) {
        self.0.notify(queue);
    }

    fn get_status(&self) -> DeviceStatus {
        self.0.get_status()
    }

    fn set_status(&mut self, status: DeviceStatus) {
        self.0.set_status(status);
    }

    /// Legacy devices have that.
    fn set_guest_page_size(&mut self, _: u32) {}

    fn requires_legacy_layout(&self) -> bool {
        false
    }

    fn queue_set(
        &mut self,
        queue: u16,
        size: u32,
        descriptors: PhysAddr,
        driver_area: PhysAddr,
        device_area: PhysAddr,
    ) {
        self.0
            .queue_set(queue, size, descriptors, driver_area, device_area);
    }

    fn queue_unset(&mut self, queue: u16) {
        self.0.queue_unset(queue);
    }

    fn queue_used(&mut self, queue: u16) -> bool {
        self.0.queue_used(queue)
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        self.0.ack_interrupt()
    }

    fn read_config_generation(&self) -> u32 {
        self.0.read_config_generation()
    }

    fn read_config_space<T: FromBytes + IntoBytes>(&self, offset: usize) -> Result<T> {
        self.0.read_config_space(offset)
    }

    fn write_config_space<T: IntoBytes + Immutable>(
        &mut self,
        offset: usize,
        value: T,
    ) -> Result<()> {
        self.0.write_config_space(offset, value)
    }
}
