//! virtio-net over MMIO (virtio 1.2, section 5.1) as a [`netboot_core::Device`].
//!
//! [`virtio_drivers`] keeps the queues; this crate owns the frame buffers. One RX buffer is one
//! descriptor; after a frame was read, its buffer goes back to the ring *and the device is told*, so
//! a burst longer than the ring loses frames but never the receiver. No octet is copied here.
//!
//! Memory: four pages of queues (two for each, as virtio-drivers lays out a modern queue) in
//! `pool`, and `(RX + TX) * 1,528` octets of frames in [`Buffers`].
#![cfg_attr(not(test), no_std)]

mod device;
mod pool;
mod transport;

pub use device::{Buffers, Stats, VirtioNet, VirtioNetError};

/// The examples of the README, so that they compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
