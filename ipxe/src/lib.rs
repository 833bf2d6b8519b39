//! The iPXE-style command interface of the network boot library.
#![cfg_attr(not(test), no_std)]
