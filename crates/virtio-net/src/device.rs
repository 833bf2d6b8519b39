//! The device: which buffer is with whom, and the frames in between.

use crate::pool::PoolHal;
use crate::transport::Flagged;
use core::fmt;
use core::ptr::NonNull;
use netboot_core::{Device, DeviceInfo, FrameSlot, Received, TxSlot};
use virtio_drivers::device::net::VirtIONetRaw;
use virtio_drivers::transport::mmio::{MmioTransport, VirtIOHeader};

/// `virtio_net_hdr` with `num_buffers` (virtio 1.2, section 5.1.6).
const HEADER: usize = 12;
/// Ethernet header and 1,500 octets of payload.
const FRAME: usize = 1514;
/// Two octets, header, frame.
const BUFFER: usize = 1528;
/// Octets left free at the start of a receive buffer: behind 12 of header and 14 of Ethernet, IP is on a word.
const SKEW: usize = 2;
/// The virtio register window of QEMU's `virt` machine.
const MMIO_SIZE: usize = 0x200;

/// Frame memory: `RX` receive and `TX` transmit buffers. To be placed in a static.
#[repr(C, align(4))]
pub struct Buffers<const RX: usize, const TX: usize> {
    rx: [[u8; BUFFER]; RX],
    tx: [[u8; BUFFER]; TX],
}

impl<const RX: usize, const TX: usize> Buffers<RX, TX> {
    /// Zeroed buffers.
    pub const fn new() -> Self {
        Self {
            rx: [[0; BUFFER]; RX],
            tx: [[0; BUFFER]; TX],
        }
    }
}

impl<const RX: usize, const TX: usize> Default for Buffers<RX, TX> {
    fn default() -> Self {
        Self::new()
    }
}

/// Why there is no device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VirtioNetError {
    /// No virtio-net device answers at this address.
    NotFound,
    /// The device is a legacy one or refused its set-up, or the queue pages are taken already.
    Setup,
}

impl fmt::Display for VirtioNetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            VirtioNetError::NotFound => "no virtio-net device answers at this address",
            VirtioNetError::Setup => "the virtio-net device is a legacy one or refused its set-up, or the queue pages are taken already",
        })
    }
}

impl core::error::Error for VirtioNetError {}

/// Counts since start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Frames received.
    pub rx_frames: u32,
    /// Frames sent.
    pub tx_frames: u32,
    /// Frames that the device returned broken, or that could not be queued.
    pub errors: u32,
}

/// A received frame: its buffer, and where in it.
#[derive(Clone, Copy)]
struct Frame {
    slot: u8,
    from: u16,
    to: u16,
}

type Raw<const Q: usize> = VirtIONetRaw<PoolHal, Flagged, Q>;

/// A polled virtio-net device with `RX` and `TX` buffers; `Q` is the queue size, a power of two, at
/// least `RX` and `TX`.
pub struct VirtioNet<const Q: usize, const RX: usize, const TX: usize> {
    raw: Raw<Q>,
    rx: &'static mut [[u8; BUFFER]; RX],
    tx: &'static mut [[u8; BUFFER]; TX],
    /// Buffer behind each descriptor of the receive queue.
    rx_slot: [u8; Q],
    /// Descriptor that each transmit buffer is on; `None` when free.
    tx_token: [Option<u16>; TX],
    /// The frame that was handed out by the last `receive`, to be put back at the next one.
    lent: Option<Frame>,
    /// The frames that are kept, by slot. One buffer is always left to the device.
    held: [Option<Frame>; RX],
    stats: Stats,
}

impl<const Q: usize, const RX: usize, const TX: usize> VirtioNet<Q, RX, TX> {
    /// Sets up the device at `base` and fills its receive ring.
    ///
    /// # Errors
    /// [`VirtioNetError::NotFound`] when no network device is there.
    ///
    /// # Safety
    /// `base` must be the address of a virtio MMIO register window that nothing else uses.
    pub unsafe fn new(
        base: usize,
        buffers: &'static mut Buffers<RX, TX>,
    ) -> Result<Self, VirtioNetError> {
        const { assert!(RX <= Q && TX <= Q && RX <= 255) };
        let header = NonNull::new(base as *mut VirtIOHeader).ok_or(VirtioNetError::NotFound)?;
        // SAFETY: the caller promises that the window is a virtio MMIO one and ours.
        let transport = unsafe { MmioTransport::new(header, MMIO_SIZE) }
            .map_err(|_| VirtioNetError::NotFound)?;
        let transport = Flagged::new(transport).ok_or(VirtioNetError::Setup)?;
        let raw = Raw::<Q>::new(transport).map_err(|_| VirtioNetError::Setup)?;
        let mut net = Self {
            raw,
            rx: &mut buffers.rx,
            tx: &mut buffers.tx,
            rx_slot: [0; Q],
            tx_token: [None; TX],
            lent: None,
            held: [None; RX],
            stats: Stats::default(),
        };
        net.raw.disable_interrupts();
        for slot in 0..RX {
            net.refill(slot as u8);
        }
        Ok(net)
    }

    /// Counts since start.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Gives buffer `slot` back to the device, and notifies it if it asked for that: a device that ran out of buffers
    /// would never look again.
    fn refill(&mut self, slot: u8) {
        let buffer = self.rx.get_mut(usize::from(slot));
        let Some(buffer) = buffer.and_then(|buffer| buffer.get_mut(SKEW..)) else {
            return;
        };
        // SAFETY: the buffer is static, and is not touched until `receive_complete` gave it back.
        match unsafe { self.raw.receive_begin(buffer) } {
            Ok(token) => {
                if let Some(entry) = self.rx_slot.get_mut(usize::from(token)) {
                    *entry = slot;
                }
            }
            Err(_) => self.stats.errors += 1,
        }
    }

