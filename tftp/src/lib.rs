//! TFTP client, sans-IO: RFC 1350, 2347, 2348, 2349 and 7440.
#![cfg_attr(not(test), no_std)]
