//! virtio-net over MMIO as a smoltcp device.
#![cfg_attr(not(test), no_std)]
