//! The Network Boot Library: smoltcp, DHCP, TFTP and HTTP behind the iPXE-style interface.
#![cfg_attr(not(test), no_std)]
