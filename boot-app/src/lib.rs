//! The boot application: from a device's request to an activated image.
#![cfg_attr(not(test), no_std)]