    /// Takes back transmit buffers that the device has sent.
    fn reap(&mut self) {
        for _ in 0..TX {
            let Some(token) = self.raw.poll_transmit() else {
                return;
            };
            let slot = self.tx_token.iter().position(|t| *t == Some(token));
            let Some((buffer, entry)) =
                slot.and_then(|i| Some((self.tx.get(i)?, self.tx_token.get_mut(i)?)))
            else {
                self.stats.errors += 1;
                return;
            };
            // SAFETY: the same buffer as in `transmit_begin`, found by its token.
            if unsafe { self.raw.transmit_complete(token, buffer) }.is_err() {
                self.stats.errors += 1;
            }
            *entry = None;
        }
    }
}

/// A free transmit buffer of a [`VirtioNet`].
pub struct Slot<'a, const Q: usize> {
    raw: &'a mut Raw<Q>,
    buffer: &'a mut [u8; BUFFER],
    token: &'a mut Option<u16>,
    stats: &'a mut Stats,
}

impl<const Q: usize> TxSlot for Slot<'_, Q> {
    fn send<R>(self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let (header, frame) = self.buffer.split_at_mut(HEADER);
        // No offload, no merge: an all-zero header (virtio 1.2, section 5.1.6.2).
        header.fill(0);
        let len = len.min(FRAME);
        let frame = frame.get_mut(..len).unwrap_or_default();
        let result = fill(frame);
        let sent = self.buffer.get(..HEADER + len).unwrap_or_default();
        // SAFETY: the buffer is static and is not touched until `reap` has its token back.
        match unsafe { self.raw.transmit_begin(sent) } {
            Ok(token) => {
                *self.token = Some(token);
                self.stats.tx_frames += 1;
            }
            Err(_) => self.stats.errors += 1,
        }
        result
    }
}

impl<const Q: usize, const RX: usize, const TX: usize> Device for VirtioNet<Q, RX, TX> {
    type Tx<'a> = Slot<'a, Q>;

    const HELD_FRAMES: usize = RX.saturating_sub(1);

    fn info(&self) -> DeviceInfo {
        DeviceInfo {
            mac: self.raw.mac_address(),
            mtu: FRAME - 14,
            rx_ring: RX,
        }
    }

    /// The device offers no status field (the transport accepts no such feature), so the link counts as up (virtio 1.2, section
    /// 5.1.4).
    fn link_up(&mut self) -> bool {
        true
    }

    /// Without the control queue the device passes all frames on (virtio 1.2, section 5.1.6.5.1).
    fn set_multicast(&mut self, _: &[[u8; 6]]) {}

    fn receive(&mut self) -> Option<Received<'_, Slot<'_, Q>>> {
        if let Some(frame) = self.lent.take() {
            self.refill(frame.slot);
        }
        self.reap();
        let free = self.tx_token.iter().position(Option::is_none)?;
        let token = self.raw.poll_receive()?;
        let slot = *self.rx_slot.get(usize::from(token))?;
        let buffer = self.rx.get_mut(usize::from(slot))?;
        // SAFETY: the same buffer as in `receive_begin`, found by its token.
        let outcome = unsafe { self.raw.receive_complete(token, buffer.get_mut(SKEW..)?) };
        let (header, len) = match outcome {
            Ok(lengths) => lengths,
            Err(_) => {
                self.stats.errors += 1;
                (0, 0)
            }
        };
        let from = SKEW.saturating_add(header);
        let to = from.saturating_add(len).min(BUFFER);
        self.lent = Some(Frame {
            slot,
            from: from as u16,
            to: to as u16,
        });
        if len == 0 {
            return None;
        }
        self.stats.rx_frames += 1;
        let frame = buffer.get(from..to)?;
        let slot = Slot {
            raw: &mut self.raw,
            buffer: self.tx.get_mut(free)?,
            token: self.tx_token.get_mut(free)?,
            stats: &mut self.stats,
        };
        Some(Received {
            frame,
            // No checksum offload was negotiated.
            rx_checksum_verified: false,
            tx: slot,
        })
    }

    fn transmit(&mut self) -> Option<Slot<'_, Q>> {
        self.reap();
        let free = self.tx_token.iter().position(Option::is_none)?;
        Some(Slot {
            raw: &mut self.raw,
            buffer: self.tx.get_mut(free)?,
            token: self.tx_token.get_mut(free)?,
            stats: &mut self.stats,
        })
    }

    fn hold(&mut self) -> Option<FrameSlot> {
        let kept = self.held.iter().flatten().count();
        let at = self.held.iter().position(Option::is_none)?;
        if kept.saturating_add(1) >= RX {
            return None;
        }
        let place = self.held.get_mut(at)?;
        *place = Some(self.lent.take()?);
        Some(FrameSlot(at as u8))
    }

    fn held(&self, slot: &FrameSlot) -> &[u8] {
        let Some(Some(frame)) = self.held.get(usize::from(slot.0)) else {
            return &[];
        };
        let buffer = self.rx.get(usize::from(frame.slot));
        buffer
            .and_then(|buffer| buffer.get(usize::from(frame.from)..usize::from(frame.to)))
            .unwrap_or_default()
    }

    fn release(&mut self, slot: FrameSlot) {
        let place = self.held.get_mut(usize::from(slot.0));
        if let Some(frame) = place.and_then(Option::take) {
            self.refill(frame.slot);
        }
    }
}
