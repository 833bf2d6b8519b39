//! The address of an image.
