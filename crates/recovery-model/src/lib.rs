//! The emulated Caliptra side: recovery registers and a device behind them.
#![cfg_attr(not(test), no_std)]
