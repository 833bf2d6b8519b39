//! DHCPv4 client for network boot, sans-IO.
#![cfg_attr(not(test), no_std)]
