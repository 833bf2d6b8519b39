//! OCP Secure Firmware Recovery: registers, driver and recovery agent.
#![cfg_attr(not(test), no_std)]
