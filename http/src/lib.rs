//! HTTP/1.1 client, sans-IO: RFC 9110 and 9112.
#![cfg_attr(not(test), no_std)]
